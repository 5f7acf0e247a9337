#!/bin/sh
# How a program is asked: several at once, after somebody who gave up, and one
# that cannot answer.
. "$(dirname "$0")/../cmd/_lib.sh"
command -v jq >/dev/null || {
    echo "skip: no jq"
    exit 77
}
mkdir -m 700 weir
start() {
    rm -f ready.txt
    LD_PRELOAD=$build/lib/libweir.so.0 WEIR=dir=$tmp/weir,sample=1 \
        "$@" >ready.txt 2>&1 &
    pid=$!
    wait_for ready ready.txt
}
end() {
    kill -9 $pid
    wait $pid 2>/dev/null
}

# Three ask at once: each gets an answer of its own.
start "$build/tests/prog_leaks" overwritten
for i in 1 2 3; do
    "$weir" leaks --json $pid >leaks$i.json 2>err$i.txt &
    asks="${asks-} $!"
done
for ask in $asks; do
    wait "$ask" || fail "one who asked with others got no answer"
done
for i in 1 2 3; do
    is "$(jq .direct.blocks leaks$i.json)" 1 "leaks told to number $i"
done
is "$(ls weir)" $pid.weir "files that are left"

# A request that is none, and an answer to somebody who gave up.
printf 'nonsense' >weir/$pid.weir.ask
printf 'an old answer' >weir/$pid.weir.leaks
"$weir" leaks --json $pid >leaks.json 2>err.txt ||
    fail "after nonsense: $(cat err.txt)"
is "$(jq .direct.blocks leaks.json)" 1 "leaks told after nonsense"
is "$(ls weir)" $pid.weir "files that are left after nonsense"

# No room for the answer.
prlimit --pid $pid --fsize=100
"$weir" leaks $pid >leaks.txt 2>err.txt
is $? 1 "status without room for the answer"
says "could not be searched" err.txt
is "$(ls weir)" $pid.weir "files that are left without an answer"
end

# While Weir's thread is there nobody's sleep ends early: it is woken instead
# of a thread of the program, and all are held by a debugger's means.
wait_for_thread() {
    tries=0
    until grep -qx weir /proc/$pid/task/*/comm 2>/dev/null; do
        tries=$((tries + 1))
        [ $tries -lt 600 ] || fail "Weir has no thread in the program"
        sleep 0.1
    done
}
if [ "$(cat /proc/sys/kernel/yama/ptrace_scope 2>/dev/null || echo 0)" -lt 2 ]
then
    rm -f weir/*
    start "$build/tests/prog_asleep"
    wait_for_thread
    for i in 1 2 3; do
        "$weir" leaks --json $pid >leaks.json 2>err.txt ||
            fail "of one that sleeps: $(cat err.txt)"
    done
    if grep -q interrupted ready.txt; then
        fail "a sleep was interrupted"
    fi
    end
fi

# Without a main thread the system shows no mappings under /proc/self: what the
# program's globals hold is not lost all the same.
rm -f weir/*
start "$build/tests/prog_last" headless
"$weir" leaks --json $pid >leaks.json 2>err.txt ||
    fail "without a main thread: $(cat err.txt)"
case $(jq -r .trust leaks.json) in
proved | unseen*) ;; # what the kernel keeps for descriptors is not shown then
*) fail "trust without a main thread: $(jq -r .trust leaks.json)" ;;
esac
is "$(jq '[.sites[].stack[0].function] | index("hold")' leaks.json)" null \
    "what globals hold, without a main thread"
end
finish
