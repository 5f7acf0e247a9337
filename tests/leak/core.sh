#!/bin/sh
# weir why, retained and whois of cores: the same as of the program when it ran,
# with the region's file and without; and cores that are damaged or have no
# Weir in them.
. "$(dirname "$0")/../cmd/_lib.sh"
for tool in jq gdb; do
    command -v $tool >/dev/null || {
        echo "skip: no $tool"
        exit 77
    }
done
prog=$build/tests/prog_kept
mkdir -m 700 weir

# dump CASE [PRELOAD]: ./core of it, and out.txt with its addresses
dump() {
    case=$1
    rm -f out.txt core
    LD_PRELOAD=${2-$build/lib/libweir.so.0} WEIR=dir=$tmp/weir,sample=1 \
        "$prog" "$1" >out.txt 2>&1 &
    pid=$!
    wait_for ready out.txt
    gdb -q -batch -nx -p $pid -ex "generate-core-file core" >gdb.txt 2>&1
    kill -9 $pid
    wait $pid 2>/dev/null
    [ -s core ] || {
        echo "skip: no process may be traced here: $(tail -1 gdb.txt)"
        exit 77
    }
}

address() {
    sed -n "s/^$1 //p" out.txt
}

ask() {
    "$weir" "$1" --json core ${2-} >out.json 2>err.txt ||
        fail "$case: $1 $2: $(cat err.txt)"
}

got() {
    is "$(jq -c "$1" out.json)" "$2" "$case: $1"
}

dump big_table
ask why "$(address entry)"
got .pid "$pid"
got '[.path.root.name, .path.blocks[].held_at]' '["cache",16,800]'
got '.block.stack[0].function' '"make_item"'
ask retained
got '.roots[0] | [.root.name, .blocks, .bytes]' '["cache",1001,104192]'
ask why make_table
got '[.samples, .ways[0].path.root.name]' '[1,"cache"]'
ask whois "$(address inside)"
got '[.offset, .block.bytes, .block.live]' '[20,96,true]'
ask whois "$(address variable)"
got '[.spot.kind, .spot.name]' '["global","cache"]'
ask whois "$(address code)"
got '[.spot.kind, .spot.name]' '["code","wait_for_ever"]'
ask whois "$(address nothing)"
got '.spot.kind' '"unmapped"'
rm -rf weir/*
ask why "$(address entry)" # who allocated is not known any more
got '[.path.root.name, (.block | has("stack"))]' '["cache",false]'

# Damage, anywhere: a sentence or an answer, and no crash.
place=$(grep -obaF "Weir's guide" core | head -1 | cut -d: -f1)
cp core whole
for i in $(seq 40); do
    cp whole core
    at=$((i * 7919 % 3000))
    [ $((i % 2)) -eq 0 ] || at=$((place + 16 + i * 3 % 150))
    printf '\377\001' | dd of=core bs=1 seek=$at conv=notrunc 2>/dev/null
    "$weir" retained core >out.txt 2>err.txt
    status=$?
    [ $status -le 1 ] || fail "damage at $at: status $status: $(cat err.txt)"
    [ $status -eq 0 ] || [ -s err.txt ] || fail "damage at $at: no sentence"
done
head -c 100000 whole >core
"$weir" retained core >out.txt 2>err.txt
is $? 1 "a core that is cut off"
says "cut off" err.txt
rm -f whole

dump storage
ask why "$(address item)"
got '.path.root.kind' '"thread-local"'
dump stack
ask why "$(address item)"
got '[.path.root.kind, .path.root.name]' '["stack","holding_frame"]'
dump leaked
ask why "$(address lost)"
got '[.reached, .pointers]' '[false,0]'
ask why "$(address hangs)"
got '[.reached, .pointers]' '[false,1]'

dump chain ''
"$weir" why core 0x1000 2>err.txt
is $? 1 "a core without Weir"
says "Weir was not in the program" err.txt
"$weir" why "$prog" 0x1000 2>err.txt
is $? 1 "a program that is no core"
says "no core file" err.txt
"$weir" why . 0x1000 2>err.txt
is $? 1 "a directory"
"$weir" retained /no/such/core 2>err.txt
is $? 2 "no core at all"
finish
