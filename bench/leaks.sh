#!/bin/sh
# how long a program stands still for a search for leaks, and the search
#
#     bench/leaks.sh BUILD_DIR [ROUNDS [MIB...]]
#
# MIB: heaps of so many MiB and nothing else; 0: all but them.
# Heaps of 100 MiB, 1 GiB and 4 GiB of 64-byte blocks that point at each other at
# random (bench/lost.c), one block in a thousand lost, in pages of 4 KiB and in
# huge pages. Medians, and the longest stop; what a plain fork of the same
# program takes; the memory that the copy has to itself. Then a program that
# writes at random all the time: its throughput while it is searched, and what
# the copy takes then. LeakSanitizer's search, in which the program stands still
# throughout; valgrind's slow-down.
. "$(dirname "$0")/_lib.sh"

rounds=${1:-5}
[ $# -eq 0 ] || shift
others=yes
case $* in
"") all="100 1024 4096" ;;
0) all="" ;;
*) all="$*" others="" ;;
esac
command -v jq >/dev/null || { echo "bench: jq is needed" >&2; exit 1; }
mkdir -m 700 -p "$tmp/weir"

median() {
    sort -n | awk '{ a[NR] = $1 } END { printf "%.1f", a[int((NR + 1) / 2)] }'
}
ready() { # OPTIONS...: begin, and wait until the heap is there
    : >"$tmp/ready"
    LD_PRELOAD=$lib WEIR=dir=$tmp/weir "$build/bench/bench_lost" "$@" \
        >"$tmp/ready" &
    pid=$!
    until grep -q ready "$tmp/ready"; do sleep 0.1; done
}
watched() { # one search into FILE, and in $copy the most MiB its copy had
    most=0
    rm -f "$tmp/over"
    {
        "$weir" leaks --json $pid >"$1"
        : >"$tmp/over"
    } &
    while [ ! -e "$tmp/over" ]; do
        for copy in $(cat /proc/$pid/task/*/children 2>/dev/null); do
            own=$(awk '/^Private/ { n += $2 } END { print n + 0 }' \
                "/proc/$copy/smaps_rollup" 2>/dev/null)
            [ "${own:-0}" -le "$most" ] || most=$own
        done
        sleep 0.02
    done
    copy=$((most / 1024))
}
searched() { # one more line of figures
    "$weir" leaks --json $pid | jq -r '[.stop_ms, .search_ms,
        .direct.blocks + .indirect.blocks, .live.bytes] | join(" ")'
}

[ -z "$all" ] ||
    printf '%6s %6s %9s %9s %9s %10s %7s %9s %8s\n' MiB pages "stop ms" longest \
    "fork ms" "search ms" GiB/s "copy MiB" leaked
for mib in $all; do
    [ "$(awk '/MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)" -gt \
        $((mib * 2)) ] || continue
    for pages in small huge; do
        ready $mib $pages
        for round in $(seq "$rounds"); do
            searched
        done >"$tmp/leaks"
        watched /dev/null
        for round in $(seq "$rounds"); do
            kill -USR1 $pid
            sleep 0.2
        done
        kill $pid
        fork=$(sed -n 's/^fork //p' "$tmp/ready" | median)
        stop=$(cut -d' ' -f1 "$tmp/leaks" | median)
        longest=$(cut -d' ' -f1 "$tmp/leaks" | sort -n | tail -1)
        search=$(cut -d' ' -f2 "$tmp/leaks" | median)
        leaked=$(cut -d' ' -f3 "$tmp/leaks" | sort -u | tr '\n' ' ')
        speed=$(awk -v ms="$search" \
            'END { printf "%.2f", $4 / 2^30 / ms * 1000 }' "$tmp/leaks")
        printf '%6s %6s %9s %9.1f %9s %10s %7s %9s %8s\n' $mib $pages "$stop" \
            "$longest" "$fork" "$search" "$speed" "$copy" "$leaked"
        per_gib=$(awk -v ms="$stop" -v mib=$mib \
            'BEGIN { printf "%.1f", ms * 1024 / mib }')
        case $mib-$pages in
            1024-small) goal leaks-stop-ms-per-gib-4k "$per_gib" 20 ;;
            1024-huge)
                goal leaks-stop-ms-1gib-huge "$stop" 3
                goal leaks-mark-gib-per-second "$speed" "at least 1"
                ;;
        esac
    done
done

[ "$others" ] || { goals_met; exit; }
echo
ready 512 writing
sleep 1
before=$(grep -c '^[0-9]' "$tmp/ready")
watched "$tmp/one"
usual=$(head -n "$before" "$tmp/ready" | grep '^[0-9]' | median)
sleep 0.5
kill $pid
lost=$(tail -n +$((before + 1)) "$tmp/ready" | awk -v usual="$usual" \
    '{ ms += 100 * (1 - $1 / usual) } END { printf "%.0f", ms }')
echo "512 MiB written at random: $(jq -r '"stop \(.stop_ms) ms, search \(
    .search_ms | floor) ms, \(.where)"' "$tmp/one"), copy $copy MiB, \
for the search and what it leaves to copy $lost ms less was written"

lsan=$tmp/lsan
if cc -O2 -fsanitize=leak -o "$lsan" "$here/lost.c" 2>/dev/null; then
    for mib in 100 1024; do
        "$lsan" $mib once 2>/dev/null |
            sed "s/^check \(.*\)/LeakSanitizer, $mib MiB: stands still \1 ms/"
    done
fi
if has valgrind; then
    for under in "" "valgrind -q --leak-check=full"; do
        start=$(date +%s%N)
        $under "$build/bench/bench_lost" 50 once >/dev/null 2>&1
        echo $((($(date +%s%N) - start) / 1000000))
    done | awk 'NR == 1 { plain = $1 } END {
        printf "valgrind, 50 MiB built and searched at the end: %.0f times\n",
            $1 / plain }'
fi
goals_met
