#!/bin/sh
# time and memory of real programs under Weir and on libc's malloc
#
#     bench/programs.sh BUILD_DIR [ROUNDS [PROGRAM...]]
#
# Each program runs on libc's malloc and under Weir (preloaded, its usual
# sampling) by turns. CPU time is user and system time of the whole tree of
# processes; for the servers it is the server's alone, over the same requests.
# The ratio is the median over the pairs; differences below the spread say
# nothing. Debian's redis-server brings jemalloc; here it is put on libc's.
. "$(dirname "$0")/_lib.sh"
. "$here/_load.sh"

rounds=${1:-9}
[ $# -gt 0 ] && shift
wanted=${*:-python sqlite perl gcc git bash redis nginx}

enough=1.03 # what the noise of this comparison allows
row() {
    pair "$@"
    goal "time-$1" "$ratio" "$enough"
}

run_python() {
    has $python || return
    row python "$rounds" env PYTHONMALLOC=malloc $python \
        -S "$here/_load.py" 150000
}

run_sqlite() {
    has sqlite3 || return
    load_sql 120000 >"$tmp/load.sql"
    row sqlite "$rounds" sh -c "sqlite3 :memory: <$tmp/load.sql"
}

run_perl() {
    has perl || return
    row perl "$rounds" perl "$here/_load.pl" 150000
}

run_gcc() {
    has gcc || return
    load_c 250 >"$tmp/load.c"
    row gcc "$rounds" gcc -O1 -g -c "$tmp/load.c" -o "$tmp/load.o"
}

run_git() {
    has git || return
    git init -q --bare "$tmp/repo"
    load_git 600 | git --git-dir="$tmp/repo" fast-import --quiet
    row git "$rounds" sh -c "git --git-dir=$tmp/repo log --stat -p main | wc -l
        git --git-dir=$tmp/repo -c pack.threads=1 repack -adfq"
}

run_bash() {
    has bash || return
    row bash "$rounds" bash -c 'for i in {1..150}; do
        x=$(echo $i); (y=$x$i); z[$i]=$(printf %s "$x" | tr 0-9 a-j); done
        echo ${#z[@]}'
}

# Servers: the script is what is measured, but the client's time is not in
# it, for the client is no child that the server waits for.
serve_redis() {
    cat >"$tmp/redis" <<END
#!/bin/sh
(
    unset LD_PRELOAD WEIR
    until redis-cli -s $tmp/redis.sock ping; do sleep 0.05; done
    redis-benchmark -s $tmp/redis.sock -q -t set,get,lpush,sadd,hset,zadd \
        -n 20000 -r 20000 -d 64 -P 16 -c 20
    redis-cli -s $tmp/redis.sock shutdown nosave
) >/dev/null 2>&1 &
exec redis-server --port 0 --unixsocket $tmp/redis.sock --save '' \
    --appendonly no --dir $tmp
END
    chmod +x "$tmp/redis"
}

run_redis() {
    has redis-server && has redis-benchmark || return
    serve_redis
    row redis "$rounds" "$tmp/redis"
}

run_nginx() {
    { has nginx || has /usr/sbin/nginx; } && has ab || return
    mkdir -p "$tmp/www"
    head -c 20000 /dev/zero | tr '\0' x >"$tmp/www/index.html"
    cat >"$tmp/nginx.conf" <<END
daemon off; master_process off; pid $tmp/nginx.pid; error_log /dev/null;
events { worker_connections 64; }
http { access_log off; gzip on; gzip_types text/html; gzip_min_length 1;
  client_body_temp_path $tmp; proxy_temp_path $tmp; fastcgi_temp_path $tmp;
  uwsgi_temp_path $tmp; scgi_temp_path $tmp;
  server { listen 127.0.0.1:18471; root $tmp/www; ssi on; } }
END
    cat >"$tmp/nginx" <<END
#!/bin/sh
(
    unset LD_PRELOAD WEIR
    until ab -q -n 1 http://127.0.0.1:18471/; do sleep 0.05; done
    ab -q -n 4000 -c 16 -H 'Accept-Encoding: gzip' http://127.0.0.1:18471/
    kill -QUIT \$(cat $tmp/nginx.pid)
) >/dev/null 2>&1 &
exec $(command -v nginx || echo /usr/sbin/nginx) -c $tmp/nginx.conf
END
    chmod +x "$tmp/nginx"
    row nginx "$rounds" "$tmp/nginx"
}

header
for program in $wanted; do
    run_$program
done
goals_met
