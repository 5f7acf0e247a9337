#!/bin/sh
# PID@-10s: what a process held, compared with what it holds. A program notes
# that at every tenth second, so this takes some.
. "$(dirname "$0")/_lib.sh"

compile phases -g -O0 <<'END_OF_PROGRAM' || {
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
char *kept[2000];
__attribute__((noinline)) void first_phase(void)
{
    for (int i = 0; i < 1000; i++)
        memset(kept[i] = malloc(10000), 1, 10000);
}
__attribute__((noinline)) void second_phase(void)
{
    for (int i = 1000; i < 2000; i++)
        memset(kept[i] = malloc(10000), 1, 10000);
}
__attribute__((noinline)) void work(void)
{
    for (int i = 0; i < 100; i++)
        free(memset(malloc(30000 + 10 * i), 1, 10));
    usleep(20000);
}
int main(void)
{
    first_phase();
    puts("ready");
    fflush(stdout);
    while (access("grow", F_OK) != 0)
        work();
    second_phase();
    puts("grown");
    fflush(stdout);
    while (access("stop", F_OK) != 0)
        work();
    return 0;
}
END_OF_PROGRAM
    echo "skip: no C compiler"
    exit 77
}

"$weir" run -q --sample 1 --http none -- ./phases >said.txt 2>run.err &
wait_for ready said.txt
pid=$("$weir" ps | awk '$2 == "phases" { print $1 }')
"$weir" top "$pid@-1h" >out.txt 2>err.txt
is $? 1 "a moment before the start"
says "process $pid started" err.txt
"$weir" top "$pid@-10y" >out.txt 2>err.txt
is $? 1 "a moment that is none"
says "is no moment" err.txt

# Until the second note after the start can be told of
for _ in $(seq 300); do
    "$weir" flame --folded "$pid@-1s" 2>/dev/null | grep -q first_phase && break
    sleep 0.1
done
noted=$(date +%s) # so many seconds ago is after the note, before the growth
touch grow
wait_for grown said.txt
ago() {
    echo "$(($(date +%s) - noted + 1))s"
}

"$weir" diff -n 0 "$pid@-$(ago)" "$pid" >out.txt 2>err.txt
is $? 0 "now against some seconds ago"
grep -Eq '^ +\+9.77MB +0 +9.77MB +\+9.77MB +new +second_phase$' out.txt ||
    fail "no second_phase: $(cat out.txt err.txt)"
grep -q first_phase out.txt && fail "first_phase did not change"
"$weir" diff --fail-if 'inuse>+9MiB' "@-$(ago)" '@now' >out.txt 2>err.txt
is $? 3 "the only process, without its pid"
then=$(ago)
"$weir" flame -o - "$pid@-$then" "$pid" >out.html
says '"title":"phases: '"$pid, compared with $pid@-$then\"" out.html
touch stop
wait
finish
