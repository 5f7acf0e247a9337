#!/bin/sh
# what Weir adds to the start of a program, and the size of its region
#
#     bench/startup.sh BUILD_DIR [ROUNDS]
#
# /bin/true plainly, with libweir.so preloaded, and under `weir run`, by turns;
# the time from the start to the end as the starter sees it. Medians of the
# differences.
. "$(dirname "$0")/_lib.sh"

rounds=${1:-200}
find_peers

# Not once(): env would be in the measurement.
for round in $(seq "$rounds"); do
    "$pairs" run "$tmp/plain" /bin/true
    LD_PRELOAD=$lib WEIR=dir=$regions "$pairs" run "$tmp/preload" /bin/true
    LD_PRELOAD=$lib WEIR=dir=/nonexistent \
        "$pairs" run "$tmp/bare" /bin/true
    [ -n "$empty" ] && LD_PRELOAD=$empty "$pairs" run "$tmp/empty" /bin/true
    [ -n "$mimalloc" ] &&
        LD_PRELOAD=$mimalloc "$pairs" run "$tmp/mimalloc" /bin/true
    [ -x "$weir" ] &&
        "$pairs" run "$tmp/run" "$weir" run -q --out "$tmp/out" -- /bin/true
    rm -rf "$regions"/* "$tmp/out"
done

added() { # file, in ms
    "$pairs" wall "$tmp/plain" "$tmp/$1" |
        awk '{ printf "%.2f", $1 / 1000 }'
}

plain=$(sort -n -k2 "$tmp/plain" | awk '{ w[NR] = $2 }
    END { printf "%.2f", w[int((NR + 1) / 2)] / 1000 }')
echo "/bin/true                      $plain ms"
echo "libweir.so preloaded adds      $(added preload) ms"
echo "  of it without a region file  $(added bare) ms"
[ -n "$empty" ] &&
    echo "an empty library adds          $(added empty) ms"
[ -n "$mimalloc" ] &&
    echo "mimalloc adds                  $(added mimalloc) ms"
goal startup-preload "$(added preload) ms" "1 ms"
if [ -x "$weir" ]; then
    echo "weir run adds                  $(added run) ms"
    goal startup-weir-run "$(added run) ms" "2 ms"
fi

# The region: how long the file is, and how much of it is really there.
LD_PRELOAD=$lib WEIR=dir=$regions /bin/true
LD_PRELOAD=$lib WEIR=dir=$regions PYTHONMALLOC=malloc \
    $python -S "$here/_load.py" 100000 >/dev/null
set -- "$regions"/*.weir
[ $# -eq 2 ] || { echo "bench: $# regions instead of 2" >&2; exit 1; }
[ "$(stat -c %b "$1")" -le "$(stat -c %b "$2")" ] || set -- "$2" "$1"
echo "region's file                  $(($(stat -c %s "$1") / 1024)) KiB long"
echo "  touched by /bin/true         $(($(stat -c %b "$1") / 2)) KiB"
echo "  touched by python            $(($(stat -c %b "$2") / 2)) KiB"
goals_met
