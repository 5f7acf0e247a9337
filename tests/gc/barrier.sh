#!/bin/sh
# A program that tells of its stores does, while a cycle marks, whatever it may:
# nothing is lost. One that stores without telling is found out.
set -u
build=$(cd "$1" && pwd)
barrier=$build/tests/prog_barrier
if [ ! -x "$barrier" ]; then
    echo "skip: no libweir.so in this build"
    exit 77
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
unset LD_PRELOAD
failures=0
fail() {
    echo "FAILED: $*" >&2
    cat "$tmp/said" >&2
    failures=$((failures + 1))
}
cases="store swap store_if clear move large mallocs grow shrink many again
anothers weak unpin fork signals"
for each in $cases; do
    WEIR=dir=$tmp,gc=barrier,clobberfree=1 "$barrier" "$each" \
        >"$tmp/said" 2>&1 || fail "$each"
done
WEIR=dir=$tmp,gc=barrier,gccheckmark=1,clobberfree=1 "$barrier" store grow \
    again weak signals >"$tmp/said" 2>&1 || fail "checked"

# It dies for it, by a sentence that names both blocks and says what to do.
WEIR=dir=$tmp,gc=barrier,gccheckmark=1 "$barrier" broken >"$tmp/said" 2>&1 &&
    fail "a store that was not told of was not found"
grep -q 'about to be freed, but the word at 0x.* in the live block 0x.* of [0-9]* bytes points at it: .*overwritten without weir_store' \
    "$tmp/said" || fail "the sentence"
exit $((failures > 0))
