#!/bin/sh
# A program that is older than a second has a history, written by a thread
# that it does not notice.
. "$(dirname "$0")/_lib.sh"
aged=$(prog aged)

same "$aged"
options=history=off,
same "$aged"
options=

# There is such a thread, and what it wrote can be seen from outside.
mkfifo "$tmp/hold"
env LD_PRELOAD="$lib" WEIR="dir=$tmp/regions" "$aged" wait <"$tmp/hold" &
pid=$!
exec 3>"$tmp/hold"
for _ in $(seq 100); do
    grep -qsx weir /proc/$pid/task/*/comm && break
    sleep 0.1
done
grep -qsx weir /proc/$pid/task/*/comm || fail "there is no thread of Weir's"
if [ -x "$build/bin/weir" ]; then
    # The region's directory is one that a reader looks into.
    mkdir -m 700 "$tmp/weir"
    ln "$tmp/regions/$pid.weir" "$tmp/weir/"
    for _ in $(seq 50); do # the thread is there before its first point is
        "$build/bin/weir" watch --once --json $pid >"$tmp/seen" ||
            fail "it cannot be watched"
        grep -q '"history":\[{"uptime_s":[1-9]' "$tmp/seen" && break
        sleep 0.1
    done
    grep -q '"history":\[{"uptime_s":[1-9]' "$tmp/seen" ||
        fail "no history in $(cat "$tmp/seen")"
fi
exec 3>&-
wait $pid || fail "it ended with $?"
finish
