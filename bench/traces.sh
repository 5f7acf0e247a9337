#!/bin/sh
# traces of real programs, into build/traces, for the replays of alloc
#
#     bench/traces.sh BUILD_DIR [PROGRAM...]
#
# A program's largest trace is kept: of gcc, that of cc1. What is there
# already stays. Not committed: some hundred megabytes.
. "$(dirname "$0")/_lib.sh"
. "$here/_load.sh"
. "$here/_programs.sh"

traces=$here/../build/traces
mkdir -p "$traces"

program_row() { # name command...
    name=$1
    shift
    mkdir "$tmp/$name.d"
    "$weir" record-allocs -q -o "$tmp/$name.d/t" -- "$@" >/dev/null 2>&1
    largest=$(ls -S "$tmp/$name.d" | head -1)
    [ -n "$largest" ] || { echo "$name: nothing was recorded"; return; }
    mv "$tmp/$name.d/$largest" "$traces/$name.trace"
    rm -rf "$tmp/$name.d"
    ls -l "$traces/$name.trace"
}

for program in ${*:-$programs}; do
    [ -e "$traces/$program.trace" ] || program_"$program"
done
