#!/bin/sh
# time and memory of real programs under Weir and on libc's malloc
#
#     bench/programs.sh BUILD_DIR [ROUNDS [PROGRAM...]]
#
# Each program runs on libc's malloc and under Weir (preloaded, its usual
# sampling) by turns. CPU time is user and system time of the whole tree of
# processes; for the servers it is the server's alone, over the same requests.
# The ratio is the median over the pairs; differences below the spread say
# nothing. Debian's redis-server brings jemalloc; here it is put on libc's.
# bash forks and execs most of the time: below its row are Weir's when a region
# of each process is kept, as under weir run, and those of two other preloaded
# libraries, one without any code and mimalloc, in Weir's column.
. "$(dirname "$0")/_lib.sh"
. "$here/_load.sh"
. "$here/_programs.sh"

rounds=${1:-9}
[ $# -gt 0 ] && shift
wanted=${*:-$programs}

enough=1.03 # what the noise of this comparison allows
program_row() {
    label=$1
    shift
    pair "$label" "$rounds" "$@"
    goal "time-$label" "$ratio" "$enough"
    [ "$label" = bash ] && peer_rows "$@"
}

peer_rows() {
    ours=$lib
    WEIR_OPTIONS=dir=$regions
    pair "- kept" "$rounds" "$@"
    WEIR_OPTIONS=
    find_peers
    for peer in empty mimalloc; do
        eval "lib=\$$peer"
        [ -n "$lib" ] && pair "- $peer" "$rounds" "$@"
    done
    lib=$ours
}

header
for program in $wanted; do
    program_$program
done
goals_met
