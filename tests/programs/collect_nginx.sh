#!/bin/sh
# nginx under weir run --collect: pages that are packed and passed on, workers
# that come and go.
. "$(dirname "$0")/_lib.sh"
. "$source_dir/tests/programs/_collect.sh"
need nginx wrk curl perl
percent=1 # it takes little of malloc

load() {
    wrk -t1 -c16 -d1s "$@" >wrk.out 2>&1
    grep -q 'Requests/sec' wrk.out || fail "wrk: $(cat wrk.out)"
    ! grep -Eq 'Non-2xx|Socket errors' wrk.out || fail "wrk: $(cat wrk.out)"
}

workers() {
    ps -o pid= --ppid "$(cat nginx.pid)"
}

no_old_worker() {
    for pid in $old; do
        workers | grep -qw "$pid" && return 1
    done
    return 0
}

mkdir -p files logs
chmod 755 "$scratch" "$scratch/work"
awk 'BEGIN { for (i = 0; i < 5000; i++) print "line", i, "of a page" }' \
    >files/page.txt
port=$(free_port)
cat >nginx.conf <<END
daemon off;
worker_processes 2;
user $(id -un);
pid $PWD/nginx.pid;
error_log $PWD/logs/error.log;
events { worker_connections 256; }
http {
    access_log off;
    client_body_temp_path $PWD/body;
    proxy_temp_path $PWD/proxy;
    fastcgi_temp_path $PWD/fastcgi;
    uwsgi_temp_path $PWD/uwsgi;
    scgi_temp_path $PWD/scgi;
    gzip on;
    gzip_types text/plain;
    server {
        listen unix:$PWD/site.sock;
        listen 127.0.0.1:$port;
        root $PWD/files;
        location /up { proxy_pass http://unix:$PWD/site.sock:/page.txt; }
    }
}
END
page=http://127.0.0.1:$port
serve_collected nginx -p "$PWD" -c "$PWD/nginx.conf" -e "$PWD/logs/error.log"
wait_until curl -fsS "$page/page.txt" ||
    fail "nginx did not come up: $(cat logs/error.log)"
for round in before after; do
    load -H 'Accept-Encoding: gzip' "$page/page.txt"
    load -H 'Accept-Encoding: gzip' "$page/up"
    curl -fsS --compressed "$page/up" | cmp -s - files/page.txt ||
        fail "another page, $round the reload"
    old=$(workers)
    kill -HUP "$(cat nginx.pid)"
    wait_until no_old_worker || fail "old workers do not end"
done
kill -QUIT "$(cat nginx.pid)"
served_ends
grep -E 'alert|emerg|crit' logs/error.log && fail "nginx complains"
collected_often
finish
