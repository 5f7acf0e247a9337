#!/bin/sh
# Programs under a filter of system calls: what may be looked into is, nobody is
# killed by it, and where it may not be done what is lost is not called proved.
. "$(dirname "$0")/../cmd/_lib.sh"
command -v jq >/dev/null || {
    echo "skip: no jq"
    exit 77
}
mkdir -m 700 weir

while read -r filter where trust blocks; do
    rm -f out.txt
    LD_PRELOAD=$build/lib/libweir.so.0 WEIR=dir=$tmp/weir,sample=1 \
        "$build/tests/prog_filter" $filter $where </dev/null >out.txt 2>&1 &
    pid=$!
    wait_for ready out.txt
    for round in 1 2; do
        "$weir" leaks --json $pid >leaks.json 2>err.txt ||
            fail "$filter, $where: $(cat err.txt)"
        is "$(jq -r '"\(.trust) \(.direct.blocks)"' leaks.json)" \
            "$trust $blocks" "$filter, $where, round $round: trust and blocks"
    done
    "$weir" leaks $pid >report.txt 2>&1
    [ "$trust" = proved ] ||
        says "in pipes or local sockets behind a filter" report.txt
    kill -0 $pid || fail "$filter, $where: it has ended"
    kill $pid
    wait $pid 2>/dev/null
done <<END
container nowhere proved 1
container pipe    proved 1
container socket  unseen 2
strict    nowhere proved 1
strict    pipe    unseen 2
strict    socket  unseen 2
END
finish
