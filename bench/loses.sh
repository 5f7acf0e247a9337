#!/bin/sh
# what weir run --collect does for a program of 1 GiB that loses memory
#
#     bench/loses.sh BUILD_DIR [ROUNDS [MIB [MILLIONS [WAYS]]]]
#
# bench_loses, with half of what it replaces lost: on glibc, under Weir, and
# with malloc's blocks collected in each of the ways to mark, at each fifth that
# the heap grows (gogc=20). A line for each of ROUNDS (3), of the program's own
# numbers, and the collector's cycles.
. "$(dirname "$0")/_lib.sh"

rounds=${1:-3} mib=${2:-1024} millions=${3:-12}
ways=${4:-glibc weir stop copy track}
under() { # WAY
    case $1 in
    glibc) "$build/bench/bench_loses" "$mib" "$millions" ;;
    weir) LD_PRELOAD=$lib WEIR=dir=$regions \
        "$build/bench/bench_loses" "$mib" "$millions" ;;
    *) LD_PRELOAD=$lib WEIR=dir=$regions,collect=on,gogc=20,gc=$1,gctrace=1 \
        "$build/bench/bench_loses" "$mib" "$millions" ;;
    esac
}
echo "$mib MiB of nodes, $millions million replaced, half of them lost"
printf '%-8s %8s %8s %8s %10s %8s %7s\n' '' seconds 'cpu s' 'MiB most' \
    '99.99% us' 'max ms' cycles
for round in $(seq "$rounds"); do
    for way in $ways; do
        line=$(under $way 2>"$tmp/err")
        printf '%-8s %s %7s\n' $way "$line" "$(grep -c '^gc ' "$tmp/err")"
    done
done
