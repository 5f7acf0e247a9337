#!/bin/sh
# What weir leaks finds in small programs that lose memory in one way each, and
# in their repaired twins: every block counted exactly, with its place.
. "$(dirname "$0")/../cmd/_lib.sh"
command -v jq >/dev/null || {
    echo "skip: no jq"
    exit 77
}
prog=$build/tests/prog_leaks
mkdir -m 700 weir

# case, blocks that leak by themselves, that hang off those, that are kept by a
# pointer to their end, the function that allocated them
while read -r case direct indirect ends function; do
    case $case in '' | \#*) continue ;; esac
    rm -f ready.txt
    LD_PRELOAD=$build/lib/libweir.so.0 WEIR=dir=$tmp/weir,sample=1 \
        "$prog" "$case" >ready.txt 2>&1 &
    pid=$!
    wait_for ready ready.txt
    "$weir" leaks --json $pid >leaks.json 2>err.txt ||
        fail "$case: $(cat err.txt)"
    got=$(jq -r '[.direct.blocks, .indirect.blocks, .ends.blocks] |
        map(tostring) | join(" ")' leaks.json)
    is "$got" "$direct $indirect $ends" "$case: leaked, hanging, at ends"
    is "$(jq -r .trust leaks.json)" proved "$case: trust"
    found=$(jq -r '[.sites[].stack[0].function] | unique | join(",")' \
        leaks.json)
    is "$found" "${function:-}" "$case: who allocated"
    "$weir" leaks --fail-on-leak $pid >text.txt 2>err.txt
    status=$?
    [ "$direct" -eq 0 ] || is $status 3 "$case: status"
    [ "$direct" -ne 0 ] || is $status 0 "$case: status"
    kill $pid
    wait $pid 2>/dev/null
done <<END
error_path                     3 0 0 error_path
error_path_repaired            0 0 0
overwritten                    1 0 0 overwritten
overwritten_repaired           0 0 0
items_of_a_container          10 0 0 items_of_a_container
items_of_a_container_repaired  0 0 0
chain                          1 4 0 make
ring                           1 2 0 make
points_at_itself               1 0 0 make
large                          1 0 0 large
xored                          1 0 0 xored
growing_list                   0 0 0
inside                         0 0 0
at_the_end                     0 0 1
at_ends_in_a_row               0 0 2
low_bits                       0 0 0
of_a_thread                    0 0 0
thread_specific                0 0 0
mapped                         0 0 0
mapped_shared                  0 0 0
environment                    0 0 0
buffer                         0 0 0
in_a_register                  0 0 0
in_a_register_asleep           0 0 0
in_a_handler                   0 0 0
on_a_coroutines_stack          0 0 0
of_a_waiting_thread            0 0 0
unclosed_file                  0 0 0
known_to_epoll                 0 0 0
END
finish
