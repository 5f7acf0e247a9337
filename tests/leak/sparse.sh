#!/bin/sh
# Memory that a program has reserved but never touched is not touched by a
# search either.
. "$(dirname "$0")/../cmd/_lib.sh"
command -v jq >/dev/null || {
    echo "skip: no jq"
    exit 77
}
[ "$(awk '/MemAvailable/ { print int($2 / 1048576) }' /proc/meminfo)" -ge 9 ] || {
    echo "skip: the blocks of this test need 9 GiB to be promised"
    exit 77
}
mkdir -m 700 weir

resident() {
    awk '/VmRSS/ { print int($2 / 1024) }' "/proc/$pid/status"
}
shared_blocks() { # of 512 bytes, of the memory file
    for fd in "/proc/$pid/fd"/*; do
        case $(readlink "$fd") in *sparse*) stat -Lc %b "$fd" ;; esac
    done
}

LD_PRELOAD=$build/lib/libweir.so.0 WEIR=dir=$tmp/weir,sample=1 \
    "$build/tests/prog_sparse" >ready.txt 2>&1 &
pid=$!
wait_for ready ready.txt
before=$(resident)
"$weir" leaks --json $pid >leaks.json 2>err.txt || fail "$(cat err.txt)"
is "$(jq -r '[.direct.blocks, .indirect.blocks] | join(" ")' leaks.json)" \
    "2 0" "what is lost, and only that"
is "$(jq -r .trust leaks.json)" proved trust
is "$(shared_blocks)" 8 "blocks of the shared file"
[ "$(resident)" -lt $((before + 8)) ] ||
    fail "$before MiB were resident before, $(resident) after"
kill $pid
wait $pid 2>/dev/null
finish
