#!/bin/sh
# weir test --memory: conditions on what benchmarks allocate, from a program
# and from files; what is not measured is not taken for held.
. "$(dirname "$0")/_lib.sh"
prog=$build/tests/prog_bench
[ -x "$prog" ] || { echo "skip: no prog_bench in this build"; exit 77; }

"$weir" test --memory -e 'allocs/op <= 2' -e 'TwoBlocks: B/op == 160' \
    -e 'live after == live before' --junit good.xml -- \
    "$prog" -bench 'Nothing|Two' -benchtime 100x -benchlive >out 2>err
is $? 0 "what is as expected"
says "BenchmarkTwoBlocks" out
is "$(wc -l <err)" 1 "lines of talk"
says "test: 5 of 5 checks hold" err
xmllint --noout good.xml || fail "good.xml is no XML"
is "$(grep -c '<testcase.*/>$' good.xml)" 5 "tests that passed"

"$weir" test --memory -e 'allocs/op < 2' -e 'live after == live before' \
    --junit bad.xml -- "$prog" -bench 'Leaks|Two' -benchtime 100x -benchlive \
    -count 3 >out 2>err
is $? 3 "what is not as expected"
says "expected allocs/op < 2, but 3 of 3 values are not so: 2" err
says "expected live after == live before, but 3 of 3 values are not so: 100" err
says "test: 2 of 4 checks hold" err
xmllint --noout bad.xml || fail "bad.xml is no XML"
is "$(grep -c '<failure' bad.xml)" 2 "failures"
says 'message="it is 100 (3 of 3 values)"' bad.xml

"$weir" test --memory -e 'live after == live before' --junit silent.xml -- \
    "$prog" -bench Two -benchtime 10x >out 2>err
is $? 1 "what was not measured"
says "with -benchlive" err
is "$(grep -c '<error' silent.xml)" 1 "errors"
"$weir" test --memory -e 'allocs/op <= 2' -- "$prog" -bench Failing >out 2>err
is $? 1 "a program that fails"
says "ended with status 1" err
"$weir" test --memory -e 'allocs/op <= 2' -- /no/such/program >out 2>err
is $? 1 "a program that is not there"
says "/no/such/program" err

cat >results <<'END'
BenchmarkA/x-2 100 250 ns/op 1 MB/s 4096 B/op 3 allocs/op
BenchmarkA/x-2 100 300 ns/op 1 MB/s 4096 B/op 3 allocs/op
END
cat >conditions <<'END'
# what we promise
ns/op <= 300       # nanoseconds, as written
A/x: B/op <= 4K

A: allocs/op != 4
MB/s >= 1
END
"$weir" test --memory -f conditions --from results 2>err
is $? 0 "conditions of a file"
says "test: 4 of 4 checks hold" err
"$weir" test --memory -e 'ns/op < 300' --json --from - <results >json 2>err
is $? 3 "one value of two"
is "$(jq -r '.checks[0] | [.benchmark, .holds, .value, .values, .failed] |
    map(tostring) | join(" ")' json)" "A/x-2 false 300 2 1" "the JSON"
is "$(jq .failed json)" 1 "failures in JSON"

for bad in "allocs/op" "allocs/op <= few" "<= 3" "A allocs/op <= 3" \
    "(: allocs/op <= 3" "B/op <= 3 apples"; do
    "$weir" test --memory -e "$bad" --from results >out 2>err
    is $? 2 "the condition $bad"
    grep -qF -e "$bad" err || fail "no word of '$bad' in: $(cat err)"
done
"$weir" test --memory --from results 2>err
is $? 2 "no condition"
"$weir" test --memory -e 'B/op < 1' 2>err
is $? 2 "no program"
"$weir" test --memory -e 'B/op < 1' --from results true 2>err
is $? 2 "a file and a program"
"$weir" test --memory -f missing --from results 2>err
is $? 1 "conditions that are not there"
says "missing" err
finish
