#!/bin/sh
# Flame graphs and differences of redis-server while it works; the graph is
# opened in a browser that has no network.
. "$(dirname "$0")/_lib.sh"
need redis-server redis-cli redis-benchmark

sock=$scratch/work/redis.sock
load() {
    redis-benchmark -s "$sock" -q -n 20000 -r 100000 -P 16 "$@" \
        >bench.out 2>&1 || fail "redis-benchmark failed: $(cat bench.out)"
}

serve redis-server --port 0 --unixsocket "$sock" --dir "$scratch/work" \
    --save '' --appendonly no --logfile "$scratch/work/log"
wait_until redis-cli -s "$sock" ping || fail "no redis: $(cat log)"
load -t lpush -d 50
"$weir" flame --pprof -o before.pb.gz || fail "no profile to start from"
load -t set -d 400

# What grew is the strings of `set`; the condition of a build sees it.
"$weir" diff -cum -n 0 --fail-if 'inuse>+4MiB' before.pb.gz "$url" \
    >diff.txt 2>diff.err
[ $? -eq 3 ] || fail "8 MB more are not noticed: $(cat diff.txt diff.err)"
grep -q 'inuse>+4MiB holds: inuse_space was' diff.err ||
    fail "no word about it: $(cat diff.err)"
grep -Eq ' (new|grown) +(setCommand|setGenericCommand)$' diff.txt ||
    fail "setCommand did not grow: $(cat diff.txt)"
"$weir" diff --fail-if 'inuse>+1GiB' before.pb.gz "$url" >/dev/null ||
    fail "a condition that does not hold fails"

"$weir" flame --folded "$url" >folded.txt
grep -Eq '^[^ ]*;main;.*[cC]ommand.* [0-9]+$' folded.txt ||
    fail "no stack from main to a command: $(head -3 folded.txt)"

# In a browser: drawn, in good order, and nothing asked of anybody.
browse() { # FILE: what it becomes, in dom.html
    mkdir -p "$scratch/chromium"
    XDG_RUNTIME_DIR="$scratch/chromium" HOME="$scratch/chromium" \
        chromium --headless=new --no-sandbox --disable-gpu --disable-breakpad \
        --user-data-dir="$scratch/chromium/data" --enable-logging=stderr \
        --host-resolver-rules='MAP * ~NOTFOUND' --virtual-time-budget=3000 \
        --dump-dom "file://$scratch/work/$1" >dom.html 2>browser.err ||
        fail "$1: the browser failed: $(tail -3 browser.err)"
    ! grep -E 'CONSOLE|Refused to|Uncaught' browser.err ||
        fail "$1: the browser complains"
}

"$weir" flame -o now.html "$url" || fail "no flame graph"
"$weir" flame -o grown.html before.pb.gz "$url" || fail "no difference"
"$weir" flame --svg -o now.svg "$url" || fail "no SVG"
if command -v chromium >/dev/null; then
    browse now.html
    grep -q 'inuse_space: [0-9.]* MiB' dom.html ||
        fail "the viewer shows no sum: $(head -c 2000 dom.html)"
    browse grown.html
    grep -q 'inuse_space: [0-9.]* MiB, +[0-9.]* MiB' dom.html ||
        fail "the viewer shows no change: $(head -c 2000 dom.html)"
    browse now.svg
    grep -q '<title>main' dom.html || fail "the SVG shows no main"
else
    skip_part "graphs are not opened: no chromium; script/setup installs it"
fi
redis-cli -s "$sock" shutdown nosave 2>/dev/null
served_ends 0
finish
