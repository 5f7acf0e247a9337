#!/bin/sh
# A C++ program whose frames are left by longjmp, out of handlers on stacks of
# their own, and by exceptions, while the collector runs.
set -u
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
if [ ! -e "$build/lib/libweir.so" ]; then
    echo "skip: no libweir.so in this build"
    exit 77
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
unset LD_PRELOAD
for level in -O0 -O2; do
    c++ -std=c++17 -Wall -Wextra -Werror $level "$here/frames.cc" \
        -I "$here/../../include" -L "$build/lib" -Wl,-rpath,"$build/lib" \
        -lweir -o "$tmp/frames" || exit 1
    WEIR=dir=$tmp "$tmp/frames" >"$tmp/said" ||
        { echo "FAILED: $level ends with $?" >&2; exit 1; }
    grep -qx "longjmp, handlers, exceptions, layouts" "$tmp/said" || exit 1
done
