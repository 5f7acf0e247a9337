#!/bin/sh
# what it costs to record who opens which descriptor
#
#     bench/fds.sh BUILD_DIR [ROUNDS]
#
# Opening and closing in a loop (bench/files.c), with fds=off and with it on by
# turns: nanoseconds of the pair, medians. Then programs that open and fork
# much, by their time as bash's `time` tells it (user and system).
. "$(dirname "$0")/_lib.sh"

rounds=${1:-9}

median() {
    sort -n | awk '{ a[NR] = $1 } END { printf "%.1f", a[int((NR + 1) / 2)] }'
}

under() { # on or off, command
    on=$1
    shift
    env LD_PRELOAD="$lib" WEIR="dir=$regions,fds=$on" "$@"
    rm -f "$regions"/*
}

for round in $(seq "$rounds"); do
    for on in off on; do
        under $on "$build/bench/bench_files" | sed "s/^/$on /"
    done
done >"$tmp/loops"
printf '%-22s %10s %10s %8s\n' "" "off" "on" "more"
for way in open fopen dup socket pipe; do
    off=$(awk -v w=$way '$1 == "off" && $2 == w { print $3 }' "$tmp/loops" |
        median)
    on=$(awk -v w=$way '$1 == "on" && $2 == w { print $3 }' "$tmp/loops" |
        median)
    more=$(awk -v a="$off" -v b="$on" 'BEGIN { printf "%.1f", b - a }')
    printf '%-22s %7s ns %7s ns %5s ns\n' "$way, close" "$off" "$on" "$more"
    [ $way != open ] || goal fds-open-close-ns "$more" 300
done

cat >"$tmp/forks.sh" <<'END'
for i in $(seq 300); do
    (: </dev/null) && x=$(echo "$i" <"$0")
done
END
cat >"$tmp/files.py" <<'END'
import os
for i in range(20000):
    with open(__file__) as f:
        f.read()
END
timed() { # name, command
    name=$1
    shift
    for round in $(seq "$rounds"); do
        for on in off on; do
            TIMEFORMAT="%U %S" bash -c 'time "$@"' - env LD_PRELOAD="$lib" \
                WEIR="dir=$regions,fds=$on" "$@" 2>&1 >/dev/null |
                awk -v on=$on '{ print on, ($1 + $2) * 1000 }'
            rm -f "$regions"/*
        done
    done >"$tmp/times"
    off=$(awk '$1 == "off" { print $2 }' "$tmp/times" | median)
    on=$(awk '$1 == "on" { print $2 }' "$tmp/times" | median)
    printf '%-22s %7s ms %7s ms %6s%%\n' "$name" "$off" "$on" \
        "$(awk -v a="$off" -v b="$on" 'BEGIN { printf "%+.1f", 100 * (b / a - 1) }')"
}
timed "bash, 600 forks" bash "$tmp/forks.sh"
[ ! -x $python ] || timed "python, 20000 files" $python -S "$tmp/files.py"
goals_met
