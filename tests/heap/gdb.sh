#!/bin/sh
# gdb, with the script that lies beside the library, tells what Weir's heap
# holds and which block an address belongs to: of a process and of its core.
. "$(dirname "$0")/../cmd/_lib.sh"
lib=$build/lib/libweir.so.0
if ! command -v gdb >/dev/null; then
    echo "skip: no gdb on this machine; script/setup installs it"
    exit 77
fi
compile held -g -O2 -pthread <<'END_C' || { echo "skip: no C compiler"; exit 77; }
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
char *kept[1000], *huge, *gone, *far;
static inline __attribute__((always_inline)) char *get(int n)
{
    return memset(malloc(n), 1, n);
}
__attribute__((noinline)) void hold_blocks(void)
{
    for (int i = 0; i < 1000; i++)
        kept[i] = get(10000);
    huge = get(5000000);
}
static void *free_far(void *arg)
{
    free(arg);
    return arg;
}
int main(void)
{
    pthread_t t;
    hold_blocks();
    gone = kept[500];
    free(gone);
    far = kept[501];
    pthread_create(&t, NULL, free_far, far);
    pthread_join(t, NULL);
    puts("ready");
    fflush(stdout);
    while (access("stop", F_OK) != 0)
        usleep(20000);
    return 0;
}
END_C

# start NAME=VALUE...: the program, up to "ready"; $pid
start() {
    rm -f stop ready
    mkdir -p run
    env "$@" ./held >ready &
    pid=$!
    wait_for ready ready
}

stop() {
    touch stop
    wait $pid
}

# look GDB-ARGUMENTS... COMMAND...: commands begin with "weir" or "generate"
look() {
    gdb_arguments=
    while [ $# -gt 0 ]; do
        case $1 in weir* | generate*) break ;; esac
        gdb_arguments="$gdb_arguments $1"
        shift
    done
    for command; do
        echo "$command"
    done >commands
    timeout 60 gdb -nx -q -batch -iex "add-auto-load-safe-path $build/lib" \
        $gdb_arguments -x commands >said 2>&1
}

# What is told of blocks, wherever from.
tells_blocks() {
    says "is the start of a live block of 10,240 bytes." said
    says "is 5 bytes into a live block of 10,240 bytes, at 0x" said
    says "is the start of a free block of 10,240 bytes." said
    says "is the start of a block that another thread has freed of" said
    says "is 4,999,999 bytes into a live block of 5,005,312 bytes" said
    says "611 pages (4.8 MiB) of its own" said
    says "is not in Weir's heap. It is main in section .text" said
    grep -q "^ *10240  *998  *[0-9]*  *167 " said ||
        fail "blocks by size: $(grep '^ *10240' said)"
    grep -q "^ *large  *1  *-  *1  *4.8 MiB" said ||
        fail "large blocks: $(grep '^ *large' said)"
}

blocks="weir heap 1
weir whois kept[3]
weir whois kept[3]+5
weir whois gone
weir whois far
weir whois huge + 4999999
weir whois &main
weir whois 0x10"

# ---- a process, with everything sampled ----
start LD_PRELOAD="$lib" WEIR="sample=1,dir=$tmp/run"
look -p $pid "$blocks" "generate-core-file core.held"
if grep -qi "operation not permitted" said; then
    echo "skip: no process may be traced here"
    stop
    finish
fi
tells_blocks
says "6 live, of thread $pid." said
says "Weir 0.1.0 in process $pid, $tmp/held" said
says "9.7 MiB  in 998 blocks, from" said
says "hold_blocks (inlined the above)" said
says "main at held.c:25" said
says "get at held.c:9" said
says "It is a sample, allocated at" said
says "Samples like it: 1000 allocated, 998 live." said
says "Before it is a live block, allocated at" said
says "Before it is a free block." said
says "0x10 is not in Weir's heap." said
grep -q "Traceback\|Error" said && fail "an error: $(cat said)"

# ---- its core, while the region's file is there and when it is not ----
if [ -s core.held ]; then
    look ./held core.held "$blocks"
    tells_blocks
    says "hold_blocks (inlined the above)" said
    stop
    rm -rf run
    look ./held core.held "$blocks"
    tells_blocks
    says "The samples are not in this core" said
    says "It is a sample. The samples are not" said
    grep -q "Traceback" said && fail "a core without region: $(cat said)"
else
    fail "no core: $(tail -2 said)"
    stop
fi

# ---- with few samples, most blocks are none ----
start LD_PRELOAD="$lib" WEIR="sample=16777216,dir=$tmp/run"
look -p $pid "weir heap" "weir whois kept[999]" "weir whois kept[2]" \
    "weir whois kept[7]" "weir whois kept[77]"
says "estimated, one sample in 16.0 MiB" said
says "It was not sampled: where it was allocated is not known." said
stop

# ---- where there is nothing to tell ----
cat >sourced <<END
source $source_dir/packaging/gdb/weir-gdb.py
weir heap
END
start A=1
timeout 60 gdb -nx -q -batch -p $pid -x sourced >said 2>&1
says "This program has no Weir in it. Start it with" said
stop
timeout 60 gdb -nx -q -batch ./held -x sourced >said 2>&1
says "There is no process and no core to look at." said
if command -v strip >/dev/null; then
    strip -o libweir.so.0 "$lib"
    start LD_PRELOAD="$tmp/libweir.so.0" WEIR="dir=$tmp/run"
    timeout 60 gdb -nx -q -batch -p $pid -x sourced >said 2>&1
    says "libweir.so is here without its debug information" said
    stop
fi
finish
