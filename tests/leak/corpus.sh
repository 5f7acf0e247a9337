#!/bin/sh
# What weir leaks finds in small programs that lose memory in one way each, in
# their repaired twins, and in programs that keep the only address of a block
# in an odd place: every block counted exactly, with its place (cases.txt).
. "$(dirname "$0")/../cmd/_lib.sh"
. "$(dirname "$0")/_cases.sh"
command -v jq >/dev/null || {
    echo "skip: no jq"
    exit 77
}
trap 'kill $(cat ./*.pid) 2>/dev/null; rm -rf "$tmp"' EXIT
mkdir -m 700 weir
make_module || {
    echo "skip: no C compiler"
    exit 77
}

start() {
    LD_PRELOAD=$build/lib/libweir.so.0 WEIR=dir=$tmp/weir,sample=1 \
        "$build/tests/$1" "$2" >"$2.ready" 2>&1 &
    echo $! >"$2.pid"
}

# CASE DIRECT INDIRECT ENDS FUNCTION TRUST
look_at() {
    pid=$(cat "$1.pid")
    wait_for ready "$1.ready"
    "$weir" leaks --all --json --fail-on-leak "$pid" >leaks.json 2>err.txt
    is $? $(($2 > 0 ? 3 : 0)) "$1: status, $(cat err.txt)"
    is "$(jq -r '[.direct.blocks, .indirect.blocks, .ends.blocks,
        (.trust | split(" ")[0])] |
        map(tostring) | join(" ")' leaks.json)" "$2 $3 $4 $6" \
        "$1: leaked, hanging, at ends"
    is "$(jq -r --arg name "$5" '[.sites[] |
        select([.stack[].function] | index($name) | not)] | length' \
        leaks.json)" 0 "$1: sites where $5 did not allocate"
    [ "$2" -eq 0 ] || is "$(jq '.sites | length > 0' leaks.json)" true \
        "$1: has sites"
    kill "$pid"
    wait "$pid" 2>/dev/null
    rm "$1.pid"
}

# Programs take a while to come to where they stay, so some run at once.
each_batch() {
    while read -r program case rest; do
        start "$program" "$case"
    done <"$1"
    while read -r program case direct indirect ends function trust rest; do
        look_at "$case" "$direct" "$indirect" "$ends" "$function" "$trust"
    done <"$1"
}

cases >all
split -l 12 all batch.
for batch in batch.*; do
    each_batch "$batch"
done
finish
