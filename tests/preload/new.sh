#!/bin/sh
# C++'s new and delete, also aligned and nothrow, end in Weir's heap.
. "$(dirname "$0")/_lib.sh"
command -v c++ >/dev/null || { echo "no C++ compiler"; exit 77; }
c++ -std=c++17 -O1 -fno-builtin "$here/new.cc" -o "$tmp/new" -pthread ||
    fail "new.cc does not compile"
same "$tmp/new"
finish
