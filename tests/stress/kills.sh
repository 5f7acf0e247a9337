#!/bin/sh
# A program that forks, starts threads and loads libraries is killed at random
# moments, KILLS times (argument 2, else 12): each time there is a whole report
# and a profile that can be read, and its sums are what the counters say: but
# for chance (six sigmas, where a sample stands for 16 KiB), and for what a
# thread has not told yet of its span of each size (four threads, some 45 sizes,
# 16 KiB on average).
build=$(cd "$1" && pwd)
kills=${2:-12}
weir=$build/bin/weir prog=$build/tests/prog_churn
command -v jq >/dev/null || { echo "skip: no jq"; exit 77; }
[ -x "$weir" ] && [ -x "$prog" ] || { echo "skip: no weir here"; exit 77; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 2
export XDG_RUNTIME_DIR="$tmp" LC_ALL=C XDG_CACHE_HOME=/dev/null
unset WEIR LD_PRELOAD DEBUGINFOD_URLS
bad=0

# In thousandths of a second, from 1 to 300; printed to repeat.
seed=${WEIR_TEST_SEED:-$(date +%s)}
echo "seed $seed"
moments=$(awk -v n="$kills" -v s="$seed" \
    'BEGIN { srand(s); while (n-- > 0) printf "%.3f\n", 0.001 + rand() * 0.3 }')

for moment in $moments; do
    rm -rf out
    "$weir" run -q --http none --sample 16384 --out out -- "$prog" >under_way \
        2>err.txt &
    run=$!
    sleep "$moment"
    while kill -0 $run 2>/dev/null; do # it may not have started yet
        pkill -9 -P $run -x prog_churn
        sleep 0.02
    done
    wait $run 2>/dev/null
    status=$?
    report=$(ls out/prog_churn.*.report.json 2>/dev/null)
    # Killed before it had a region: nothing can be known.
    [ -z "$report" ] && [ ! -s under_way ] && continue
    verdict=$(jq -r '.end | "\(.how) \(.status) \(.killer)"' $report)
    sums=$(for what in inuse alloc; do
        "$weir" top --json --sample-index ${what}_space \
            "${report%.report.json}.heap.pb.gz" | jq .total
    done; jq '.memory | .allocated_bytes, .total_allocated_bytes' $report)
    if [ $status != 137 ] || [ "$verdict" != "signal 9 someone" ] ||
        [ -s err.txt ] || ! echo $sums | awk '{
            for (i = 1; i <= 2; i++) {
                d = $i - $(i + 2)
                if (d < 0) d = -d
                if (d > 6 * sqrt(16384 * $(i + 2)) + 3e6) bad = 1
            }
            exit bad || NF != 4 }'; then
        echo "FAILED after $moment s: status $status, $verdict, profile in" \
            "use, ever, counters in use, ever:" $sums
        cat err.txt
        bad=$((bad + 1))
    fi
done
pkill -9 -x prog_churn -g 0 2>/dev/null
[ $bad = 0 ]
