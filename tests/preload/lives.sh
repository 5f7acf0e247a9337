#!/bin/sh
# Allocation works from the first instruction to the last: constructors,
# threads, keys, libraries that come and go.
. "$(dirname "$0")/_lib.sh"
same "$(prog lives)"
if command -v cc >/dev/null; then
    cc -shared -fPIC -O1 "$here/plugin.c" -o "$tmp/plugin.so" ||
        fail "plugin.c does not compile"
    same "$(prog dlopen)" "$tmp/plugin.so"
fi
finish
