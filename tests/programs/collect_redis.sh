#!/bin/sh
# redis-server under weir run --collect, with a collection every few
# milliseconds of work: what it holds is right.
. "$(dirname "$0")/_lib.sh"
. "$source_dir/tests/programs/_collect.sh"
need redis-server redis-cli redis-benchmark

# The digest is of all that it holds.
fill_redis() {
    redis-benchmark -s redis.sock -q -n 5000 -c 20 -P 4 -r 1000 -d 200 \
        -t set,get,incr,lpush,rpush,lpop,sadd,hset,spop,zadd,zpopmin,lrange \
        >bench.out 2>&1 || fail "redis-benchmark: $(cat bench.out)"
    redis-cli -s redis.sock flushall
    redis-cli -s redis.sock eval '
        for i = 1, 4000 do
            redis.call("set", "s" .. i, ("x"):rep(i % 300))
            redis.call("hset", "h" .. i % 50, "f" .. i, i * i)
            redis.call("zadd", "z" .. i % 20, i * 37 % 1009, "m" .. i)
            redis.call("rpush", "l" .. i % 10, ("y"):rep(i % 100))
            redis.call("xadd", "x" .. i % 5, i .. "-1", "a", i)
            if i % 3 == 0 then redis.call("del", "s" .. i - 1) end
        end
        return redis.call("dbsize")' 0
    redis-cli -s redis.sock debug reload
    redis-cli -s redis.sock debug digest
    redis-cli -s redis.sock zrange z3 0 -1
    redis-cli -s redis.sock shutdown nosave
}

set -- redis-server --port 0 --unixsocket "$scratch/work/redis.sock" \
    --save '' --enable-debug-command local --dir "$scratch/work"
plainly "$@" >plain.log 2>&1 &
other=$!
wait_until redis-cli -s redis.sock ping ||
    fail "redis does not start: $(cat plain.log)"
fill_redis >plain.redis 2>&1
wait $other
serve_collected "$@"
wait_until redis-cli -s redis.sock ping ||
    fail "redis does not start: $(talk "$scratch/serve.err")"
fill_redis >weir.redis 2>&1
served_ends
cmp -s plain.redis weir.redis || fail "redis answers something else:" \
    "$(diff plain.redis weir.redis | head -5)" \
    "$(talk "$scratch/serve.err" | tail -5)"
collected_often
finish
