# What the scripts of this folder share. Source it with the script's own
# arguments:   . "$(dirname "$0")/_lib.sh"
#
#   prog NAME      path of the test program prog_NAME
#   weir CMD...    run CMD under Weir, its regions in $tmp/regions
#   same CMD...    run CMD plainly and under Weir; status, stdout and stderr
#                  must be equal, and the plain run must have succeeded
#   fail WORDS...  say what went wrong; the script ends with status 1
#   finish         last line of a script
#
# Weir prints nothing into a program's output, so `same` compares it all.
set -u
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
lib=$build/lib/libweir.so
if [ ! -e "$lib" ]; then
    echo "no libweir.so in this build"
    exit 77
fi
tmp=$(mktemp -d)
chmod 755 "$tmp"
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/regions"
failures=0
unset WEIR LD_PRELOAD
export XDG_RUNTIME_DIR=$tmp # regions whose directory nobody says go there

prog()
{
    echo "$build/tests/prog_$1"
}

weir()
{
    env LD_PRELOAD="$lib" WEIR="${options:-}dir=$tmp/regions" "$@"
}

fail()
{
    echo "FAILED: $*" >&2
    failures=$((failures + 1))
}

same()
{
    rm -f "$tmp"/regions/*
    timeout 100 "$@" >"$tmp/plain.out" 2>"$tmp/plain.err"
    plain=$?
    timeout 100 env LD_PRELOAD="$lib" WEIR="${options:-}dir=$tmp/regions" \
        "$@" >"$tmp/weir.out" 2>"$tmp/weir.err"
    under=$?
    if [ $plain -ne 0 ]; then
        fail "$* fails without Weir, with status $plain"
        cat "$tmp/plain.out" "$tmp/plain.err" >&2
    fi
    if [ $under -ne $plain ]; then
        fail "$*: status $under under Weir, $plain without"
        cat "$tmp/weir.err" >&2
    fi
    for stream in out err; do
        cmp -s "$tmp/plain.$stream" "$tmp/weir.$stream" ||
            { fail "$*: std$stream differs under Weir"
              diff "$tmp/plain.$stream" "$tmp/weir.$stream" | head -20 >&2; }
    done
}

finish()
{
    [ $failures -eq 0 ] && echo "all as without Weir"
    exit $((failures > 0))
}
