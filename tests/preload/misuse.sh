#!/bin/sh
# A promise broken by the program stops it by SIGABRT with one sentence that
# names the address, what it is and who did it.
. "$(dirname "$0")/_lib.sh"
ulimit -c 0

# dies KIND WORD...: the sentence about KIND holds every WORD (a pattern).
dies()
{
    kind=$1
    shift
    for sample in "" sample=1,; do
        options=$sample
        weir "$(prog misuse)" "$kind" >"$tmp/out" 2>"$tmp/all"
        status=$?
        grep -v '^Aborted' "$tmp/all" >"$tmp/err" # the shell's own word
        [ $status -eq 134 ] || fail "$kind: status $status, not SIGABRT's"
        [ "$(wc -l <"$tmp/err")" -eq 1 ] ||
            fail "$kind: not one line: $(cat "$tmp/err")"
        for word in '^weir: ' "$(cat "$tmp/out")" prog_misuse "$@"; do
            grep -q -e "$word" "$tmp/err" ||
                fail "$kind: no '$word' in: $(cat "$tmp/err")"
        done
    done
}

for kind in never-allocated stack global garbage small-number unused-page \
    realloc-global usable-global; do
    dies $kind
done
dies interior 64
dies misaligned 64
dies large-interior 1048576
for kind in twice twice-others-between free-then-thread thread-then-free \
    two-threads realloc-freed; do
    dies $kind 64
done
dies twice-32768 32768
dies twice-large
finish
