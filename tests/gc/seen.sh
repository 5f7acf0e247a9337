#!/bin/sh
# Managed blocks are seen from outside like those of malloc: in profiles with
# their sites, in who keeps what alive; and what a cycle has not come by yet is
# no leak.
. "$(dirname "$0")/../cmd/_lib.sh"
command -v jq >/dev/null || {
    echo "skip: no jq"
    exit 77
}
command -v curl >/dev/null || {
    echo "skip: no curl"
    exit 77
}
prog=$build/tests/prog_seen
[ -x "$prog" ] || {
    echo "skip: no program linked with libweir in this build"
    exit 77
}
mkfifo tell
"$weir" run --http 127.0.0.1:0 --sample 1 -- "$prog" <tell >out.txt 2>said.txt &
run=$!
exec 3>tell
wait_for ready out.txt
wait_for "see http" said.txt
url=$(sed -n 's|.*see \(http://[^/]*\)/.*|\1|p' said.txt)
pid=$(curl -s "$url/api/processes" | jq .main)

# held SITE: how many of its blocks are in use
held() {
    "$weir" watch --once --json $pid >watch.json || fail "weir watch"
    jq "[.sites[] | select(.function == \"$1\") | .inuse_blocks] | add // 0" \
        watch.json
}

is "$(held keep_node)" 1000 "blocks of keep_node before a cycle"
is "$(held lose_nodes)" 5000 "blocks of lose_nodes before a cycle"

# Garbage is the collector's, not a leak, and what is kept is no leak either.
"$weir" leaks $pid >leaks.txt 2>&1 || fail "weir leaks: $(cat leaks.txt)"
grep -E 'keep_node|lose_nodes' leaks.txt && fail "managed blocks are no leak"

"$weir" why --json $pid keep_node >why.json 2>err.txt ||
    fail "weir why: $(cat err.txt)"
is "$(jq -c '[.samples, .ways[0].path.root.name]' why.json)" \
    '[1000,"kept_nodes"]' "who keeps the nodes"
"$weir" retained --json $pid >retained.json 2>err.txt ||
    fail "weir retained: $(cat err.txt)"
is "$(jq '.sites[] | select(.function == "keep_node") | .own' retained.json)" \
    64000 "bytes that keep_node's blocks are"

echo c >&3
wait_for "did c" out.txt
is "$(held keep_node)" 1000 "blocks of keep_node after a cycle"
left=$(held lose_nodes) # a word may look like an address by chance
[ "$left" -lt 500 ] || fail "$left blocks of lose_nodes after a cycle"
"$weir" watch --once $pid >watch.txt
says "collector: 1 cycle (1 forced), " watch.txt

# in_profile SITE PARAMETERS: its blocks in use, in the profile for Go's tools
in_profile() {
    curl -fsS -o heap.pb.gz "$url/debug/pprof/heap?${2-}" || fail "heap?${2-}"
    "$weir" top --nodefraction=0 -sample_index=inuse_objects heap.pb.gz |
        awk -v site="$1" '$NF == site { print $1 }'
}

# What is dead is in the profile until a cycle has come by; gc=1 leaves it out.
echo l >&3
wait_for "did l" out.txt
is "$(in_profile lose_nodes)" $((left + 5000)) "dead blocks in the profile"
is "$(in_profile keep_node gc=1)" 1000 "kept blocks with gc=1"
alive=$(in_profile lose_nodes gc=1)
[ "${alive:-0}" -lt 1000 ] || fail "$alive dead blocks with gc=1"
is "$(held lose_nodes)" $((left + 5000)) "and nothing was freed"
exec 3>&-
wait $run
is $? 0 "the program's end"
finish
