#!/bin/sh
# what weir run --collect costs a program that does not leak
#
#     bench/collect.sh BUILD_DIR [ROUNDS]
#
# Python working on dictionaries, strings and rings of objects, with its own
# arenas and with PYTHONMALLOC=malloc; redis-server taking SETs of 200 bytes.
# Each on glibc, under Weir, and with malloc's blocks collected: medians of
# ROUNDS (5), lowest and highest, and the most memory that was resident.
. "$(dirname "$0")/_lib.sh"

rounds=${1:-5}
mkdir -m 700 -p "$tmp/weir"
cd "$tmp" || exit 1

cat >work.py <<'END'
import json, resource, time
begin = time.perf_counter()
table = {}
class Node: pass
for i in range(60000):
    table[str(i % 20000)] = {"a": [i] * 10, "b": str(i) * 3}
    a, b = Node(), Node()
    a.other, b.other, a.text = b, a, bytearray(600)
text = json.dumps(table)
for i in range(10):
    json.loads(text)
print("%.3f %d" % (time.perf_counter() - begin,
      resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))
END

under() { # WAY COMMAND...
    way=$1
    shift
    case $way in
    glibc) env "$@" ;;
    weir) env LD_PRELOAD="$lib" WEIR="dir=$tmp/weir" "$@" ;;
    collect) env LD_PRELOAD="$lib" WEIR="dir=$tmp/weir,collect=on" "$@" ;;
    esac
}
redis() { # WAY: thousand requests a second, and MiB
    under "$1" redis-server --port 0 --unixsocket "$tmp/sock" --save '' \
        >log 2>&1 &
    server=$!
    until redis-cli -s "$tmp/sock" ping >/dev/null 2>&1; do sleep 0.1; done
    redis-benchmark -s "$tmp/sock" -n 200000 -r 200000 -d 200 -P 16 -t set \
        --csv | awk -F'"' '/SET/ { printf "%.1f ", $4 / 1000 }'
    pid=$(redis-cli -s "$tmp/sock" info server | tr -d '\r' |
        sed -n 's/^process_id://p')
    awk '/VmHWM/ { print int($2 / 1024) }' "/proc/$pid/status"
    redis-cli -s "$tmp/sock" shutdown nosave 2>/dev/null
    wait $server
}
summary() { # of lines "VALUE MIB"
    sort -n "$1" | awk '{ v[NR] = $1; if ($2 > most) most = $2 }
        END { printf "%8s  %8s to %-8s %6d MiB\n", v[int((NR + 1) / 2)],
              v[1], v[NR], most }'
}
ways="glibc weir collect"
round() {
    for way in $ways; do
        if command -v python3 >/dev/null; then
            under $way python3 work.py >>python-$way
            under $way PYTHONMALLOC=malloc python3 work.py >>malloc-$way
        fi
        if command -v redis-benchmark >/dev/null; then
            redis $way >>redis-$way
        fi
    done
}
table() { # FILE TITLE
    [ -e "$1-glibc" ] || return 0
    echo "$2"
    for way in $ways; do
        printf '  %-8s' $way
        summary "$1-$way"
    done
}

for i in $(seq "$rounds"); do
    round
done
table python "python, seconds: median, lowest to highest, resident at most"
table malloc "the same with PYTHONMALLOC=malloc"
table redis "redis, thousand requests a second"
