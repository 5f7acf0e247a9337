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

# The workload's last line is left in $line.
run_workload() { # name alloc arguments...
    label=$1 on=$2
    shift 2
    under "$on" "$bench" "$@" >"$tmp/out" 2>"$tmp/err" || {
        echo "$label on $on failed: $(tail -1 "$tmp/err")"
        return 1
    }
    rm -f "$regions"/*
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

wanted() { # name...: was one of these, or nothing, asked for?
    [ -n "$names" ] || return 0
    for one; do
        case " $names " in *" $one "*) return 0 ;; esac
    done
    return 1
}

rows_of_workloads() { # round
    for group in single threads memory; do
        for name in $("$bench" --list $group | cut -d' ' -f1); do
            wanted workloads $group "$name" || continue
            row $group "$name" "$1" "$name" "$scale"
        done
    done
}

for round in $(seq "$rounds"); do
    rows_of_workloads "$round"
done
if [ -s "$rows" ]; then
    awk -f "$here/_alloc.awk" -v allocs="$allocs" "$rows"
fi
[ $noisy -eq 0 ] || echo "$noisy runs were made on a machine that was not quiet"
