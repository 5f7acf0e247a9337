#!/bin/sh
# Programs in each kind of memory trouble, and in none, at SPEED (argument 2,
# default 1: how much faster than the slowest) for so many seconds (argument
# 3, default 26): what weir diagnose takes each for. All run at once. With
# "table" as argument 4 every verdict is printed, and none is judged.
. "$(dirname "$0")/_lib.sh"
need jq cc
speed=${2:-1} seconds=${3:-26} table=${4:-}
cc -g -O1 -pthread -o trouble "$source_dir/tests/programs/_trouble.c" -lm ||
    { echo "skip: no compiler"; exit 77; }

# start KIND SIZE WANTED...: in the background; WANTED are verdicts that fit.
n=0
start() {
    kind=$1 mebibytes=$2
    shift 2
    n=$((n + 1))
    echo "$kind" >kind.$n
    echo "$*" >wanted.$n
    env "$mark" WEIR=dir="$scratch/runtime/weir" LD_PRELOAD="$lib" \
        ./trouble "$kind" 3600 "$mebibytes" &
    echo $! >pid.$n
}

by() {
    awk -v a="$1" -v b="$2" 'BEGIN { print a * b }'
}

mkdir -p "$scratch/runtime/weir"
start steady 0 healthy
start warm-up "$(by 60 "$speed")" warm-up healthy
start leak "$(by 12 "$speed")" leak
start leak "$(by 40 "$speed")" leak
start cache "$(by 12 "$speed")" cache
start cache "$(by 40 "$speed")" cache
start threads 0 threads
start descriptors 0 descriptors
start fragments "$(by 60 "$speed")" fragments
start released "$(by 60 "$speed")" healthy
start foreign "$(by 120 "$speed")" foreign
sleep "$seconds"

judge() { # $pid
    "$weir" diagnose --json "$pid" >verdict.json 2>err.txt
    status=$?
    got=$(jq -r .verdict verdict.json)
}

# Trouble that does not show yet because the machine had other things to do
# shows a little later.
judge_patiently() {
    for _ in 1 2 3 4 5 6; do
        judge
        case " $wanted " in
        *" $got "* | " healthy ") return ;;
        esac
        sleep 5
    done
}

i=0
while [ $i -lt $n ]; do
    i=$((i + 1))
    pid=$(cat pid.$i)
    wanted=$(cat wanted.$i)
    if [ "$table" ]; then judge; else judge_patiently; fi
    if [ "$table" ]; then
        echo "$(cat kind.$i) $got $(jq -r .certainty verdict.json)"
    else
        case " $wanted " in
        *" $got "*) ;;
        *) fail "$(cat kind.$i): taken for $got: $(cat verdict.json err.txt)" ;;
        esac
        case $got:$status in
        healthy:0 | warm-up:0 | leak:12 | cache:13 | threads:14) ;;
        descriptors:15 | fragments:16 | foreign:17) ;;
        *) fail "$(cat kind.$i): status $status of $got" ;;
        esac
    fi
    kill -9 "$pid" 2>/dev/null
done 2>/dev/null
wait 2>/dev/null
[ "$table" ] && exit 0

# Who did it is named, in the user's language, when it is dead too; of the
# faster cache, of which there are some twenty samples.
"$weir" diagnose --no-search "$(cat pid.6)" >text.txt 2>&1
grep -q "by cache_put" text.txt || fail "culprit: $(cat text.txt)"
"$weir" diagnose --no-search --lang zh "$(cat pid.7)" >text.txt 2>&1
grep -q "线程泄漏" text.txt || fail "in Chinese: $(cat text.txt)"

rm -f "$scratch"/runtime/weir/*.weir # nobody else takes them away

# What kills: refused, under a limit of address space.
ulimit -c 0
(ulimit -v 6000000 && "$weir" run --http none --out "$out" -- \
    ./trouble huge 1 9000) 2>err.txt
grep -q "overflow by one huge request: 8.79GB at once" err.txt ||
    fail "huge: $(cat err.txt)"
[ "$(jq -r .verdict "$out"/*.report.json)" = huge ] || fail "huge, as JSON"
finish
