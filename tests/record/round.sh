#!/bin/sh
# A program that forks and has threads is recorded, and its traces are played
# again; a damaged trace is refused.
. "$(dirname "$0")/../cmd/_lib.sh"
bench=$build/bench/bench_alloc
[ -x "$bench" ] && [ -e "$build/lib/libweir-record.so.0" ] || {
    echo "skip: no bench_alloc or recorder in this build"
    exit 77
}

compile prog -pthread <<'END' || fail "does not compile"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
static void *work(void *unused)
{
    for (int i = 0; i < 20000; i++) {
        char *p = malloc(10 + i % 500);
        memset(p, 1, 10);
        p = realloc(p, 2000 + i % 100);
        free(p);
    }
    return unused;
}
int main(void)
{
    pthread_t t[4];
    void *kept = calloc(3, 100);
    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], 0, work, 0);
    if (fork() == 0) {
        free(kept);
        work(0);
        _exit(0);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], 0);
    wait(0);
    return 7;
}
END
"$weir" record-allocs -o prog.trace -- ./prog 2>said
is $? 7 "the program's status"
is "$(ls prog.trace*  | wc -l)" 2 "traces of two processes"
for trace in prog.trace*; do
    says "$trace: $tmp/prog" said
    "$bench" replay "$trace" 0.00001 >played 2>&1
    is $? 0 "replay of $trace"
done
ops=$("$bench" replay prog.trace 0.00001 | cut -d' ' -f2)
[ "${ops:-0}" -ge 160000 ] || fail "four threads' 160000 births: $ops"
plain=$("$bench" replay prog.trace 0.00001 | cut -d' ' -f6)
under=$(LD_PRELOAD=$build/lib/libweir.so "$bench" replay prog.trace 0.00001 |
    cut -d' ' -f6)
is "$under" "$plain" "what a replay on Weir reads back"

"$weir" record-allocs -o prog.trace -- ./prog 2>said
is $? 125 "a file that exists"
says "prog.trace" said
compile still <<'END' || fail "does not compile"
int main(void)
{
    return 0;
}
END
"$weir" record-allocs -o still.trace -- ./still 2>said
says "nothing was recorded" said
"$weir" record-allocs -q -o still.trace -- ./still 2>said
is "$(wc -c <said)" 0 "bytes that -q leaves of it"

head -c 1000 prog.trace >cut.trace
"$bench" replay cut.trace >played 2>&1
is $? 1 "a trace that is cut"
says "of which" played
{ head -c 256 prog.trace; head -c 100000 /dev/zero | tr '\0' '\377'
  tail -c +100257 prog.trace; } >bad.trace
"$bench" replay bad.trace >played 2>&1
is $? 1 "a trace of nonsense"
says "bad.trace: " played
finish
