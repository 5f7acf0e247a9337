#!/bin/sh
# how long a report of a death takes, what watching costs, how late a leak shows
#
#     bench/death.sh BUILD_DIR [KILLS] [PART...]
#
# Parts, all without: reports watching delay programs.
# Kill to report: a program that holds memory from few or many call stacks is
# killed KILLS times (15); from the signal until weir run has written the report
# and the profiles and has ended. Watching: instructions of budgets by
# callgrind; CPU time of a program that does next to nothing, with Weir's
# history and with a monitor, against the same without Weir. Delay: simulated
# histories (bench/growth/delay.c), then programs that leak (tests/programs/
# _trouble.c), asked once a second.
. "$(dirname "$0")/_lib.sh"

kills=${1:-15}
[ $# -eq 0 ] || shift
load=$build/bench/bench_death

now_ms() {
    echo $(($(date +%s%N) / 1000000))
}

# The least, the middle and the largest of the numbers on stdin.
spread() {
    sort -n | awk '{ a[NR] = $1 }
        END { print a[1], a[int((NR + 1) / 2)], a[NR] }'
}

# Kill a program that holds $1 MiB from $2 stacks, with a sample each $3 bytes.
kill_it() {
    rm -rf "$tmp/out"
    "$weir" run -q --http none --sample "$3" --out "$tmp/out" -- \
        "$load" hold "$2" "$1" >"$tmp/ready" 2>"$tmp/err" &
    run=$!
    until grep -q ready "$tmp/ready"; do sleep 0.05; done
    pid=$(pgrep -P $run -x bench_death)
    begin=$(now_ms)
    kill -9 "$pid"
    wait $run 2>/dev/null
    echo $(($(now_ms) - begin))
    ls "$tmp"/out/*.report.json >/dev/null || echo "bench: no report" >&2
}

reports() {
    echo "kill to report         stacks  samples     least    median      most"
    while read -r name mib stacks rate limit; do
        row=$(for i in $(seq "$kills"); do
            kill_it "$mib" "$stacks" "$rate"
        done | spread)
        set -- $row
        printf '%-20s %8d %8d %6d ms %6d ms %6d ms\n' "$name" "$stacks" \
            $((mib * 1048576 / rate)) "$1" "$2" "$3"
        goal "death-report-$name-ms" "$2" "at most $limit"
    done <<'END'
small 10 10 65536 150
large 1024 4096 65536 500
all-samples 256 16384 4096 1000
END
}

watching() {
    echo
    echo "budgets             instructions      time"
    for kind in alone enter reserve; do
        ns=$(LD_PRELOAD=$lib WEIR=dir=$regions "$load" $kind 1)
        rm -f "$regions"/*
        few=$(counted_under "" "$load" $kind 0.1)
        many=$(counted_under "" "$load" $kind 0.2)
        awk -v k=$kind -v a="$few" -v b="$many" -v ns="$ns" 'BEGIN {
            printf "%-20s %11.1f %6.1f ns\n", k, (b - a) / 1e5, ns }'
        [ $kind = alone ] && alone=$ns
        [ $kind = enter ] && goal budget-enter-leave-ns \
            "$(awk -v a="$alone" -v b="$ns" 'BEGIN { printf "%.1f", b - a }')" \
            "at most 1000"
    done

    echo
    echo "CPU time of a program that allocates ten times a second"
    plain=$("$load" idle 5 0)
    printf '%-20s %6d us a second\n' "without Weir" "$plain"
    while read -r name options interval limit; do
        us=$(LD_PRELOAD=$lib WEIR=dir=$regions$options "$load" idle 5 "$interval")
        rm -f "$regions"/*
        printf '%-20s %6d us a second, %+d\n' "$name" "$us" $((us - plain))
        goal "watching-$name-us-a-second" $((us - plain)) "at most $limit"
    done <<'END'
history , 0 1000
limit ,limit=1GiB 0 1000
monitor-100ms ,limit=1GiB 100 2000
monitor-10ms ,limit=1GiB 10 20000
END
}

delay() {
    echo
    echo "minutes until a leak is called one, median and most of 20 simulated"
    printf '%-12s %-14s' holds leaks
    printf '%21s %21s\n' "from the start" "after an hour"
    for level in 10 100 1000; do
        for rate in 1 4 16 64 256; do
            printf '%5d MiB    %3d MiB a min.' $level $rate
            for onset in 0 3600; do
                set -- $("$build/bench/bench_delay" $level $rate $onset 20)
                printf '  %5s %5s (%5.0f MB)' "$1" "$2" "$3"
                [ "$level $rate" = "100 16" ] &&
                    goal "delay-100-16-$onset-minutes" "$1" "at most 2"
            done
            echo
        done
    done
}

# All at once: how long until weir diagnose says so.
programs() {
    has cc || return
    trouble=$tmp/trouble
    cc -g -O1 -pthread -o "$trouble" "$here/../tests/programs/_trouble.c" -lm
    rates="4 16 64 256"
    mkdir -m 700 "$tmp/weir" # where weir looks
    for rate in $rates; do
        WEIR=dir=$tmp/weir LD_PRELOAD=$lib "$trouble" leak 3600 $rate &
        echo $! >"$tmp/pid.$rate"
        now_ms >"$tmp/begin.$rate"
    done
    echo
    echo "programs that hold 6 MiB and leak, until weir diagnose says so"
    while [ "$rates" ]; do
        left=
        for rate in $rates; do
            pid=$(cat "$tmp/pid.$rate")
            "$weir" diagnose "$pid" >/dev/null 2>&1
            if [ $? != 12 ]; then
                left="$left $rate"
                continue
            fi
            awk -v a="$(cat "$tmp/begin.$rate")" -v b="$(now_ms)" -v r=$rate \
                'BEGIN { printf "%5d MiB a minute %6.1f minutes\n", r,
                    (b - a) / 60000 }'
            kill -9 "$pid"
        done
        rates=$left
        sleep 1
    done
    wait 2>/dev/null
}

[ $# -gt 0 ] || set -- reports watching delay programs
for part; do
    $part
done
goals_met
