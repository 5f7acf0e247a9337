#!/bin/sh
# The probe points otel_memory:alloc and otel_memory:free: their notes are in
# the library as tracers read them, also in a stripped one, and gdb, attached
# to them, sees the blocks that the program got and gave back.
. "$(dirname "$0")/../cmd/_lib.sh"
lib=$build/lib/libweir.so.0
for tool in readelf strip gdb; do
    command -v $tool >/dev/null && continue
    echo "skip: no $tool on this machine; script/setup installs it"
    exit 77
done

# ---- the notes ----
# PROVIDER NAME ARGUMENTS..., a line each, sorted
notes() {
    readelf -n "$1" 2>/dev/null | awk '
        $1 == "Provider:" { provider = $2 }
        $1 == "Name:" { name = $2 }
        $1 == "Arguments:" { print provider, name, NF - 1 }' | sort
}
is "$(notes "$lib")" "otel_memory alloc 3
otel_memory free 1" "the notes of the library"
strip -o stripped.so "$lib"
is "$(notes stripped.so)" "$(notes "$lib")" "the notes of a stripped library"
readelf -n "$lib" | sed -n 's/^ *Arguments: //p' | tr ' ' '\n' |
    grep -v '^8@[%x][a-z0-9]*$' && fail "an argument is not in a register"
if command -v bpftrace >/dev/null; then
    bpftrace -l "usdt:$lib:*" >listed 2>&1
    says otel_memory:alloc listed
    says otel_memory:free listed
fi

# ---- the events ----
compile blocks -g -O0 <<'END_C' || { echo "skip: no C compiler"; exit 77; }
#include <stdio.h>
#include <stdlib.h>
int main(void)
{
    static void *p[200];
    for (int i = 0; i < 200; i++) {
        p[i] = i % 2 ? malloc(i * 40) : calloc(1, 3000 + i * 400);
        fprintf(stderr, "got %p\n", p[i]);
    }
    for (int i = 0; i < 200; i++) {
        fprintf(stderr, "gave %p\n", p[i]);
        free(p[i]);
    }
    return 0;
}
END_C
# events SAMPLE: what gdb sees, into events.txt; what the program says it had
# and did, into program.err
events() {
    cat >script.gdb <<END
set pagination off
set confirm off
set breakpoint pending on
set startup-with-shell off
set environment LD_PRELOAD $lib
set environment WEIR sample=$1,dir=$tmp/run
break -probe-stap otel_memory:alloc
commands
silent
printf "alloc %#lx %lu %lu\n", \$_probe_arg0, \$_probe_arg1, \$_probe_arg2
continue
end
break -probe-stap otel_memory:free
commands
silent
printf "free %#lx\n", \$_probe_arg0
continue
end
run
END
    mkdir -p "$tmp/run"
    timeout 100 gdb -nx -q -batch -x script.gdb ./blocks >gdb.out 2>program.err
    grep -E '^(alloc|free) ' gdb.out >events.txt
}

events 1
if grep -qi "ptrace.*not permitted\|personality" program.err; then
    echo "skip: no process may be traced here"
    finish
fi
is "$(grep -c ^got program.err)" 200 "the program's own blocks"
# Every block is a sample and weighs what it is; the program's are among them.
awk '
    FILENAME == "events.txt" && $1 == "alloc" {
        if ($2 in live) print "allocated twice: " $0
        if ($3 != $4) print "weighs something else: " $0
        live[$2] = 1
        seen[$2] = 1
    }
    FILENAME == "events.txt" && $1 == "free" {
        if (!($2 in live)) print "freed, and was no sample: " $0
        delete live[$2]
    }
    FILENAME != "events.txt" && $1 == "got" && !($2 in seen) {
        print "never seen: " $0
    }
    FILENAME != "events.txt" && $1 == "gave" && ($2 in live) {
        print "its free was not seen: " $0
    }' events.txt program.err >wrong
[ -s wrong ] && fail "every block a sample: $(head -3 wrong)"

# Some are samples: each stands for as much as its chance to be one is small.
events 65536
grep -q ^alloc events.txt || fail "no sample: $(tail -5 gdb.out program.err)"
awk '$1 == "alloc" {
        right = $3 / (1 - exp(-$3 / 65536))
        if ($4 < right - 1 || $4 > right + 1) print $0, "not", right
    }' events.txt >wrong
[ -s wrong ] && fail "wrong weight: $(head -3 wrong)"
sed -n 's/^alloc \(0x[0-9a-f]*\) .*/\1/p' events.txt | while read -r block; do
    grep -q "$block" program.err && echo "$block"
done >known
[ -s known ] || fail "no sample is a block of the program"
finish
