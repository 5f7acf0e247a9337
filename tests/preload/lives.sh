#!/bin/sh
# Allocation works from the first instruction to the last: constructors,
# threads, keys, libraries that come and go.
. "$(dirname "$0")/_lib.sh"
same "$(prog lives)"
if command -v cc >/dev/null; then
    cc -shared -fPIC -O1 "$here/plugin.c" -o "$tmp/plugin.so" ||
        fail "plugin.c does not compile"
    same "$(prog dlopen)" "$tmp/plugin.so"
    # The little thread storage libc keeps for libraries that come later is
    # there for them, not for Weir.
    cc -shared -fPIC -O1 -ftls-model=initial-exec -DOWN_BYTES=600 \
        "$here/plugin.c" -o "$tmp/static.so" || fail "plugin.c: static TLS"
    same "$(prog dlopen)" "$tmp/static.so"
fi
finish
