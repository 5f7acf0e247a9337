#!/bin/sh
# What weir why, weir retained and weir whois say of small programs in which it
# is known who keeps what alive.
. "$(dirname "$0")/../cmd/_lib.sh"
command -v jq >/dev/null || {
    echo "skip: no jq"
    exit 77
}
prog=$build/tests/prog_kept
mkdir -m 700 weir

# start CASE: $pid, and out.txt with its addresses
start() {
    rm -f out.txt
    LD_PRELOAD=$build/lib/libweir.so.0 \
        WEIR=dir=$tmp/weir,sample=${sample:-1} "$prog" "$1" >out.txt 2>&1 &
    pid=$!
    case=$1
    wait_for ready out.txt
}

stop() {
    kill $pid
    wait $pid 2>/dev/null
}

address() {
    sed -n "s/^$1 //p" out.txt
}

# ask COMMAND PLACE: out.json
ask() {
    "$weir" "$1" --json $pid "$2" >out.json 2>err.txt ||
        fail "$case: $1 $2: $(cat err.txt)"
}

# got FILTER WANTED: what jq finds in out.json
got() {
    is "$(jq -c "$1" out.json)" "$2" "$case: $1"
}

retained() {
    "$weir" retained --json $pid >out.json 2>err.txt ||
        fail "$case: retained: $(cat err.txt)"
}

start chain
ask why "$(address last)"
got '[.path.root.kind, .path.root.name]' '["global","cache"]'
got '.path.root.file | split("/") | last' '"prog_kept.c"'
got '[.path.blocks[].held_at]' '[8,0,0,0,0]'
got '[.path.blocks[].stack[0].function] | unique' '["make_item"]'
got '.path.blocks | map(.address) | last' "\"$(address last)\""
got '[.kept.blocks, .pointers]' '[1,1]'
ask why "$(address first)"
got '[.kept.blocks, .kept.bytes, .block.bytes]' '[5,480,96]'
ask why make_item
got '[.samples, .ways[].samples]' '[5,5]'
"$weir" why "$pid" "$(address last)" >text.txt
says "global cache (prog_kept, prog_kept.c:" text.txt
says "+0x8 -> $(address first)  96B  make_item" text.txt
stop

start diamond # nobody below a keeps d alone
ask why "$(address d)"
got '[.kept.blocks, .pointers, (.path.blocks | length)]' '[1,2,3]'
ask why "$(address a)"
got '.kept.blocks' 4
ask why "$(address b)"
got '.kept.blocks' 1
stop

start ring
ask why "$(address first)"
got '[.kept.blocks, (.path.blocks | length)]' '[1,4]'
stop

start shared # two roots, and what they have in common
retained
got '[.kept.blocks, .kept.bytes]' '[3,288]'
got '[.roots[] | [.root.name, .shared, .blocks]] | sort' \
    '[["cache",false,1],["cache",true,1],["second",false,1]]'
stop

start big_table
ask why "$(address entry)"
got '[.path.blocks[].held_at]' '[16,800]'
ask why "$(address table)"
got '[.kept.blocks, .kept.bytes]' '[1001,104192]'
retained
got '.roots[0] | [.root.name, .blocks]' '["cache",1001]'
got '[.sites[] | [.function, .bytes, .own]] | sort' \
    '[["make_item",96000,96000],["make_table",104192,8192]]'
ask why 'make_(item|table)'
got '[.ways[].samples] | sort' '[1,1000]'
ask whois "$(address inside)"
got '[.offset, .block.bytes, .block.live]' '[20,96,true]'
ask whois "$(address variable)"
got '[.spot.kind, .spot.name, .offset]' '["global","cache",0]'
ask whois "$(address code)"
got '[.spot.kind, .spot.name]' '["code","wait_for_ever"]'
ask whois "$(address nothing)"
got '.spot.kind' '"unmapped"'
"$weir" retained --pprof kept.pb.gz --html kept.html --svg kept.svg $pid \
    >text.txt 2>err.txt || fail "files: $(cat err.txt)"
says "global cache (prog_kept" text.txt
"$weir" top -cum kept.pb.gz >top.txt 2>&1
says "make_table" top.txt
says "</html>" kept.html
says "</svg>" kept.svg
"$weir" retained --pprof /no/such/directory/file $pid >/dev/null 2>err.txt
is $? 1 "a file that cannot be written"
says "/no/such/directory/file" err.txt
"$weir" whois $pid 12 2>err.txt
is $? 2 "an address without 0x"
"$weir" why $pid nobody_allocates_here >text.txt 2>err.txt
is $? 1 "a site that is none"
says "nobody_allocates_here" err.txt
"$weir" why $pid "$(address variable)" 2>err.txt
is $? 1 "why of no block"
says "weir whois" err.txt
"$weir" why 2>err.txt
is $? 2 "why of nothing"
"$weir" why $pid '(' 2>err.txt
is $? 1 "a pattern that is none"
stop

sample=64K
start big_table # blocks that were not sampled are like those that were
retained
got '.roots[0] | [.root.name, .blocks]' '["cache",1001]'
stop
sample=1

start long_list
ask why "$(address last)"
got '.path.blocks | length' 100000
ask why make_item
got '[.samples, (.ways | length)]' '[100000,1]'
"$weir" why $pid "$(address last)" >text.txt
says "and 99996 more like that" text.txt
is "$(wc -l <text.txt)" 11 "lines of a path of 100000"
stop

start storage
ask why "$(address item)"
got '.path.root.kind' '"thread-local"'
[ "$(uname -m)" != x86_64 ] || got '.path.root.name' '"own"'
stop

start stack
ask why "$(address item)"
got '[.path.root.kind, .path.root.name]' '["stack","holding_frame"]'
ask whois "$(address stack)"
got '[.spot.kind, .spot.name]' '["stack","holding_frame"]'
stop

start passing # it is kept by the variable, whatever a stack points at
ask why "$(address item)"
got '[.path.root.name, .pointers >= 2]' '["cache",true]'
retained
got '[.roots[] | [.root.name, .shared, .blocks]]' '[["cache",false,2]]'
stop

start in_register
ask why "$(address item)"
got '.path.root.kind | . == "registers" or . == "stack"' true
stop

start mapping
ask why "$(address item)"
got '[.path.root.kind, (.path.blocks | length)]' '["mapping",1]'
ask whois "$(address mapping)"
got '.spot.kind' '"mapping"'
stop

start leaked
ask why "$(address lost)"
got '[.reached, .pointers]' '[false,0]'
ask why "$(address hangs)"
got '[.reached, .pointers]' '[false,1]'
"$weir" why $pid "$(address freed)" 2>err.txt
is $? 1 "why of a free block"
says "is free" err.txt
ask whois "$(address freed)"
got '.block.live' false
retained
got '[.live.blocks, .kept.blocks]' '[2,0]'
ask why make_item
got '[.ways[].reached]' '[false]'
stop
is "$(find weir -name '*.snapshot*' | wc -l)" 0 "files that were left"
finish
