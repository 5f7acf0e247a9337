#!/bin/sh
# what it takes to find out who keeps a heap alive, in time and memory
#
#     bench/why.sh BUILD_DIR [ROUNDS]
#
# Heaps of 100 MiB and 1 GiB of 64-byte blocks that point at each other at
# random (bench/lost.c), with one pointer a block. How long the program stood
# still, what the copy took to write down what points at what, how large that
# was, and the time and peak memory of the tool that finds paths and
# dominators. Medians.
. "$(dirname "$0")/_lib.sh"

rounds=${1:-5}
command -v jq >/dev/null || { echo "bench: jq is needed" >&2; exit 1; }
mkdir -m 700 -p "$tmp/weir"

median() {
    sort -n | awk '{ a[NR] = $1 } END { printf "%.1f", a[int((NR + 1) / 2)] }'
}

column() {
    cut -d' ' -f"$1" "$tmp/told" | median
}

printf '%6s %9s %9s %9s %9s %9s %9s %9s\n' MiB blocks "stop ms" "copy ms" \
    "file MiB" "all ms" "peak MiB" "B/block"
for mib in 100 1024; do
    LD_PRELOAD=$lib WEIR=dir=$tmp/weir "$build/bench/bench_lost" $mib \
        >"$tmp/ready" &
    pid=$!
    until grep -q ready "$tmp/ready"; do sleep 0.1; done
    rm -f "$tmp/cost" "$tmp/told"
    for round in $(seq "$rounds"); do
        "$pairs" run "$tmp/cost" "$weir" retained --json $pid >"$tmp/json"
        jq -r '[.stop_ms, .search_ms, .snapshot_bytes / 1048576,
            .live.blocks] | join(" ")' "$tmp/json" >>"$tmp/told"
    done
    kill $pid
    blocks=$(column 4)
    wall=$(cut -d' ' -f2 "$tmp/cost" | median)
    peak=$(cut -d' ' -f3 "$tmp/cost" | median)
    per_block=$(awk "BEGIN { printf \"%.0f\", $peak * 1024 / $blocks }")
    printf '%6s %9.0f %9s %9s %9s %9.0f %9.0f %9s\n' $mib "$blocks" \
        "$(column 1)" "$(column 2)" "$(column 3)" \
        "$(awk "BEGIN { print $wall / 1000 }")" \
        "$(awk "BEGIN { print $peak / 1024 }")" "$per_block"
done
goal why-seconds-per-million-blocks \
    "$(awk "BEGIN { printf \"%.2f\", $wall / $blocks }")" 0.5
goal why-bytes-per-block "$per_block" 100
goals_met
