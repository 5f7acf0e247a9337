#!/bin/sh
# A stack that is used up: one report under weir run, and the program ends as it
# would have without Weir.
. "$(dirname "$0")/_lib.sh"
prog=$build/tests/prog_overflow
export WEIR=overflow=on
ulimit -c 0
ulimit -s 8192

run() { # case
    "$prog" "$1" >plain.txt 2>/dev/null
    plain=$?
    "$weir" run --http none --out out -- "$prog" "$1" >out.txt 2>err.txt
    is $? $plain "$1: status"
    cmp -s plain.txt out.txt || fail "$1: prints $(cat out.txt)"
}

# case, which functions repeat, the thread's name
while read -r case functions name; do
    run "$case"
    is "$(grep -c "stack overflow:" err.txt)" 1 "$case: reports"
    says "($name" err.txt
    says "MB of its stack, of 8" err.txt
    grep -Eq '^    [0-9]{4,} times:$' err.txt || fail "$case: not folded"
    for function in $(echo "$functions" | tr , ' '); do
        # once among those that repeat, at most twice in all
        n=$(grep -c "^      $function  " err.txt)
        [ "$n" -ge 1 ] && [ "$n" -le 2 ] ||
            fail "$case: $function $n times: $(cat err.txt)"
    done
done <<'END'
main sinks prog_overflow,
two ping,pong prog_overflow,
thread sinks sinker)
sort compares prog_overflow,
own sinks prog_overflow,
END
run main
says "main  " err.txt

# No overflow, or none of Weir's business: no report, the same end.
for case in taken kill other none; do
    run $case
    ! grep -q "stack overflow" err.txt || fail "$case: a report: $(cat err.txt)"
done
unset WEIR
run main
! grep -q "stack overflow" err.txt || fail "a report that nobody asked for"
finish
