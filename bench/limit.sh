#!/bin/sh
# what a soft limit costs, and how far the fastest programs pass it
#
#     bench/limit.sh BUILD_DIR [ROUNDS]
#
# Cost: instructions of a pair of malloc and free without a limit, with one that
# is far, and with one that is passed (the program's 20 MiB and more, in a limit
# of 16), all threads of the program together. Overshoot: the most that a program
# held, in percent of its limit, which is 256 MiB; the highest of some rounds.
. "$(dirname "$0")/_lib.sh"

rounds=${1:-3}
load=$build/bench/bench_limit

under() { # limit command...
    limit=$1
    shift
    LD_PRELOAD=$lib WEIR=dir=$regions,limit=$limit "$@"
    rm -f "$regions"/*
}

echo "instructions a pair    off        far     passed"
for kind in pairs spans; do
    for limit in off 64GiB 16MiB; do
        counted_under "limit=$limit," "$load" $kind 0.2 >"$tmp/count.$limit"
    done
    off=$(cat "$tmp/count.off") far=$(cat "$tmp/count.64GiB")
    awk -v k=$kind -v a="$off" -v b="$far" -v c="$(cat "$tmp/count.16MiB")" \
        'BEGIN { n = 200000; printf "%-15s %10.1f %10.1f %10.1f\n", k, a / n,
            b / n, c / n }'
    goal limit-far-$kind-per-cent "$(per_cent "$off" "$far")" "at most 1"
done

echo
echo "held, of 256 MiB   without      with   percent"
row() { # label without command...
    label=$1
    without=$2
    shift 2
    with=$(for round in $(seq "$rounds"); do under 256MiB "$@"; done |
        sort -n | tail -1)
    share=$(awk -v a="$with" 'BEGIN { printf "%.1f", a / 2.56 }')
    printf '%-15s %10s %9s %9s\n' "$label" "$without" "$with" "$share"
}
row "sizes that shift" "$(under off "$load" shift 3 180)" "$load" shift 3 180
goal limit-shift-per-cent "$share" "at most 100"
for bytes in 8000 64000; do # without a limit they would grow to gigabytes
    row "cache of $bytes" - "$load" cache 3 $bytes
    goal limit-cache-$bytes-per-cent "$share" "at most 115"
done
goals_met
