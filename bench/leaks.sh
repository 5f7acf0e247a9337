#!/bin/sh
# how long a program stands still for a search for leaks, and the search
#
#     bench/leaks.sh BUILD_DIR [ROUNDS]
#
# Heaps of 100 MiB and 1 GiB of 64-byte blocks that point at each other at
# random (bench/lost.c), one block in a thousand lost. Medians, and the longest
# stop. Above 256 MiB the heap asks for huge pages, so the stop per GiB is that
# of a heap mostly in huge pages; at 100 MiB pages are of 4 KiB.
. "$(dirname "$0")/_lib.sh"

rounds=${1:-7}
command -v jq >/dev/null || { echo "bench: jq is needed" >&2; exit 1; }
export XDG_RUNTIME_DIR="$tmp"
mkdir -m 700 -p "$tmp/weir"

median() {
    sort -n | awk '{ a[NR] = $1 } END { printf "%.1f", a[int((NR + 1) / 2)] }'
}

printf '%8s %10s %10s %10s %10s %10s\n' MiB "stop ms" "longest" \
    "search ms" "GiB/s" leaked
for mib in 100 1024; do
    LD_PRELOAD=$lib WEIR=dir=$tmp/weir "$build/bench/bench_lost" $mib \
        >"$tmp/ready" &
    pid=$!
    until grep -q ready "$tmp/ready"; do sleep 0.1; done
    for round in $(seq "$rounds"); do
        "$weir" leaks --json $pid |
            jq -r '[.stop_ms, .search_ms, .direct.blocks + .indirect.blocks,
                .live.bytes] | join(" ")'
    done >"$tmp/leaks"
    kill $pid
    stop=$(cut -d' ' -f1 "$tmp/leaks" | median)
    longest=$(cut -d' ' -f1 "$tmp/leaks" | sort -n | tail -1)
    search=$(cut -d' ' -f2 "$tmp/leaks" | median)
    leaked=$(cut -d' ' -f3 "$tmp/leaks" | sort -u | tr '\n' ' ')
    speed=$(awk -v ms="$search" 'END { printf "%.2f", $4 / 2^30 / ms * 1000 }' \
        "$tmp/leaks")
    printf '%8s %10s %10s %10s %10s %10s\n' $mib "$stop" "$longest" \
        "$search" "$speed" "$leaked"
    # 20 ms per GiB with pages of 4 KiB
    [ $mib -eq 1024 ] ||
        goal leaks-stop-ms-per-gib-4k \
            "$(awk -v ms="$stop" 'BEGIN { printf "%.1f", ms * 10.24 }')" 20
    [ $mib -eq 100 ] || {
        goal leaks-stop-ms-1gib "$stop" 3
        goal leaks-mark-gib-per-second "$speed" "at least 1"
    }
done
goals_met
