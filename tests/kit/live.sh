#!/bin/sh
# In a program linked with libweir a pool and a cache give back near the limit,
# what the kit holds is no leak, containers take collected memory, and two cycles
# of the collector empty a pool.
set -eu

prog=$1/tests/prog_live
if [ ! -x "$prog" ]; then
    echo "skip: this build has no libweir.so"
    exit 77
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0

for part in pressure leaks lent collected gathered cycles; do
    WEIR=dir=$dir timeout 120 "$prog" $part >"$dir/out" 2>&1 || failed=1
    grep -qx 'so it is' "$dir/out" || {
        echo "FAIL: $part:"
        cat "$dir/out"
        failed=1
    }
done
exit $failed
