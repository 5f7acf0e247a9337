#!/bin/sh
# The verdicts beside LeakSanitizer's: the same programs, built with it, in the
# middle of the run and at exit. Every case where it finds something else than
# weir leaks is one that cases.txt gives a reason for. Prints a table.
. "$(dirname "$0")/../cmd/_lib.sh"
. "$(dirname "$0")/_cases.sh"
export LSAN_OPTIONS=symbolize=0:allocator_may_return_null=1

make_module && compile probe -fsanitize=leak <<'END' || {
#include <stdlib.h>
int main(void) { return malloc(1) == NULL; }
END
    echo "skip: no C compiler with LeakSanitizer"
    exit 77
}
./probe 2>probe.txt
[ $? -eq 23 ] || {
    echo "skip: LeakSanitizer does not work here: $(head -3 probe.txt)"
    exit 77
}

# CASE ask|end: "direct indirect" blocks
found_by() {
    rm -f log."$1"."$2".*
    LSAN_OPTIONS=$LSAN_OPTIONS:log_path=$tmp/log.$1.$2 \
        timeout 20 "./$3" "$1" "$2" >/dev/null 2>&1
    cat log."$1"."$2".* 2>/dev/null | awk '
        /^Direct leak/ { direct += $7 }
        /^Indirect leak/ { indirect += $7 }
        END { print direct + 0, indirect + 0 }'
}

try_all() {
    while read -r program case direct indirect _ _ _ lsan rest; do
        set -- $rest
        [ "$lsan" = - ] && continue
        for how in ask end; do
            is "$(found_by "$case" $how "$program")" "$lsan $1" \
                "$compiler: $case $how: LeakSanitizer"
        done
        [ "$direct $indirect" = "$lsan $1" ] || [ $# -gt 1 ] ||
            fail "$case: no reason why LeakSanitizer finds something else"
    done <all
}

# How many agree, and who is right where they do not.
print_table() {
    awk '
    function lost(direct, indirect) { return direct + indirect }
    {
        cases++
        ours = lost($3, $4); its = lost($8, $9)
        why = ""
        for (i = 10; i <= NF; i++)
            why = why (i > 10 ? " " : "") $i
        if ($8 == "-") { none++; its = "-" }
        else if (ours == its) { same++; next }
        else if (its > ours) wrong++
        else missed++
        printf "%-32s %4s %6s   %s\n", $2, ours, its, why
    }
    BEGIN {
        printf "%-32s %4s %6s   %s\n", "lost blocks", "Weir", "LSan", "why"
    }
    END {
        printf "%d cases: the same in %d; ", cases, same
        printf "LeakSanitizer calls blocks lost that are not in %d, ", wrong
        printf "misses in %d, has no answer in %d\n", missed, none
    }' all
}

cases >all
for compiler in gcc clang-14; do
    command -v $compiler >/dev/null || {
        echo "skip: no $compiler"
        continue
    }
    for program in prog_leaks prog_places; do
        CC=$compiler compile $program -I"$leak_dir" -O1 -g -fno-builtin -w \
            -fsanitize=leak <"$leak_dir/$program.c" ||
            fail "$compiler does not build $program: $(cat $program.log)"
    done
    try_all
done
print_table
finish
