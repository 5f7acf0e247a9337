#!/bin/sh
# what a scrape of /metrics every second costs the program
#
#     bench/metrics.sh BUILD_DIR [ROUNDS [REQUESTS]]
#
# redis-server under `weir run` answers the same requests by turns with and
# without a client that asks for /metrics, over one connection as Prometheus
# does. One scrape a second is far below what two turns differ by anyhow, so
# there are fifty a second, and a fiftieth of the difference is what one costs.
# For each pair of turns the ratio of their throughput is taken, and of the
# processor time of redis alone; then the medians. The client of redis, the
# server of metrics and its client share the machine with it, as they would.
. "$(dirname "$0")/_lib.sh"

rounds=${1:-21}
requests=${2:-200000}
scrapes=50 # a second
has curl && has redis-server && has redis-benchmark ||
    { echo "bench: curl and redis are needed" >&2; exit 1; }

"$weir" run -q --http 127.0.0.1:0 --out "$tmp/out" -- redis-server --port 0 \
    --unixsocket "$tmp/redis.sock" --save '' --appendonly no --dir "$tmp" \
    >"$tmp/log" 2>&1 &
run=$!
trap 'kill $run 2>/dev/null; wait $run; rm -rf "$tmp"' EXIT
until redis-cli -s "$tmp/redis.sock" ping >/dev/null 2>&1; do sleep 0.1; done
redis=$(cut -d' ' -f1 "/proc/$run/task/$run/children")
url=http://$(cut -d' ' -f2 "$tmp"/weir/run-*/address)/metrics

ticks() { # hundredths of a second that a process has used
    awk '{ print $14 + $15 }' "/proc/$1/stat"
}

work() {
    redis-benchmark -s "$tmp/redis.sock" -q -t set,get,lpush,hset \
        -n $((requests / 4)) -r 20000 -d 64 -c 10 >/dev/null 2>&1
}

# turn FILE: add the nanoseconds of one piece of work, and redis's hundredths.
turn() {
    began=$(date +%s%N)
    before=$(ticks "$redis")
    work
    echo "$(($(date +%s%N) - began)) $(($(ticks "$redis") - before))" >>"$1"
}

with_scrapes() {
    curl -s -o /dev/null --rate $scrapes/s "$url?n=[1-100000]" &
    scraper=$!
    turn "$tmp/with"
    kill $scraper
    wait $scraper 2>/dev/null
}

# The median ratio of a column of the two files, less one, in hundredths; half
# the distance between the quartiles; and what of the first is one scrape's.
more() { # column
    paste -d' ' "$tmp/without" "$tmp/with" | awk -v c="$1" '
        { print 100 * ($(c + 2) / $c - 1) }' | sort -n | awk '
        { v[NR] = $1 }
        END { m = v[int((NR + 1) / 2)]; printf "%.2f %.2f %.3f", m,
            (v[int(NR * 3 / 4 + 0.75)] - v[int(NR / 4 + 0.75)]) / 2,
            m / '$scrapes' }'
}

work # everything is in memory then
for round in $(seq "$rounds"); do
    if [ $((round % 2)) -eq 0 ]; then
        with_scrapes
        turn "$tmp/without"
    else
        turn "$tmp/without"
        with_scrapes
    fi
done

# One scrape by itself, and what the server uses for it.
before=$(ticks "$run")
curl -s -o "$tmp/page" -w '%{time_total}\n' "$url?n=[1-200]" >"$tmp/times"
used=$((($(ticks "$run") - before) * 10))
scrape=$(sort -n "$tmp/times" | awk '{ v[NR] = $1 * 1000 }
    END { printf "%.2f", v[int((NR + 1) / 2)] }')

rate=$(awk -v n="$requests" '{ print n * 1e9 / $1 }' "$tmp/without" | sort -n |
    awk '{ v[NR] = $1 } END { printf "%d", v[int((NR + 1) / 2)] }')
set -- $(more 1) $(more 2)
echo "redis            $rate requests a second"
echo "$scrapes scrapes a second:"
echo "  each takes     $1 % longer (spread $2), $3 % with one"
echo "  its CPU time   $4 % more (spread $5), $6 % with one"
echo "a scrape takes   $scrape ms, $((used * 5)) us of the server's CPU," \
    "$(($(wc -c <"$tmp/page") / 1024)) KiB"
goal metrics-redis-throughput-lost "$3 %" "0.2 %"
goal metrics-redis-cpu "$6 %" "0.2 %"
goal metrics-scrape "$scrape ms" "5 ms"
goals_met
