#!/bin/sh
# weir run answers over HTTP while the program runs: on a port, on a socket,
# or not at all; weir ps and weir top find it.
. "$(dirname "$0")/_lib.sh"
need_holder

start() {
    rm -f stop log err
    "$weir" run "$@" -- ./holder >log 2>err &
    pid=$!
    wait_for ready log
    child=$(cut -d' ' -f1 /proc/$pid/task/$pid/children)
}
stop() {
    touch stop
    wait $pid
    is $? 0 "status of the run"
}
code() {
    curl -s -o body -w '%{http_code}' "$@"
}

start --allow-host profiles
url=$(sed -n 's,^weir: see \(http://127.0.0.1:[0-9]*\)/ (for tools: /debug/pprof/)$,\1,p' err)
[ -n "$url" ] || { fail "no address in:"; cat err >&2; }
is "$(code "$url/debug/pprof/")" 200 "the index"
is "$(code "$url/debug/pprof/heap")" 200 "the heap"
is "$(code "$url/debug/pprof/heap?debug=1")" 200 "text"
says hold_blocks body
address=$(sed -n 's/^#\t\(0x[0-9a-f]*\)\thold_blocks.*/\1/p' body | head -1)
is "$(curl -s "$url/debug/pprof/symbol?$address" | tail -1)" \
    "$address hold_blocks" "a name by GET"
is "$(curl -s -d "0x1+$address" "$url/debug/pprof/symbol" | tail -1)" \
    "$address hold_blocks" "a name by POST"
is "$(code "$url/pid/$child/debug/pprof/heap")" 200 "one process"
is "$(code -H 'Host: evil.example' "$url/debug/pprof/heap")" 403 "a foreign host"
is "$(code -H 'Host: profiles:80' "$url/debug/pprof/heap")" 200 "an allowed host"
is "$(code "$url/debug/pprof/nothing")" 404 "an unknown profile"
sock=$(find "$tmp/weir" -name http.sock)
is "$(stat -c %a "$sock")" 600 "mode of the socket"
is "$(code --unix-socket "$sock" http://weir/debug/pprof/heap)" 200 "the socket"
is "$(curl -s "$url/debug/pprof/cmdline")" ./holder "command line"

"$weir" ps >ps.txt
says "${url#http://}" ps.txt
grep -Eq "^ *$child +holder " ps.txt || { fail "no holder in:"; cat ps.txt; }
"$weir" ps --json >ps.json
says "\"pid\":$child,\"program\":\"holder\"" ps.json
if command -v jq >/dev/null; then
    is "$(jq -r ".[] | select(.pid == $child) | .heap_bytes > 9000000" ps.json)" \
        true "heap in JSON"
fi
"$weir" top $child >top.txt
says hold_blocks top.txt
"$weir" top "$url/debug/pprof/heap" >top.txt
says hold_blocks top.txt
"$weir" top -c -n 0 -i alloc_objects "unix:$sock" >top.txt
says main top.txt
curl -s -o saved "$url/debug/pprof/heap?debug=1"
"$weir" top saved >top.txt
says hold_blocks top.txt
"$weir" top -i nonsense $child 2>err.txt
is $? 1 "a sample type that is not there"
says "inuse_space" err.txt
"$weir" top 99999999 2>err.txt
is $? 1 "a process that is not there"
says "weir ps" err.txt
"$weir" top "$url/debug/pprof/nothing" 2>err.txt
is $? 1 "a page that is not there"
says "Unknown profile" err.txt
"$weir" top "$url/debug/pprof/heap?seconds=1" >top.txt
is $? 0 "a delta"
"$weir" top -seconds 1 "$url/debug/pprof/heap" >top.txt
is $? 0 "a delta, asked for by an option"
says "Duration: 1" top.txt

# Metrics: the program has no labels, and discovery leads to it
is "$(code "$url/metrics")" 200 "the metrics"
grep -Eq '^weir_live_bytes [0-9]{8}$' body ||
    fail "no live bytes: $(grep weir_live body)"
says "go_goroutines 1" body
is "$(code "$url/sd")" 200 "discovery"
says "\"targets\":[\"${url#http://}\"]" body
says "\"__metrics_path__\":\"/pid/$child/metrics\"" body

# Another run wants the same port: told, recorded all the same
"$weir" run --http "${url#http://}" -o second -- true 2>err.txt
is $? 0 "status with the port in use"
says "in use" err.txt
is "$(ls second | wc -l)" 2 "profiles with the port in use"
stop
says "hold_blocks" err
says "next: weir top" err
saved=$(sed -n 's/^  next: weir top //p' err)
"$weir" top "$saved" >top.txt
says hold_blocks top.txt
is "$(ls "$(dirname "$saved")" | wc -l)" 2 "files left of the run"
"$weir" ps 2>err.txt >ps.txt
grep -q holder ps.txt && fail "weir ps shows an ended program"

# A fixed port, a socket elsewhere, none
port=$((20000 + $$ % 20000))
start --http $port -q --no-go-metrics
is "$(code http://localhost:$port/metrics)" 200 "metrics without go"
grep -q go_ body && fail "names of Go in spite of --no-go-metrics"
says "process_open_fds" body
is "$(code http://localhost:$port/debug/pprof/heap)" 200 "a fixed port"
is "$(wc -c <err)" 0 "bytes on stderr with -q"
stop
is "$(wc -c <err)" 0 "bytes on stderr with -q, at the end"
start --http "unix:$tmp/my.sock"
says "profiles at unix:$tmp/my.sock" err
is "$(code --unix-socket my.sock http://x/debug/pprof/heap)" 200 "its socket"
stop
start --http none
is "$("$weir" ps | awk '/holder/ { print $NF }')" - "no address"
stop

# weir serve: all programs of this user, also those with the preload alone
rm -f stop log
env LD_PRELOAD="$build/lib/libweir.so.0" ./holder >log &
preloaded=$!
wait_for ready log
"$weir" serve --http 127.0.0.1:$port 2>serve.txt &
server=$!
wait_for "see http://127.0.0.1:$port/ " serve.txt
is "$(code "http://127.0.0.1:$port/pid/$preloaded/debug/pprof/heap?debug=1")" \
    200 "a preloaded program"
says hold_blocks body
is "$(code http://127.0.0.1:$port/metrics)" 200 "the metrics of all"
says "weir_live_bytes{pid=\"$preloaded\",program=\"holder\"}" body
is "$(code http://127.0.0.1:$port/pid/?format=json)" 200 "the list"
says "\"pid\":$preloaded,\"program\":\"holder\"" body
"$weir" ps >ps.txt
says "127.0.0.1:$port" ps.txt
"$weir" serve --no-go-metrics --http 127.0.0.1:$port 2>err.txt
is $? 1 "a second server"
says "in use" err.txt
kill -TERM $server
wait $server
is $? 0 "status of weir serve"
touch stop
wait $preloaded
[ ! -e "$tmp/weir/address" ] || fail "weir serve left its address"
[ ! -e "$tmp/weir/http.sock" ] || fail "weir serve left its socket"
finish
