#!/bin/sh
# weir retained names the arrays that only small parts of slices lead to, and no
# others.
. "$(dirname "$0")/../cmd/_lib.sh"
command -v jq >/dev/null || {
    echo "skip: no jq"
    exit 77
}
prog=$build/tests/prog_parts
[ -x "$prog" ] || {
    echo "skip: this build has no libweir.so"
    exit 77
}
mkdir -m 700 weir

# ask CASE: out.json and out.txt
ask() {
    rm -f ready.txt
    WEIR=dir=$tmp/weir,sample=1 "$prog" "$1" >ready.txt 2>&1 &
    pid=$!
    case=$1
    wait_for ready ready.txt
    "$weir" retained --json $pid >out.json 2>err.txt ||
        fail "$case: $(cat err.txt)"
    "$weir" retained $pid >out.txt 2>err.txt || fail "$case: $(cat err.txt)"
    kill $pid
    wait $pid 2>/dev/null
}

# got FILTER WANTED: what jq finds in out.json
got() {
    is "$(jq -c "$1" out.json)" "$2" "$case: $1"
}

ask parts
got '[.parts[] | [.root.name, .items, .of >= 100000]] | sort' \
    '[["boxed",100,true],["few",10,true]]'
got '[.parts[].block |
    [.bytes >= 400000, any(.stack[].function; . == "make_ints")]] | unique' \
    '[[true,true]]'
says "only small parts of slices lead to these arrays" out.txt
grep -q '10 of 10[0-9]* items, by global few ' out.txt ||
    fail "no such line: $(cat out.txt)"

ask whole_too
got '.parts' '[]'
! grep -q "only small parts" out.txt || fail "whole_too: $(cat out.txt)"

ask copies
got '.parts' '[]'

ask collected
got '[.parts[] | [.root.name, .items]]' '[["few",10]]'
finish
