#!/bin/sh
# The soft limit on real programs: redis, whose data fits, stays below it under
# a load that would have passed it, and its resident memory follows; and in a
# control group, where the machine lets us make one, auto takes the group's
# limit and follows its changes.
. "$(dirname "$0")/_lib.sh"
need redis-server redis-cli redis-benchmark

sock=$scratch/work/redis.sock
cli() {
    redis-cli -s "$sock" "$@"
}

held_kb() { # of process $1: what no file stands behind
    awk '/^Rss(Anon|Shmem):/ { n += $2 } END { print n + 0 }' \
        "/proc/$1/status" 2>/dev/null
}

# The highest that redis held, in MiB, with `weir run` options "$@" (or none).
# Values of many sizes follow each other, 40 MB of them at a time: the holes
# that some leave are too small for the next.
peak_of_redis() {
    env "$mark" "$weir" run -q --out "$out" "$@" -- redis-server --port 0 \
        --unixsocket "$sock" --save '' --appendonly no --maxmemory 40mb \
        --maxmemory-policy allkeys-random --dir "$scratch/work" \
        --logfile "$scratch/work/log" </dev/null &
    run=$!
    wait_until cli ping || fail "redis did not come up: $(cat log)"
    pid=$(cli info server | tr -d '\r' | sed -n 's/^process_id://p')
    while sleep 0.02 && kill -0 "$pid" 2>/dev/null; do
        held_kb "$pid"
    done >held &
    for d in 24 3000 100 700 40 9000 200; do
        case $d in
        ????) n=15000 ;;
        *) n=120000 ;;
        esac
        redis-benchmark -s "$sock" -q -n $n -r 10000000 -d $d -P 32 -c 10 \
            -t set >/dev/null 2>&1 || fail "redis-benchmark failed"
    done
    "$weir" ps --json >ps
    cli shutdown nosave
    wait $run || fail "redis ended with $?"
    wait
    peak=$(sort -n held | tail -1)
    peak=$((peak / 1024))
}

peak_of_redis
free_peak=$peak
limit=$((free_peak * 4 / 5))
for try in 1 2 3; do # the thread that sees to it may not get a processor
    peak_of_redis --limit ${limit}MiB
    [ "$peak" -gt "$limit" ] || break
done
echo "redis held at most $peak MiB under a limit of $limit, $free_peak without"
[ "$peak" -le "$limit" ] ||
    fail "redis held $peak MiB under a limit of $limit MiB"
grep -q "\"limit_bytes\":$((limit * 1048576))" ps ||
    fail "weir ps does not tell the limit: $(cat ps)"

# A group of ours, in this process's own.
own=$(sed -n 's/^[0-9]*:\(.*,\)\{0,1\}memory\(,.*\)\{0,1\}://p' \
    /proc/self/cgroup)
group=/sys/fs/cgroup/memory$own/weir-test-$$
[ -d "/sys/fs/cgroup/memory$own" ] || group=/sys/fs/cgroup/memory/weir-test-$$
if ! mkdir "$group" 2>/dev/null || [ ! -e "$group/memory.limit_in_bytes" ]; then
    rmdir "$group" 2>/dev/null
    skip_part "no control group can be made here, so auto is not tried"
    finish
fi
trap 'clean_up; rmdir "$group" 2>/dev/null' EXIT
echo 400M >"$group/memory.limit_in_bytes"
env "$mark" sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$group" \
    "$weir" run -q --limit auto --out "$out" -- perl -e \
    'my @a; until (-e "stop") { push @a, "x" x 100000 if @a < 600; select undef,
     undef, undef, 0.02 }' &
run=$!
# 400 MiB less a tenth.
limit_is() {
    "$weir" ps --json | grep -q "\"limit_bytes\":$1"
}
wait_until limit_is $((360 * 1048576)) || fail "auto is not 360 MiB:" \
    "$("$weir" ps --json)"
echo 300M >"$group/memory.limit_in_bytes"
wait_until limit_is $((270 * 1048576)) || fail "auto does not follow:" \
    "$("$weir" ps --json)"
touch stop
wait $run || fail "perl ended with $?"
finish
