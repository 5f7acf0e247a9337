# What the scripts of this folder share. Source it with the script's own
# arguments:   . "$(dirname "$0")/_lib.sh"
#
#   $source_dir      the top of the sources
#   $weir            the program; its regions and runs go below $tmp
#   $tmp             a directory that is gone afterwards, where we are
#   says WORDS FILE  FILE must contain WORDS
#   is GOT WANTED WHAT...   they must be equal
#   compile NAME FLAGS... <source   make $tmp/NAME; false when it cannot
#   need_holder      make ./holder, which holds 10 MB got in hold_blocks, prints
#                    "ready", and ends when there is a file "stop"; skip the
#                    script where that or curl cannot be
#   wait_for WORDS FILE     up to a minute, for WORDS to be in FILE
#   fail WORDS...    note a failure and go on
#   finish           last line of a script
set -u
build=$(cd "$1" && pwd)
weir=$build/bin/weir
if [ ! -x "$weir" ] || [ ! -e "$build/lib/libweir.so.0" ]; then
    echo "skip: no weir program or library in this build"
    exit 77
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
source_dir=$(cd "$(dirname "$0")/../.." && pwd)
cd "$tmp" || exit 2
unset WEIR LD_PRELOAD
export XDG_RUNTIME_DIR="$tmp" LC_ALL=C
export GOCACHE="${GOCACHE-${HOME-/tmp}/.cache/go-build}"
export XDG_CACHE_HOME=/dev/null # no names are kept
unset DEBUGINFOD_URLS
failures=0

fail() {
    echo "FAILED: $*" >&2
    failures=$((failures + 1))
}

says() {
    grep -qF -e "$1" "$2" || {
        fail "no \"$1\" in $2:"
        head -30 "$2" >&2
    }
}

is() {
    got=$1 wanted=$2
    shift 2
    [ "$got" = "$wanted" ] || fail "$*: got \"$got\", wanted \"$wanted\""
}

compile() {
    out=$1
    shift
    cat >"$out.c"
    ${CC:-cc} -o "$out" "$out.c" "$@" 2>"$out.log"
}

need_holder() {
    command -v curl >/dev/null && compile holder -g -O0 <<'END' && return
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
char *kept[1000];
__attribute__((noinline)) void hold_blocks(void)
{
    for (int i = 0; i < 1000; i++)
        memset(kept[i] = malloc(10000), 1, 10000);
}
int main(void)
{
    hold_blocks();
    puts("ready");
    fflush(stdout);
    while (access("stop", F_OK) != 0)
        usleep(20000);
    return 0;
}
END
    echo "skip: needs curl and a C compiler"
    exit 77
}

wait_for() {
    for _ in $(seq 1200); do
        grep -qF -e "$1" "$2" 2>/dev/null && return 0
        sleep 0.05
    done
    fail "\"$1\" never came to $2"
    return 1
}

finish() {
    [ $failures -eq 0 ] && echo "all as said"
    exit $((failures > 0))
}
