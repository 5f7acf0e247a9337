#!/bin/sh
# A program written for Boehm's collector: built against Weir's header it says
# the same as built against libgc, with -lweir-gc and with -lgc.
set -u
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
lib=$build/lib
if [ ! -e "$lib/libweir-gc.so" ]; then
    echo "skip: no libweir-gc.so in this build"
    exit 77
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
unset LD_PRELOAD
export WEIR=dir=$tmp
failures=0
fail() {
    echo "FAILED: $*" >&2
    failures=$((failures + 1))
}
cat >"$tmp/wanted" <<'END'
zero 1, realloc 1
base 1 1, size 1
texts abc abcd
aligned 1
hidden 1
cycles 1, small 1
kept 1
ended 1, right 1, gone 1
old 1 1 1
told 1, waits 1, ended 1, moved 1
rings 1, waiting 1, invoked 1, all 1, elsewhere 0
typed 1, numbers 1
kind 1
pushed 1
figures 1 1 1
threads 1
refused 1 1
disabled 1
END
make() { # name, flags
    name=$1
    shift
    cc -O1 -Wall -Wextra -Werror -fno-builtin "$here/boehm.c" \
        -o "$tmp/$name" "$@" -lpthread 2>"$tmp/why" ||
        fail "$name is not made: $(cat "$tmp/why")"
    "$tmp/$name" >"$tmp/said" 2>"$tmp/err" || fail "$name ends with $?"
    diff "$tmp/wanted" "$tmp/said" || fail "$name says something else"
}
ours="-I $here/../../include/weir/compat -L$lib -Wl,-rpath,$lib"
make weir $ours -lweir-gc -lweir
make as-gc $ours -L"$lib/weir/compat" -lgc
printf '#include <gc/gc.h>\n#include <gc.h>\nint main(void) { GC_INIT(); }\n' \
    >"$tmp/name.c"
cc "$tmp/name.c" -o "$tmp/name" $ours -lweir-gc -lweir && "$tmp/name" ||
    fail "gc/gc.h"
if echo '#include <gc.h>' | cc -E - >/dev/null 2>&1; then
    make libgc -lgc
else
    echo "skip: no libgc-dev: what libgc says is not compared"
fi
exit $((failures > 0))
