#!/bin/sh
# nginx: a master with workers under a load generator; reload, so that old
# workers end and new ones begin; a quick end.
. "$(dirname "$0")/_lib.sh"
need nginx wrk curl

www=$scratch/work
mkdir -p files logs
chmod 755 "$scratch" "$scratch/work"
awk 'BEGIN { for (i = 0; i < 5000; i++) print "line", i, "of a page" }' \
    >files/page.txt
cat >nginx.conf <<END
daemon off;
worker_processes 3;
user $(id -un);
pid $www/nginx.pid;
error_log $www/logs/error.log;
events { worker_connections 256; }
http {
    access_log off;
    client_body_temp_path $www/body;
    proxy_temp_path $www/proxy;
    fastcgi_temp_path $www/fastcgi;
    uwsgi_temp_path $www/uwsgi;
    scgi_temp_path $www/scgi;
    gzip on;
    gzip_types text/plain;
    server {
        listen unix:$www/site.sock;
        listen 127.0.0.1:0;
        root $www/files;
        location /hello { return 200 "hello\n"; }
        location /up { proxy_pass http://unix:$www/site.sock:/page.txt; }
    }
}
END
port=$(free_port)
sed -i "s/127.0.0.1:0/127.0.0.1:$port/" nginx.conf
page=http://127.0.0.1:$port

serve nginx -p "$www" -c "$www/nginx.conf" -e "$www/logs/error.log"
wait_until curl -fsS "$page/hello" ||
    fail "nginx did not come up: $(cat logs/error.log)"
load() {
    wrk -t1 -c16 -d1s "$@" >wrk.out 2>&1
    grep -q 'Requests/sec' wrk.out || fail "wrk: $(cat wrk.out)"
    ! grep -Eq 'Non-2xx|Socket errors' wrk.out || fail "wrk: $(cat wrk.out)"
}
load "$page/hello"
load -H 'Accept-Encoding: gzip' "$page/page.txt"
load "$page/up"
curl -fsS "$page/page.txt" | cmp -s - files/page.txt || fail "another page"
curl -fsS --compressed "$page/page.txt" | cmp -s - files/page.txt ||
    fail "another page, compressed"

# The master and three workers, each under its own id, and all together.
workers=$(curl -fsS -H 'Accept: application/json' "$url/pid/" |
    tr ',{' '\n\n' | grep -c '"pid":')
[ "$workers" -ge 4 ] || fail "a master and three workers, but $workers shown"
curl -fsS "$url/debug/pprof/allocs" >live.pb.gz || fail "no live profile"
names live.pb.gz 'ngx_.*'
master=$(cat nginx.pid)
curl -fsS "$url/pid/$master/debug/pprof/heap" >/dev/null ||
    fail "no profile of the master"

kill -HUP "$master"
sleep 0.3
load "$page/hello"
kill -QUIT "$master"
served_ends 0
grep -Eq 'signal 11|signal 6|exited on signal' logs/error.log &&
    fail "a worker died: $(grep 'exited on signal' logs/error.log)"
[ "$(saved_profiles | wc -l)" -ge 7 ] ||
    fail "a master and six workers, but:" $(saved_profiles)
finish
