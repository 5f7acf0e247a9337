#!/bin/sh
# weir serve: finds programs that come and go, however they end; refuses what
# it must with a sentence; and leaves nothing behind.
. "$(dirname "$0")/_lib.sh"
need_holder
trap 'kill -9 $server $program 2>/dev/null; rm -rf "$tmp"' EXIT
server= program=

# serve OPTIONS...: start it and wait until it answers; sets $url, $sock
serve() {
    rm -f err
    "$weir" serve "$@" 2>err &
    server=$!
    wait_for "weir: " err
    url=$(sed -n 's,^weir: see \(http://[^/]*\)/ .*,\1,p' err)
    sock=$tmp/weir/http.sock
}
# end_serve SIGNAL: it must end well and take its files along
end_serve() {
    kill -"$1" "$server"
    wait "$server"
    is $? 0 "weir serve after SIG$1"
    [ ! -e "$sock" ] || fail "SIG$1: the socket stayed"
    [ ! -e "$tmp/weir/address" ] || fail "SIG$1: the address stayed"
    server=
}
begin() {
    rm -f log
    LD_PRELOAD="$build/lib/libweir.so.0" ./holder >log &
    program=$!
    wait_for ready log
}
end() {
    kill -"$1" "$program"
    wait "$program" 2>/dev/null
}
code() {
    curl -s -o body -w '%{http_code}' "$@"
}
heap=debug/pprof/heap

# Nobody there
serve --http 127.0.0.1:0 --allow-host profiles.example
is "$(code "$url/$heap")" 404 "a heap without programs"
says "no program is running under Weir" body
is "$(code "$url/debug/pprof/")" 200 "the index without programs"
is "$(code "$url/pid/1/$heap")" 404 "a process that was never there"
is "$(curl -s "$url/pid/?format=json" | grep -c holder)" 0 "no processes"

# Somebody comes
begin
is "$(code "$url/$heap")" 200 "the heap"
is "$(code "$url/$heap?debug=1")" 200 "text"
says hold_blocks body
is "$(code "$url/pid/$program/$heap")" 200 "by its pid"
"$weir" ps >ps.txt
grep -q "^ *$program .*${url#http://}\$" ps.txt || fail "ps: $(cat ps.txt)"

# Who may ask, and how
is "$(code -H 'Host: evil.example' "$url/$heap")" 403 "a foreign name"
says "--allow-host" body
is "$(code -H 'Host: profiles.example:80' "$url/$heap")" 200 "an allowed name"
is "$(code -H 'Host: Profiles.Example.' "$url/$heap")" 200 "the same name"
is "$(code -H 'Host: profiles.example.evil' "$url/$heap")" 403 "a longer name"
is "$(code --unix-socket "$sock" "http://any.name/$heap")" 200 "the socket"
is "$(stat -c %a "$sock")" 600 "mode of the socket"
is "$(code -X DELETE "$url/$heap")" 405 "DELETE"
is "$(code "$url/$heap?seconds=x")" 400 "seconds that are no number"
is "$(code "$url/$heap?seconds=1&debug=1")" 400 "a delta as text"
is "$(code "$url/%00")" 400 "a NUL in the path"
is "$(code "$url/elsewhere")" 404 "an unknown page"

# A port has one server
"$weir" serve --http "${url#http://}" 2>second
is $? 1 "a second server on the port"
says "in use (is weir serve running already?)" second
is "$(code "$url/$heap")" 200 "the first server afterwards"

# Files that are no regions do no harm; neither do regions cut short
echo nonsense >"$tmp/weir/1.weir"
: >"$tmp/weir/2.weir"
mkdir "$tmp/weir/3.weir"
ln -s /no/such/file "$tmp/weir/4.weir"
head -c 9000 "$tmp/weir/$program".weir >"$tmp/weir/5.weir"
head -c 9000 /dev/zero | tr '\0' '\377' >"$tmp/weir/6.weir"
is "$(code "$url/$heap")" 200 "the heap beside broken files"
is "$(code "$url/pid/5/$heap")" 404 "a broken region"
rm -rf "$tmp"/weir/[1-6].weir

# A region that vanishes while a request waits is still held by it
curl -s -o delta -w '%{http_code}' "$url/pid/$program/$heap?seconds=2" >delta.code &
waiting=$!
sleep 0.5
rm "$tmp/weir/$program".weir
wait $waiting
case $(cat delta.code) in
200 | 500) ;;
*) fail "a delta of a region that vanished: $(cat delta.code)" ;;
esac
is "$(code "$url/pid/$program/$heap")" 404 "a region that vanished"
is "$(code "$url/$heap")" 404 "the sum without it"
end KILL

# Who was killed is still known, but runs no more
begin
end KILL
is "$(code "$url/pid/$program/$heap?debug=1")" 200 "a killed program"
says hold_blocks body
is "$(code "$url/$heap")" 404 "the sum without the killed"
end_serve TERM

# What the dead left is swept when its time is over
serve --http 127.0.0.1:0 --keep 0
for _ in $(seq 100); do
    [ -e "$tmp/weir/$program".weir ] || break
    sleep 0.05
done
[ ! -e "$tmp/weir/$program".weir ] || fail "--keep 0 kept a dead region"

# Killed itself, it leaves a socket and an address that nobody believes
kill -9 "$server"
wait "$server" 2>/dev/null
[ -e "$sock" ] || fail "no socket was left to test with"
begin
"$weir" ps >ps.txt
grep -q "^ *$program .* -\$" ps.txt || fail "an old address: $(cat ps.txt)"
serve --http none
is "$url" "" "an address without HTTP"
says "unix:$sock" err
is "$(code --unix-socket "$sock" "http://weir/$heap")" 200 "the socket alone"
end_serve INT
serve --http "unix:$tmp/other.sock"
is "$(code --unix-socket "$tmp/other.sock" "http://weir/$heap")" 200 "a path"
is "$(code --unix-socket "$sock" "http://weir/$heap")" 200 "and the usual one"
end_serve HUP
[ ! -e "$tmp/other.sock" ] || fail "the other socket stayed"
end TERM
finish
