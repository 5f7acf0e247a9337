#!/bin/sh
# A forked child that has recorded nothing has no region until somebody looks;
# then it is there with what it inherited, also when its parent is gone. What
# it does about it cannot be seen in the program.
. "$(dirname "$0")/_lib.sh"

if ! compile quiet -g -O0 <<'END'
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
__attribute__((noinline)) void *held_by_parent(void)
{
    return memset(malloc(512 << 20), 1, 1);
}
void *volatile kept;
int main(int argc, char **argv)
{
    kept = held_by_parent();
    for (int i = 0; i < 3; i++) {
        if (fork() != 0)
            continue;
        if (argc > 2 && chroot("/proc") != 0) /* gives up rights: no waiting */
            return 3;
        printf("%d\n", (int)getpid());
        fflush(stdout);
        for (;;)
            pause();
    }
    if (argv[1][0] == 's')
        while (wait(NULL) > 0)
            ;
    return 0;
}
END
then
    echo "skip: no C compiler"
    exit 77
fi

children_wait_for() { # how many lines
    for _ in $(seq 100); do
        [ "$(wc -l <pids)" -eq "$1" ] && return
        sleep 0.02
    done
    fail "the children never came"
}

# Seldom enough that no child records something of its own by chance, and the
# parent's block surely is one.
WEIR=${WEIR:+$WEIR,}sample=33554432
export WEIR

ps_until() { # what must appear; on a busy machine an answer may come late
    for _ in $(seq 50); do
        "$weir" ps >ps.txt
        grep -q "$1" ps.txt && return
        sleep 0.1
    done
}

regions() {
    find "$tmp/weir" -name '*.weir' | wc -l
}

# Parent and children live: the preload alone, as in a service.
LD_PRELOAD=$build/lib/libweir.so.0 ./quiet stay >pids &
parent=$!
children_wait_for 3
is "$(regions)" 1 "regions before anybody looked"
for child in $(cat pids); do
    ps_until "$child"
    says "$child" ps.txt
done
is "$(regions)" 4 "regions after"
"$weir" top "$(head -1 pids)" >top.txt
says held_by_parent top.txt
kill $(cat pids)
wait $parent

# The parent is gone before anybody looks, and its file with it.
LD_PRELOAD=$build/lib/libweir.so.0 ./quiet leave >pids
children_wait_for 3
rm -f "$tmp"/weir/*.weir
ps_until "$(head -1 pids)"
says "$(head -1 pids)" ps.txt
ps_until "$(tail -1 pids)"
"$weir" top "$(tail -1 pids)" >top.txt
says held_by_parent top.txt
kill $(cat pids)

# Under weir run: the server's question finds them too.
"$weir" run --http none -q --out profiles -- ./quiet leave >pids
children_wait_for 3
is "$(ls profiles/*.heap.pb.gz | wc -l)" 1 "profiles of who has ended"
"$weir" top "$(head -1 pids)" >top.txt
says held_by_parent top.txt
kill $(cat pids)

# A child that gives up rights makes its region before.
if [ "$(id -u)" = 0 ]; then
    rm -f "$tmp"/weir/*.weir
    LD_PRELOAD=$build/lib/libweir.so.0 ./quiet stay chroot >pids &
    parent=$!
    children_wait_for 3
    is "$(regions)" 4 "regions of who gave up rights"
    kill $(cat pids)
    wait $parent
fi
finish
