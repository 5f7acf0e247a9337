#!/bin/sh
# What weir run --collect has freed is told at the end: how much, how many
# blocks, and where they came from; and by nobody who was not asked.
. "$(dirname "$0")/../cmd/_lib.sh"
compile loser -g -O1 <<'END' || {
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *volatile sink;

__attribute__((noinline)) static void
drop_line(void)
{
    sink = memset(malloc(600), 1, 600);
    sink = NULL;
}

int
main(int argc, char **argv)
{
    for (long i = atol(argv[1]); i > 0; i--)
        drop_line();
    return argc > 2 ? kill(getpid(), SIGKILL) : 0;
}
END
    echo "skip: no compiler, or none that makes this: $(tail -1 loser.log)"
    exit 77
}

# On a machine so busy that the program does not stand still within a second a
# collection is left out; so it is tried again.
run() { # OPTIONS... -- COMMAND...: its lines are in said.txt
    for try in 1 2 3 4 5; do
        rm -rf out
        "$weir" run --out out "$@" >out.txt 2>said.txt
        status=$?
        grep -q 'lost, by' said.txt && break
    done
}

run --collect -- ./loser 100000 # 60 MB
is $status 0 "the program's end"
blocks=$(sed -n 's/.*in \([0-9]*\) blocks that the program had lost, by.*/\1/p' \
    said.txt)
{ [ "${blocks:-0}" -gt 1000 ] && [ "$blocks" -le 100000 ]; } ||
    fail "$blocks blocks were lost: $(cat said.txt)"
grep -q '^ *collected  *[0-9.]*MB   in' said.txt ||
    fail "no megabytes: $(cat said.txt)"
grep -q '100.0%  drop_line, 100% of it for main' said.txt ||
    fail "drop_line is not named: $(cat said.txt)"

run --collect -- ./loser 1000
says "no block of malloc was found lost" said.txt
run --collect -q -- ./loser 100000
is "$(cat said.txt)" "" "said by -q"
run -- ./loser 1000
grep -q 'collected' said.txt && fail "told though it was not asked for"
WEIR=dir=$tmp,collect=on LD_PRELOAD=$build/lib/libweir.so \
    ./loser 100000 >out.txt 2>said.txt
is "$(cat out.txt said.txt)" "" "said by a program under WEIR= alone"

# Of one that was killed its report has it, too.
run --collect -- ./loser 100000 killed
is $status 137 "the killed program's status"
grep -q 'drop_line, 100% of it for main' said.txt ||
    fail "killed: drop_line is not named: $(cat said.txt)"
grep -q '"lost_blocks":[1-9][0-9]*,"lost_bytes":[1-9]' out/*.report.json ||
    fail "killed: not in $(cat out/*.report.json)"
grep -q 'collector .* freed that was lost' out/*.report.txt ||
    fail "killed: not in $(cat out/*.report.txt)"
finish
