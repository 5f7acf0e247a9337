#!/bin/sh
# weir benchstat: its CSV is field by field that of Go's benchstat (kept in
# benchstat/*.csv, and asked for again where there is one), bad files get a
# sentence, and a build can fail on what is worse.
. "$(dirname "$0")/_lib.sh"
data=$source_dir/tests/cmd/benchstat
cp "$data"/*.txt .

# The last digits of means depend on the library's logarithm.
rounded() {
    awk -F, -v OFS=, '/^geomean/ {
        for (i = 2; i <= NF; i++)
            if ($i ~ /^[0-9]/) $i = sprintf("%.9g", $i)
    } 1' "$1"
}
same_as_go() {
    rounded "$1" >go.rounded
    rounded "$2" >ours.rounded
    cmp -s go.rounded ours.rounded || {
        fail "$3 differs from Go's:"
        diff go.rounded ours.rounded >&2
    }
}

# pair OLD NEW KEPT: against what Go's wrote, and writes if it is here.
pair() {
    "$weir" benchstat --csv "$1" "$2" >csv 2>notes
    is $? 0 "benchstat --csv of $1"
    same_as_go "$data/$3" csv "the CSV of $1"
    [ $go = no ] || {
        benchstat -format csv "$1" "$2" >live 2>/dev/null
        same_as_go live csv "the CSV of $1 by the benchstat here"
    }
}
go=yes
command -v benchstat >/dev/null || {
    go=no
    echo "skip: no benchstat here; compared with what it wrote earlier"
}

# Samples of 1 to 60 values, with equal ones and without, on both sides of what
# is counted exactly; units of one's own, one of them exact and named before
# it is used; packages.
pair sizes_old.txt sizes_new.txt sizes.csv
pair old.txt new.txt go.csv
says "F12: need >= 4 samples" notes
says "B27: a geometric mean" notes

"$weir" benchstat old.txt new.txt >out
is $? 0 "benchstat"
says "Parse/long-2    10.220µ ± 3%     9.064µ ± 3%    -11.32% (p=0.000 n=10)" out
says "~ (p=0.951 n=6+8)" out
says "goos: linux" out
says "¹ need >= 6 samples" out
is "$(awk '/ +$/' out | wc -l)" 0 "lines that end with blanks"
"$weir" benchstat old.txt >out
is "$(grep -c 'vs base' out)" 0 "comparisons of one file"
"$weir" benchstat --unit B/op --bench Parse A=old.txt B=new.txt old.txt >out
says "│      A" out
is "$(grep -c '^Parse' out)" 2 "rows that were asked for"
"$weir" benchstat - new.txt <old.txt >out
is $? 0 "standard input"
"$weir" benchstat old.txt old.txt >out
says "old.txt#1" out
sed 's/^cpu:.*/cpu: other/' old.txt >moved.txt
is "$("$weir" benchstat old.txt moved.txt | grep -c '^cpu: ')" 2 "configs"
is "$("$weir" benchstat --ignore pkg,cpu old.txt moved.txt | grep -c '^cpu: ')" \
    0 "configs without cpu"

"$weir" benchstat --json old.txt new.txt >json
is "$(jq -r '.tables[0].rows[1].cells[1].verdict' json)" better "a verdict"
is "$(jq -r '.tables[0].rows[3].cells[1].verdict' json)" worse "another"
is "$(jq -r '.tables[0].rows[0].cells[1].verdict' json)" same "a third"
is "$(jq -r '.tables[0].rows[7].cells[0]' json)" null "a cell that is not there"
is "$(jq -r '[.v, (.tables | length), .tables[2].unit] | join(" ")' json)" \
    "1 3 allocs/op" "the tables"

"$weir" benchstat --fail-if-worse 5 old.txt new.txt >out 2>err
is $? 3 "what is worse by 7%"
says "Insert-2 is worse: +7.17% sec/op" err
"$weir" benchstat --fail-if-worse 8% old.txt new.txt >out 2>err
is $? 0 "what is not worse by 8%"

echo "BenchmarkX 1 fast ns/op" >bad.txt
"$weir" benchstat old.txt bad.txt >out 2>err
is $? 1 "a line that is none"
says "bad.txt:1: " err
says "Parse/short" out
echo "hello" >none.txt
"$weir" benchstat none.txt >out 2>err
is $? 1 "a file without results"
says "none.txt has no results" err
"$weir" benchstat missing.txt 2>err
is $? 1 "a file that is not there"
says "missing.txt" err
"$weir" benchstat --unit parsecs old.txt 2>err
is $? 1 "a unit that nobody has"
says "parsecs" err
for bad in "" "--alpha 2 old.txt" "--confidence x old.txt" \
    "--csv --json old.txt" "--bench ( old.txt" "--fail-if-worse -1 old.txt"; do
    # shellcheck disable=SC2086
    "$weir" benchstat $bad >out 2>err
    is $? 2 "benchstat $bad"
    says "weir help benchstat" err
done
finish
