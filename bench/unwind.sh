#!/bin/sh
# what a captured stack costs, and whether it is the one libgcc sees
#
#     bench/unwind.sh BUILD_DIR [SECONDS]
#
# First a tight loop, 25 entries deep, and SECONDS (60) of signals at 5 kHz
# while libraries are loaded and unloaded. Then five real programs: at every
# 64 KiB they allocate, both unwinders capture the same stack, taking turns at
# going first, and ours again by what it remembers of the walk before.
. "$(dirname "$0")/_lib.sh"
. "$here/_load.sh"

check=$build/bench/libpreload_unwind_check.so

"$build/bench/bench_unwind" "${1:-60}" >"$tmp/loop"
grep -v '^goal' "$tmp/loop"
echo

# Appends the lines of the program and of what it starts to $tmp/lines.
checked() { # command...
    LD_PRELOAD=$check UNWIND_CHECK_OUT=$tmp/lines "$@" >/dev/null 2>&1
}

git_log() {
    git init -q "$tmp/repo"
    load_git 1500 | git -C "$tmp/repo" fast-import --quiet
    checked git -C "$tmp/repo" log -p --stat main
}

PYTHONMALLOC=malloc checked $python "$here/_load.py" 150000
load_sql 150000 | checked sqlite3 "$tmp/db"
checked perl "$here/_load.pl" 100000
git_log
checked gdb --batch -ex 'info functions main' $python

echo "                              entries               ns per stack"
echo "program        stacks  each  identical    ours  median   libgcc" \
    "remembered"
awk '{ printf "%-12s %8d %5.1f  %9s %7d %7d %8d %10d\n", $1, $2, $3, $4, $5,
    $6, $7, $8 }' "$tmp/lines"

sum() { # expression over a line's fields
    awk "{ n += $1 } END { printf \"%.0f\", n }" "$tmp/lines"
}
stacks=$(sum '$2')
goal unwind-identical "$(sum '$2 * $4 / 100') of $stacks stacks" \
    "all of 10000 stacks"
goal unwind-mean-of-programs "$(($(sum '$2 * $5') / stacks)) ns" "1100 ns"

goals_met
grep '^goal' "$tmp/loop"
