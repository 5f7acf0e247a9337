#!/bin/sh
# weir leaks of cores finds what it found of the program (cases.txt), block for
# block, where a core has all that is needed; odd pointers, vector registers and
# other threads keep what they point at. Without the region's file who allocated
# is not told, and the rest is.
. "$(dirname "$0")/../cmd/_lib.sh"
. "$(dirname "$0")/_cases.sh"
for tool in jq gdb xmllint; do
    command -v $tool >/dev/null || {
        echo "skip: no $tool"
        exit 77
    }
done
mkdir -m 700 weir

dump() { # PROGRAM CASE: ./core of it
    rm -f core out.txt
    LD_PRELOAD=$build/lib/libweir.so.0 WEIR=dir=$tmp/weir,sample=1 \
        "$build/tests/$1" "$2" >out.txt 2>&1 &
    pid=$!
    wait_for ready out.txt
    gdb -q -batch -nx -p $pid -ex "generate-core-file core" >gdb.txt 2>&1
    kill -9 $pid
    wait $pid 2>/dev/null
    [ -s core ] || {
        echo "skip: no process may be traced here: $(tail -1 gdb.txt)"
        exit 77
    }
}

counts() {
    jq -r '[.direct.blocks, .indirect.blocks, .ends.blocks, .trust] |
        map(tostring) | join(" ")' leaks.json
}

for case in overwritten large container_and_items two_rings shared_by_two \
    points_at_kept inside at_ends_in_a_row upper_bits packed_chain of_a_thread \
    in_a_register in_a_wide_register mapped; do
    set -- $(cases | awk -v case="$case" '$2 == case')
    dump "$1" "$case"
    "$weir" leaks --all --json --fail-on-leak core >leaks.json 2>err.txt
    is $? $(($3 > 0 ? 3 : 0)) "$case: status, $(cat err.txt)"
    is "$(counts)" "$3 $4 $5 core" "$case: leaked, hanging, at ends"
    is "$(jq -r --arg name "$6" '[.sites[] |
        select([.stack[].function] | index($name) | not)] | length' \
        leaks.json)" 0 "$case: sites where $6 did not allocate"
done

dump prog_leaks container_and_items
"$weir" leaks --junit leaks.xml --pprof leaks.pb.gz core >out.txt 2>err.txt
is $? 0 "status: $(cat err.txt)"
says "a core has not what the kernel kept" out.txt
says "and 10 more, " out.txt
is "$(xmllint --xpath 'count(//testcase/failure) > 0' leaks.xml)" true "JUnit"
"$weir" top leaks.pb.gz >out.txt 2>&1
says fill_table out.txt
echo "leak:fill_table" >known.supp
"$weir" leaks --fail-on-leak --suppressions known.supp core >out.txt 2>&1
is $? 0 "status with all of it suppressed"

rm -rf weir/*
"$weir" leaks --json core >leaks.json 2>err.txt
is "$(counts)" "1 10 0 core" "without the region: $(cat err.txt)"
is "$(jq -r '[.sites[].stack[].function | test("not sampled")] | all' \
    leaks.json)" true "who allocated is not told"
head -c 100000 core >cut
"$weir" leaks cut 2>err.txt
is $? 1 "a core that is cut off"
says "cut off" err.txt
"$weir" leaks --since-mark core 2>err.txt
is $? 2 "a mark of a core"
says "for programs that run" err.txt
"$weir" leaks "$build/bin/weir" 2>err.txt
is $? 1 "a program"
says "no core file" err.txt
"$weir" leaks /no/such/core 2>err.txt
is $? 2 "no core at all"
finish
