#!/bin/sh
# redis-server under redis-benchmark: live profiles while it works, a saving
# child by fork, threads, and an end by SIGTERM.
. "$(dirname "$0")/_lib.sh"
need redis-server redis-cli redis-benchmark curl

sock=$scratch/work/redis.sock
cli() {
    redis-cli -s "$sock" "$@"
}

serve redis-server --port 0 --unixsocket "$sock" --dir "$scratch/work" \
    --save '' --appendonly no --io-threads 2 \
    --enable-debug-command local --logfile "$scratch/work/log"
wait_until cli ping || fail "redis did not come up: $(cat log)"
redis-benchmark -s "$sock" -q -n 20000 -r 20000 -d 300 -P 16 -c 20 \
    -t set,lpush,hset,zadd,sadd >bench.out 2>&1 || fail "redis-benchmark failed"

keys=$(cli dbsize)
sum=$(cli debug digest)

# Live: everybody, and this process alone, by name.
curl -fsS "$url/debug/pprof/heap" >live.pb.gz || fail "no live profile"
names live.pb.gz main 'setCommand|setGenericCommand|.*sds.*|.*zmalloc.*'
pid=$(cli info server | tr -d '\r' | sed -n 's/^process_id://p')
curl -fsS "$url/pid/$pid/debug/pprof/allocs" >allocs.pb.gz ||
    fail "no profile of process $pid"
names allocs.pb.gz main
curl -fsS "$url/debug/pprof/goroutine?debug=2" >threads.txt
grep -q aeMain threads.txt || grep -q epoll_wait threads.txt ||
    fail "the main loop is in no thread's stack: $(head -20 threads.txt)"

# The child that saves has the parent's data and its own profile.
cli save >/dev/null
cli bgsave >/dev/null
wait_until sh -c "redis-cli -s '$sock' info persistence |
    grep -q rdb_bgsave_in_progress:0"
cli info persistence | grep -q rdb_last_bgsave_status:ok || fail "bgsave failed"
cli debug reload >/dev/null
[ "$(cli dbsize)" = "$keys" ] || fail "keys were lost by a reload"
[ "$(cli debug digest)" = "$sum" ] || fail "data changed by a reload"
cli memory purge >/dev/null
cli flushall >/dev/null
[ "$(cli dbsize)" = 0 ] || fail "flushall left keys"

kill -TERM "$pid"
served_ends 0
grep -q 'bye bye' log || fail "redis did not end as it should: $(tail -3 log)"
grep -Eq 'zmalloc|sds|[a-z]+Command' "$scratch/serve.err" ||
    fail "the summary names none of redis: $(cat "$scratch/serve.err")"
[ "$(saved_profiles | wc -l)" -ge 2 ] ||
    fail "no profile for the saving child:" $(saved_profiles)
finish
