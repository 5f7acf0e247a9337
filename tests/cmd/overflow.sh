#!/bin/sh
# A stack that is used up: one report under weir run, and the program ends as it
# would have without Weir; no report without weir run, or where none is wanted.
. "$(dirname "$0")/_lib.sh"
prog=$build/tests/prog_overflow
ulimit -c 0
ulimit -s 8192

run() { # case
    "$prog" "$1" >plain.txt 2>/dev/null
    plain=$?
    "$weir" run --http none --out out -- "$prog" "$1" >out.txt 2>err.txt
    is $? $plain "$1: status"
    cmp -s plain.txt out.txt || fail "$1: prints $(cat out.txt)"
}

# case, which functions repeat, the thread's name
while read -r case functions name; do
    run "$case"
    is "$(grep -c "stack overflow:" err.txt)" 1 "$case: reports"
    says "($name" err.txt
    says "MB of its stack, of 8" err.txt
    grep -Eq '^    [0-9]{4,} times:$' err.txt || fail "$case: not folded"
    for function in $(echo "$functions" | tr , ' '); do
        # once among those that repeat, at most twice in all
        n=$(grep -c "^      $function  " err.txt)
        [ "$n" -ge 1 ] && [ "$n" -le 2 ] ||
            fail "$case: $function $n times: $(cat err.txt)"
    done
done <<'END'
main sinks prog_overflow,
two ping,pong prog_overflow,
thread sinks sinker)
sort compares prog_overflow,
own sinks prog_overflow,
END
run main
says "main  " err.txt
says "stack overflow; by sinks" err.txt # the verdict
ls -t out/*.report.txt | head -1 | xargs cat >report.txt
says "stack overflow: thread" report.txt

# No overflow, or none of Weir's business: no report, the same end.
for case in taken kill other none; do
    run $case
    ! grep -q "stack overflow" err.txt || fail "$case: a report: $(cat err.txt)"
done

# weir_stack_max: of threads made later without a size of their own.
compile sizes -I"$source_dir/include" -pthread <<'ENDC' || finish
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <weir/stack.h>
__attribute__((weak)) weir_err weir_stack_max(size_t bytes);
static void *size(void *arg)
{
    pthread_attr_t a;
    size_t n;
    pthread_getattr_np(pthread_self(), &a);
    pthread_attr_getstacksize(&a, &n);
    printf("%zu ", n >> 20);
    return arg;
}
int main(void)
{
    pthread_attr_t own;
    pthread_t t;
    printf("%d %d ", weir_stack_max(100), weir_stack_max(32 << 20));
    pthread_create(&t, NULL, size, NULL);
    pthread_join(t, NULL);
    pthread_attr_init(&own);
    pthread_attr_setstacksize(&own, 2 << 20);
    pthread_create(&t, &own, size, NULL);
    pthread_join(t, NULL);
    return 0;
}
ENDC
is "$(LD_PRELOAD=$build/lib/libweir.so.0 ./sizes)" "1 0 32 2 " "stack sizes"

export WEIR=overflow=off
run main
! grep -q "stack overflow" err.txt || fail "a report that nobody asked for"
finish
