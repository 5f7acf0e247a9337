#!/bin/sh
# Killed by the kernel in a control group that this script makes: the report
# says by whom and holds the profile of that moment. Python is one that grows
# slowly, and one that wants all at once.
. "$(dirname "$0")/_lib.sh"
need python3 jq

# A group of ours with a limit, in whichever version is there: $group is its
# directory, $limit the name of the file that limits it.
make_group() {
    for top in /sys/fs/cgroup/memory /sys/fs/cgroup; do
        group=$top/weir-test-$$
        mkdir "$group" 2>/dev/null || continue
        for limit in memory.limit_in_bytes memory.max; do
            [ -w "$group/$limit" ] && echo "$1" >"$group/$limit" &&
                return 0
        done
        rmdir "$group"
    done
    echo "skip: no control group with a memory limit can be made here"
    exit 77
}
make_group 80M
trap 'clean_up; rmdir "$group"' EXIT
[ -w "$group/memory.swap.max" ] && echo 0 >"$group/memory.swap.max"

# In the group, and so is weir: both may be picked, the bigger one is.
in_group() {
    sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$group" "$@"
}

check() {
    report=$(ls "$out"/*.report.json 2>/dev/null)
    [ -n "$report" ] || { fail "$1: no report"; return; }
    got=$(jq -r '[.end.how, .end.status, .end.killer] | join(" ")' "$report")
    [ "$got" = "signal 9 group" ] || fail "$1: the end is $got"
    jq -r .end.group "$report" | grep -q "weir-test-$$" ||
        fail "$1: the group is $(jq -r .end.group "$report")"
    allocated=$(jq .memory.allocated_bytes "$report")
    seen=$("$weir" top --json "$out"/*.heap.pb.gz | jq .total)
    [ $((seen * 10)) -gt $((allocated * 8)) ] &&
        [ $((seen * 10)) -lt $((allocated * 12)) ] ||
        fail "$1: profile of $seen bytes, counters say $allocated"
    if command -v go >/dev/null && ! go tool pprof -top "$out"/*.heap.pb.gz \
        >pprof.txt 2>&1; then
        fail "$1: go tool pprof: $(cat pprof.txt)"
    fi
}

PYTHONMALLOC=malloc in_group "$weir" run --http none --sample 16384 \
    --out "$out" -- python3 -c 'kept = []
while True: kept.append(bytearray(20000))' 2>err.txt
[ $? = 137 ] || fail "status of a program that grows: $?"
check "growing"
grep -q "was killed by the kernel because control group" err.txt ||
    fail "growing: said $(head -3 err.txt)"
jq -r '.biggest[].function' "$out"/*.report.json | grep -q '^PyByteArray' ||
    fail "growing: culprits $(jq -c .biggest "$out"/*.report.json)"

# On the way there, in steps that halve what is left. It waits for the first
# two snapshots, for a minute each, whenever that is.
rm -rf "$out"
PYTHONMALLOC=malloc in_group "$weir" run -q --http none --snapshot-at 50% \
    --out "$out" -- python3 -c 'import glob, sys, time
kept = []
def grow_to(mib, snapshots):
    while len(kept) < mib: kept.append(bytearray(1 << 20))
    for i in range(1200):
        if len(glob.glob(sys.argv[1] + "/*.at*.heap.pb.gz")) >= snapshots: return
        time.sleep(0.05)
grow_to(44, 1)
grow_to(64, 2)
while True: kept.append(bytearray(1 << 20))' "$out" 2>err.txt
[ "$(ls "$out" | grep -c "python3.*\.at[0-9]*\.heap\.pb\.gz")" -ge 2 ] ||
    fail "no two snapshots: $(ls "$out")"
"$weir" top "$(ls "$out"/*.at[0-9]*.heap.pb.gz | head -1)" >top.txt 2>&1 &&
    grep -q PyByteArray top.txt || fail "snapshot: $(cat top.txt)"

rm -rf "$out"
PYTHONMALLOC=malloc in_group "$weir" run --http none --out "$out" -- \
    python3 -c 'huge = bytearray(400 << 20)
for i in range(0, len(huge), 4096): huge[i] = 1' 2>err.txt
check "one huge request"
[ "$(jq '.largest[0].bytes' "$out"/*.report.json)" -ge $((400 << 20)) ] ||
    fail "largest: $(jq -c .largest "$out"/*.report.json)"

# Killed by hand in the same group: not for want of memory.
rm -rf "$out"
in_group "$weir" run --http none --out "$out" -- sh -c 'kill -9 $$' 2>err.txt
grep -q "killed by somebody, not for want of memory" err.txt ||
    fail "by hand: said $(head -3 err.txt)"
finish
