#!/bin/sh
# /debug/pprof/leak in the forms that readers of Go's profiles ask for.
. "$(dirname "$0")/../cmd/_lib.sh"
command -v curl >/dev/null || {
    echo "skip: no curl"
    exit 77
}
"$weir" run --http 127.0.0.1:0 --sample 1 -- "$build/tests/prog_grows" \
    >ready.txt 2>said.txt &
run=$!
trap 'kill $run 2>/dev/null; wait; rm -rf "$tmp"' EXIT
wait_for ready ready.txt
wait_for "see http" said.txt
url=$(sed -n 's|.*see \(http://[^/]*\)/.*|\1|p' said.txt)/debug/pprof/leak
pid=$("$weir" ps --json | sed -n 's/.*"pid": *\([0-9]*\).*/\1/p' | head -1)
lose() {
    kill -USR1 "$pid"
    wait_for "told $1" ready.txt
}
get() { # STATUS PARAMETERS
    is "$(curl -s -o got -w '%{http_code}' "$url?$2")" "$1" "status of ?$2"
}
blocks() { # in the profile
    "$weir" top -sample_index=leaked_objects got 2>/dev/null |
        sed -n 's/^Showing nodes accounting for \([0-9]*\),.*/\1/p'
}

for form in "" gc=1 "gc=1&debug=0"; do
    get 200 "$form"
    is "$(od -An -tx1 -N2 got)" " 1f 8b" "first bytes of ?$form"
    is "$(blocks)" 3 "blocks of ?$form"
done
get 200 "gc=1&debug=1"
says "3 blocks leaked" got
says "lose_early" got
get 400 "seconds=1&debug=1"
get 400 seconds=-1
get 400 seconds=many
get 400 since=yesterday
says "since is mark" got

# A difference.
curl -s -o got "$url?seconds=1" &
asked=$!
sleep 0.4
lose 1
wait $asked
"$weir" traces got >traces.txt 2>&1
says lose_late traces.txt
grep -q lose_early traces.txt && fail "what was lost before is in it"

# The mark.
get 404 since=mark
says "has no mark" got
get 200 mark=1
is "$(blocks)" 7 "blocks when the mark is set"
lose 2
get 200 "since=mark&gc=1"
is "$(blocks)" 4 "blocks since the mark"
get 200 "since=mark&debug=1"
says "since the mark, which was set" got
curl -s "${url%leak}" >index.html
says 'href="leak?debug=1"' index.html
finish
