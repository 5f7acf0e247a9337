#!/bin/sh
# The symboliser's frames, inlined ones included, are those of llvm-symbolizer
# on 2,000 addresses drawn at random: 99.5% of them must be equal in every
# file and line and in the name of every inlined function. (The name of the
# outermost function is not compared: of several names of one function, the
# other tool takes the symbol table's.)
#
# Left out are addresses between functions, which one of the two gives no
# name; a call never comes from there.
set -u
build=$(cd "$1" && pwd)
symbol=$build/tests/test_analyse_symbol
oracle=$(command -v llvm-symbolizer || command -v llvm-symbolizer-14)
if [ -z "$oracle" ] || [ ! -x "$symbol" ]; then
    echo "skip: no llvm-symbolizer on this machine; script/setup installs it"
    exit 77
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 2
failures=0

fail() {
    echo "FAIL: $*"
    failures=$((failures + 1))
}

# 2,000 addresses in .text, the same in every run.
addresses() {
    readelf -SW "$1" | sed 's/^ *\[ *[0-9]*\]//' | awk '
        function number(hex,   i, n) {
            for (i = 1; i <= length(hex); i++)
                n = n * 16 + index("0123456789abcdef", substr(hex, i, 1)) - 1
            return n
        }
        $1 == ".text" {
            srand(7)
            for (i = 0; i < 2000; i++)
                printf "0x%x\n", number($3) + int(rand() * number($5))
        }'
}

# One line per address: its frames, directories and columns taken off.
frames() {
    awk '
        NF == 0 { if (n) print out; n = 0; next }
        n == 0 { out = $0; n = 1; next }
        n % 2 == 1 { name = $0; n++; next }
        {
            sub(/:[0-9]+$/, "")
            sub(/^.*\//, "")
            sub(/^.*:0$/, "??:0") # a file of the symbol table, no line
            out = out "|" name "|" $0
            n++
        }'
}

compare() {
    file=$1
    addresses "$file" >list
    "$symbol" "$file" <list | frames >ours
    "$oracle" --obj="$file" --addresses --functions=linkage --inlines \
        --no-demangle <list | frames >theirs
    paste -d '\n' ours theirs | awk -F '|' -v file="$file" '
        function key(line,   parts, n, i, out) {
            n = split(line, parts, "|")
            for (i = 2; i < n; i += 2)
                out = out (i < n - 1 ? parts[i] : "") "|" parts[i + 1]
            return out
        }
        NR % 2 == 1 { ours = $0; known = $2 != "??"; next }
        !known || $2 == "??" { between++; next }
        {
            total++
            frames += (NF - 1) / 2
            if (key(ours) == key($0))
                equal++
            else if (++shown <= 3)
                print "differs: " ours "\n     from: " $0
        }
        END {
            printf "%s: %d of %d equal (%.2f%%), %d frames, %d between\n",
                file, equal, total, 100 * equal / total, frames, between
            exit !(total > 1500 && equal >= 0.995 * total)
        }' || fail "$file"
}

libc=$(ldd "$symbol" | awk '$1 == "libc.so.6" { print $3 }')
id=$(readelf -n "$libc" | sed -n 's/.*Build ID: \(..\)\(.*\)/\1\/\2/p')
if [ -e "/usr/lib/debug/.build-id/$id.debug" ]; then
    compare "$libc"
else
    echo "skip: no debug file of libc; script/setup installs it"
fi

# Our own code, with its inlined functions, by every compiler there is.
own="$build/tests/test_analyse_symbol"
if readelf -SW "$own" | grep -q '\.debug_info'; then
    cp "$own" inside
    compare inside
    # The same split: stripped, with a debug file found by its link.
    objcopy --only-keep-debug inside split.debug
    strip -o split inside
    objcopy --add-gnu-debuglink=split.debug split
    "$symbol" inside <list | grep -v @ >whole
    "$symbol" split <list | grep -v @ >parts
    cmp -s whole parts || fail "split debug file: other frames"
    # A debug file that is another than the link's checksum says.
    echo changed >>split.debug
    "$symbol" split <list | grep -q '\.c:[1-9]' &&
        fail "a debug file with a wrong checksum was believed"
    # Stripped for good: functions are known by where they start.
    rm split.debug
    nm inside | awk '$2 ~ /[tT]/ && $3 == "wr_symboliser_new" { print "0x" $1 }' \
        >one
    start=$(sed 's/^0x0*/0x/' one)
    "$symbol" split <one | grep -q "^split@$start\$" ||
        fail "stripped function: $("$symbol" split <one)"
fi

cat >inline.cc <<'END'
#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <vector>
namespace app {
namespace {
template <class T> struct store {
    std::map<std::string, std::vector<T>> all;
    void add(const std::string &key, T value)
    {
        auto &list = all[key];
        list.push_back(value);
        std::sort(list.begin(), list.end(),
                  [](const T &a, const T &b) { return a > b; });
    }
    T sum() const
    {
        T s{};
        for (auto &entry : all)
            for (auto &value : entry.second)
                s += value;
        return s;
    }
};
}
int run(int n)
{
    store<int> a;
    store<double> b;
    for (int i = 0; i < n; i++) {
        a.add("k" + std::to_string(i % 7), i);
        b.add(std::string(i % 5, 'x'), i * 0.5);
    }
    return std::printf("%d %g\n", a.sum(), b.sum());
}
}
int main(int argc, char **) { return app::run(argc * 100) < 0; }
END
for compiler in "g++ -gdwarf-5" "g++ -gdwarf-4" "clang++-14 -gdwarf-5"; do
    name=inline-$(echo "$compiler" | tr ' ' '-')
    $compiler -O2 -o "$name" inline.cc 2>/dev/null || continue
    compare "$name"
    address=$(nm "$name" | sed -n 's/ [tT] _ZN3app3runEi$//p')
    echo "$address" | "$symbol" "$name" | grep -q '^_ZN3app3runEi$' ||
        fail "$name: app::run has another name"
done
# A function inside a function, as GNU C has.
cat >nested.c <<'END'
int twice(int (*f)(int), int x) { return f(f(x)); }
int main(int argc, char **argv)
{
    int inner(int x) { return x * argc; }
    return argv[twice(inner, argc)] != 0;
}
END
if gcc -O0 -g -o nested nested.c 2>/dev/null; then
    address=$(nm nested | sed -n 's/ [tT] inner\.[0-9]*$//p')
    echo "$address" | "$symbol" nested | grep -q '^inner$' ||
        fail "nested: $(echo "$address" | "$symbol" nested)"
fi
[ "$failures" -eq 0 ]
