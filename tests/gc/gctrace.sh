#!/bin/sh
# The lines of WEIR=gctrace=1 have the form of those that Go prints: one
# expression, made from the documentation of Go's runtime, takes both.
set -u
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
cycles=$build/tests/prog_cycles
if [ ! -x "$cycles" ]; then
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

# gc # @#s #%: #+#+# ms clock, #+#/#/#+# ms cpu, #->#-># MB, # MB goal,
# # MB stacks, #MB globals, # P, as in the package runtime; its lines have a
# blank before the MB of globals.
n='[0-9]+'
t='(0|0\.0[0-9][0-9]|0\.[0-9][0-9]|[0-9]\.[0-9]|[0-9]+)'
form="^gc $n @$n\.[0-9]{3}s $n%: $t\+$t\+$t ms clock, \
$t\+$t/$t/$t\+$t ms cpu, $n->$n->$n MB, $n MB goal, $n MB stacks, \
$n MB globals, $n P( \(forced\))?\$"

# Every line of a cycle has the form, the cycles are counted, the last two are forced.
takes() { # who, file
    [ "$(wc -l <"$2")" -gt 2 ] || fail "$1: no cycles: $(cat "$2")"
    grep -vE "$form" "$2" >"$tmp/other" && fail "$1: $(head -3 "$tmp/other")"
    awk '$2 != NR { exit 1 }' "$2" || fail "$1 leaves out a number"
    [ "$(grep -c '(forced)' "$2")" = 2 ] || fail "$1: $(cat "$2")"
    [ "$(tail -2 "$2" | grep -c '(forced)')" = 2 ] || fail "$1: $(cat "$2")"
}

# Weir says in lines of its own how it marks, when that changes, and that it
# marks only what is new, the first time.
trace() { # options, file
    WEIR=dir=$tmp,gctrace=1$1 "$cycles" 2>"$tmp/said" || fail "status $?"
    grep '^gc ' "$tmp/said" >"$2"
    grep 'marks only what is new' "$tmp/said" >"$tmp/young"
    grep -v '^gc ' "$tmp/said" | grep -v 'only what is new' >"$tmp/way"
    [ "$(wc -l <"$tmp/way")" = 1 ] || fail "ways: $(cat "$tmp/way")"
    head -1 "$tmp/said" | cmp -s - "$tmp/way" || fail "the way comes too late"
}
trace '' "$tmp/ours"
takes Weir "$tmp/ours"
grep -q 'weir: gc marks while the program stands still' "$tmp/way" ||
    fail "a small heap: $(cat "$tmp/way")"
cp "$tmp/young" "$tmp/told"
trace ,gcyoung=off "$tmp/full"
takes full "$tmp/full"
[ ! -s "$tmp/young" ] || fail "gcyoung=off: $(cat "$tmp/young")"
trace ,gc=copy "$tmp/copies"
takes copies "$tmp/copies"
grep -q 'weir: gc marks a copy of the program' "$tmp/way" ||
    fail "gc=copy: $(cat "$tmp/way")"
trace ,gc=track "$tmp/tracked"
takes tracked "$tmp/tracked"
# Where the system does not track writes it is another way.
grep -q 'weir: gc marks' "$tmp/way" || fail "gc=track: $(cat "$tmp/way")"
[ "$(wc -l <"$tmp/told")" = 1 ] || ! grep -q tracked "$tmp/way" ||
    fail "young cycles: $(cat "$tmp/told")"
WEIR=dir=$tmp,gctrace=0 "$cycles" 2>"$tmp/quiet" || fail "status $?"
[ ! -s "$tmp/quiet" ] || fail "unasked: $(head -3 "$tmp/quiet")"
WEIR=dir=$tmp,gctrace=2 "$cycles" 2>"$tmp/wrong" || fail "status $?"
grep -q 'gctrace=0 or 1' "$tmp/wrong" || fail "gctrace=2: $(cat "$tmp/wrong")"
WEIR=dir=$tmp,gcyoung=2 "$cycles" 2>"$tmp/wrong" || fail "status $?"
grep -q 'gcyoung=on, off or' "$tmp/wrong" || fail "gcyoung: $(cat "$tmp/wrong")"

# Sizes are in MB: the first cycle begins at about 4 of them.
awk '{ split($11, a, "->"); exit !(a[1] >= 3 && a[1] <= 5 && $13 == 4) }' \
    "$tmp/ours" || fail "sizes: $(head -1 "$tmp/ours")"

# What grew to be large while the collector was off is not marked in one stop.
WEIR=dir=$tmp,gctrace=1 "$build/tests/prog_grown" 2>"$tmp/said" ||
    fail "status $?"
! grep -q 'while the program stands still' "$tmp/said" ||
    fail "a large heap's first cycle: $(cat "$tmp/said")"

if command -v go >/dev/null 2>&1; then
    GO111MODULE=off GOFLAGS= GOTOOLCHAIN=local GOCACHE=${GOCACHE-$tmp/cache} \
        go build -o "$tmp/gos" "$here/cycles.go" 2>"$tmp/why" ||
        fail "go build: $(cat "$tmp/why")"
    GODEBUG=gctrace=1 "$tmp/gos" 2>"$tmp/gos.lines"
    takes Go "$tmp/gos.lines"
else
    echo "skip: no go: its own lines are not compared"
fi
exit $((failures > 0))
