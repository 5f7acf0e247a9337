#!/bin/sh
# what it takes to find the names of a profile, for the first time and again
#
#     bench/symbols.sh BUILD_DIR [ROUNDS]
#
# `weir top PID` of three programs, each with all it ever allocated:
#
# redis    an ordinary program; of libc there is a debug file
# places   2,000 functions of C with debug information
# cxx      a C++ program of templates, with 15 MB of debug information
#
# "first" finds the names in the files; "again" is a new process that finds
# them among those that were kept on disk. Both are the whole command, and its
# processor time: the wall's is that of a machine which may be busy.
. "$(dirname "$0")/_lib.sh"
. "$here/_load.sh"

rounds=${1:-7}
started=
has redis-server && has gcc && has g++ ||
    { echo "bench: redis, gcc and g++ are needed" >&2; exit 1; }
export XDG_CACHE_HOME="$tmp/cache"
trap 'kill $started 2>/dev/null; rm -rf "$tmp"' EXIT

make_cxx() {
    mkdir "$tmp/cxx"
    for unit in 1 2 3 4 5 6 7 8; do
        cat >"$tmp/cxx/u$unit.cc" <<END
#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <regex>
#include <string>
#include <unordered_map>
#include <vector>
namespace unit$unit {
struct Order {
    std::string name;
    std::vector<int> parts;
    std::map<std::string, std::shared_ptr<int>> by;
};
static auto *orders = new std::vector<Order>;
static auto *calls =
    new std::unordered_map<std::string, std::function<int(int)>>;
int work(int n)
{
    std::smatch found;
    std::string text = "abababc$unit";
    int x = std::regex_search(text, found, std::regex("(a|b)*c$unit"));
    for (int i = 0; i < n; i++) {
        Order o;
        o.name = std::string(100, 'x') + std::to_string(i);
        o.parts.assign(i % 50, i);
        for (int k = 0; k < 3; k++)
            o.by[std::to_string(k)] = std::make_shared<int>(k);
        orders->push_back(o);
        (*calls)[o.name] = [i](int y) { return y + i; };
    }
    std::sort(orders->begin(), orders->end(),
              [](const Order &a, const Order &b) { return a.name < b.name; });
    return x;
}
}
END
        echo "namespace unit$unit { int work(int); }" >>"$tmp/cxx/main.cc"
    done
    {
        printf '#include <stdio.h>\n#include <unistd.h>\nint main()\n{\n'
        for unit in 1 2 3 4 5 6 7 8; do
            echo "    unit$unit::work(500);"
        done
        printf '    puts("ready");\n    fflush(stdout);\n    pause();\n}\n'
    } >>"$tmp/cxx/main.cc"
    g++ -O2 -g "$tmp/cxx"/*.cc -o "$tmp/cxx.bin"
}

# begin NAME COMMAND...: run it, all sampled; $pid_NAME
begin() {
    name=$1
    shift
    LD_PRELOAD=$lib WEIR=sample=1 "$@" >"$tmp/$name.out" 2>&1 &
    started="$started $!"
    eval "pid_$name=$!"
    for try in $(seq 600); do
        grep -qsi ready "$tmp/$name.out" && break
        sleep 0.05
    done
}

# ask FILE ARGUMENTS...: `weir top`, its times a line more in FILE
ask() {
    file=$1
    shift
    "$pairs" run "$tmp/$file" "$weir" top -n 0 "$@" >"$tmp/top" 2>&1
}

median() { # file column: of microseconds, in ms
    cut -d' ' -f"$2" "$tmp/$1" | sort -n | awk '{ v[NR] = $1 / 1000 }
        END { printf "%.1f", v[int((NR + 1) / 2)] }'
}

mkdir "$tmp/places.src"
load_places "$tmp/places.src" 20
gcc -O2 -g "$tmp/places.src"/*.c -o "$tmp/places.bin" && make_cxx || exit 1
begin redis redis-server --port 0 --unixsocket "$tmp/redis.sock" --save ''
begin places "$tmp/places.bin"
begin cxx "$tmp/cxx.bin"

for round in $(seq "$rounds"); do
    for name in redis places cxx; do
        eval "pid=\$pid_$name"
        rm -rf "$tmp/cache"
        ask $name.first "$pid"
        ask $name.again "$pid"
        du -sb "$tmp/cache/weir" | cut -f1 >"$tmp/$name.bytes"
    done
done
echo "              first ms (wall)      again ms (wall)   kept KiB  factor"
for name in redis places cxx; do
    first=$(median $name.first 1)
    again=$(median $name.again 1)
    printf '%-10s %9s %9s   %9s %9s   %9s  %6s\n' $name "$first" \
        "$(median $name.first 2)" "$again" "$(median $name.again 2)" \
        "$(awk '{ printf "%.0f", $1 / 1024 }' "$tmp/$name.bytes")" \
        "$(awk -v a="$first" -v b="$again" 'BEGIN { printf "%.1f", a / b }')"
    goal "names-again-$name" "$again ms" "20 ms"
done
goals_met
