#!/bin/sh
# Managed blocks are seen from outside like those of malloc: in profiles with
# their sites, in who keeps what alive; and what a cycle has not come by yet is
# no leak.
. "$(dirname "$0")/../cmd/_lib.sh"
command -v jq >/dev/null || {
    echo "skip: no jq"
    exit 77
}
prog=$build/tests/prog_seen
[ -x "$prog" ] || {
    echo "skip: no program linked with libweir in this build"
    exit 77
}
mkfifo tell
mkdir -m 700 weir
WEIR=dir=$tmp/weir,sample=1 "$prog" <tell >out.txt 2>&1 &
pid=$!
exec 3>tell
wait_for ready out.txt

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

echo >&3
wait_for done out.txt
is "$(held keep_node)" 1000 "blocks of keep_node after a cycle"
left=$(held lose_nodes) # a word may look like an address by chance
[ "$left" -lt 500 ] || fail "$left blocks of lose_nodes after a cycle"
"$weir" watch --once $pid >watch.txt
says "collector: 1 cycle (1 forced), " watch.txt
exec 3>&-
wait $pid
is $? 0 "the program's end"
finish
