#!/bin/sh
# time and memory of workloads and programs on Weir, libc's malloc and its peers
#
#     bench/alloc.sh BUILD_DIR [--quick] [--rounds N] [--scale X]
#                    [--allocs "A B"] [--go FILE] [NAME...]
#
# NAME is a workload of `bench_alloc --list`, replay-TRACE (bench/traces.sh
# makes them), program-PROGRAM, or a part: workloads replays programs idle
# huge small count sampling. Without names all of it, in 20 minutes; --quick
# is a fifth of the work, three rounds and no programs, in about three.
# --rounds is five else; --allocs is "glibc weir jemalloc tcmalloc mimalloc",
# of which those that are not installed are left out.
#
# Every round runs a workload on each allocator, one after the other; a run
# before or after which a fixed loop took more than 1.08 of its best is made
# again, up to four times. Times are CPU time of all threads. The same as Go
# benchmarks, for benchstat -col /alloc, are in FILE: BUILD_DIR/alloc.bench.
. "$(dirname "$0")/_lib.sh"
. "$here/_load.sh"
. "$here/_programs.sh"

bench=$build/bench/bench_alloc
traces=$here/../build/traces
go_file=$build/alloc.bench
rounds=5
scale=1
quick=no
allocs="glibc weir jemalloc tcmalloc mimalloc"
names=
while [ $# -gt 0 ]; do
    case $1 in
    --quick) quick=yes rounds=3 scale=0.2 ;;
    --rounds) rounds=$2 && shift ;;
    --scale) scale=$2 && shift ;;
    --allocs) allocs=$2 && shift ;;
    --go) go_file=$2 && shift ;;
    -*) sed -n '4,6s/^# *//p' "$0" >&2 && exit 2 ;;
    *) names="$names $1" ;;
    esac
    shift
done

# --- Allocators -------------------------------------------------------------

library() { # allocator
    case $1 in
    glibc) echo libc.so.6 ;;
    weir) echo "$lib" ;;
    *)
        ldconfig -p | sed -n "s/.*lib$1\(_minimal\)\?\.so\.[0-9].* => //p" |
            head -1
        ;;
    esac
}

installed=
for alloc in $allocs; do
    library=$(library "$alloc")
    if [ -n "$library" ]; then
        installed="$installed $alloc"
        eval "library_$alloc=\$library"
    else
        echo "$alloc is not installed, and left out"
    fi
done
allocs=${installed# }

# The preload is env's to set, not the measuring program's.
under() { # allocator command...
    eval "preload=\$library_$1"
    shift
    env LD_PRELOAD="$preload" WEIR="${WEIR_OPTIONS:-}dir=$regions" "$@"
}

# --- Noise ------------------------------------------------------------------

best=
noisy=0
patience=200 # repetitions left, of all runs together

# Was the machine quiet when the fixed loop took $1 us?
quiet() {
    [ -n "$best" ] && [ "$1" -ge "$best" ] || best=$1
    [ $(($1 * 100)) -le $((best * 108)) ]
}

# Run "$@", which leaves its loop's time in $loop, until it was quiet.
quietly() {
    for try in 1 2 3 4 5; do
        "$@" || return
        ! quiet "$loop" || return 0
        [ $patience -gt 0 ] || break
        patience=$((patience - 1))
        sleep 0.1
    done
    noisy=$((noisy + 1))
}

# --- Rows -------------------------------------------------------------------

wanted() { # name...: was one of these, or nothing, asked for?
    [ -n "$names" ] || return 0
    for one; do
        case " $names " in *" $one "*) return 0 ;; esac
    done
    return 1
}

rows=$tmp/rows
: >"$rows"
: >"$tmp/sums"
echo "pkg: weir/bench/alloc" >"$go_file"

note() { # group name alloc round ops cpu wall peak
    echo "$1 $2 $3 $4 $6 $7 $8" >>"$rows"
    awk -v n="$2" -v a="$3" -v o="$5" -v c="$6" -v w="$7" -v p="$8" 'BEGIN {
        printf "BenchmarkAlloc/load=%s/alloc=%s %d %s ns/op %s cpu-ns/op " \
            "%d peak-bytes\n", n, a, o, w, c, p * 1024 }' >>"$go_file"
}

# Every allocator must read back the same.
check_sum() { # name alloc sum
    first=$(sed -n "s/^$1 //p" "$tmp/sums")
    [ -n "$first" ] || echo "$1 $3" >>"$tmp/sums"
    [ "${first:-$3}" = "$3" ] ||
        echo "$1 on $2 reads back something else than it wrote"
}

# What a workload says over time, for the tables after that of the rows.
keep_looks() { # name alloc
    grep -q "^$1 $2 " "$looks" ||
        sed -n "s/^at /$1 $2 /p" "$tmp/out" >>"$looks"
}

# The workload's last line is left in $line.
run_workload() { # name alloc arguments...
    label=$1 on=$2
    shift 2
    under "$on" "$bench" "$@" >"$tmp/out" 2>"$tmp/err" || {
        echo "$label on $on failed: $(tail -1 "$tmp/err")"
        return 1
    }
    rm -f "$regions"/*
    keep_looks "$label" "$on"
    line=$(tail -1 "$tmp/out")
    loop=${line##* }
}

note_line() { # group name alloc round, then the words of a last line
    check_sum "$2" "$3" "${10}"
    note "$1" "$2" "$3" "$4" "$6" "$7" "$8" "$9"
}

row() { # group name round arguments...
    in_group=$1 row=$2 in_round=$3
    shift 3
    for alloc in $allocs; do
        quietly run_workload "$row" "$alloc" "$@" || continue
        note_line "$in_group" "$row" "$alloc" "$in_round" $line
    done
}

rows_of_workloads() { # round
    for group in single threads memory; do
        for name in $("$bench" --list $group | cut -d' ' -f1); do
            wanted workloads $group "$name" || continue
            row $group "$name" "$1" "$name" "$scale"
        done
    done
}

rows_of_replays() { # round
    for trace in "$traces"/*.trace; do
        name=replay-$(basename "$trace" .trace)
        [ -e "$trace" ] && wanted replays "$name" || continue
        row replay "$name" "$1" replay "$trace"
    done
}

# The fixed loop runs before and after; the line is that of a workload.
run_program() { # name alloc command...
    label=$1 on=$2
    shift 2
    before=$("$bench" gate)
    rm -f "$tmp/figures"
    eval "preload=\$library_$on"
    "$pairs" run "$tmp/figures" env LD_PRELOAD="$preload" "$@" \
        >/dev/null 2>&1 || {
        echo "$label on $on failed"
        return 1
    }
    loop=$("$bench" gate)
    [ "$loop" -gt "$before" ] || loop=$before
}

program_row() { # name command...
    program=$1
    shift
    for alloc in $allocs; do
        quietly run_program "program-$program" "$alloc" "$@" || continue
        read -r cpu wall peak <"$tmp/figures"
        note program "program-$program" "$alloc" "$round" 1 "${cpu}000" \
            "${wall}000" "$peak"
    done
}

rows_of_programs() {
    for name in $programs; do
        wanted programs "program-$name" || continue
        program_"$name"
    done
}

# --- Parts beside the table -------------------------------------------------

over_time() { # name...
    awk -f "$here/_looks.awk" -v allocs="$allocs" -v names="$*" "$looks"
}

look() { # name alloc when field
    awk -v n="$1" -v a="$2" -v w="$3" -v f="$4" \
        '$1 == n && $2 == a && $3 == w { print $f }' "$looks"
}

# A field of Weir's look, as a part of what was live.
share() { # name when field
    echo "$(look "$1" weir "$2" 5) $(look "$1" weir "$2" "$3")" |
        awk '{ printf "%.3f", $2 / $1 }'
}

# All at the same time: they sleep.
part_idle() {
    for name in idle-95 idle-all; do
        waits=
        for alloc in $allocs; do
            under "$alloc" "$bench" $name >"$tmp/$name.$alloc" 2>&1 &
            waits="$waits $!"
        done
        wait $waits
        for alloc in $allocs; do
            cp "$tmp/$name.$alloc" "$tmp/out"
            keep_looks $name "$alloc"
        done
        rm -f "$regions"/*
    done
    over_time idle-95 idle-all
    [ -z "$(look idle-95 weir idle-10s 7)" ] ||
        goal alloc-idle-to-live "$(share idle-95 idle-10s 7)" 1.25
}

part_huge() {
    if grep -q '\[never\]' /sys/kernel/mm/transparent_hugepage/enabled; then
        echo "huge: this system offers no huge pages"
        return
    fi
    for alloc in $allocs; do
        under "$alloc" "$bench" huge >"$tmp/out" 2>"$tmp/err" || {
            tail -1 "$tmp/err"
            return
        }
        rm -f "$regions"/*
        keep_looks huge "$alloc"
    done
    over_time huge
    [ -z "$(look huge weir touched 9)" ] ||
        goal alloc-huge-to-live "$(share huge touched 9)" "above 0.7"
}

# The smallest of five peaks, in KiB.
small_peak() { # allocator
    for try in 1 2 3 4 5; do
        under "$1" "$bench" small | cut -d' ' -f5
        rm -f "$regions"/*
    done | sort -n | head -1
}

part_small() {
    echo "a program that hardly allocates, peak in KiB"
    for alloc in $allocs; do
        small=$(small_peak "$alloc")
        printf '  %-10s %6d\n' "$alloc" "$small"
        case $alloc in
        glibc) plain=$small ;;
        weir) goal alloc-small-rss-kib "$((small - ${plain:-0}))" 1024 ;;
        esac
    done
    echo
}

counted() { # allocator bytes scale
    eval "preload=\$library_$1"
    LD_PRELOAD=$preload WEIR="${WEIR_OPTIONS:-}dir=$regions" \
        valgrind --tool=callgrind --callgrind-out-file=/dev/null \
        "$bench" count-"$2" "$3" 2>&1 >/dev/null |
        sed -n 's/.*Collected : \([0-9]*\).*/\1/p' | tail -1
    rm -f "$regions"/*
}

# Of a pair, by the difference of a long and a short run. The loop's own are
# those of an empty pair.
per_pair() { # allocator bytes
    few=$(counted "$1" "$2" 0.002)
    many=$(counted "$1" "$2" 0.012)
    awk -v a="$few" -v b="$many" -v l="$empty" 'BEGIN {
        printf "%.1f", (b - a) / 100000 - l }'
}

sizes_counted="16 64 512 1024 4096 32768"
count_row() { # label allocator
    printf '%-16s' "$1"
    for bytes in $sizes_counted; do
        pair=$(per_pair "$2" "$bytes")
        printf ' %8s' "$pair"
        [ "$1" = weir ] || continue
        most=48
        [ "$bytes" -le 1024 ] || most=60
        goal "alloc-instructions-$bytes" "$pair" $most
    done
    echo
}

part_count() {
    has valgrind || return
    empty=0
    empty=$(per_pair glibc 0)
    echo "instructions of malloc and free"
    printf '%-16s' "bytes"
    printf ' %8s' $sizes_counted
    echo
    for alloc in $allocs; do
        count_row "$alloc" "$alloc"
        [ "$alloc" = weir ] || continue
        WEIR_OPTIONS=sample=524288,
        count_row "  at 512 KiB" weir
        WEIR_OPTIONS=sample=0,
        count_row "  not sampling" weir
        WEIR_OPTIONS=
    done
    echo
}

# By the clock on one core, sampling and not by turns: the ratio of medians.
pair_ns() { # options file bytes
    WEIR_OPTIONS=$1
    quietly run_workload "loop-$3" weir loop-"$3" 0.05
    echo "$line" | cut -d' ' -f4 >>"$2"
    WEIR_OPTIONS=
}

median() {
    sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

part_sampling() {
    echo "ns of malloc and free, sampling every 512 KiB"
    echo "     bytes      not sampling  ratio"
    for bytes in 16 1024 4096 16384 65536; do
        rm -f "$tmp/on" "$tmp/off"
        for round in 1 2 3 4 5 6 7; do
            pair_ns sample=0, "$tmp/off" $bytes
            pair_ns sample=524288, "$tmp/on" $bytes
        done
        on=$(median "$tmp/on")
        off=$(median "$tmp/off")
        ratio=$(awk -v a="$on" -v b="$off" 'BEGIN { printf "%.3f", a / b }')
        printf '%10d %8s %8s %6s\n' "$bytes" "$on" "$off" "$ratio"
        most=1.1
        [ "$bytes" -le 4096 ] || most=1.5
        goal "alloc-sampling-$bytes" "$ratio" $most
    done
    echo
}

# --- All of it ----------------------------------------------------------------

looks=$tmp/looks
: >"$looks"
for round in $(seq "$rounds"); do
    rows_of_workloads "$round"
    rows_of_replays "$round"
    [ "$quick" = yes ] && [ -z "$names" ] || rows_of_programs
done
if [ -s "$rows" ]; then
    awk -f "$here/_alloc.awk" -v allocs="$allocs" "$rows" >"$tmp/table"
    grep -v '^goal ' "$tmp/table"
    goals="$goals
$(grep '^goal ' "$tmp/table")"
fi
over_time cache-day
for part in idle huge small count sampling; do
    ! wanted $part || part_$part
done
[ $noisy -eq 0 ] || echo "$noisy runs were made on a machine that was not quiet"
goals_met
