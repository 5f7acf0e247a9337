#!/bin/sh
# tools/check-layers finds each kind of broken rule, and nothing in a clean
# tree: a check that cannot fail proves nothing.
set -eu

here=$(cd "$(dirname "$0")/../.." && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failed=0

fresh_tree() {
    rm -rf "$tree/src" "$tree/cmd" "$tree/include"
    mkdir -p "$tree/src/base" "$tree/src/os" "$tree/src/heap" \
        "$tree/src/region" "$tree/src/kit" "$tree/src/bench" "$tree/src/serve" "$tree/src/attic" \
        "$tree/cmd/weir" "$tree/include/weir"
    cp "$here/src/LAYERS" "$tree/src/LAYERS"
    echo '#include <stddef.h>' >"$tree/src/base/a.h"
    echo '#include "base/a.h"' >"$tree/src/heap/h.h"
    echo '#include "os/o.h"' >"$tree/src/kit/k.h"
    : >"$tree/src/os/o.h"
    echo '#include <microhttpd.h>' >"$tree/src/serve/s.h"
    echo '#include "region/r.h"' >>"$tree/src/serve/s.h"
    echo '#ifdef __linux__' >"$tree/src/os/linux.c"
    echo '#include "serve/s.h"' >"$tree/cmd/weir/main.c"
    echo '#include "weir/cmd.h"' >>"$tree/cmd/weir/main.c"
    : >"$tree/cmd/weir/cmd.h"
    echo '#include <weir/weir.h>' >"$tree/include/weir/weir.h"
    : >"$tree/src/region/r.h"
}

check() {
    "$here/tools/check-layers" "$tree" >"$tree/out" 2>&1
}

# refuses FILE LINE WORDS: a tree whose FILE also holds LINE is refused with
# a complaint that names FILE and says WORDS.
refuses() {
    fresh_tree
    echo "$2" >>"$tree/$1"
    if check; then
        echo "FAIL: '$2' in $1 was accepted"
        failed=1
    elif ! grep -q "^$1:[0-9]*: .*$3" "$tree/out"; then
        echo "FAIL: '$2' in $1 got the wrong complaint:"
        cat "$tree/out"
        failed=1
    fi
}

fresh_tree
if ! check; then
    echo "FAIL: a clean tree was refused:"
    cat "$tree/out"
    failed=1
fi
refuses src/base/b.c '#include "heap/h.h"' 'base may not include heap'
refuses src/heap/b.c '# include "serve/s.h"' 'heap may not include serve'
refuses src/serve/b.c '#include "heap/h.h"' 'serve may not include heap'
refuses cmd/weir/b.c '#include "heap/h.h"' 'cmd may not include heap'
refuses src/serve/b.c '#include "weir/cmd.h"' 'serve may not include cmd'
refuses src/kit/b.c '#include "region/r.h"' 'kit may not include region'
refuses src/heap/b.c '#include "kit/k.h"' 'heap may not include kit'
refuses src/bench/b.c '#include "heap/h.h"' 'bench may not include heap'
refuses src/bench/b.c '#include <microhttpd.h>' 'not a header of libc'
refuses src/serve/b.c '#include "bench/b.h"' 'serve may not include bench'
refuses src/heap/b.c '#include "base/none.h"' 'does not exist'
refuses src/heap/b.c '#include "a.h"' 'not in this folder'
refuses src/heap/b.c '#include "tests/a.h"' 'in no floor'
refuses src/heap/b.c '#include <microhttpd.h>' 'not a header of libc'
refuses include/weir/b.h '#include <gelf.h>' 'not a header of libc'
refuses include/weir/b.h '#include "base/a.h"' 'public headers include'
refuses src/heap/b.c '#ifdef __x86_64__' 'outside src/os'
refuses cmd/weir/b.c '#if defined(__linux__)' 'outside src/os'
refuses src/attic/b.c 'int b;' 'not in src/LAYERS'
exit $failed
