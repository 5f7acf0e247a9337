#!/bin/sh
# Collected memory under torture, in a program linked with the library.
set -u
build=$(cd "$1" && pwd)
torture=$build/tests/prog_torture
if [ ! -x "$torture" ]; then
    echo "skip: no libweir.so in this build"
    exit 77
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
unset LD_PRELOAD
failures=0
for what in graph threads fork signals limit; do
    options=dir=$tmp
    [ $what != limit ] || options=$options,gogc=off,limit=64MiB
    WEIR=$options "$torture" $what "${WEIR_TEST_SEED:-1}" >"$tmp/said" 2>&1 ||
        { echo "FAILED: $what, seed ${WEIR_TEST_SEED:-1}" >&2
            failures=$((failures + 1)); }
    cat "$tmp/said"
done
exit $((failures > 0))
