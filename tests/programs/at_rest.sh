#!/bin/sh
# Real programs at rest, in the middle of their work: no block of theirs is
# called leaked, and that is proved.
. "$(dirname "$0")/_lib.sh"
need jq

at_rest() {
    name=$1
    shift
    command -v "$1" >/dev/null || {
        skip_part "no $1 on this machine; script/setup installs it"
        return
    }
    env "$mark" LD_PRELOAD="$lib" WEIR="dir=$scratch/runtime/weir,sample=1" "$@" \
        <pipe >/dev/null 2>&1 7>&- &
    pid=$!
    wait_until test -e "$scratch/runtime/weir/$pid.weir"
    [ -n "$say" ] && echo "$say" >&7
    sleep 1
    "$weir" leaks --all --json $pid >leaks.json 2>err ||
        fail "$name: $(cat err)"
    [ "$(jq -r '"\(.direct.blocks) \(.trust)"' leaks.json)" = "0 proved" ] ||
        fail "$name: $(cat leaks.json)"
    kill -9 $pid
    wait $pid 2>/dev/null
    rm -f "$scratch/runtime/weir/$pid.weir"*
}

mkdir -p -m 700 "$scratch/runtime/weir"
mkfifo pipe
exec 7<>pipe
say=
at_rest python3 /usr/bin/python3 -c 'import json, re, time
d = [json.loads(json.dumps({str(i): [i] * 3})) for i in range(5000)]
time.sleep(60)'
at_rest redis redis-server --port "$(free_port)" --save ""
# A signal ends a sleep of perl's.
at_rest perl perl -e 'my %h; $h{$_} = [1 .. 3] for 1 .. 5000; 1 while sleep 60'
git init -q repository 2>/dev/null
at_rest git git -C repository cat-file --batch
say='create table t(a, b); insert into t select 1, hex(randomblob(9000));'
at_rest sqlite3 sqlite3 :memory:
exec 7>&-

# nginx: the master and its worker, after some load.
nginx_at_rest() {
    port=$(free_port)
    cat >nginx.conf <<END
daemon off;
worker_processes 1;
user $(id -un);
pid $PWD/nginx.pid;
events { worker_connections 64; }
http {
    access_log off;
    client_body_temp_path $PWD/body;
    proxy_temp_path $PWD/proxy;
    fastcgi_temp_path $PWD/fastcgi;
    uwsgi_temp_path $PWD/uwsgi;
    scgi_temp_path $PWD/scgi;
    gzip on;
    server {
        listen 127.0.0.1:$port;
        location / { return 200 "hello\\n"; }
    }
}
END
    env "$mark" LD_PRELOAD="$lib" WEIR="dir=$scratch/runtime/weir,sample=1" \
        nginx -p "$PWD" -c "$PWD/nginx.conf" -e "$PWD/error.log" 2>err &
    master=$!
    wait_until curl -fsS "http://127.0.0.1:$port/" ||
        fail "nginx did not come up: $(cat err error.log)"
    for request in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        curl -fsS --compressed "http://127.0.0.1:$port/$request" >/dev/null ||
            fail "nginx does not answer"
    done
    worker=$(pgrep -P $master) || fail "nginx has no worker"
    for pid in $master $worker; do
        "$weir" leaks --all --json $pid >leaks.json 2>err ||
            fail "nginx: $(cat err)"
        [ "$(jq -r '"\(.direct.blocks) \(.trust)"' leaks.json)" = \
            "0 proved" ] || fail "nginx: $(cat leaks.json)"
    done
    curl -fsS "http://127.0.0.1:$port/" >/dev/null ||
        fail "nginx does not answer any more"
    kill -QUIT $master
    wait $master || fail "nginx ended with $?: $(cat error.log)"
    rm -f "$scratch/runtime/weir/"*.weir*
}
if command -v nginx >/dev/null && command -v curl >/dev/null; then
    nginx_at_rest
else
    skip_part "no nginx or no curl on this machine; script/setup installs them"
fi
finish
