#!/bin/sh
# is the collector ahead of Boehm's and Go's, in time, stalls and memory?
#
#     bench/gc.sh BUILD_DIR [ROUNDS [WORK...]]
#     bench/gc.sh BUILD_DIR growth [LIVE_MB...]
#
# Each workload of bench/gc on each heap by turns, ROUNDS (3) times; of each
# figure the median; typed: Weir's with layouts (weir/type.h). Stalls are of a thread's loop, in milliseconds; where a
# workload has no loop that is looked at, there are none. growth: what a cycle
# costs in heaps of 10 MB and more, on queues.
. "$(dirname "$0")/_lib.sh"

work() {
    case $1 in
    trees) echo 18 0 ;;
    gcbench) echo 18 0 ;;
    lru) echo 1000000 8000000 ;;
    map) echo 5000000 4000000 ;;
    queues) echo 16000000 6000000 ;;
    json) echo 20000 60000 ;;
    esac
}

go_bench() {
    has go || return 1
    GO111MODULE=off GOCACHE=$tmp/go-cache go build -o "$tmp/go" \
        "$here/gc/main.go"
}

heaps="glibc malloc"
[ ! -x "$build/bench/bench_gc_boehm" ] || heaps="$heaps boehm"
! go_bench || heaps="$heaps go"
[ ! -x "$build/bench/bench_gc_weir" ] || heaps="$heaps weir typed"

run() { # heap work threads size operations
    heap=$1
    shift
    case $heap in
    glibc) "$build/bench/bench_gc_malloc" "$@" ;;
    malloc) LD_PRELOAD=$lib WEIR=dir=$regions \
        "$build/bench/bench_gc_malloc" "$@" ;;
    boehm) "$build/bench/bench_gc_boehm" "$@" ;;
    go) "$tmp/go" "$@" ;;
    weir | typed) WEIR=dir=$regions${gc_options:-} \
        "$build/bench/bench_gc_$heap" "$@" ;;
    esac
    rm -f "$regions"/*
}

# Columns of the line that a run prints, the median of each over the rounds.
medians() {
    for column in 2 3 4 5 6 7 8 9; do
        sort -g -k "$column" "$1" | awk -v c=$column \
            '{ v[NR] = $c } END { printf "%s ", v[int((NR + 1) / 2)] }'
    done
}

measure() { # work threads
    label=$1-$2
    set -- "$1" "$2" $(work "$1")
    for round in $(seq "$rounds"); do
        for heap in $heaps; do
            run "$heap" "$@" >>"$tmp/$label.$heap" ||
                echo "bench: $label on $heap failed" >&2
        done
    done
    for heap in $heaps; do
        [ -s "$tmp/$label.$heap" ] || continue
        echo "$label $heap $(medians "$tmp/$label.$heap")"
    done >"$tmp/$label.rows"
    [ "$(awk '{ print $NF }' "$tmp/$label.rows" | sort -u | wc -l)" = 1 ] ||
        echo "bench: $label does not come out the same everywhere" >&2
    awk '{ printf "%-10s %-7s %7.2f %7.2f %7d %9.3f %9.3f %9.1f %7d\n", $1,
        $2, $3, $4, $5, $6 / 1e3, $7 / 1e3, $8 / 1e3, $9 }' "$tmp/$label.rows"
    cat "$tmp/$label.rows" >>"$tmp/rows"
}

growth() {
    echo "live MB   cycles   mark ms a cycle   ms a MB"
    for mb in "$@"; do
        nodes=$((mb * 1000000 / 64))
        gc_options=,gctrace=1 run weir queues 1 $nodes $nodes 2>&1 >/dev/null |
            awk -v mb="$mb" '/^gc [0-9]/ { split($5, t, "+"); m[++n] = t[2] }
                END { for (i = int(n / 2) + 1; i <= n; i++) s += m[i]
                    c = n - int(n / 2)
                    if (c) printf "%7d %8d %17.2f %9.4f\n", mb, n, s / c,
                        s / c / mb }'
    done
}

if [ "${1-}" = growth ]; then
    shift
    [ $# -gt 0 ] || set -- 10 30 100 300 1000 3000
    growth "$@"
    exit
fi
rounds=${1:-3}
[ $# -eq 0 ] || shift
works=${*:-trees-1 trees-2 gcbench-1 lru-1 map-1 queues-1 queues-2 json-2}
echo "workload   heap       wall     cpu peak MB   99.9%    99.99%   longest  cycles"
echo "                       (s)     (s)         (ms)      (ms)      (ms)"
for each in $works; do
    measure "${each%-*}" "${each#*-}"
done

# The goals: against the better of Boehm and Go on each, and glibc.
awk '
{ wall[$1, $2] = $3; rss[$1, $2] = $5; worst[$1, $2] = $8 / 1e3
  p999[$1, $2] = $6 / 1e3; if (!($1 in seen)) { seen[$1]; order[++n] = $1 } }
function goal(name, value, wanted) {
    printf "goal gc-%s measured %.3f wanted %s\n", name, value, wanted }
END {
    for (i = 1; i <= n; i++) {
        w = order[i]
        if (!((w, "weir") in wall)) continue
        best = wall[w, "go"]
        if (best == 0 || (wall[w, "boehm"] && wall[w, "boehm"] < best))
            best = wall[w, "boehm"]
        if (best) {
            ratio = wall[w, "weir"] / best; logs += log(ratio); m++
            if (ratio > most) most = ratio }
        if (wall[w, "glibc"] && w ~ /^(trees|gcbench)/)
            goal(w "-of-glibc", wall[w, "weir"] / wall[w, "glibc"], "below 1")
        if (rss[w, "go"] && rss[w, "weir"] / rss[w, "go"] > memory)
            memory = rss[w, "weir"] / rss[w, "go"]
        if (w ~ /^(queues)/) {
            goal(w "-stall-99.9-ms", p999[w, "weir"], "at most 10")
            goal(w "-stall-longest-ms", worst[w, "weir"], "at most 10") } }
    if (m) goal("time-of-the-better-of-boehm-and-go", exp(logs / m), "at most 0.6")
    if (m) goal("time-of-the-better-on-the-worst", most, "at most 1")
    if (memory) goal("peak-of-go-on-the-worst", memory, "at most 1") }
' "$tmp/rows"
