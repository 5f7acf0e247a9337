#!/bin/sh
# Who keeps the memory of redis, sqlite and python alive, as they were built
# for users.
. "$(dirname "$0")/_lib.sh"
need redis-server redis-cli sqlite3 jq

ask() {
    command=$1
    shift
    "$weir" "$command" --json "$@" >asked.json 2>asked.err ||
        fail "weir $command $*: $(cat asked.err)"
}

# tells FILTER WHAT: jq says true of the last answer
tells() {
    [ "$(jq "$1" asked.json)" = true ] ||
        fail "$2: $(head -c 2000 asked.json)"
}

# redis: all its data hangs off the variable `server`.
sock=$scratch/work/redis.sock
WEIR=sample=4K serve redis-server --port 0 --unixsocket "$sock" --save '' \
    --appendonly no --logfile "$scratch/work/log"
wait_until redis-cli -s "$sock" ping || fail "redis did not come up: $(cat log)"
redis-cli -s "$sock" eval 'for i = 1, 20000 do
    redis.call("set", "key" .. i, string.rep("x", 200)) end' 0 >/dev/null
pid=$(redis-cli -s "$sock" info server | tr -d '\r' |
    sed -n 's/^process_id://p')
ask why "$pid" 'setCommand|setGenericCommand|dbAdd'
tells '.samples > 100 and .bytes > 1000000' "the values were not found"
tells '.ways[0].path.root.kind == "global"' "no variable keeps the values"
if nm -D "$(command -v redis-server)" | grep -q ' server$'; then
    tells '.ways[0].path.root.name == "server"' "it is not server"
else
    skip_part "redis has no symbols: its variables have no names"
fi
entry=$(jq -r '.ways[0].path.blocks[-1].address' asked.json)
ask why "$pid" "$entry"
tells '.reached and .pointers >= 1 and .kept.blocks >= 1' "a value"
ask whois "$pid" "$entry"
tells '.block.live' "the value is a block"
ask retained "$pid"
tells '.kept.bytes > 5000000 and .kept.bytes <= .live.bytes' "what is kept"
tells '([.roots[].bytes] | add) <= .kept.bytes' "roots keep more than all"
kill -TERM "$pid"
served_ends 0

# sqlite: a database in memory hangs off the shell's variables or stack.
mkfifo orders
WEIR=sample=1K serve sh -c 'sqlite3 :memory: <orders'
exec 3>orders
cat >&3 <<'END'
create table t(a, b);
with recursive c(x) as (select 1 union all select x + 1 from c where x < 9999)
    insert into t select x, hex(randomblob(100)) from c;
.print done
END
wait_until grep -q done "$scratch/serve.out"
pid=$("$weir" ps --json | jq -r '.[] | select(.program == "sqlite3") | .pid')
ask retained "$pid"
tells '.kept.bytes > 2000000 and .roots[0].bytes / .kept.bytes > 0.9' \
    "one root keeps the data base"
exec 3>&-
served_ends 0
finish
