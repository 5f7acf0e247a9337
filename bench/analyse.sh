#!/bin/sh
# what it takes to read a large profile and print what is biggest in it
#
#     bench/analyse.sh BUILD_DIR [ROUNDS]
#
# The same profile is read by `weir top` and by `go tool pprof -top` by turns;
# both print the same rows, which is checked. Profiles are made anew, the same
# each time (bench/profiles/make.c): of 30 frames a sample, four values and a
# label. The largest is read once by pprof, which takes minutes for it.
GOCACHE=$(go env GOCACHE 2>/dev/null) # before there is no home any more
export GOCACHE
. "$(dirname "$0")/_lib.sh"

rounds=${1:-5}
has go || { echo "bench: go is needed; script/setup installs it" >&2; exit 1; }
pprof=$(go tool -n pprof 2>/dev/null)
[ -x "$pprof" ] || pprof="go tool pprof"
export PPROF_TMPDIR="$tmp" GOTOOLCHAIN=local

# read_with pprof|weir FILE PROFILE: note what it takes
read_with() {
    if [ "$1" = pprof ]; then
        "$pairs" run "$2" $pprof -top -nodecount=10 -symbolize=none "$3"
    else
        "$pairs" run "$2" "$weir" top -symbolize=none "$3"
    fi
}

# by_turns LABEL PROFILE ROUNDS
by_turns() {
    rm -f "$tmp/a" "$tmp/b"
    for round in $(seq "$3"); do
        read_with pprof "$tmp/a" "$2" >"$tmp/pprof.out" 2>"$tmp/err"
        read_with weir "$tmp/b" "$2" >"$tmp/weir.out"
        cmp "$tmp/pprof.out" "$tmp/weir.out" || { cat "$tmp/err"; exit 1; }
    done
    "$pairs" compare "$1" "$tmp/a" "$tmp/b"
}

# median COLUMN: of what weir took; wall seconds are column 2, MB column 3
median() {
    sort -n -k"$1,$1" "$tmp/b" | awk -v c="$1" '{ v[NR] = $c } END {
        print c == 2 ? v[int((NR + 1) / 2)] / 1e6 : v[NR] / 1024 }'
}

echo "                    CPU time (ms)                      wall (ms)" \
    "                 peak (MiB)"
echo "               pprof     weir  ratio  spread      pprof     weir " \
    " ratio     pprof    weir  ratio"
for samples in 1000 10000 100000; do
    "$build/bench/bench_profiles" $samples 30 "$tmp/profile.pb.gz" || exit 1
    by_turns "$samples" "$tmp/profile.pb.gz" "$rounds"
done
goal analyse-100000-seconds "$(median 2)" "at most 0.5"
goal analyse-100000-mib "$(median 3)" "at most 60"

"$build/bench/bench_profiles" 1000000 30 "$tmp/profile.pb.gz" || exit 1
by_turns 1000000 "$tmp/profile.pb.gz" 1
rm -f "$tmp/b"
for round in $(seq "$rounds"); do
    read_with weir "$tmp/b" "$tmp/profile.pb.gz" >/dev/null
done
goal analyse-1000000-seconds "$(median 2)" "at most 5"
goal analyse-1000000-mib "$(median 3)" "bounded"
goals_met
