#!/bin/sh
# Where the system refuses to track writes a large heap is marked in a copy of
# the program, and where it refuses that too, while it stands still: by itself.
set -u
build=$(cd "$1" && pwd)
prog=$build/tests/prog_refused
if [ ! -x "$prog" ]; then
    echo "skip: no libweir.so in this build"
    exit 77
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
unset LD_PRELOAD WEIR
failures=0
fail() {
    echo "FAILED: $*" >&2
    failures=$((failures + 1))
}

# refused WHAT: the last way that it marked in
refused() {
    WEIR=dir=$tmp,gctrace=1 "$prog" "$1" 2>"$tmp/said"
    status=$?
    if [ $status -eq 77 ]; then
        echo "skip: $(tail -1 "$tmp/said")"
        exit 77
    fi
    [ $status -eq 0 ] ||
        fail "refused $1: status $status: $(tail -3 "$tmp/said")"
    way=$(sed -n 's/^weir: gc marks //p' "$tmp/said" | tail -1)
}

refused nothing
case $way in
"beside the program, whose writes are tracked") ;;
"a copy of the program") echo "skip: the system does not track writes" ;;
*) fail "nothing was refused: it marks $way" ;;
esac
refused watch
[ "$way" = "a copy of the program" ] ||
    fail "userfaultfd was refused: it marks $way: $(cat "$tmp/said")"
refused copy
[ "$way" = "while the program stands still" ] ||
    fail "copies were refused: it marks $way: $(cat "$tmp/said")"
exit $((failures > 0))
