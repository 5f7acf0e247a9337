#!/bin/sh
# Threads move the only pointers to blocks about while cycles run beside them.
set -u
build=$(cd "$1" && pwd)
beside=$build/tests/prog_beside
if [ ! -x "$beside" ]; then
    echo "skip: no libweir.so in this build"
    exit 77
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
unset LD_PRELOAD
failures=0
for way in track copy; do
    for threads in 1 3; do
        WEIR=dir=$tmp,gc=$way "$beside" $threads 400000 \
            "${WEIR_TEST_SEED:-1}" 2>&1 || {
            echo "FAILED: gc=$way, $threads, seed ${WEIR_TEST_SEED:-1}" >&2
            failures=$((failures + 1))
        }
    done
done
exit $((failures > 0))
