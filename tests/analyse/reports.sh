#!/bin/sh
# Every report prints what go tool pprof prints of the same profile: profiles
# of all kinds that Go makes, and odd but legal ones.
#
# Where pprof's own order is by chance (files of one name), lines are sorted;
# what it adds to odd files when reading them (a mapping where there is none)
# is left out of raw.
set -u
build=$(cd "$1" && pwd)
sources=$(cd "$(dirname "$0")/pprof" && pwd)
if ! command -v go >/dev/null; then
    echo "skip: no go on this machine; script/setup installs it"
    exit 77
fi
# Ours are the texts of a late pprof; that of an older Go prints other ones.
# tests/programs/pprof.sh compares numbers with any.
minor=$(go env GOVERSION | sed -n 's/^go1\.\([0-9]*\).*/\1/p')
if [ "${minor:-0}" -lt 24 ]; then
    echo "skip: the pprof of $(go env GOVERSION) prints texts of before Go 1.24"
    exit 77
fi
weir=$build/bin/weir
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/all"
cd "$tmp" || exit 2
GOCACHE=$(go env GOCACHE)
export GOCACHE GOTOOLCHAIN=local GO111MODULE=off HOME="$tmp"
export PPROF_TMPDIR="$tmp/pprof"
pprof=$(go tool -n pprof 2>/dev/null)
[ -x "$pprof" ] || pprof="go tool pprof"
failures=0
compared=0

fail() {
    echo "FAIL: $*"
    failures=$((failures + 1))
}

# same REPORT PROFILE OPTION...: both print the same, or both fail.
same() {
    report=$1 profile=$2 pattern=
    shift 2
    case $report in
    peek=* | list=*) pattern=${report#*=} report=${report%%=*} ;;
    esac
    "$weir" "$report" -symbolize=none "$@" ${pattern:+"$pattern"} \
        "all/$profile" >ours 2>ours.err
    ours=$?
    $pprof "-$report${pattern:+=$pattern}" -symbolize=none "$@" \
        "all/$profile" >theirs 2>theirs.err
    theirs=$?
    compared=$((compared + 1))
    [ $((ours != 0)) -eq $((theirs != 0)) ] ||
        fail "$report $* $profile: status $ours, pprof's $theirs: $(cat ours.err)"
    case $report in
    raw) sed -i '/^Duration:/d' ours theirs ;; # pprof cuts it off
    list) sed -i 's/^ Error: .*/ Error/' ours theirs ;;
    esac
    case " $* " in
    *" -files "*) sort -o ours ours && sort -o theirs theirs ;;
    esac
    cmp -s ours theirs ||
        fail "$report $* of $profile: $(diff ours theirs | head -6)"
}

go run "$sources/corpus.go" all || exit 1

for profile in heap allocs cpu goroutine block mutex threadcreate things; do
    for report in tree traces tags raw; do
        same $report $profile
    done
    same top $profile -nodecount=0
    same top $profile -nodecount=5 -cum
done
for path in all/odd-* all/gperftools-*; do
    profile=${path#all/}
    for report in tree traces tags; do
        same $report "$profile"
    done
    same top "$profile" -nodecount=0
    same top "$profile" -sample_index=0 -nodecount=0
done
same raw odd-inlined
same raw odd-labels
same raw odd-repeated
same top gperftools-64 -addresses -nodecount=0

# One of ours: a program of C, symbolised, with comments and labels.
if [ -e "$build/lib/libweir.so.0" ]; then # not in a sanitizer's build
    XDG_RUNTIME_DIR=$tmp "$weir" run -q -s 16 --out mine -- \
        awk 'BEGIN { for (i = 0; i < 3000; i++) a[i] = i "x" }'
    for kind in heap allocs; do
        mv mine/awk.*.$kind.pb.gz all/ours-$kind || fail "weir run saved no $kind"
        same top ours-$kind -nodecount=0
        same top ours-$kind -nodecount=20 -lines -cum
        for report in tree traces tags raw peek=malloc list=main; do
            same $report ours-$kind
        done
    done
fi

# What counts
for profile in heap odd-inlined odd-negative odd-wide; do
    for option in -lines -addresses -filefunctions -files -noinlines \
        -drop_negative -nodefraction=0.2 -divide_by=3 -unit=kb \
        -relative_percentages -trim=false; do
        same top $profile -nodecount=0 $option
    done
    for option in -lines -nodecount=3 -cum -noinlines -edgefraction=0.2; do
        same tree $profile $option
    done
    same traces $profile -lines
done
same top heap -nodecount=0 -alloc_objects
same top heap -nodecount=0 -sample_index=1
same top heap -nodecount=0 -sample_index=nothing

# Which samples and frames
for option in '-focus=ma.*n' '-focus=(?i)MAIN' '-focus=\.smallOnes$' \
    '-focus=^leaf$' '-focus=[^\w]a' '-ignore=runtime|[lm]eaf' '-hide=main' \
    '-hide=grow|middle' '-show=main|leaf' '-show=b\.c' '-show_from=middle' \
    '-show_from=smallOnes|bigOnes' '-focus=/bin/prog' '-hide=/bin/prog' \
    '-focus=x{2' '-focus=a**' '-ignore=(' '-focus=ro{2}t' '-focus=\x6ceaf'; do
    for profile in heap odd-inlined odd-recursion; do
        same top $profile -nodecount=0 "$option"
    done
    same traces odd-inlined "$option"
done
for option in -tagfocus=x -tagfocus=tag=x -tagfocus=tag:y \
    -tagfocus=tag=x,y -tagfocus=x,y -tagignore=x -tagfocus=4kb -tagfocus=:4kb \
    -tagfocus=64kb: -tagfocus=size=4kb:64kb -tagignore=bytes=:512 \
    -tagfocus=1: -tagshow=tag -taghide=size; do
    same traces odd-labels "$option"
    same tags odd-labels "$option"
    same top odd-labels -nodecount=0 "$option"
done
same top heap -nodecount=0 -tagfocus=bytes=1kb:
same top cpu -nodecount=0 -tagfocus=task=second
same tags cpu -tagshow=task

# Differences and sums
for option in -base -diff_base; do
    for report in top tree traces tags; do
        same $report heap $option=all/heap-before -nodecount=9
    done
    same top odd-repeated -nodecount=0 $option=all/odd-negative
    same top heap -nodecount=0 -normalize $option=all/heap-before
    same top heap -nodecount=0 $option=all/cpu
    same top odd-inlined -nodecount=0 $option=all/odd-no-mappings
done
same traces heap -base=all/heap
same top heap all/heap-before -nodecount=0
same top odd-labels all/odd-negative -nodecount=0

# Functions that match, and their sources
for pattern in 'main\.' '^main.grow$' bigOnes 'runtime\.mallocgc' nothing; do
    same peek="$pattern" heap
    same list="$pattern" heap
done
same peek=leaf odd-recursion
same list=. odd-inlined
same list=. odd-no-mappings -unit=kb
mkdir -p src/dir/b
seq 1 40 | sed 's/^/a line /' >src/a.c
cp src/a.c src/b.c
same list='leaf|root' odd-inlined -source_path="$tmp/src"
same list=. odd-recursion -source_path="$tmp/src/dir/b" -trim_path=/nowhere
same top odd-wide -lines -nodecount=0 -source_path="$tmp/src"

# Names come out of Go's text form, which pprof leaves to the binary: the sum
# is the same.
for profile in heap goroutine block mutex things; do
    "$weir" top -n 0 -symbolize=none all/$profile-text >ours
    $pprof -top -symbolize=none all/$profile-text >theirs 2>/dev/null
    grep -q 'main\.' ours || fail "no names in $profile-text"
    grep -q '^Type: ' ours || fail "no type in $profile-text"
    [ "$(grep -o 'of [^ ]* total' ours)" = "$(grep -o 'of [^ ]* total' theirs)" ] ||
        fail "sums of $profile-text: $(cat ours theirs)"
done

echo "$compared reports compared"
[ "$failures" -eq 0 ]
