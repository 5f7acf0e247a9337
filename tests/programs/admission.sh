#!/bin/sh
# A server under more load than its control group has memory for: with budgets
# it answers 503 to what does not fit and goes on; the same server without is
# killed by the system.
. "$(dirname "$0")/_lib.sh"
need curl

server=$build/examples/6-admission
[ -x "$server" ] || { echo "skip: this build has no examples"; exit 77; }
group=/sys/fs/cgroup/memory/weir-test-$$
if ! mkdir "$group" 2>/dev/null || [ ! -e "$group/memory.limit_in_bytes" ]; then
    rmdir "$group" 2>/dev/null
    group=/sys/fs/cgroup/weir-test-$$
    if ! mkdir "$group" 2>/dev/null || [ ! -e "$group/memory.max" ]; then
        rmdir "$group" 2>/dev/null
        echo "skip: no control group of memory can be made here"
        exit 77
    fi
    echo 200M >"$group/memory.max"
    echo 0 >"$group/memory.swap.max"
else
    echo 200M >"$group/memory.limit_in_bytes"
fi
trap 'clean_up; wait_until rmdir "$group"' EXIT

# Start it in the group, with arguments "$@".
start() {
    env "$mark" sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$group" \
        "$server" 0 "$@" >address 2>"$scratch/err" &
    pid=$!
    wait_until grep -q http address || fail "no server: $(cat "$scratch/err")"
    url=$(cat address)
}

# 60 requests of so many MiB, all at once: the statuses, a line each.
overload() {
    for i in $(seq 60); do
        curl -s -o /dev/null -w '%{http_code}\n' --max-time 30 "$url$1" &
        clients="$clients $!"
    done >statuses
    for client in $clients; do
        wait "$client"
    done
    clients=
}
clients=

start
for round in 1 2; do
    overload 16
    [ "$(wc -l <statuses)" -eq 60 ] || fail "round $round: some got no answer"
    [ "$(grep -vc '^200$\|^503$' statuses)" -eq 0 ] ||
        fail "round $round:" $(sort statuses | uniq -c)
    grep -q 200 statuses || fail "round $round: nobody was served"
    grep -q 503 statuses || fail "round $round: nobody was refused"
    echo "round $round:" $(sort statuses | uniq -c)
done
[ "$(curl -s --max-time 30 "${url}16")" = "done" ] || fail "afterwards it does not serve"
kill $pid
wait $pid

start open
for _ in $(seq 20); do # they may come one after the other
    overload 64
    kill -0 $pid 2>/dev/null || break
done
kill $pid 2>/dev/null
wait $pid
status=$?
[ $status -eq 137 ] || fail "without budgets it ended with $status, not killed"
echo "without budgets:" $(sort statuses | uniq -c), killed
rm -f "$scratch"/runtime/weir/*.weir # of servers that were killed
finish
