# What the scripts that run real programs share. A script begins
#
#     . "$(dirname "$0")/_lib.sh"
#     need redis-server redis-cli         skip unless these are installed
#
# with the build directory as its first argument, and then has
#
#   $build $weir $lib    the build directory, the program, libweir.so
#   $scratch             a directory that is gone afterwards, where we are
#   $out                 where `under` puts profiles
#   plainly COMMAND...   run as it is
#   under COMMAND...     run under `weir run`, quietly, profiles into $out
#   same COMMAND...      run plainly and under Weir: same output, same status
#   names WHERE REGEX... each REGEX is a function in the profiles of WHERE (a
#                        file, a URL, or "saved": all of $out together)
#   serve COMMAND...     start under `weir run` in the background: $url is its
#                        address, $served its process
#   free_port            print a port of loopback that is free now
#   wait_until COMMAND.. try it for up to a minute
#   fail WORDS...        note a failure and go on
#   skip_part WORDS...   note that a part could not be tested
#   finish               the last line: nothing left behind, and the verdict
#
# Everything a run could leave lies below $scratch: regions, temporary files
# and sockets go there by environment, and processes carry a mark in theirs.
set -u

build=$(cd "$1" && pwd) || exit 2
source_dir=$(cd "$(dirname "$0")/../.." && pwd)
weir=$build/bin/weir
lib=$build/lib/libweir.so
failures=0
served=
url=

fail() {
    echo "FAIL: $*"
    failures=$((failures + 1))
}

skip_part() {
    echo "skip: $*"
}

need() {
    for tool; do
        command -v "$tool" >/dev/null 2>&1 && continue
        echo "skip: no $tool on this machine; script/setup installs it"
        exit 77
    done
}

if [ ! -x "$weir" ] || [ ! -e "$lib" ]; then
    echo "skip: this build has no bin/weir or lib/libweir.so"
    exit 77
fi

scratch=$(mktemp -d "${TMPDIR:-/tmp}/weir-test.XXXXXX") || exit 2
out=$scratch/profiles
mkdir -m 700 "$scratch/runtime" "$scratch/tmp" "$scratch/work"
export XDG_RUNTIME_DIR="$scratch/runtime"
export TMPDIR="$scratch/tmp"
export GOCACHE="${GOCACHE-${HOME-/tmp}/.cache/go-build}"
export XDG_CACHE_HOME=/dev/null # no names are kept
unset DEBUGINFOD_URLS
export LC_ALL=C
unset WEIR LD_PRELOAD
mark=WEIR_TEST_MARK=$(basename "$scratch")
cd "$scratch/work" || exit 2

# Processes that were started under Weir by this script.
marked() {
    grep -lzxF "$mark" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3
}

clean_up() {
    for pid in $(marked); do
        kill -9 "$pid" 2>/dev/null
    done
    cd / && rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

plainly() {
    env "$mark" "$@"
}

under() {
    env "$mark" "$weir" run -q --out "$out" -- "$@"
}

same() {
    plainly "$@" >"$scratch/plain.out" 2>"$scratch/plain.err" </dev/null
    plain=$?
    under "$@" >"$scratch/weir.out" 2>"$scratch/weir.err" </dev/null
    status=$?
    [ $status -eq $plain ] ||
        fail "'$1' ended with $status, plainly with $plain"
    cmp -s "$scratch/plain.out" "$scratch/weir.out" ||
        fail "'$1' printed something else:" \
            "$(diff "$scratch/plain.out" "$scratch/weir.out" | head -5)"
    cmp -s "$scratch/plain.err" "$scratch/weir.err" ||
        fail "'$1' complained differently:" \
            "$(diff "$scratch/plain.err" "$scratch/weir.err" | head -5)"
}

saved_profiles() {
    find "$out" -type f -name '*heap*.pb.gz' 2>/dev/null | sort
}

names() {
    where=$1
    shift
    if [ "$where" = saved ]; then
        for profile in $(saved_profiles); do
            # What it held at its end may be too little for a sample.
            "$weir" top -n 0 --sample-index alloc_space "$profile" ||
                fail "weir top $profile"
        done >"$scratch/top" 2>&1
    else
        "$weir" top -n 0 "$where" >"$scratch/top" 2>&1 ||
            fail "weir top $where: $(cat "$scratch/top")"
    fi
    for name; do
        grep -Eq " $name( |\$)" "$scratch/top" ||
            fail "no function $name in $where; its biggest are:" \
                "$(head -12 "$scratch/top")"
    done
}

wait_until() {
    tries=0
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ $tries -lt 600 ] || return 1
        sleep 0.1
    done
}

# A port of loopback that is free now, for programs that cannot choose.
free_port() {
    perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1,
        LocalAddr => "127.0.0.1")->sockport'
}

serve() {
    env "$mark" "$weir" run --http 127.0.0.1:0 --out "$out" -- "$@" \
        >"$scratch/serve.out" 2>"$scratch/serve.err" &
    served=$!
    wait_until grep -q 'http://' "$scratch/serve.err" ||
        fail "weir run named no address: $(cat "$scratch/serve.err")"
    url=$(grep -o 'http://[^ ]*' "$scratch/serve.err" | head -1)
    url=${url%/}
    url=${url%/debug/pprof*}
}

# The process in the background must end by itself after it was told to.
served_ends() {
    wait "$served"
    status=$?
    [ $status -eq "${1-0}" ] || fail "weir run ended with $status"
    served=
}

finish() {
    left=$(marked)
    [ -z "$left" ] || fail "still running:" \
        "$(for pid in $left; do tr '\0' ' ' <"/proc/$pid/cmdline"; done)"
    # The runtime directory itself stays for the next run, empty.
    left=$(find "$scratch/runtime" "$scratch/tmp" -mindepth 1 \
        ! -path "$scratch/runtime/weir")
    [ -z "$left" ] || fail "files left behind:" $left
    [ $failures -eq 0 ]
    exit
}
