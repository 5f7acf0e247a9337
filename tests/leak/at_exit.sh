#!/bin/sh
# The search when a program ends: under weir run, and with the library alone.
. "$(dirname "$0")/../cmd/_lib.sh"
for tool in jq xmllint; do
    command -v $tool >/dev/null || {
        echo "skip: no $tool"
        exit 77
    }
done
prog=$build/tests/prog_last

# --- weir run ---------------------------------------------------------------

run() { # STATUS OPTIONS... -- PROGRAM...
    wanted=$1
    shift
    "$weir" run -q --http none "$@" >out.txt 2>err.txt
    is $? "$wanted" "status of weir run $*"
}

# What the destructor frees is no leak, what it loses is one. Of threads that
# go on and of a main thread that has ended first nothing is called lost.
while read -r how status blocks text; do
    run "$status" --leaks=leaks.json -- "$prog" "$how" "$status"
    got=$(jq -r '[.processes[] | select(.program == "prog_last") |
        .reported.blocks] | add // "none"' leaks.json)
    is "$got" "$blocks" "$how: leaked blocks"
    is "$(grep -c written out.txt)" "$text" "$how: lines that were buffered"
    is "$(cat err.txt)" "" "$how: chatter"
done <<END
exit       0 7 1
exit       5 7 1
quick_exit 5 6 0
_exit      5 6 0
none       0 0 1
END
# The stack of a main thread that has ended may still hold the one address.
run 0 --leaks=leaks.json -- "$prog" thread
got=$(jq '.processes[0].reported.blocks' leaks.json)
[ "$got" = 6 ] || [ "$got" = 7 ] || fail "thread: $got leaked blocks"
is "$(jq -r '.processes[0].trust' leaks.json)" proved "thread: trust"

# A child has its parent's leaks, and tells of its own only.
run 4 --leaks=leaks.json -- "$prog" fork 4
is "$(jq '.processes | length' leaks.json)" 2 "fork: processes"
is "$(jq '[.processes[].reported.blocks] | sort | tostring' leaks.json)" \
    '"[7,9]"' "fork: leaked blocks"

# What exec replaces is not searched, who is killed cannot be.
run 0 --leaks=leaks.json -- "$prog" exec
is "$(jq -r '[.processes[].program] | join(" ")' leaks.json)" true \
    "exec: who was searched"
run 137 --leaks -- "$prog" killed
says "1 process was not searched" err.txt

# Statuses for builds.
run 3 --fail-on-leak -- "$prog" exit
says "lose  " err.txt
run 5 --fail-on-leak -- "$prog" exit 5
run 0 --fail-on-leak -- "$prog" none
says "no leak in 1 process" err.txt
run 125 --fail-on-leak -- sh -c 'exec env -i /bin/true'
printf '# known\nleak:lose\nleak:prog_last.c\n' >known.supp
run 0 --fail-on-leak --suppressions known.supp -- "$prog" exit
says "suppressed 432B in 6 blocks by leak:lose" err.txt
says "suppressed 80B in 1 block by leak:prog_last.c" err.txt
run 125 --suppressions /no/such/file -- "$prog" exit
says "/no/such/file: No such file" err.txt
is "$(wc -c <out.txt)" 0 "output of a program that was not to be run"

# JUnit.
run 3 --fail-on-leak --leaks=leaks.xml -- "$prog" exit
xmllint --noout leaks.xml || fail "leaks.xml is not well-formed"
is "$(xmllint --xpath 'string(/testsuites/@failures)' leaks.xml)" 3 \
    "failures in JUnit"
is "$(xmllint --xpath 'count(//testcase/failure)' leaks.xml)" 3 "failed tests"
run 0 --leaks=leaks.xml -- "$prog" none
is "$(xmllint --xpath 'string(//testcase/@name)' leaks.xml)" "no leak" \
    "the test that did not fail"
run 3 --fail-on-leak --leaks=leaks.txt -- "$prog" exit
says "  lose  " leaks.txt

# --- the library alone ------------------------------------------------------

export XDG_RUNTIME_DIR=$tmp/alone
mkdir -p -m 700 alone/weir
alone() { # STATUS LEAKS PROGRAM...
    wanted=$1 leaks=$2
    shift 2
    LD_PRELOAD=$build/lib/libweir.so.0 WEIR=sample=1,leaks=$leaks \
        "$@" >out.txt 2>err.txt
    is $? "$wanted" "status of $* with leaks=$leaks"
}

alone 0 exit "$prog" none
is "$(cat err.txt)" "" "chatter without a leak"
is "$(ls alone/weir)" "" "files without a leak"
alone 5 exit "$prog" exit 5
says "has lost 512 bytes in 7 blocks: weir leaks" err.txt
pid=$(ls alone/weir | sed -n 's/\.weir$//p')
"$weir" leaks --json --junit leaks.xml "$pid" >leaks.json 2>err.txt ||
    fail "after the end: $(cat err.txt)"
is "$(jq .reported.blocks leaks.json)" 7 "leaks told after the end"
is "$(xmllint --xpath 'count(//testcase/failure)' leaks.xml)" 3 \
    "failed tests after the end"
"$weir" leaks --fail-on-leak "$pid" >out.txt 2>&1
is $? 3 "status of weir leaks after the end"
rm -f alone/weir/*
alone 3 fail "$prog" exit
says "this is written" out.txt
alone 3 fail "$prog" _exit
alone 5 fail "$prog" exit 5
rm -f alone/weir/*
alone 0 nonsense "$prog" exit
says 'left out "leaks=nonsense"' err.txt
alone 0 off "$prog" exit
is "$(cat err.txt)$(ls alone/weir)" "" "what leaks=off leaves"
finish
