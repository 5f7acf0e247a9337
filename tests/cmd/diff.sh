#!/bin/sh
# weir diff: the changes that go tool pprof -diff_base shows, and statuses
# that a build can rely on.
. "$(dirname "$0")/_lib.sh"

codec=$build/tests/test_analyse_codec
for seed in 1 2 3; do
    "$codec" random $seed $seed.pb.gz || fail "no profile $seed"
done

# --- Tables ----------------------------------------------------------------
"$weir" diff 1.pb.gz 2.pb.gz >out.txt 2>err.txt
is $? 0 "weir diff"
is "$(wc -c <err.txt)" 0 "chatter of weir diff"
says "inuse_space: " out.txt
says " before, " out.txt
"$weir" diff -n 2 1.pb.gz 2.pb.gz >out.txt
is "$(grep -cE 'grown|shrunk|new|gone' out.txt)" 2 "rows of -n 2"
says "that changed less" out.txt
"$weir" diff 1.pb.gz 1.pb.gz >out.txt
is $? 0 "a profile and itself"
is "$(wc -l <out.txt)" 1 "lines about no change"

# same TYPE ARGUMENTS: flat and cum of every function changed as pprof says.
same() {
    type=$1
    shift
    $pprof -top -nodefraction=0 -nodecount=100000 -unit="$unit" \
        -symbolize=demangle=none -sample_index="$type" "$@" \
        -diff_base 1.pb.gz 3.pb.gz 2>pprof.err |
        sed '1,/flat%/d; s/ (inline)$//; s/ (partial-inline)$//' | awk '{
            flat = $1; cum = $4; name = $0
            sub(/^ *[^ ]+ +[^ ]+ +[^ ]+ +[^ ]+ +[^ ]+ +/, "", name)
            gsub(/[A-Za-z]/, "", flat); gsub(/[A-Za-z]/, "", cum)
            if (flat != 0 || cum != 0) print flat, cum, name
        }' | sort >theirs
    "$weir" diff --json -sample_index="$type" "$@" 1.pb.gz 3.pb.gz |
        jq -r '.sites[] | "\(.flat_change) \(.cum_change) \(.name)"' |
        sort >ours
    [ -s theirs ] || fail "pprof: $(cat pprof.err)"
    cmp -s ours theirs || fail "$type $*: $(diff ours theirs | head -6)"
}

if command -v go >/dev/null && command -v jq >/dev/null; then
    GOCACHE=$(go env GOCACHE)
    export GOCACHE GOTOOLCHAIN=local HOME="$tmp" PPROF_TMPDIR="$tmp/pprof"
    pprof=$(go tool -n pprof 2>/dev/null)
    [ -x "$pprof" ] || pprof="go tool pprof"
    unit=B
    same inuse_space
    same alloc_space
    same inuse_space -focus=parse
    same inuse_space -ignore=grow
    unit=count
    same alloc_objects
else
    echo "skip: not compared with pprof: no go or no jq; script/setup has them"
fi

# --- Conditions ------------------------------------------------------------
status() {
    "$weir" diff "$@" >out.txt 2>err.txt
    echo $?
}

is "$(status --fail-if 'inuse>+0' 1.pb.gz 1.pb.gz)" 0 "no growth"
is "$(wc -c <err.txt)" 0 "words about a condition that does not hold"
is "$(status --fail-if 'inuse>=+0' 1.pb.gz 1.pb.gz)" 3 "no growth, but >="
says "weir: diff: --fail-if inuse>=+0 holds: inuse_space was " err.txt
says "inuse_space: " out.txt
is "$(status -fail_if='inuse<1' --fail-if 'inuse_objects>0' 1.pb.gz 2.pb.gz)" \
    3 "one of two conditions"
says "inuse_objects>0 holds" err.txt
grep -q 'inuse<1 holds' err.txt && fail "the other one is said to hold"
is "$(status --fail-if 'inuse>+1' 1.pb.gz)" 2 "one profile"
says "weir diff BEFORE AFTER" err.txt
is "$(status --fail-if 'inuse=1' 1.pb.gz 2.pb.gz)" 2 "no condition"
says "a condition is like inuse>+1MiB" err.txt
is "$(status --fail-if 'cpu>1s' 1.pb.gz 2.pb.gz)" 1 "a type that is not there"
says "no sample type cpu" err.txt
is "$(wc -c <out.txt)" 0 "a table before the failure"
is "$(status 1.pb.gz /no/such/file)" 1 "a file that is not there"
says "/no/such/file" err.txt
if command -v jq >/dev/null; then
    "$weir" diff -j --fail-if 'inuse>0' 1.pb.gz 2.pb.gz >out.txt 2>/dev/null
    is $? 3 "JSON with a condition"
    is "$(jq -c .conditions out.txt)" \
        '[{"condition":"inuse>0","holds":true}]' "conditions in JSON"
    is "$(jq '.after - .before == .change' out.txt)" true "sums in JSON"
fi
finish
