#!/bin/sh
# Each public header compiles alone, twice in a row, in every C from C99 on
# and in C++, without a warning, and is short.
set -eu

here=$(cd "$(dirname "$0")/../.." && pwd)
cd "$here/include"
failed=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

fail() {
    echo "FAIL: $*"
    failed=1
}

# compiles COMPILER LANGUAGE STANDARD HEADER
compiles() {
    printf '#include <%s>\n#include <%s>\nint unused_here;\n' "$4" "$4" |
        "$1" -x "$2" -std="$3" -pedantic-errors -Wall -Wextra -Werror \
            -I. -fsyntax-only - ||
        fail "<$4> alone, $1 -std=$3"
}

for header in weir/*.h weir/compat/*.h; do
    for standard in c99 c11 c17 gnu17; do
        compiles gcc c $standard "$header"
        compiles clang-14 c $standard "$header"
    done
    for standard in c++11 c++17 c++20; do
        compiles g++ c++ $standard "$header"
        compiles clang++-14 c++ $standard "$header"
    done
    lines=$(wc -l <"$header")
    [ "$lines" -le 250 ] || fail "<$header> has $lines lines, 250 at most"
done

# What a C++ program sees must have C names: a missing extern "C" would
# compile and then not link.
cat >"$scratch/use.cc" <<'END'
#include <weir/weir.h>
const void *used[] = {
    (const void *)weir_strerror,      (const void *)weir_memstats,
    (const void *)weir_profile_write, (const void *)weir_profile_rate,
    (const void *)weir_profile_set_rate, (const void *)weir_serve,
    (const void *)weir_budget_new,    (const void *)weir_budget_free,
    (const void *)weir_budget_reserve, (const void *)weir_budget_release,
    (const void *)weir_budget_explain, (const void *)weir_budget_enter,
    (const void *)weir_budget_leave,  (const void *)weir_budget_read,
    (const void *)weir_monitor_start, (const void *)weir_monitor_stop,
    (const void *)weir_monitor_read,
    (const void *)weir_limit_set,     (const void *)weir_limit_read,
    (const void *)weir_pressure_now,  (const void *)weir_pressure_subscribe,
    (const void *)weir_pressure_unsubscribe,
    (const void *)weir_serve_address, (const void *)weir_serve_stop,
};
END
g++ -I. -c -o "$scratch/use.o" "$scratch/use.cc"
for name in strerror memstats profile_write profile_rate profile_set_rate \
    budget_new budget_free budget_reserve budget_release budget_explain \
    budget_enter budget_leave budget_read \
    monitor_start monitor_stop monitor_read limit_set limit_read pressure_now pressure_subscribe pressure_unsubscribe \
    serve serve_address serve_stop; do
    nm -u "$scratch/use.o" | grep -qw "weir_$name" ||
        fail "weir_$name is mangled in C++"
done
[ $failed -eq 0 ]
