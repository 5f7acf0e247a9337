#!/bin/sh
# Every process of a run has profiles of its own, none overwritten, also
# those that were killed; what outlives the program keeps its region.
. "$(dirname "$0")/_lib.sh"

if ! compile forks -g <<'END'
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
void *volatile kept;
int main(void)
{
    kept = memset(malloc(1 << 20), 1, 1 << 20);
    for (int i = 0; i < 100; i++)
        if (fork() == 0) {
            kept = malloc(100000);
            exit(0);
        }
    while (wait(NULL) > 0)
        ;
    return 0;
}
END
then
    echo "skip: no C compiler"
    exit 77
fi
"$weir" run --http none --out profiles -- ./forks 2>err.txt
is $? 0 "status of a hundred forks"
is "$(ls profiles/*.heap.pb.gz | wc -l)" 101 "heap profiles"
is "$(ls profiles/*.allocs.pb.gz | wc -l)" 101 "allocs profiles"
is "$(ls profiles | sed 's/forks.\([0-9]*\).*/\1/' | sort -u | wc -l)" 101 \
    "processes"
is "$(find profiles -size 0 | wc -l)" 0 "empty profiles"
says "100 more processes were" err.txt
is "$(find "$tmp/weir" -name 'run-*' | wc -l)" 0 "runs left with --out"
for file in profiles/*.heap.pb.gz; do
    "$weir" top "$file" >/dev/null || fail "$file is no profile"
done

# The same again into the same folder: nothing is overwritten
"$weir" run -q --http none --out twice -- sh -c ':; true; true & wait'
"$weir" run -q --http none --out twice -- true
is "$(ls twice/*.heap.pb.gz | wc -l)" 3 "processes of two runs"

# Killed in the middle: the profile is there
if compile dies -g -O0 <<'END'
#include <signal.h>
#include <stdlib.h>
#include <string.h>
__attribute__((noinline)) void *hold_much(void)
{
    return memset(malloc(5 << 20), 1, 5 << 20);
}
void *volatile kept;
int main(void)
{
    kept = hold_much();
    raise(SIGKILL);
}
END
then
    "$weir" run --http none --out killed -- ./dies 2>err.txt
    is $? 137 "status of a killed program"
    says "signal 9" err.txt
    says "hold_much" err.txt
    "$weir" top killed/dies.*.heap.pb.gz >top.txt
    says "hold_much" top.txt
fi

# What outlives the program
"$weir" run --http none --out rest -- sh -c 'sleep 30 & echo $! >pid
    sleep 0.3' 2>err.txt
says "1 process is" err.txt
says "weir serve shows it" err.txt
"$weir" ps >ps.txt
says "$(cat pid)" ps.txt
kill "$(cat pid)"

# A directory that cannot be made: told, status as ever, regions stay
touch file
"$weir" run --http none --out file/sub -- sh -c 'exit 3' 2>err.txt
is $? 3 "status when profiles cannot be written"
says "cannot make file/sub" err.txt
[ "$(find "$tmp/weir" -name '*.weir' | wc -l)" -ge 1 ] ||
    fail "the region went although nothing was written"
finish
