#!/bin/sh
# WEIR=gcsnapshot=DIR: the heap as the cycle found it that found the most alive
# is a file that the commands for programs, cores and profiles read; so is what
# weir_gc_snapshot writes.
. "$(dirname "$0")/../cmd/_lib.sh"
command -v jq >/dev/null || {
    echo "skip: no jq"
    exit 77
}
prog=$build/tests/prog_peak
[ -x "$prog" ] || {
    echo "skip: no program linked with libweir in this build"
    exit 77
}
mkdir heaps regions
WEIR=sample=1,dir=$tmp/regions,gcsnapshot=$tmp/heaps "$prog" asked.heap >pids.txt ||
    fail "the program: status $?"
read -r parent child <pids.txt
rm -rf regions # they are not needed
is "$(ls heaps | sort -n | tr '\n' ' ')" \
    "$(printf '%s\n' "$parent.heap" "$child.heap" | sort -n | tr '\n' ' ')" \
    "one file for each process, and nothing else"

# blocks FILE: how many of keep_node's were alive, and who kept them
blocks() {
    "$weir" why --json "$1" keep_node >why.json 2>err.txt ||
        fail "weir why $1: $(cat err.txt)"
    jq -c '[.samples, .ways[0].path.root.name]' why.json
}
is "$(blocks heaps/$parent.heap)" '[1000,"kept_nodes"]' \
    "the parent's nodes; it was little larger later"
is "$(blocks asked.heap)" '[100,"kept_nodes"]' "the heap that was asked for"
is "$(blocks heaps/$child.heap)" '[300,"kept_nodes"]' "the child's nodes"

"$weir" retained --json heaps/$parent.heap >retained.json 2>err.txt ||
    fail "weir retained: $(cat err.txt)"
is "$(jq -c '[.program, .pid]' retained.json)" "[\"prog_peak\",$parent]" \
    "whose heap it is"
is "$(jq '.sites[] | select(.function == "keep_node") | .own' retained.json)" \
    64000 "bytes that keep_node's blocks are"
# A word may look like an address by chance.
[ "$(jq .live.blocks retained.json)" -lt 1500 ] ||
    fail "what is dead is in it: $(jq -c .live retained.json)"

"$weir" top --json -i inuse_objects heaps/$parent.heap >top.json 2>err.txt ||
    fail "weir top: $(cat err.txt)"
is "$(jq '[.rows[] | select(.name == "keep_node") | .flat] | add' top.json)" \
    1000 "keep_node's objects in the profile"
left=$(jq '[.rows[] | select(.name == "lose_nodes") | .flat] | add // 0' \
    top.json)
[ "$left" -lt 500 ] || fail "$left of lose_nodes' objects in the profile"
"$weir" flame --pprof -o p.pb.gz heaps/$parent.heap >/dev/null 2>err.txt ||
    fail "weir flame: $(cat err.txt)"
if command -v go >/dev/null; then
    go tool pprof -sample_index=inuse_objects -top p.pb.gz >go.txt 2>&1
    grep -q '^ *1000 .* keep_node$' go.txt || fail "go tool pprof: $(cat go.txt)"
fi
"$weir" diff heaps/$child.heap heaps/$parent.heap >diff.txt 2>err.txt ||
    fail "weir diff: $(cat err.txt)"
says keep_node diff.txt
address=$(jq -r '.ways[0].path.root.start' why.json)
"$weir" whois heaps/$child.heap "$address" >whois.txt 2>err.txt ||
    fail "weir whois: $(cat err.txt)"
says kept_nodes whois.txt

# A file that is cut off or damaged is refused with a sentence.
bytes=$(wc -c <heaps/$child.heap)
for n in 8 100 300 1000 $((bytes / 2)) $((bytes - 1000)) $((bytes - 1)); do
    head -c "$n" heaps/$child.heap >cut.heap
    "$weir" retained cut.heap >out.txt 2>err.txt
    is $? 1 "weir retained of the first $n bytes"
    [ "$(wc -l <err.txt)" = 1 ] || fail "no sentence: $(cat err.txt)"
    "$weir" top cut.heap >out.txt 2>err.txt
    is $? 1 "weir top of the first $n bytes"
done

# Where the folder is not to be had nothing happens.
WEIR=dir=$tmp,gcsnapshot=$tmp/nowhere "$prog" >pids.txt 2>said.txt ||
    fail "without a folder: status $?"
is "$(cat said.txt)" "" "what is said without a folder"
WEIR=dir=$tmp,gcsnapshot=here "$prog" >pids.txt 2>said.txt
says 'left out "gcsnapshot=here"' said.txt
finish
