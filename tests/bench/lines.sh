#!/bin/sh
# A program of benchmarks: its options, its lines, and that what it allocates
# is counted to the block on Weir's malloc and not claimed on another.
. "$(dirname "$0")/../cmd/_lib.sh"
prog=$build/tests/prog_bench
[ -x "$prog" ] || { echo "skip: no prog_bench in this build"; exit 77; }
on_weir() { LD_PRELOAD=$build/lib/libweir.so "$prog" "$@"; }

# field UNIT NAME FILE: the number before the unit in the name's line.
field() {
    awk -v unit="$1" -v name="$2" '$1 ~ "^" name "(-[0-9]+)?$" {
        for (i = 3; i < NF; i++) if ($(i + 1) == unit) print $i }' "$3"
}

on_weir -benchtime 1000x -cpu 1 -benchlive >out 2>err
is $? 1 "the status with a failing benchmark"
is "$(wc -c <err)" 0 "what is said on Weir"
says "goos: linux" out
says "pkg: prog_bench" out
is "$(field allocs/op BenchmarkNothing out)" 0 "blocks of nothing"
is "$(field B/op BenchmarkNothing out)" 0 "bytes of nothing"
is "$(field allocs/op BenchmarkTwoBlocks out)" 2 "blocks of two"
is "$(field B/op BenchmarkTwoBlocks out)" 160 "bytes of 48 and 112"
is "$(field live-blocks BenchmarkTwoBlocks out)" 0 "what two blocks leave"
is "$(field allocs/op BenchmarkSizes/small_one out)" 1 "blocks of a part"
is "$(field B/op BenchmarkSizes/small_one out)" 64 "bytes of a part"
is "$(field B/op BenchmarkSizes/large out)" 1048576 "bytes of a large part"
is "$(field live-blocks BenchmarkLeaks out)" 1000 "what leaks"
is "$(field live-bytes BenchmarkLeaks out)" 48000 "bytes that leak"
is "$(field allocs/op BenchmarkParallel out)" 1 "blocks of a thread"
is "$(field hits/op BenchmarkMetric out)" 2.500 "a number of its own"
is "$(field MB/s BenchmarkTwoBlocks out)" "" "a speed that nobody asked for"
awk -v ns="$(field ns/op BenchmarkSizes/large out)" \
    -v speed="$(field MB/s BenchmarkSizes/large out)" \
    'BEGIN { x = speed * ns / 1048576000; exit !(x > .99 && x < 1.01) }' ||
    fail "MB/s is not bytes by time: $(grep large out)"
"$weir" benchstat --csv --ignore cpu out >table 2>/dev/null
says ",hits/op,CI" table
says "Metric,2.5,∞" table
says ",B/s,CI" table
is "$(grep -c '^BenchmarkSizes ' out)" 0 "lines of what has parts"
grep -A1 '^--- SKIP: BenchmarkSkipped$' out | grep -qx '    not today' ||
    fail "no reason for skipping"
grep -A1 '^--- FAIL: BenchmarkFailing$' out | grep -qx '    broken' ||
    fail "no reason for failing"
awk '/^Benchmark/ && $2 != 1000 { exit 1 }' out || fail "not 1000 iterations"

on_weir use >out
is "$(cat out)" "counted 1: 2 blocks, 1 live, 112 bytes live" "one use"

# Without Weir: times, no counts, and one sentence.
"$prog" -benchtime 10x -bench nothing >out 2>err
is $? 1 "a name that differs in its first letter"
"$prog" -benchtime 10x -bench 'Nothing|Two' >out 2>err
is $? 0 "benchmarks on another malloc"
is "$(grep -c ns/op out)" 2 "lines on another malloc"
is "$(grep -c allocs/op out)" 0 "counts on another malloc"
says "malloc is not Weir's here" err
is "$(wc -l <err)" 1 "lines on stderr"
"$prog" use | grep -q 'counted 0: 0 blocks' || fail "a use on another malloc"

# Selection, repetition, threads.
on_weir -bench 'Size/large$' -benchtime=2x -count 3 -cpu 1,2 >out
is "$(grep -c '^BenchmarkSizes/large *	' out)" 3 "lines for one thread"
is "$(grep -c '^BenchmarkSizes/large-2 *	' out)" 3 "lines for two"
is "$(grep -c '^Benchmark' out)" 6 "lines of the selection"
on_weir -bench 'Two/part' -benchtime 1x >out 2>err
is $? 1 "a part of what has none"
says "no benchmark has the name" err
on_weir --list -bench 'Si|Le' >out
is "$(cat out)" "BenchmarkSizes
BenchmarkLeaks" "the list"
on_weir -bench Two -benchtime 1x -benchmem=false >out
is "$(grep -c allocs/op out)" 0 "counts that are not wanted"
on_weir -bench TwoB -benchtime 20ms >out
awk '/^Benchmark/ { exit !($2 * $3 >= 2e7) }' out || fail "not 20 ms: $(cat out)"

"$prog" -help >out
is $? 0 "-help"
says "-benchtime" out
for bad in "-bench (" "-benchtime fast" "-benchtime 0x" "-benchtime 1.5x" \
    "-count 0" "-cpu 1,x" "-cpu ," "-nonsense" "word" \
    "-bench a/b/c/d/e/f/g/h/i"; do
    # shellcheck disable=SC2086
    "$prog" $bad >out 2>err
    is $? 2 "the status of $bad"
    says "-help" err
    is "$(wc -c <out)" 0 "output of $bad"
done
finish
