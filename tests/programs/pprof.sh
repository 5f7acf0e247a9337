#!/bin/sh
# go tool pprof reads what we serve and save: live, deltas, differences,
# text, raw, its web page; and its errors show our sentences.
. "$(dirname "$0")/_lib.sh"
need perl curl
if ! command -v go >/dev/null; then
    echo "skip: no go on this machine; script/setup installs it"
    exit 77
fi
# Newer versions of Go build pprof when it is first wanted, and keep it.
GOCACHE=$(go env GOCACHE)
export GOCACHE GOTOOLCHAIN=local
export HOME="$scratch/work" PPROF_TMPDIR="$scratch/work/pprof"

cat >grow.pl <<'END'
$| = 1;
my @kept;
sub grow { push @kept, 'x' x 5000 for 1 .. 200 }
while (! -e 'stop') {
    grow();
    select undef, undef, undef, 0.02;
    splice @kept, 0, 100000 if @kept > 200000;
}
END

pprof() {
    go tool pprof "$@" >pprof.out 2>pprof.err ||
        fail "pprof $*: $(tail -5 pprof.err)"
}

shows() {
    grep -Eq -e "$1" pprof.out ||
        fail "pprof does not show '$1' but: $(head -20 pprof.out)"
}

serve perl grow.pl
heap=$url/debug/pprof/heap
sleep 0.5
curl -fsS -o old.pb.gz "$heap"

pprof -top "$heap"
shows '^Type: inuse_space'
shows 'Perl_'
shows ' main$| perl_run| S_run_body'
pprof -top -inuse_objects "$heap"
shows '^Type: inuse_objects'
pprof -top -sample_index=alloc_space "$heap"
shows '^Type: alloc_space'
pprof -top "$url/debug/pprof/allocs"
shows '^Type: alloc_space'
pprof -traces "$heap"
shows 'Perl_'
pprof -peek 'Perl_.*' "$heap"
shows 'flat%'
pprof -raw "$heap"
shows '^PeriodType: space bytes'
shows '^Samples:'
shows 'alloc_objects/count alloc_space/bytes inuse_objects/count'
shows '^Mappings'
shows '/perl.*[0-9a-f]{40}'
shows 'bytes:\[[0-9]+'

# What changed: asked of the server, and between two files.
pprof -top "$heap?seconds=1"
shows 'Perl_'
pprof -top -seconds 1 "$url/debug/pprof/allocs"
shows 'Perl_'
curl -fsS -o new.pb.gz "$heap"
pprof -top -base old.pb.gz new.pb.gz
shows 'Perl_'
pprof -top -diff_base old.pb.gz new.pb.gz
shows 'Perl_'
pprof -top -diff_base old.pb.gz old.pb.gz
grep -Eq 'Perl_' pprof.out &&
    fail "a profile differs from itself: $(head pprof.out)"

# Text that people read, read by pprof.
curl -fsS "$heap?debug=1" >heap.txt
head -1 heap.txt | grep -Eq \
    '^heap profile: [0-9]+: [0-9]+ \[[0-9]+: [0-9]+\] @ heap/[0-9]+$' ||
    fail "the text begins with: $(head -1 heap.txt)"
grep -q '^# HeapAlloc = [0-9]' heap.txt || fail "no MemStats in the text"
pprof -top heap.txt
shows 'flat%'

pprof -top "$url/debug/pprof/goroutine"
shows '^Type: goroutine'
pprof -top "$url/debug/pprof/threadcreate"
go tool pprof -top "$heap?seconds=x" >pprof.out 2>&1 &&
    fail "a senseless question was answered"
shows 'invalid value for "seconds" - must be a positive integer'
go tool pprof -top "$url/debug/pprof/none" >pprof.out 2>&1 &&
    fail "an unknown profile was answered"
shows 'Unknown profile'

# The web page of pprof over a live profile; its first page, the graph, needs
# Graphviz.
port=$(free_port)
page=http://127.0.0.1:$port
env "$mark" go tool pprof "-http=127.0.0.1:$port" -no_browser "$heap" \
    >web.out 2>web.err &
wait_until curl -fsS "$page/ui/top" ||
    fail "pprof serves no page: $(cat web.out web.err)"
for view in top flamegraph peek source; do
    curl -fsS "$page/ui/$view" >view.html || fail "no /ui/$view"
done
for pid in $(marked); do
    tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q no_browser &&
        kill "$pid" 2>/dev/null
done
wait_until sh -c "! curl -fsS $page"

touch stop
served_ends 0
for profile in $(saved_profiles); do
    pprof -top "$profile"
    shows 'Perl_'
done
finish
