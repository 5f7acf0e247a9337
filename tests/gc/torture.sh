#!/bin/sh
# Collected memory under torture, in a program linked with the library: as it
# is, with each cycle verified and what it frees overwritten, and with a cycle
# at every block.
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
seed=${WEIR_TEST_SEED:-1}
failures=0
run() { # options what part
    WEIR=dir=$tmp,$1 "$torture" "$2" "$seed" "$3" ${4-} >"$tmp/said" 2>&1 ||
        { echo "FAILED: $2, seed $seed, $1" >&2
            failures=$((failures + 1)); }
    cat "$tmp/said"
}
checked=gccheckmark=1,clobberfree=1
for what in graph threads fork signals finalizers; do
    run gctrace=0 $what 1
    run $checked $what 8
    run $checked,gcstress=1 $what 60
    run gcyoung=always $what 1
    run gcyoung=always,$checked $what 8
    run gcyoung=always,$checked,gcstress=1 $what 60
    run gc=track $what 1
    run gc=track,$checked $what 8
    run gc=barrier $what 2 barrier
    run gc=barrier,$checked $what 8 barrier
done
run gogc=off,limit=64MiB limit 1
run gogc=off,limit=64MiB,$checked limit 1
exit $((failures > 0))
