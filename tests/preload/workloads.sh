#!/bin/sh
# Every workload of bench_alloc reads back under Weir what it does without.
. "$(dirname "$0")/_lib.sh"
bench=$build/bench/bench_alloc
[ -x "$bench" ] || { echo "skip: no bench_alloc in this build"; exit 77; }

# Not the idle ones, which sleep.
for name in $("$bench" --list | awk '$2 != "idle" { print $1 }'); do
    plain=$("$bench" "$name" 0.001 | tail -1 | cut -d' ' -f2,6)
    under=$(weir "$bench" "$name" 0.001 | tail -1 | cut -d' ' -f2,6)
    [ -n "$plain" ] || fail "$name says nothing"
    [ "$under" = "$plain" ] || fail "$name: $under under Weir, $plain without"
done
finish
