#!/bin/sh
# What is lost since a mark; and what is guessed of blocks that no sample tells
# of.
. "$(dirname "$0")/../cmd/_lib.sh"
command -v jq >/dev/null || {
    echo "skip: no jq"
    exit 77
}
mkdir -m 700 weir
start() {
    rm -f ready.txt
    LD_PRELOAD=$build/lib/libweir.so.0 WEIR=dir=$tmp/weir,sample=$1 \
        "$build/tests/prog_grows" >ready.txt 2>&1 &
    pid=$!
    wait_for ready ready.txt
}
end() {
    kill -9 $pid
    wait $pid 2>/dev/null
}
leaks() { # STATUS OPTIONS...
    wanted=$1
    shift
    "$weir" leaks --json "$@" $pid >leaks.json 2>err.txt
    is $? "$wanted" "status of weir leaks $*: $(cat err.txt)"
}
numbers() {
    jq -r '"\(.direct.blocks) \(.indirect.blocks) \(.before.blocks)"' leaks.json
}

start 1
leaks 1 --since-mark
says "has no mark: weir leaks --mark $pid sets one" err.txt
leaks 0 --mark
is "$(numbers)" "3 0 null" "before the mark"
says "weir leaks --since-mark $pid tells" err.txt
leaks 0 --since-mark --fail-on-leak
is "$(numbers)" "0 0 3" "right after the mark"
kill -USR1 $pid
wait_for "told 1" ready.txt
leaks 3 --since-mark --fail-on-leak
is "$(numbers)" "2 2 3" "after the mark"
is "$(jq -r '[.sites[].stack[0].function] | unique | join(" ")' leaks.json)" \
    lose_late "who lost after the mark"
leaks 0
is "$(numbers)" "5 2 null" "without the mark"
"$weir" leaks --since-mark $pid >text.txt 2>&1
says "since the mark, which was set" text.txt
says "in 3 blocks had been lost by then" text.txt

# A new mark; both at once tells of what lies between the two.
leaks 0 --mark --since-mark
is "$(numbers)" "2 2 3" "between two marks"
kill -USR1 $pid
wait_for "told 2" ready.txt
leaks 0 --since-mark
is "$(numbers)" "2 2 7" "after the second mark"
is "$(jq '[.blocks[] | select(.age_s > 0 and .thread == '$pid')] | length' \
    leaks.json)" 4 "blocks with age and thread"

# A mark that is none is as no mark at all.
printf 'nonsense' >weir/$pid.weir.mark
leaks 1 --since-mark
says "has no mark" err.txt
end

# No sample tells of the 3 lost blocks, if one in 1000 of their size is
# sampled: those that are say who has such blocks.
start 1MiB
for try in 1 2 3 4 5; do
    leaks 0
    [ "$(jq '.sites[0] | has("guesses")' leaks.json)" = true ] && break
    end
    start 100000 # by chance one was sampled
done
is "$(jq -r '.sites[0].guesses[0].stack[0].function' leaks.json)" hold_blocks \
    "whose blocks of the size are"
"$weir" leaks $pid >text.txt
says "a guess: the sampled blocks of this size that are in use are from" text.txt
says "100.0%  hold_blocks < main" text.txt
says "lost early" text.txt
end
finish
