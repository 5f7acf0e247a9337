#!/bin/sh
# Programs that leak, each in a way of its own, under weir run --collect: they
# stay small, however often they do it.
. "$(dirname "$0")/../cmd/_lib.sh"

most=24576 # KiB: the floor of the goal is 4 MiB, and there are three of them

# On a machine so busy that the program does not stand still within a second, a
# collection is left out; then it is tried again.
collected() { # CASE TIMES: $kib
    for try in 1 2 3 4 5; do
        kib=$("$weir" run -q --sample 0 --collect -- \
            "$build/tests/prog_leaks" "$1" "$2" </dev/null)
        is $? 0 "$1: status"
        [ "$kib" -ge $most ] || return 0
    done
    fail "$1: $kib KiB, plainly $plain"
}

# Case, and how often: so that it leaks 60 MiB or more; what happens a hundred
# times a second then happens as often as in a quarter of an hour to three hours.
while read -r case times; do
    plain=$("$build/tests/prog_leaks" "$case" "$times" </dev/null)
    [ "$plain" -gt 61440 ] || fail "$case: plainly it takes only $plain KiB"
    collected "$case" "$times"
    echo "$case, $times times: $kib KiB, plainly $plain"
done <<END
error_path 200000
overwritten 40000
realloc_fails 100000
realloc_moves 20000
strdup_in_a_loop 100000
large 60
jumped_over 500000
items_of_a_container 50000
container_and_items 50000
chain 200000
rest_of_a_list 200000
ring 400000
two_rings 200000
points_at_itself 1000000
tree 60000
shared_by_two 400000
evicted 1000
END

# What such a program keeps it may keep.
"$weir" run -q --collect -- "$build/tests/prog_leaks" points_at_kept 400000 \
    >kept
is $? 0 "points_at_kept: status"
[ "$(cat kept)" -gt $((400000 * 64 / 1024)) ] ||
    fail "a list of 400000 entries in $(cat kept) KiB"
finish
