#!/bin/sh
# is the collector ahead of Boehm's and Go's, in time, stalls and memory?
#
#     bench/gc.sh BUILD_DIR [ROUNDS [WORK-THREADS...]]
#     bench/gc.sh BUILD_DIR growth [--plot FILE] [LIVE_MB...]
#
# Each workload of bench/gc on each heap by turns, ROUNDS (1) times; typed:
# Weir's with layouts (weir/type.h); barrier, of queues: it is told of stores
# (weir/store.h). Of each figure the median, and of the wall
# time how far the slowest is above the quickest. Stalls are of a thread's loop,
# in milliseconds; where a workload has no loop that is looked at, there are
# none. All of it takes seven minutes a round; strings-1, texts of 3 to 12 bytes
# in a table, is not in it: what small blocks without pointers take up.
#
# growth: what a cycle costs that is asked for, in heaps of queues of 10 MB to
# 8 GB, as a table, as an exponent, and as a picture (SVG) in FILE. A heap that
# the machine's memory would not hold twice is left out; and who took more than
# 15 seconds a cycle is not asked for larger ones.
#
# $BENCH_WITH is put in front of each command that is measured.
. "$(dirname "$0")/_lib.sh"

work() {
    case $1 in
    trees) echo 18 0 ;;
    gcbench) echo 18 0 ;;
    lru) echo 1000000 6000000 ;;
    map) echo 5000000 3000000 ;;
    queues) echo 16000000 6000000 ;;
    json) echo 20000 60000 ;;
    strings) echo 8000000 8000000 ;;
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
told=
[ ! -x "$build/bench/bench_gc_barrier" ] || told=barrier

run() { # heap work threads size operations
    heap=$1
    shift
    case $heap in
    glibc) ${BENCH_WITH-} "$build/bench/bench_gc_malloc" "$@" ;;
    malloc) ${BENCH_WITH-} env LD_PRELOAD="$lib" WEIR=dir="$regions" \
        "$build/bench/bench_gc_malloc" "$@" ;;
    boehm) ${BENCH_WITH-} "$build/bench/bench_gc_boehm" "$@" ;;
    go) ${BENCH_WITH-} "$tmp/go" "$@" ;;
    weir | typed | barrier) ${BENCH_WITH-} env WEIR=dir="$regions" \
        "$build/bench/bench_gc_$heap" "$@" ;;
    esac
    rm -f "$regions"/*
}

# Columns of the line that a run prints, the median of each over the rounds,
# and the spread of the wall time in per cent.
medians() {
    for column in 2 3 4 5 6 7 8 9; do
        sort -g -k "$column" "$1" | awk -v c=$column \
            '{ v[NR] = $c } END { printf "%s ", v[int((NR + 1) / 2)] }'
    done
    sort -g -k 2 "$1" | awk '{ v[NR] = $2 }
        END { printf "%.0f", 100 * (v[NR] - v[1]) / v[int((NR + 1) / 2)] }'
}

measure() { # work threads
    label=$1-$2
    on=$heaps
    [ "$1" != queues ] || on="$heaps $told"
    set -- "$1" "$2" $(work "$1")
    for round in $(seq "$rounds"); do
        for heap in $on; do
            run "$heap" "$@" >>"$tmp/$label.$heap" ||
                echo "bench: $label on $heap failed" >&2
        done
    done
    for heap in $on; do
        [ -s "$tmp/$label.$heap" ] || continue
        echo "$label $heap $(medians "$tmp/$label.$heap")"
    done >"$tmp/$label.rows"
    [ "$(awk '{ print $10 }' "$tmp/$label.rows" | sort -u | wc -l)" = 1 ] ||
        echo "bench: $label does not come out the same everywhere" >&2
    awk '{ printf "%-10s %-7s %6.2f %4d%% %7.2f %7d %8.3f %9.3f %9.1f %7d\n",
        $1, $2, $3, $11, $4, $5, $6 / 1e3, $7 / 1e3, $8 / 1e3, $9 }' \
        "$tmp/$label.rows"
    cat "$tmp/$label.rows" >>"$tmp/rows"
}

# ---- growth ----

fits() { # in MB
    awk -v mb="$1" '/MemAvailable/ { exit $2 / 1024 < 2.2 * mb }' /proc/meminfo
}

# live MB, heap, milliseconds of a cycle
cycles() { # heap MB
    run "$1" cycles 1 $(($2 * 1000000 / 64)) 3 |
        awk -v mb="$2" -v heap="$1" '$9 > 0 { print mb, heap, $9 / 1e6 }'
}

patient_with() { # heap
    ! awk -v heap="$1" '$2 == heap && $3 > 15000 { long = 1 }
        END { exit !long }' "$tmp/growth"
}

growth() {
    : >"$tmp/growth"
    printf '%8s %12s %12s %12s   (milliseconds a cycle)\n' "live MB" \
        weir boehm go
    for mb in "$@"; do
        fits "$mb" || continue
        for heap in $heaps; do
            case $heap in glibc | malloc | typed) continue ;; esac
            ! patient_with "$heap" || cycles "$heap" "$mb"
        done >"$tmp/row"
        cat "$tmp/row" >>"$tmp/growth"
        awk '{ ms[$2] = sprintf("%.2f", $3); mb = $1 }
            END { printf "%8d %12s %12s %12s\n", mb, ms["weir"], ms["boehm"],
                ms["go"] }' "$tmp/row"
    done
    awk '$2 == "weir" { x = log($1); y = log($3); n++
            a += x; b += y; c += x * x; d += x * y
            if (n == 1 || $3 / $1 > most) most = $3 / $1 }
        END { if (n > 1) printf "goal gc-growth-exponent measured %.3f " \
            "wanted at most 1.1\n", (n * d - a * b) / (n * c - a * a)
            printf "a MB costs at most %.2f ms\n", most }' "$tmp/growth"
    [ -z "$plot" ] ||
        awk -v machine="$(nproc) processors" -f "$here/_growth.awk" \
            "$tmp/growth" >"$plot"
}

plot=
if [ "${1-}" = growth ]; then
    shift
    if [ "${1-}" = --plot ]; then
        plot=$2
        shift 2
    fi
    [ $# -gt 0 ] || set -- 10 30 100 300 1000 3000 8000
    growth "$@"
    exit
fi

rounds=${1:-1}
[ $# -eq 0 ] || shift
works=${*:-trees-1 trees-2 gcbench-1 gcbench-2 lru-1 lru-2 map-1 map-2 \
    queues-1 queues-2 json-1 json-2}
echo "workload   heap      wall   +/-     cpu peak MB    99.9%    99.99%   longest  cycles"
echo "                      (s)           (s)             (ms)      (ms)      (ms)"
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
            goal(w "-of-the-better-of-boehm-and-go", wall[w, "weir"] / best,
                "at most 1")
            m++
            logs += log(wall[w, "weir"] / best)
            if (wall[w, "malloc"]) hand += log(wall[w, "malloc"] / best)
            if (wall[w, "typed"]) typed += log(wall[w, "typed"] / best) }
        if (wall[w, "glibc"] && w ~ /^(trees|gcbench)/)
            goal(w "-of-glibc", wall[w, "weir"] / wall[w, "glibc"], "below 1")
        if (rss[w, "go"])
            goal(w "-peak-of-go", rss[w, "weir"] / rss[w, "go"], "at most 1")
        if (w ~ /^(queues)/) {
            goal(w "-stall-99.9-ms", p999[w, "weir"], "at most 10")
            goal(w "-stall-longest-ms", worst[w, "weir"], "at most 10")
            if ((w, "barrier") in wall) {
                goal(w "-barrier-stall-99.9-ms", p999[w, "barrier"],
                    "at most 1")
                printf "%s with the barrier: longest stall %.1f ms, %.2f of " \
                    "the time without\n", w, worst[w, "barrier"],
                    wall[w, "barrier"] / wall[w, "weir"] } } }
    if (m) goal("geometric-mean-of-the-better-of-boehm-and-go", exp(logs / m),
        "at most 0.6")
    if (m) goal("the-same-with-layouts", exp(typed / m), "at most 0.6")
    if (m) printf "without a collector, freed by hand, on the same heap: " \
        "%.3f in the mean\n", exp(hand / m) }
' "$tmp/rows"
