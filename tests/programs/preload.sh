#!/bin/sh
# Programs that get the library by LD_PRELOAD alone, as a service or a
# container would: weir ps lists them, weir serve serves them, and one that
# was killed still shows what it held.
. "$(dirname "$0")/_lib.sh"
need perl curl

cat >hold.pl <<'END'
my @kept = map { 'y' x 3000 } 1 .. 4000;
$| = 1;
print "ready\n";
sleep 60;
END
with() {
    env "$mark" "LD_PRELOAD=$lib" "$@"
}

# The same answers as without.
for command in 'perl -e "print join q( ), map { \$_ ** 2 } 1 .. 1000"' \
    'ls -l /usr/bin' 'awk "BEGIN { for (i = 0; i < 1e5; i++) a[i] = i
        print length(a) }"' 'sort /etc/services' 'find /etc -name "*.conf"'; do
    sh -c "$command" >plain.out 2>plain.err
    plain=$?
    with sh -c "$command" >weir.out 2>weir.err
    [ $? -eq $plain ] || fail "$command: another exit status"
    cmp -s plain.out weir.out || fail "$command: another output"
    cmp -s plain.err weir.err || fail "$command: $(cat weir.err)"
done
find "$XDG_RUNTIME_DIR" -name '*.weir' -delete

env "$mark" "LD_PRELOAD=$lib" WEIR=sample=16K perl hold.pl >one.out &
one=$!
env "$mark" "LD_PRELOAD=$lib" WEIR=sample=4096 perl hold.pl >two.out &
two=$!
wait_until grep -q ready one.out
wait_until grep -q ready two.out
"$weir" ps >ps.out 2>&1 || fail "weir ps: $(cat ps.out)"
for pid in $one $two; do
    grep -Eq "(^| )$pid .*perl" ps.out ||
        fail "process $pid is not listed: $(cat ps.out)"
done
names "$one" 'Perl_.*'

env "$mark" "$weir" serve --http 127.0.0.1:0 >serve.out 2>serve.err &
server=$!
wait_until grep -q http:// serve.out serve.err ||
    fail "weir serve named no address"
url=$(cat serve.out serve.err | grep -o 'http://[^ ]*' | head -1)
url=${url%/}
url=${url%/debug/pprof*}
for pid in $one $two; do
    curl -fsS "$url/pid/$pid/debug/pprof/heap" >heap.pb.gz ||
        fail "no profile of $pid"
    names heap.pb.gz 'Perl_.*' main
    # 4000 strings of 3000 bytes in blocks of 3072.
    "$weir" top -n 0 heap.pb.gz |
        grep -Eq '1[0-9](\.[0-9]+)?MB|1[0-9]{4}(\.[0-9]+)?kB' ||
        fail "12 MB are not seen: $("$weir" top heap.pb.gz)"
done

# Killed: what it held at that moment is still told.
kill -9 "$one"
wait "$one" 2>/dev/null
curl -fsS "$url/pid/$one/debug/pprof/heap" >dead.pb.gz ||
    fail "no profile of the killed process"
names dead.pb.gz 'Perl_.*'
kill "$two"
wait "$two" 2>/dev/null
kill "$server"
wait "$server"
status=$?
[ $status -eq 0 ] || [ $status -eq 143 ] ||
    fail "weir serve, told to end, ended with $status"
# Regions of programs started without weir run stay until a server sweeps
# them; here nobody does.
find "$XDG_RUNTIME_DIR" -name '*.weir' -delete
find "$XDG_RUNTIME_DIR" -mindepth 1 -type d -empty -delete
finish
