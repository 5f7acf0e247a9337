#!/bin/sh
# What is told of a program that dies: by weir run, and by weir report from
# the region alone.
. "$(dirname "$0")/_lib.sh"
command -v jq >/dev/null || { echo "skip: no jq"; exit 77; }
compile grow -g -O1 <<'END' || { echo "skip: no compiler"; exit 77; }
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
struct item { struct item *next; char body[4000]; };
static struct item *all;
char *volatile table;
__attribute__((noinline)) void cache_put(void)
{
    struct item *i = malloc(sizeof *i);
    memset(i->body, 1, sizeof i->body);
    i->next = all;
    all = i;
}
__attribute__((noinline)) void load_table(void)
{
    table = malloc(3 << 20);
    memset((char *)table, 1, 3 << 20);
}
/* grow BLOCKS SIGNAL PAUSE: so many blocks, then the signal or an end. */
int main(int argc, char **argv)
{
    load_table();
    for (long i = atol(argv[1]); i > 0; i--) {
        cache_put();
        if (argc > 3 && i % 16 == 0)
            usleep((unsigned)atoi(argv[3]));
    }
    if (atoi(argv[2]))
        raise(atoi(argv[2]));
    return argc > 9;
}
END
top='[.biggest[0].function, .largest[0].stack[0]] | join(" ")'

# --- it dies: the report is printed and kept, the region is not
"$weir" run --http none --sample 4096 --out out -- ./grow 5000 9 2>err.txt
is $? 137 "status of a killed program"
says "weir: grow (pid " err.txt
says "signal 9" err.txt
says "biggest sites" err.txt
says "cache_put" err.txt
says "largest requests" err.txt
says "load_table < main" err.txt
is "$(ls out | sed 's/[0-9][0-9]*/N/' | tr '\n' ' ')" \
    "grow.N.allocs.pb.gz grow.N.heap.pb.gz grow.N.report.json grow.N.report.txt " \
    "files of a death"
is "$(jq -r "$top" out/*.json)" "cache_put load_table" "sites in the JSON"
is "$(jq -r '.end.how, .end.status' out/*.json | tr '\n' ' ')" "signal 9 " \
    "the end in the JSON"
"$weir" top out/*.heap.pb.gz >top.txt || fail "the profile cannot be read"
says "cache_put" top.txt
total=$(jq '.memory.allocated_bytes' out/*.json)
seen=$("$weir" top --json out/*.heap.pb.gz | jq '.total')
[ $((seen * 100)) -gt $((total * 85)) ] &&
    [ $((seen * 100)) -lt $((total * 115)) ] ||
    fail "the profile has $seen bytes, the counters $total"

# --- faults count as deaths, requests to end do not
"$weir" run --http none --out segv -- ./grow 10 11 2>err.txt
is $? 139 "status of a fault"
ls segv/*.report.txt >/dev/null || fail "no report of a fault"
"$weir" run --http none --out term -- ./grow 10 15 2>err.txt
is $? 143 "status after SIGTERM"
ls term/*.report.txt 2>/dev/null && fail "a report after SIGTERM"
"$weir" run --http none --out ok -- ./grow 10 0 2>err.txt
ls ok/*.report.txt 2>/dev/null && fail "a report of a proper end"
"$weir" run -q --http none --out quiet -- ./grow 10 9 2>err.txt
is "$(grep -cv '^Killed' err.txt)" 0 "what a quiet run says" # by the shell
ls quiet/*.report.txt >/dev/null || fail "no report of a quiet run"

# --- weir dies with it: the region tells
"$weir" run --http none --regions volume -- ./grow 1000000 0 1000 2>err.txt &
run=$!
is_told() { # by a history, of both sites
    [ "$("$weir" report --json volume/run-*/*.weir | jq -r '(.history |
        length > 3) and .biggest[0].function == "cache_put"')" = true ]
}
for _ in $(seq 300); do
    is_told 2>/dev/null && break
    sleep 0.2
done
child=$(basename volume/run-*/*.weir .weir)
kill -9 $run $child
wait $run 2>/dev/null
while kill -0 $child 2>/dev/null; do sleep 0.05; done
"$weir" report volume >story.txt 2>err.txt
is $? 0 "weir report DIR"
says "grow (pid $child) is gone without having passed exit()" story.txt
says "cache_put" story.txt
says "allocated from" story.txt
"$weir" report --json --out kept volume/run-*/*.weir >story.json 2>err.txt
is $? 0 "weir report REGION"
is "$(jq -r "$top" story.json)" "cache_put load_table" "sites of a region"
is "$(jq -r '.end.how' story.json)" lost "the end of one nobody waited for"
is "$(jq '.history | length > 0' story.json)" true "a history"
"$weir" top kept/*.allocs.pb.gz >top.txt || fail "profile of a region"
says "cache_put" top.txt
cmp -s story.json kept/*.json || fail "two stories of one region"

# --- one that runs, and the one that ended last
need_holder
"$weir" run --http none -- ./holder >ready.txt 2>/dev/null &
run=$!
wait_for ready ready.txt
"$weir" report "$(pgrep -P $run -x holder)" >story.txt || fail "weir report PID"
says "is running" story.txt
says "hold_blocks" story.txt
touch stop
wait $run
WEIR=dir=$tmp/weir LD_PRELOAD=$build/lib/libweir.so.0 ./grow 100 0
"$weir" report >story.txt 2>err.txt
is $? 0 "weir report"
says "ended through exit()" story.txt

# --- what cannot be
refuses() {
    "$weir" report $1 >out.txt 2>err.txt
    is $? "$2" "weir report $1"
    is "$(wc -c <out.txt)" 0 "output of weir report $1"
    says "$3" err.txt
}
: >empty.weir
refuses /no/such 1 "no process id, region or directory"
refuses empty.weir 1 "too short to be a region"
refuses out 1 "no regions in out"
refuses "1 2" 2 "one process, region or directory"
for part in 0 100% half 90%x; do
    "$weir" run --snapshot-at $part -- ./grow 1 0 2>err.txt
    is $? 125 "a snapshot at $part"
    says "a part of the limit" err.txt
done
"$weir" run --http none --regions /proc/no -- ./grow 1 0 2>err.txt
is $? 0 "a run without regions, because there is no room for them,"
says "cannot make /proc/no" err.txt
finish
