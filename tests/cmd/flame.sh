#!/bin/sh
# weir flame: one file that needs nothing else, and the formats of others,
# each as its own readers take it.
. "$(dirname "$0")/_lib.sh"

codec=$build/tests/test_analyse_codec
"$codec" random 1 one.pb.gz && "$codec" random 2 two.pb.gz ||
    fail "no profiles to work with"

# --- Where to --------------------------------------------------------------
"$weir" flame one.pb.gz >out.txt 2>err.txt
is $? 0 "weir flame"
is "$(wc -c <out.txt)" 0 "output beside the file"
says "wrote weir-flame.html" err.txt
says '"title":"prog: one.pb.gz","type":"inuse_space"' weir-flame.html
grep -Eq '(src|href)="?https?:' weir-flame.html && fail "it asks for more"

"$weir" flame -o other.html one.pb.gz >out.txt 2>err.txt
is $? 0 "weir flame -o"
is "$(cat out.txt err.txt)" "" "words about a file that was named"
cmp -s weir-flame.html other.html || fail "-o changes what is written"
"$weir" flame -o - one.pb.gz | cmp -s - other.html || fail "-o - differs"
"$weir" flame -o /no/such/folder/x one.pb.gz 2>err.txt
is $? 1 "a file that cannot be made"
says "/no/such/folder/x" err.txt
if [ -w /dev/full ]; then
    "$weir" flame -o /dev/full one.pb.gz 2>err.txt
    is $? 1 "a full disk"
    says "No space left" err.txt
fi

# Bad input costs no file that was there
echo kept >kept.html
"$weir" flame -o kept.html /no/such/profile 2>err.txt
is $? 1 "a profile that is not there"
says "/no/such/profile" err.txt
is "$(cat kept.html)" kept "the file that was there"
"$weir" flame -i nonsense one.pb.gz 2>err.txt
is $? 1 "a sample type that is not there"
"$weir" flame --svg --json one.pb.gz 2>err.txt
is $? 2 "two formats"
says "one format at a time" err.txt
"$weir" flame -files one.pb.gz 2>err.txt
is $? 2 "frames that are files"
says "frames are -functions or -lines" err.txt
"$weir" flame --folded -lines one.pb.gz | grep -q '^main:1[0-9].*run:1' ||
    fail "no lines with -lines"
"$weir" flame one.pb.gz two.pb.gz one.pb.gz 2>err.txt
is $? 2 "three profiles"
"$weir" flame -base one.pb.gz one.pb.gz two.pb.gz 2>err.txt
is $? 2 "a base and two profiles"

# --- Formats ---------------------------------------------------------------
total() { # of our top table
    "$weir" flame --json "$@" | jq .total
}

if command -v jq >/dev/null; then
    "$weir" flame --json one.pb.gz >one.json 2>err.txt
    is "$(jq '[.samples[].values[3]] | add' one.json)" \
        "$(jq .total one.json)" "the sum of the samples"
    is "$(jq '[.top[].flat] | add' one.json)" \
        "$(jq .total one.json)" "the sum of flat"
    is "$("$weir" flame --folded one.pb.gz | awk '{ s += $NF }
        END { printf "%.0f", s }')" "$(jq .total one.json)" "the folded sum"
    "$weir" flame -focus dict_add --folded one.pb.gz | grep -v dict_add |
        grep -q . && fail "-focus leaves other stacks"

    "$weir" flame --speedscope one.pb.gz two.pb.gz 2>err.txt
    says "wrote weir-flame.speedscope.json" err.txt
    for n in 0 1; do
        is "$(jq "[.profiles[$n].weights[]] | add" \
            weir-flame.speedscope.json)" \
            "$(jq ".profiles[$n].endValue" weir-flame.speedscope.json)" \
            "weights of profile $n"
    done
    is "$(jq '.profiles[1].endValue' weir-flame.speedscope.json)" \
        "$(total one.pb.gz)" "what was before"
    is "$(jq '[.profiles[].samples[][]] | max <
        (input.shared.frames | length)' weir-flame.speedscope.json \
        weir-flame.speedscope.json)" true "frames that exist"

    # A difference, as one profile and as another's
    is "$(total one.pb.gz two.pb.gz)" \
        "$(($(total two.pb.gz) - $(total one.pb.gz)))" "a difference"
    "$weir" flame --pprof one.pb.gz two.pb.gz 2>err.txt
    says "wrote weir-flame.pb.gz" err.txt
    is "$(total weir-flame.pb.gz)" "$(total one.pb.gz two.pb.gz)" \
        "the difference read again"
    is "$("$weir" flame --folded -diff_base one.pb.gz two.pb.gz |
        awk '{ s += $NF - $(NF - 1) } END { printf "%.0f", s }')" \
        "$(total one.pb.gz two.pb.gz)" "the folded difference"
    "$weir" flame -o - one.pb.gz two.pb.gz |
        sed -n 's/.*\({"v":1,.*"base_total":[0-9]*\),$/\1}/p' >head.json
    is "$(jq '.total - .base_total' head.json)" \
        "$(total one.pb.gz two.pb.gz)" "the difference in HTML"
else
    echo "skip: sums are not checked: no jq; script/setup installs it"
fi

# pprof reads what was written as what it makes itself
if command -v go >/dev/null; then
    pprof_top() {
        GOCACHE=$(HOME=$home go env GOCACHE) GOTOOLCHAIN=local \
            PPROF_TMPDIR="$tmp/pprof" go tool pprof -top -nodefraction=0 \
            -unit=B "$@" 2>pprof.err | sed '1,/flat%/d' |
            awk '{ print $1, $4, $6 }' | sort
    }
    home=$HOME
    pprof_top -base one.pb.gz two.pb.gz >theirs
    "$weir" flame --pprof -o change.pb.gz one.pb.gz two.pb.gz
    pprof_top change.pb.gz >ours
    [ -s theirs ] || fail "pprof: $(cat pprof.err)"
    cmp -s ours theirs || fail "--pprof: $(diff ours theirs | head -6)"
else
    echo "skip: --pprof is not read by pprof: no go; script/setup has it"
fi

"$weir" flame --svg one.pb.gz 2>err.txt
says "wrote weir-flame.svg" err.txt
if command -v xmllint >/dev/null; then
    "$weir" flame --svg -o diff.svg one.pb.gz two.pb.gz
    xmllint --noout weir-flame.svg diff.svg 2>err.txt ||
        fail "SVG: $(head -3 err.txt)"
else
    echo "skip: SVG is not checked: no xmllint; script/setup installs it"
fi

# --- A program that runs ---------------------------------------------------
need_holder
"$weir" run -q --sample 1 --http none -- ./holder >holder.txt 2>err.txt &
wait_for ready holder.txt
"$weir" flame --folded >out.txt 2>err.txt
is $? 0 "the only program"
grep -q '^.*main;hold_blocks [0-9]*$' out.txt || fail "$(cat out.txt err.txt)"
touch stop
wait
finish
