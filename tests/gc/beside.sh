#!/bin/sh
# Threads move the only pointers to blocks about while cycles run beside them:
# shown to the collector, or hidden in blocks of malloc that are all roots.
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
seed=${WEIR_TEST_SEED:-1}

try() { # OPTIONS THREADS HOW [STEPS]
    WEIR=dir=$tmp,$1 "$beside" "$2" "${4:-200000}" "$seed" "$3" 2>&1 || {
        echo "FAILED: $*, seed $seed" >&2
        failures=$((failures + 1))
    }
}

for threads in 1 3; do
    for way in track copy; do
        try gc=$way $threads shows
        try gc=$way $threads hides
    done
    try gc=barrier $threads barrier
    # Where blocks of malloc are collected, too; freed memory is overwritten.
    try gc=track,collect=on,clobberfree=1 $threads shows
done
# Cycles that mark only what is new, each of them verified.
for threads in 1 3; do
    try gc=stop,gcyoung=always,gogc=5,gccheckmark=1,clobberfree=1 $threads due \
        $((150000 / threads))
done
exit $((failures > 0))
