#!/bin/sh
# Typed blocks in a program linked with the library: what is dead goes, all of
# it, though numbers everywhere look like its addresses.
set -u
build=$(cd "$1" && pwd)
precise=$build/tests/prog_precise
if [ ! -x "$precise" ]; then
    echo "skip: no libweir.so in this build"
    exit 77
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
unset LD_PRELOAD
export WEIR=dir=$tmp
first=${WEIR_TEST_SEED:-1}
for seed in $first $((first + 1)) $((first + 2)); do
    "$precise" "$seed" || { echo "FAILED: seed $seed" >&2; exit 1; }
done
