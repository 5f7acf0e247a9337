# What the scripts of this folder share. Source it with the build directory
# as first argument:   . "$(dirname "$0")/_lib.sh"
#
#   pair LABEL ROUNDS COMMAND...   run COMMAND on libc's malloc and under Weir
#                        by turns; prints a row and leaves the ratio in $ratio
#   find_peers           other libraries to preload, see there
#   counted_under OPTIONS COMMAND...   instructions of COMMAND under Weir
#   goal NAME MEASURED WANTED      remember a goal; goals_met prints them all
#
# WEIR_OPTIONS is what the variable WEIR gets beside dir. A tool that is not
# installed leaves its row out.
set -u

build=$(cd "$1" && pwd) || exit 2
shift
here=$(cd "$(dirname "$0")" && pwd)
lib=$build/lib/libweir.so
weir=$build/bin/weir
pairs=$build/bench/bench_pair
if [ ! -e "$lib" ] || [ ! -x "$pairs" ]; then
    echo "bench: $build has no libweir.so; build it first" >&2
    exit 1
fi

tmp=$(mktemp -d -p /dev/shm weir-bench.XXXXXX 2>/dev/null || mktemp -d)
trap 'rm -rf "$tmp"' EXIT
regions=$tmp/regions
mkdir "$regions"
export XDG_RUNTIME_DIR="$tmp"
export XDG_CACHE_HOME=/dev/null # no names are kept
unset DEBUGINFOD_URLS
unset WEIR LD_PRELOAD
python=/usr/bin/python3
# Redis of Debian is linked with jemalloc: libc first puts it on libc's.
plain_lib=libc.so.6

has() {
    command -v "$1" >/dev/null 2>&1 || [ -x "$1" ]
}

# once plain|weir FILE COMMAND...
once() {
    side=$1
    file=$2
    shift 2
    if [ "$side" = plain ]; then
        "$pairs" run "$file" env LD_PRELOAD=$plain_lib "$@"
    else
        "$pairs" run "$file" env LD_PRELOAD="$lib" WEIR="${WEIR_OPTIONS:-}" "$@"
    fi
}

# Libraries to compare with, as their paths in $empty and $mimalloc; "" when
# not to be had. The empty one has no code at all: what it costs any does.
find_peers() {
    empty=$tmp/empty.so
    echo 'int nothing;' | cc -shared -fPIC -nostdlib -x c -o "$empty" - \
        2>/dev/null || empty=
    mimalloc=$(ls /usr/lib/*/libmimalloc.so.2.0 2>/dev/null | head -1)
}

header() {
    echo "                    CPU time (ms)                      wall (ms)" \
        "                 peak (MiB)"
    echo "                libc     Weir  ratio  spread       libc     Weir " \
        " ratio      libc    Weir  ratio"
}

pair() {
    label=$1
    rounds=$2
    shift 2
    rm -f "$tmp/a" "$tmp/b"
    once plain /dev/null "$@" >/dev/null 2>&1 # the files are in memory then
    for round in $(seq "$rounds"); do
        # Who goes first takes turns too.
        if [ $((round % 2)) -eq 0 ]; then
            once plain "$tmp/a" "$@" >"$tmp/plain.out" 2>&1
            once weir "$tmp/b" "$@" >"$tmp/weir.out" 2>&1
        else
            once weir "$tmp/b" "$@" >"$tmp/weir.out" 2>&1
            once plain "$tmp/a" "$@" >"$tmp/plain.out" 2>&1
        fi
        rm -f "$regions"/*
    done
    "$pairs" compare "$label" "$tmp/a" "$tmp/b"
    ratio=$("$pairs" ratio "$tmp/a" "$tmp/b")
}

# By callgrind; the small launcher of valgrind is preloaded too, uncounted.
counted_under() { # options (or "libc") command...
    options=$1
    preload=$lib
    shift
    [ "$options" != libc ] || preload= options=
    LD_PRELOAD=$preload WEIR="${options}dir=$regions" \
        valgrind --tool=callgrind --callgrind-out-file=/dev/null "$@" 2>&1 \
        >/dev/null | sed -n 's/.*Collected : \([0-9]*\).*/\1/p' | tail -1
    rm -f "$regions"/*
}

goals=
goal() {
    goals="$goals
goal $1 measured $2 wanted $3"
}

goals_met() {
    echo "$goals"
}

per_cent() { # of $1 that $2 is more
    awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", 100 * (b - a) / a }'
}
