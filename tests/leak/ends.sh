#!/bin/sh
# What a program that ends has lost is exact: frames that were left below the
# caller of exit(), and registers that it may change, keep nothing; whatever the
# caller, an interrupted function, a handler or another thread still has is kept
# (prog_ends.c).
. "$(dirname "$0")/../cmd/_lib.sh"
command -v jq >/dev/null || {
    echo "skip: no jq"
    exit 77
}
prog=$build/tests/prog_ends
"$prog" >cases
while read -r name lost; do
    "$weir" run -q --http none --leaks="$name.json" -- "$prog" "$name" \
        >out.txt 2>err.txt
    is $? 0 "$name: status, $(cat err.txt)"
    is "$(jq -r '.processes[0] | "\(.trust) \(.reported.blocks)"' \
        "$name.json")" "proved $lost" "$name: trust and leaked blocks"
done <cases
finish
