# What the scripts share that run programs under weir run --collect: a collection
# begins each time that $percent of the heap, or of 4 MiB, were allocated and not
# freed.
#
#   collected COMMAND...   run plainly and under --collect: same output, same
#                          status, and at least $cycles collections in all of
#                          its processes
#   serve_collected COMMAND...   start it so in the background: $served
#   collected_often                 when it has ended: were there as many?
percent=5
cycles=3

# Standard error without the collector's lines.
talk() {
    grep -v -e '^gc [0-9]' -e '^weir: gc marks ' "$1"
}

collected() {
    plainly "$@" >"$scratch/plain.out" 2>"$scratch/plain.err" </dev/null
    plain=$?
    WEIR=gctrace=1 env "$mark" "$weir" run -q --out "$out" --collect=$percent -- \
        "$@" >"$scratch/weir.out" 2>"$scratch/weir.err" </dev/null
    status=$?
    [ $status -eq $plain ] ||
        fail "'$*' ended with $status, plainly with $plain:" \
            "$(talk "$scratch/weir.err" | tail -5)"
    cmp -s "$scratch/plain.out" "$scratch/weir.out" ||
        fail "'$*' printed something else:" \
            "$(diff "$scratch/plain.out" "$scratch/weir.out" | head -5)"
    talk "$scratch/weir.err" >"$scratch/weir.talk"
    cmp -s "$scratch/plain.err" "$scratch/weir.talk" ||
        fail "'$*' complained differently:" \
            "$(diff "$scratch/plain.err" "$scratch/weir.talk" | head -5)"
    n=$(grep -c '^gc [0-9]' "$scratch/weir.err")
    [ "$n" -ge $cycles ] || fail "'$*': only $n collections"
}

serve_collected() {
    WEIR=gctrace=1 env "$mark" "$weir" run -q --out "$out" --collect=$percent -- \
        "$@" >"$scratch/serve.out" 2>"$scratch/serve.err" </dev/null &
    served=$!
}

collected_often() {
    n=$(grep -c '^gc [0-9]' "$scratch/serve.err")
    [ "$n" -ge $cycles ] || fail "only $n collections"
}
