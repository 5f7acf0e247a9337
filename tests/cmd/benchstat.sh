#!/bin/sh
# weir benchstat: its CSV is field by field that of Go's benchstat (kept in
# benchstat/go.csv, and asked for again where there is one), bad files get a
# sentence, and a build can fail on what is worse.
. "$(dirname "$0")/_lib.sh"
data=$source_dir/tests/cmd/benchstat
cp "$data/old.txt" "$data/new.txt" .

# The last digits of means depend on the library's logarithm.
rounded() { sed -E '/^geomean/s/([0-9.]{12})[0-9]*e/\1e/g' "$1"; }
same_as_go() {
    rounded "$1" >go.rounded
    rounded "$2" >ours.rounded
    cmp -s go.rounded ours.rounded || {
        fail "$3 differs from Go's:"
        diff go.rounded ours.rounded >&2
    }
}

"$weir" benchstat --csv old.txt new.txt >csv 2>notes
is $? 0 "benchstat --csv"
same_as_go "$data/go.csv" csv "the CSV"
says "F12: need >= 4 samples" notes
says "B27: a geometric mean" notes
if command -v benchstat >/dev/null; then
    benchstat -format csv old.txt new.txt >live 2>/dev/null
    same_as_go live csv "the CSV of the benchstat here"
else
    echo "skip: no benchstat here; compared with what it wrote earlier"
fi

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
