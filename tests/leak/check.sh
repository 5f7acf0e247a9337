#!/bin/sh
# A program that searches itself, tells of its roots and of what is no leak.
. "$(dirname "$0")/../cmd/_lib.sh"
prog=$build/tests/prog_check

# WEIR's settings; what is known of a block that was not sampled.
try() {
    settings=$1 known=$2
    LD_PRELOAD=$build/lib/libweir.so.0 WEIR=$settings \
        "$prog" >out.txt 2>err.txt
    is $? 0 "status with $settings"
    sed 's/0x[0-9a-f]*/ADDRESS/g; s/, from prog_check+.*/, from PLACES/' \
        out.txt >got.txt
    cat >wanted.txt <<END
nothing: 0 0 0 1
ignore: 0
ignored: 0 0 0 1
in a scope: 0 0 0 1
lost: 0 1 1 1
leak: 416 bytes, direct, 1 hang, $known
END
    [ "${3-}" = "" ] || echo "leak: 32 bytes, indirect, 0 hang, $known" \
        >>wanted.txt
    cat >>wanted.txt <<END
$([ "${3-}" = "" ] && echo 1 || echo 2) told
  416 bytes at ADDRESS, off which hang 32 bytes in 1 block${3-}
leaked: 448 bytes in 2 blocks
print: 0 2
lsan: 1
turned round: 0 2 1 1
with its key: 0 1 1 1
remove: 0
again: 4
without it: 0 2 1 1
nonsense: 1 1
read only: 0 2 1 1
read only, as a root: 0 2 1 1
gone: 0 3 1 1
in a child: 0 4 2 1
END
    diff wanted.txt got.txt >&2 || fail "with $settings"
    is "$(wc -l <err.txt)" 2 "lines of lsan's report"
}

try sample=1 "stack, aged, ours" ", from PLACES"
try sample=1GiB "no stack, no age, another thread's"
try sample=0 "no stack, no age, another thread's"

# Without the library there is no such function.
"$prog" >out.txt 2>err.txt
is $? 77 "status without Weir"
finish
