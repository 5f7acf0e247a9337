#!/bin/sh
# One loss in many forms of control and data flow (variants.c), made without
# optimisation, which leaves copies of addresses in frames that were left:
# Weir finds every lost block, when main has returned and in the middle of the
# run, and never one that is freed or kept. LeakSanitizer must not find more.
# Prints a table.
#
#     variants.sh BUILD [valgrind]     with a row for valgrind: two minutes
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

# Each writes VARIANT.json.

weir_end() {
    "$weir" run -q --http none --leaks="$1.json" -- ./variants "$1" end \
        >"$1.out" 2>"$1.err"
}

weir_ask() {
    LD_PRELOAD=$build/lib/libweir.so.0 WEIR=dir=$tmp/weir,sample=1 \
        ./variants "$1" >"$1.out" 2>&1 &
    echo $! >"$1.pid"
    wait_for ready "$1.out"
    "$weir" leaks --all --json "$(cat "$1.pid")" >"$1.json" 2>"$1.err"
    kill "$(cat "$1.pid")"
    rm "$1.pid"
}

lsan() {
    LSAN_OPTIONS=symbolize=0 timeout 20 ./variants_lsan "$1" "$2" \
        >"$1.out" 2>"$1.log"
    awk '/^(Direct|Indirect) leak/ { blocks += $7 }
        END { printf "{\"lost\": %d}", blocks }' "$1.log" >"$1.json"
}

valgrind_end() {
    valgrind --leak-check=full ./variants "$1" end >"$1.out" 2>"$1.log"
    awk '/(definitely|indirectly) lost:/ { gsub(",", ""); blocks += $7 }
        END { printf "{\"lost\": %d}", blocks }' "$1.log" >"$1.json"
}
lsan_end() { lsan "$1" end; }
lsan_ask() { lsan "$1" ask; }

# Some at once. Into FUNCTION.txt: each variant and its lost blocks, as found
# and as there are.
each() { # FUNCTION FILE
    rm -f batch.* *.json *.out
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
        sed 's/^\.\///' | while read -r name found; do
        echo "$name $found $(sed -n 's/.*has lost //p' "$name.out")"
    done >"$1.txt"
    is "$(grep -c ' [0-9]* [0-9]*$' "$1.txt")" "$(wc -l <"$2")" "$1: answers"
}

count() { # FATE FILE: variants where all was found, blocks, of so many
    awk -v fate="-($1)\$" '
        $1 ~ fate { variants += $2 == $3; blocks += $2; there += $3 }
        END { print variants + 0, blocks + 0, there + 0 }' "$2"
}

row() { # WHAT FILE
    wrong=$(awk '$1 !~ /-lost$/ { n += $2 } END { print n + 0 }' "$2")
    set -- "$1" $(count lost "$2")
    printf '%-20s %10s %12s %16s\n' "$1" "$2 of $(wc -l <bad)" \
        "$3 of $4" "$wrong"
}

each weir_end names
each weir_ask both
printf '%-20s %10s %12s %16s\n' "" variants "lost blocks" "flagged wrongly"
for how in end ask; do
    row "Weir, $how" weir_$how.txt
    awk '$2 != $3' weir_$how.txt >other
    is "$(cat other)" "" "variant, found and lost blocks ($how)"
done
if [ "${2-}" = valgrind ]; then
    each valgrind_end names
    row "valgrind, end" valgrind_end.txt
fi

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
for how in end ask; do
    each lsan_$how bad
    row "LeakSanitizer, $how" lsan_$how.txt
    awk '$2 > $3' lsan_$how.txt >more
    is "$(cat more)" "" "LeakSanitizer finds more ($how)"
done
finish
