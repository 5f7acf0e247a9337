#!/bin/sh
# go tool pprof accepts what we write, and prints the numbers we print: for
# profiles made at random, every sample type, their sum and their difference,
# and for the text form.
set -u
build=$(cd "$1" && pwd)
if ! command -v go >/dev/null; then
    echo "skip: no go on this machine; script/setup installs it"
    exit 77
fi
codec=$build/tests/test_analyse_codec
weir=$build/bin/weir
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 2
GOCACHE=$(go env GOCACHE)
export GOCACHE GOTOOLCHAIN=local HOME="$tmp" PPROF_TMPDIR="$tmp/pprof"
# Some versions of Go build pprof when it is first run: run it directly after.
pprof=$(go tool -n pprof 2>/dev/null)
[ -x "$pprof" ] || pprof="go tool pprof"
failures=0

fail() {
    echo "FAIL: $*"
    failures=$((failures + 1))
}

make() {
    "$codec" "$@" || fail "codec $*"
}

# same FILE TYPE PPROF-ARGUMENTS: what we print of FILE is what pprof prints.
same() {
    file=$1 type=$2
    shift 2
    $pprof -top -symbolize=none -sample_index="$type" "$@" >theirs 2>pprof.err
    "$weir" top -nodecount=0 -symbolize=none -i "$type" "$file" >ours
    [ -s theirs ] || fail "pprof of $*: $(cat pprof.err)"
    sed -i '/^Showing/,$!d' ours theirs # what is above tells of the file
    cmp -s ours theirs ||
        fail "$type of $*: $(diff ours theirs | head -6)"
}

for seed in 1 2 3; do
    make random "$seed" "$seed.pb.gz"
done
for type in alloc_objects alloc_space inuse_objects inuse_space; do
    same 1.pb.gz "$type" 1.pb.gz
    same 2.pb.gz "$type" 2.pb.gz
done

make merge 1.pb.gz 2.pb.gz sum.pb.gz
same sum.pb.gz inuse_space 1.pb.gz 2.pb.gz
same sum.pb.gz inuse_space sum.pb.gz

make subtract 3.pb.gz 1.pb.gz change.pb.gz
same change.pb.gz inuse_space -base 1.pb.gz 3.pb.gz
same change.pb.gz alloc_objects change.pb.gz
$pprof -top -diff_base 1.pb.gz 3.pb.gz >out 2>&1 || fail "$(cat out)"

# What pprof sees in the file, in full.
$pprof -raw 1.pb.gz >raw 2>&1 || fail "-raw: $(head -3 raw)"
for wanted in 'PeriodType: space bytes' 'Period: 524288' \
    'alloc_objects/count alloc_space/bytes inuse_objects/count inuse_space' \
    '1: 0x400000/0x410000/0x1000 /bin/prog ab \[FN\]'; do
    grep -q "$wanted" raw || fail "-raw shows no '$wanted'"
done

# The text form has no names for pprof, but the same samples.
make text 1.pb.gz 1.txt
$pprof -raw 1.txt >raw.text 2>&1 || fail "text: $(head -3 raw.text)"
sum() {
    awk '/^Samples:/ { on = 1 } /^Locations/ { on = 0 }
        on && /^ *[0-9]+ +[0-9]+ +[0-9]+ +[0-9]+:/ { s += $2; u += $4 + 0 }
        END { printf "%d %d\n", s, u }' "$1"
}
[ "$(sum raw)" = "$(sum raw.text)" ] ||
    fail "text: $(sum raw) became $(sum raw.text)"
same 1.txt alloc_space 1.pb.gz

[ "$failures" -eq 0 ]
