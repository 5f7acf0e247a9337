#!/bin/sh
# A container whose whole group is killed, with its regions on a volume: the
# script of packaging/kubernetes/weir.yaml, in a control group that kills both
# weir and the program, tells the story when it is started again.
. "$(dirname "$0")/_lib.sh"
need awk jq
top=/sys/fs/cgroup/memory
group=$top/weir-volume-$$
mkdir "$group" 2>/dev/null && echo 60M >"$group/memory.limit_in_bytes" || {
    rmdir "$group" 2>/dev/null
    echo "skip: no control group of version 1 can be made here"
    exit 77
}
trap 'clean_up; rmdir "$group"' EXIT

# What the container runs, with this build's weir, and a program of ours.
manifest=$source_dir/packaging/kubernetes/weir.yaml
awk '/^ *- \|$/ { on = 1; next } /^      ports:/ { on = 0 } on' "$manifest" |
    sed "s,/regions,$scratch/regions,g; s,weir run,$weir run,; \
        s,weir report,$weir report,; s,--http 0.0.0.0:6060,--http none,; \
        s,/usr/local/bin/shop,$scratch/shop," >start.sh
grep -q "$weir run --regions $scratch/regions" start.sh ||
    fail "the manifest's script: $(cat start.sh)"
cat >"$scratch/shop" <<'END'
#!/bin/sh
PYTHONMALLOC=malloc exec python3 -c 'import os, time
kept = []
for i in range(40): kept.append(bytearray(1 << 20)); time.sleep(0.01)
if os.path.exists("again"): raise SystemExit
open("again", "w").close()
time.sleep(60)'
END
chmod +x "$scratch/shop"

# The first life: everything in the group is killed at once.
(env "$mark" sh -c 'echo $$ >"$0/cgroup.procs" && exec sh start.sh' "$group" \
    >first.txt 2>&1 &)
wait_until test -e again
for pid in $(cat "$group/cgroup.procs"); do kill -9 "$pid"; done
wait_until sh -c "[ ! -s $group/cgroup.procs ]"

# The second: told first, then it runs.
env "$mark" sh start.sh >second.txt 2>&1
grep -q "is gone without having passed exit()" second.txt ||
    fail "the second life said: $(cat second.txt)"
grep -q PyByteArray second.txt || fail "culprit: $(cat second.txt)"
ls "$scratch"/regions/reports/python3*.report.json >/dev/null ||
    fail "no report is kept"
finish
