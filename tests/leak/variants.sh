#!/bin/sh
# One loss in many forms of control and data flow (variants.c), made without
# optimisation, which leaves copies of addresses in frames that were left:
# in the middle of the run weir leaks must find as many as LeakSanitizer does,
# and never anything where the block is freed or kept. When main has returned,
# both miss some by chance: libc's exit() leaves a slot of its frame unwritten
# where an address may have been. Prints a table.
. "$(dirname "$0")/../cmd/_lib.sh"
. "$(dirname "$0")/_cases.sh"
command -v jq >/dev/null || {
    echo "skip: no jq"
    exit 77
}
trap 'kill $(cat ./*.pid 2>/dev/null) 2>/dev/null; rm -rf "$tmp"' EXIT
mkdir -m 700 weir
flags="-I$leak_dir -std=gnu17 -O0 -g -fno-builtin -w -pthread"
compile variants $flags <"$leak_dir/variants.c" || {
    echo "skip: no C compiler: $(cat variants.log)"
    exit 77
}
./variants >names
grep -- -lost names >bad
grep -v -- -freed names >both

# Where Weir is known to find less, and why.
cat >known <<'END'
result_of_a_thread      where it lay libc keeps the result of a joined thread
in_a_thread_that_waits  in a slot that the frame of a waiting function leaves
END

# Each writes VARIANT.json.

weir_end() {
    "$weir" run -q --http none --leaks="$1.json" -- ./variants "$1" end \
        >/dev/null 2>"$1.err"
}

weir_ask() {
    LD_PRELOAD=$build/lib/libweir.so.0 WEIR=dir=$tmp/weir,sample=1 \
        ./variants "$1" >"$1.ready" 2>&1 &
    echo $! >"$1.pid"
    wait_for ready "$1.ready"
    "$weir" leaks --all --json "$(cat "$1.pid")" >"$1.json" 2>"$1.err"
    kill "$(cat "$1.pid")"
    rm "$1.pid"
}

lsan() {
    LSAN_OPTIONS=symbolize=0 timeout 20 ./variants_lsan "$1" "$2" \
        >/dev/null 2>"$1.log"
    awk '/^(Direct|Indirect) leak/ { blocks += $7 }
        END { printf "{\"lost\": %d}", blocks }' "$1.log" >"$1.json"
}
lsan_end() { lsan "$1" end; }
lsan_ask() { lsan "$1" ask; }

# Some at once. Into FUNCTION.txt: each variant and its lost blocks.
each() { # FUNCTION FILE
    rm -f batch.* *.json
    split -l 12 "$2" batch.
    for batch in batch.*; do
        while read -r name; do
            $1 "$name" &
        done <"$batch"
        wait
    done
    jq -r '(input_filename | rtrimstr(".json")) + " " + (.lost //
        (if .processes then [.processes[].reported.blocks] | add
        else .direct.blocks + .indirect.blocks end) | tostring)' ./*.json |
        sed 's/^\.\///' >"$1.txt"
    is "$(grep -c ' [0-9]' "$1.txt")" "$(wc -l <"$2")" "$1: answers"
}

count() { # FATE FILE: "variants blocks"
    awk -v fate="-($1)\$" '
        $1 ~ fate && $2 > 0 { variants++; blocks += $2 }
        END { print variants + 0, blocks + 0 }' "$2"
}

row() { # WHAT FILE
    set -- "$1" $(count lost "$2") $(count 'freed|kept' "$2")
    printf '%-20s %10s %12s %16s\n' "$1" "$2 of $(wc -l <bad)" "$3" "$4"
}

each weir_end names
each weir_ask both
printf '%-20s %10s %12s %16s\n' "" variants "lost blocks" "flagged wrongly"
for how in end ask; do
    row "Weir, $how" weir_$how.txt
    awk '$1 !~ /-lost$/ && $2 != 0' weir_$how.txt >wrong
    is "$(cat wrong)" "" "called lost, and is not ($how)"
done

CC=${CC:-cc} compile variants_lsan $flags -fsanitize=leak \
    <"$leak_dir/variants.c" || {
    echo "without LeakSanitizer: the C compiler does not have it"
    finish
}
(ulimit -c 0; LSAN_OPTIONS=use_stacks=0 ./variants_lsan straight-lost end) \
    >/dev/null 2>log
[ $? -eq 23 ] || {
    echo "without LeakSanitizer, which does not work here: $(head -3 log)"
    finish
}
awk '{ print "^" $1 "-" }' known >known.names
for how in end ask; do
    each lsan_$how bad
    row "LeakSanitizer, $how" lsan_$how.txt
done
set -- $(grep -v -f known.names weir_ask.txt | count lost -) \
    $(grep -v -f known.names lsan_ask.txt | count lost -)
[ "$1" -ge "$3" ] ||
    fail "amid: Weir finds $1, LeakSanitizer $3, without those known"
sed 's/^/not compared: /' known
finish
