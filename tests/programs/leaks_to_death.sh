#!/bin/sh
# A program leaks until the kernel kills it in a control group of 64 MiB, within
# SECONDS (argument 2, default 8): the report and the snapshots on the way name
# who did it, the profile's sum is the last counter's, and go tool pprof reads
# it. Within seconds that is an overflow; within 200 and more it is a leak.
. "$(dirname "$0")/_lib.sh"
need jq cc
seconds=${2:-8}
cc -g -O1 -pthread -o trouble "$source_dir/tests/programs/_trouble.c" -lm ||
    { echo "skip: no compiler"; exit 77; }
for top in /sys/fs/cgroup/memory /sys/fs/cgroup; do
    group=$top/weir-test-$$
    mkdir "$group" 2>/dev/null || continue
    for limit in memory.limit_in_bytes memory.max; do
        [ -w "$group/$limit" ] && echo 64M >"$group/$limit" && break 2
    done
    rmdir "$group"
    group=
done
[ -d "$group" ] || { echo "skip: no control group can be made here"; exit 77; }
[ -w "$group/memory.swap.max" ] && echo 0 >"$group/memory.swap.max"
trap 'clean_up; wait_until rmdir "$group"' EXIT

# Some 40 of the 64 MiB are left for it.
env "$mark" sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$group" \
    "$weir" run --http none --sample 16384 --snapshot-at 50% --out "$out" -- \
    ./trouble leak 7200 $((40 * 60 / seconds)) 2>err.txt
[ $? = 137 ] || fail "status: $?, $(cat err.txt)"
report=$(ls "$out"/*.report.json)
tells() {
    [ "$(jq -r "$1" "$report")" = "$2" ] ||
        fail "$1: $(jq -c "$1" "$report"), not $2"
}
tells '[.end.how, .end.status, .end.killer] | join(" ")' "signal 9 group"
tells '.biggest[0].function' lose_session
if [ "$seconds" -ge 200 ]; then
    tells .verdict leak
    tells '.history | length > 100' true
else
    tells .verdict sudden
fi
jq -r '.findings[0].site' "$report" | grep -q '^lose_session' ||
    fail "culprit: $(jq -c .findings "$report")"

# A sample stands for 16 KiB: six standard errors. And what a program frees it
# counts late, an eighth of each span or more: up to a tenth too much is live.
heap=$out/$(ls "$out" | grep -E '^trouble\.[0-9]+\.heap\.pb\.gz$')
counted=$(jq .memory.allocated_bytes "$report")
seen=$("$weir" top --json "$heap" | jq .total)
echo "the profile has $seen bytes, the counters $counted"
awk -v a="$counted" -v b="$seen" 'BEGIN {
    error = 6 * sqrt(16384 * 1.1 * a)
    exit !(b <= a + error && b >= 0.9 * a - error) }' ||
    fail "the profile has $seen bytes, the counters $counted"
ls "$out" | grep -q "\.at[5-9][0-9]\.heap" || fail "no snapshot: $(ls "$out")"
if command -v go >/dev/null; then
    go tool pprof -top "$heap" >pprof.txt 2>&1 &&
        grep -q lose_session pprof.txt || fail "go tool pprof: $(cat pprof.txt)"
else
    skip_part "no go here, so no go tool pprof"
fi
[ $failures -eq 0 ] || cat "$out"/*.report.txt
finish
