#!/bin/sh
# what a request for a profile takes, and how long the program stands still
#
#     bench/scrape.sh BUILD_DIR [ROUNDS]
#
# Three programs run side by side, each under a `weir run` of its own:
#
# redis    with a load, at the default rate: an ordinary program
# places   a program of 2,000 functions with debug information; each allocates
# python   every allocation recorded: tens of thousands of samples, deep stacks
#
# They are asked by turns. "first" is the first request to a new server, which
# knows no name yet; "again" are the requests after it, a second apart, while
# the program goes on. Times are the client's, from connecting to the last byte;
# "CPU ms" is what the server used for one of those. What is held
# is told by a program that looks at the clock all the time (held.c): a heap
# profile asks nothing of the program, thread stacks send it a signal. The goal is
# held to by the thread's own clock: on a busy machine the wall's also tells how
# long the thread waited for a processor.
. "$(dirname "$0")/_lib.sh"
. "$here/_load.sh"

rounds=${1:-3}
again=7
started=

has curl && has redis-server && has redis-benchmark && has $python && has gcc ||
    { echo "bench: curl, redis, python3 and gcc are needed" >&2; exit 1; }

# begin NAME OPTIONS COMMAND...: run it; its address is in $tmp/NAME.at
begin() {
    name=$1
    options=$2
    shift 2
    mkdir -p "$tmp/$name"
    XDG_RUNTIME_DIR=$tmp/$name "$weir" run -q $options --http 127.0.0.1:0 \
        --out "$tmp/out" -- "$@" >"$tmp/$name.out" 2>&1 &
    started="$started $!"
    echo $! >"$tmp/$name.pid"
    for try in $(seq 600); do
        grep -qsi ready "$tmp/$name.out" && break
        sleep 0.05
    done
    # The file says whose address it is: "PID HOST:PORT".
    cut -d' ' -f2 "$tmp/$name"/weir/run-*/address >"$tmp/$name.at"
}

# The programs end by SIGTERM; `weir run` passes it on.
end_all() {
    kill $started 2>/dev/null
    wait $started
    started=
    rm -rf "$tmp/redis" "$tmp/places" "$tmp/python" "$tmp/held" "$tmp/out"
} 2>/dev/null
trap 'end_all; rm -rf "$tmp"' EXIT

# scrape NAME PATH FILE: add its milliseconds and bytes to FILE
scrape() {
    curl -s -o "$tmp/$1.got" -w '%{time_total} %{size_download}\n' \
        "http://$(cat "$tmp/$1.at")/debug/pprof/$2" |
        awk '{ print $1 * 1000, $2 }' >>"$tmp/$1.$3"
}

# Hundredths of a second that a server has used.
used_by() { # name
    awk '{ print $14 + $15 }' "/proc/$(cat "$tmp/$1.pid")/stat"
}

mean() { # file
    awk '{ sum += $1 } END { printf "%.1f", sum / NR }' "$1"
}

median() { # file
    sort -n "$1" | awk '{ v[NR] = $1 }
        END { printf "%.1f", v[int((NR + 1) / 2)] }'
}

most() { # file
    sort -n "$1" | awk '{ v = $1 } END { printf "%.1f", v }'
}

# Samples and different addresses of the debug=1 text.
count_text() { # file
    awk '/ @ 0x/ { n++; for (i = 1; i <= NF; i++) if ($i ~ /^0x/) seen[$i] }
        END { for (a in seen) m++; printf "%d %d", n, m }' "$1"
}

begin_all() {
    begin redis "" redis-server --port 0 --unixsocket "$tmp/redis.sock" \
        --save '' --appendonly no --dir "$tmp"
    redis-benchmark -s "$tmp/redis.sock" -q -t set,lpush,hset,zadd -l \
        -r 20000 -d 64 -c 5 >/dev/null 2>&1 &
    load=$!
    begin places "--sample 1" "$tmp/places.bin"
    PYTHONMALLOC=malloc begin python "--sample 1" $python "$here/_scrape.py"
}

# The load takes both processors of a small machine, so it stands still while
# the others are asked.
ask() { # name path file
    [ "$1" = redis ] && kill -CONT $load && sleep 0.2
    before=$(used_by "$1")
    scrape "$1" "$2" "$3"
    echo $((($(used_by "$1") - before) * 10)) >>"$tmp/$1.$3.cpu"
    [ "$1" = redis ] && kill -STOP $load
}

one_round() {
    begin_all
    for try in first $(seq $again); do
        [ "$try" = first ] || try=again
        sleep 1
        for name in redis places python; do
            ask $name heap $try
        done
    done
    for name in redis places python; do
        ask $name 'heap?debug=1' text
    done
    kill -KILL $load
    wait $load 2>/dev/null
    end_all
}

print_rows() {
    echo "          samples  addresses    KiB   first ms   again ms" \
        "  (most)   CPU ms  debug=1 ms"
    for name in redis places python; do
        set -- $(count_text "$tmp/$name.got")
        eval "addresses_$name=$2"
        printf '%-9s %7d %10d %6d %10s %10s %8s %8s %11s\n' $name "$1" "$2" \
            "$(awk 'END { printf "%.0f", $2 / 1024 }' "$tmp/$name.again")" \
            "$(median "$tmp/$name.first")" "$(median "$tmp/$name.again")" \
            "$(most "$tmp/$name.again")" "$(mean "$tmp/$name.again.cpu")" \
            "$(median "$tmp/$name.text")"
    done
    echo
}

# Eight threads thirty calls deep, asked for their stacks two hundred times.
held() {
    begin held "" "$build/bench/bench_held" 8 8 30
    for try in $(seq 200); do
        scrape held goroutine stacks
    done
    for try in $(seq 100); do
        grep -q '^[0-9]' "$tmp/held.out" && break
        sleep 0.1
    done
    grep '^[0-9]' "$tmp/held.out"
    end_all
}

mkdir "$tmp/places.src"
load_places "$tmp/places.src" 20
gcc -O2 -g "$tmp/places.src"/*.c -o "$tmp/places.bin" || exit 1
for round in $(seq "$rounds"); do
    one_round
done
print_rows
set -- $(held)
echo "thread stacks: 8 threads, $1 requests of $(median "$tmp/held.stacks") ms"
echo "one is held:   median $2 us, 99 of 100 at most $3 us, all $4 us"
echo "by its clock:  median $5 us, 99 of 100 at most $6 us, all $7 us"
for name in redis places python; do
    goal "scrape-$name" "$(median "$tmp/$name.again") ms" "20 ms"
done
for name in places python; do
    eval "n=\$addresses_$name"
    goal "scrape-$name-$n-new-addresses" "$(median "$tmp/$name.first") ms" \
        "100 ms"
done
goal scrape-thread-held "$6 us" "1000 us"
goals_met
