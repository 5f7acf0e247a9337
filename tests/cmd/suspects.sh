#!/bin/sh
# weir leaks --suspects: of a program that runs, and of one that was killed.
# (What is judged is tested on made regions: it takes minutes to grow.)
. "$(dirname "$0")/_lib.sh"
lib=$build/lib/libweir.so.0
compile grower -O1 <<'END_C' || { echo "skip: no C compiler"; exit 77; }
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
char *kept[1 << 20];
__attribute__((noinline)) void keep_one(int i)
{
    kept[i] = memset(malloc(1000), 1, 1000);
}
int main(void)
{
    for (int i = 0; i < 3000; i++)
        keep_one(i);
    puts("ready");
    fflush(stdout);
    for (int i = 3000;; i++) {
        keep_one(i);
        usleep(100000);
    }
}
END_C

LD_PRELOAD=$lib WEIR=sample=1 ./grower >said 2>&1 &
pid=$!
wait_for ready said

"$weir" leaks --suspects --all $pid >out.txt 2>err.txt
is $? 0 "weir leaks --suspects"
says "grower (pid $pid): 0 of 1 sites grow without end" out.txt
says "too young to judge" out.txt
says "keep_one" out.txt
says "it is too young, or was sampled too seldom, to tell" out.txt
grep -q "not searched" out.txt && fail "it was searched: $(cat out.txt)"
is "$(wc -c <err.txt)" 0 "complaints"

"$weir" leaks --suspects --no-search $pid >out.txt
says "not searched for leaks" out.txt

"$weir" leaks --suspects --json --fail-on-leak --pprof s.pb.gz $pid >out.json
is $? 0 "no growth, no failure"
if command -v python3 >/dev/null; then
    python3 - out.json <<'END_PY' || fail "JSON: $(cat out.json)"
import json, sys
d = json.load(open(sys.argv[1]))
site, = d["sites"]
assert d["v"] == 1 and d["growing"] == 0 and d["searched"], d
assert site["growth"] == "unknown" and site["certainty"] == "low"
assert 2.5e6 < site["live_bytes"] < 3.8e6, site
assert any(f["function"] == "keep_one" for f in site["stack"])
END_PY
fi
"$weir" top --sample_index=inuse_space s.pb.gz >out.txt
says "keep_one" out.txt

# Ages as a label: of a process and of a server.
"$weir" tags $pid >out.txt
grep -q "age:" out.txt && fail "ages that nobody asked for: $(cat out.txt)"
sleep 1.2
"$weir" tags -ages -sample_index=inuse_space $pid >out.txt
says "age: Total" out.txt
"$weir" top -ages -tagfocus age=1s: -sample_index=inuse_space $pid >out.txt
says "keep_one" out.txt
"$weir" top -ages -tagfocus age=1h: $pid >out.txt 2>err.txt
says "matches nothing" err.txt
"$weir" serve --http 127.0.0.1:0 >served.txt 2>&1 &
server=$!
wait_for "http://" served.txt
url=$(grep -o 'http://[0-9.:]*' served.txt | head -1)
"$weir" top -ages -tagfocus age=1s: -sample_index=inuse_space \
    "$url/debug/pprof/heap" >out.txt
says "keep_one" out.txt
kill $server

kill -9 $pid
wait $pid 2>/dev/null
"$weir" leaks --suspects --all $pid >out.txt 2>err.txt
is $? 0 "suspects of a killed program"
says "keep_one" out.txt
says "not searched for leaks" out.txt
finish
