#!/bin/sh
# check.sh BUILD PROGRAM: run an example as its top says, and see that it
# shows what the top promises.
set -eu

weir=$1/bin/weir
program=$2
scratch=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$scratch"' EXIT
export XDG_RUNTIME_DIR="$scratch"
cd "$scratch"

expect() {
    grep -Eq "$2" "$1" || {
        echo "FAIL: no line like '$2' in:"
        cat "$1"
        exit 1
    }
}

case ${program##*/} in
1-unchanged)
    "$weir" run --out "$scratch/profiles" -- "$program" >out 2>err
    expect out 'kept 200000 words'
    expect err 'word_new'
    profile=$(find profiles -type f -name '*heap*' | head -1)
    "$weir" top "$profile" >top
    expect top ' word_new'
    expect top ' table_grow'
    ;;
2-memstats)
    "$program" >out
    expect out '^the text has 70000 bytes$'
    # 10,001 blocks, 350 MB of texts in their size classes.
    expect out ' took 100[0-9][0-9] blocks and 3[3-7][0-9] MB'
    expect out ' which [67][0-9] KB are still held'
    ;;
3-profile)
    "$program" heap.pb >out
    expect out '^wrote heap.pb, one sample about every [0-9]+ bytes$'
    "$weir" top heap.pb >top
    # 32 MB, told by about 28 of the 32 pictures; far off is 6 errors off.
    expect top '(2[0-9]|3[0-9]|4[0-4])(\.[0-9]*)?MB .* load_picture$'
    ;;
4-every-block)
    "$program" heap.pb >out
    "$weir" top heap.pb >top
    # Ten nodes of 16 bytes are held, among what else the program holds.
    expect top '160(\.0*)?B .* insert$'
    ;;
21-store)
    WEIR=gctrace=1 "$program" >out 2>err
    expect out '^1000000 orders served, some cycles$'
    expect err '^weir: gc marks beside the program, which tells of its stores$'
    ;;
20-watched)
    "$program" 60 >out &
    server=$!
    for _ in $(seq 300); do
        [ -s out ] && break
        sleep 0.2
    done
    expect out '^3000 requests$'
    "$weir" pools $server >table
    # 8 objects are out at once; 85 pages are wanted, and each is once new.
    expect table '^pool  parsers +[91][0-9.]+% +2[0-9]+ +[0-9]+ +[0-9]+ +0 +0 +[0-8] +-$'
    expect table '^cache pages +9[0-9.]+% +[0-9]+ +85 +0 +0 +0 +85 '
    "$weir" pools --json $server >json
    expect json '^\[{"kind":"pool","name":"parsers","hits":2[0-9]+,"misses":[0-9]+,'
    "$weir" watch --once $server >watch
    expect watch '^collector: [0-9]+ cycles, .* alive, goal .*; stopped '
    kill -9 $server
    wait $server || :
    "$weir" report $server >report
    server=
    expect report '^  collector +[0-9]+ cycles, '
    expect report '^  pool +parsers: [91][0-9.]+% of 2[0-9]+ were there'
    expect report '^  cache +pages: .* holds 85 items of '
    ;;
[7-9]-* | 1[0-9]-*)
    # Counts, not times: what it claims holds on every machine.
    "$program" >out || {
        echo "FAIL: the lesson of ${program##*/} does not hold:"
        cat out
        exit 1
    }
    expect out '^wrong: '
    expect out '^right: '
    expect out '^so it is$'
    ;;
6-admission)
    "$program" 0 >out &
    server=$!
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        [ -s out ] && break
        sleep 0.2
    done
    url=$(cat out)
    curl -s "${url}1" >answer
    expect answer '^done$'
    curl -s "${url}4000" >answer
    expect answer '^4194304000 bytes do not fit into the budget "request": "requests" has [0-9]+ of [0-9]+ left$'
    "$weir" budgets >table
    expect table '^requests +0 .* 1$'
    "$weir" budgets --json $server >json
    expect json '^\[{"name":"requests","depth":0,"limit_bytes":[0-9]+,"used_bytes":0,"peak_bytes":1048576,'
    curl -s "${url}1" >answer
    expect answer '^done$'
    ;;
5-serve)
    "$program" 127.0.0.1:0 60 >out &
    server=$!
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        [ -s out ] && break
        sleep 0.2
    done
    expect out '^http://127.0.0.1:[0-9]+/debug/pprof/$'
    "$weir" top "$(cat out)heap" >top
    expect top '64(\.[0-9]*)?MB .* main$'
    ;;
esac
