#!/bin/sh
# what sampling costs, in instructions and time, and how far off it is
#
#     bench/sampler.sh BUILD_DIR [PART...]
#
# The parts: pairs programs every memory bias
#
# pairs     instructions of one malloc and free, by size, sampling off and on
# programs  instructions of Python and SQLite, sampling off and on
# every     CPU time with every allocation recorded against libc's malloc
# memory    what the sampler adds to the peak, at its default rate
# bias      estimates of many runs against what was allocated
# Instructions are counted by callgrind: they need no quiet machine.
. "$(dirname "$0")/_lib.sh"
. "$here/_load.sh"

loop=$build/bench/bench_loop
parts=${*:-pairs programs every memory bias}

# Of one pair: the difference of a long and a short run. The loop itself and
# the calls are in it, about 20 instructions.
per_pair() { # options (or "libc") bytes batch
    few=$(counted_under "$1" "$loop" "$2" 20000 "$3")
    many=$(counted_under "$1" "$loop" "$2" 120000 "$3")
    awk -v a="$few" -v b="$many" 'BEGIN { printf "%.1f", (b - a) / 100000 }'
}

part_pairs() {
    has valgrind || return
    echo "instructions per malloc and free"
    echo "     bytes  batch     libc   Weir, sampling off  512 KiB   64 KiB"
    for what in '16 1' '64 1' '64 1000' '512 1' '1024 1' '4096 1' '32768 1' \
        '65536 1'; do
        set -- $what
        libc=$(per_pair libc "$1" "$2")
        off=$(per_pair sample=0, "$1" "$2")
        seldom=$(per_pair sample=524288, "$1" "$2")
        often=$(per_pair sample=65536, "$1" "$2")
        printf '%10d %6d %8s %20s %8s %8s\n' "$1" "$2" "$libc" "$off" \
            "$seldom" "$often"
        [ "$what" = '64 1' ] || continue
        goal pair-of-64-bytes "$often instructions" "$libc instructions"
        goal sampling-of-a-pair-of-64-bytes-at-512KiB \
            "$(awk -v a="$off" -v b="$seldom" 'BEGIN { print b - a }') \
instructions" "2 instructions"
    done
    echo
}

# Against sampling off, where the sampler's counter runs all the same.
compare_counts() { # label command...
    label=$1
    shift
    off=$(counted_under sample=0, "$@")
    seldom=$(counted_under sample=524288, "$@")
    often=$(counted_under sample=65536, "$@")
    printf '%-10s %14d %+8.2f%% %+8.2f%%\n' "$label" "$off" \
        "$(per_cent "$off" "$seldom")" "$(per_cent "$off" "$often")"
    goal "instructions-$label-512KiB" "$(per_cent "$off" "$seldom") %" "0.3 %"
    goal "instructions-$label-64KiB" "$(per_cent "$off" "$often") %" "1 %"
}

part_programs() {
    has valgrind || return
    echo "instructions of whole programs"
    echo "                      off   512 KiB    64 KiB"
    export PYTHONHASHSEED=0 PYTHONMALLOC=malloc
    has $python &&
        compare_counts python $python -S "$here/_load.py" 40000
    load_sql 30000 >"$tmp/load.sql"
    has sqlite3 &&
        compare_counts sqlite sqlite3 :memory: ".read $tmp/load.sql"
    unset PYTHONMALLOC
    echo
}

# The sampling is off on the plain side because there is none.
part_every() {
    echo "every allocation recorded (sample=1)"
    header
    export PYTHONMALLOC=malloc
    WEIR_OPTIONS=sample=1,
    has $python && {
        pair python 5 $python -S "$here/_load.py" 100000
        goal time-of-every-allocation-python "$ratio" 2
    }
    load_sql 100000 >"$tmp/load.sql"
    has sqlite3 && {
        pair sqlite 5 sqlite3 :memory: ".read $tmp/load.sql"
        goal time-of-every-allocation-sqlite "$ratio" 2
    }
    WEIR_OPTIONS=
    unset PYTHONMALLOC
    echo
}

# The largest resident set of a command at a sampling option, in KiB.
peak() { # options command...
    WEIR_OPTIONS=$1
    shift
    rm -f "$tmp/peak"
    for round in 1 2 3 4 5; do
        once weir "$tmp/peak" "$@" >/dev/null 2>&1
        rm -f "$regions"/*
    done
    WEIR_OPTIONS=
    sort -n -k3 "$tmp/peak" | awk 'NR == 3 { print $3 }'
}

compare_peaks() { # label command...
    label=$1
    shift
    without=$(peak sample=0, "$@")
    with=$(peak "" "$@")
    allowed=$((2048 + without / 200))
    printf '%-10s %10d KiB %10d KiB %+8d KiB\n' "$label" "$without" "$with" \
        $((with - without))
    goal "memory-of-sampling-$label" "$((with - without)) KiB" "$allowed KiB"
}

part_memory() {
    echo "peak                  off         default"
    export PYTHONMALLOC=malloc
    has $python && compare_peaks python $python -S "$here/_load.py" 100000
    load_sql 100000 >"$tmp/load.sql"
    has sqlite3 && compare_peaks sqlite sqlite3 :memory: ".read $tmp/load.sql"
    unset PYTHONMALLOC
    echo
}

part_bias() {
    echo "estimates at 64 KiB, 40 runs"
    "$build/bench/bench_estimate" "$lib" "$regions" 65536 40 >"$tmp/bias" ||
        return
    grep -v '^goal' "$tmp/bias"
    goals="$goals
$(grep '^goal' "$tmp/bias")"
    echo
}

for part in $parts; do
    part_$part
done
goals_met
