# Real programs with a load each. Source it after _lib.sh and _load.sh, and
# define
#
#   program_row NAME COMMAND...   measure the command as you like
#
# Then program_NAME makes its load and calls program_row once, or not at all
# when the program is not installed. $programs names them all.

programs="python sqlite perl gcc git bash redis nginx"

program_python() {
    has $python || return
    program_row python env PYTHONMALLOC=malloc $python \
        -S "$here/_load.py" 150000
}

program_sqlite() {
    has sqlite3 || return
    load_sql 120000 >"$tmp/load.sql"
    program_row sqlite sh -c "sqlite3 :memory: <$tmp/load.sql"
}

program_perl() {
    has perl || return
    program_row perl perl "$here/_load.pl" 150000
}

program_gcc() {
    has gcc || return
    load_c 250 >"$tmp/load.c"
    program_row gcc gcc -O1 -g -c "$tmp/load.c" -o "$tmp/load.o"
}

program_git() {
    has git || return
    [ -d "$tmp/repo" ] || {
        git init -q --bare "$tmp/repo"
        load_git 600 | git --git-dir="$tmp/repo" fast-import --quiet
    }
    program_row git sh -c "git --git-dir=$tmp/repo log --stat -p main | wc -l
        git --git-dir=$tmp/repo -c pack.threads=1 repack -adfq"
}

program_bash() {
    has bash || return
    program_row bash bash -c 'for i in {1..150}; do
        x=$(echo $i); (y=$x$i); z[$i]=$(printf %s "$x" | tr 0-9 a-j); done
        echo ${#z[@]}'
}

# Servers: the script is what is measured, but the client's time is not in
# it: the client's parent has gone when the server starts, so that no server
# can wait for it and have its time added to its own.
serve_redis() {
    cat >"$tmp/redis" <<END
#!/bin/sh
( (
    unset LD_PRELOAD WEIR
    until redis-cli -s $tmp/redis.sock ping; do sleep 0.05; done
    redis-benchmark -s $tmp/redis.sock -q -t set,get,lpush,sadd,hset,zadd \
        -n 20000 -r 20000 -d 64 -P 16 -c 20
    redis-cli -s $tmp/redis.sock shutdown nosave
) >/dev/null 2>&1 & )
exec redis-server --port 0 --unixsocket $tmp/redis.sock --save '' \
    --appendonly no --dir $tmp
END
    chmod +x "$tmp/redis"
}

program_redis() {
    has redis-server && has redis-benchmark || return
    serve_redis
    program_row redis "$tmp/redis"
}

program_nginx() {
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
( (
    unset LD_PRELOAD WEIR
    until ab -q -n 1 http://127.0.0.1:18471/; do sleep 0.05; done
    ab -q -n 4000 -c 16 -H 'Accept-Encoding: gzip' http://127.0.0.1:18471/
    kill -QUIT \$(cat $tmp/nginx.pid)
) >/dev/null 2>&1 & )
exec $(command -v nginx || echo /usr/sbin/nginx) -c $tmp/nginx.conf
END
    chmod +x "$tmp/nginx"
    program_row nginx "$tmp/nginx"
}
