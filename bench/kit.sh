#!/bin/sh
# are the kit's parts twice as fast as Go's, and ahead of what C has?
#
#     bench/kit.sh BUILD_DIR [ROUNDS]
#
# The cases that the lessons on memory are told with (bench/kit): with and
# without a pool, appending with and without reserving, three ways of putting
# text together, maps, an LRU cache. Go and every C library by turns, ROUNDS (7)
# times, a twentieth of a second a case; the best in ns, since what else runs on
# the machine only adds to it. All C is on Weir's malloc,
# so containers are compared. Go's own means are sync.Pool, append, bytes.Buffer,
# strings.Builder, map, container/list with a map and a lock, sync.Map and
# atomic.Int64.
#
# Then the lessons: how many times as fast the right way is as the wrong one, in
# C and in Go, and how much of the allocations it saves. Where malloc is cheap
# there is less to win than in Go: the line says so.
. "$(dirname "$0")/_lib.sh"

rounds=${1:-7}
bench=$build/bench/bench_kit
[ -x "$bench" ] || { echo "bench: $build has no bench_kit" >&2; exit 1; }
export WEIR=dir=$regions

has go && GO111MODULE=off GOCACHE=$tmp/go-cache go build -o "$tmp/go" \
    "$here/kit/main.go"

lines() { # LIBRARY: "CASE NS BYTES ALLOCS", as the lines have them
    sed -n 's/^Benchmark\([A-Za-z]*\)[-0-9]*[ \t]/\1 /p' |
        awk -v library="$1" '{
            ns = bytes = allocs = "-"
            for (i = 3; i <= NF; i++) {
                if ($i == "ns/op") ns = $(i - 1)
                if ($i == "B/op") bytes = $(i - 1)
                if ($i == "allocs/op") allocs = $(i - 1)
            }
            print library, $1, ns, bytes, allocs
        }'
}

for round in $(seq "$rounds"); do
    for library in weir plain uthash stb glib; do
        "$bench" $library -benchtime 50ms 2>/dev/null | lines $library
    done
    [ ! -x "$tmp/go" ] ||
        "$tmp/go" -test.benchtime 50ms | lines go
done >"$tmp/all"

# One line for each library and case: the best.
sort -k1,1 -k2,2 -k3,3g "$tmp/all" |
    awk '$1 " " $2 != key { print; key = $1 " " $2 }' >"$tmp/best"

awk '
    BEGIN {
        split("PoolNo PoolYes HandleNo HandleYes AppendGrow AppendPre " \
            "TextPlus TextBuilder TextPre MapGrow MapPre MapGet MapText " \
            "NamesGrow NamesPre LRU SharedGet Counter", names, " ")
        split("weir go plain uthash stb glib", libraries, " ")
        printf "%-12s", "ns/op"
        for (l = 1; l in libraries; l++)
            printf " %10s", libraries[l]
        printf "  %8s %6s   %8s %6s\n", "C: B/op", "allocs", "Go: B/op", \
            "allocs"
    }
    {
        ns[$1, $2] = $3
        bytes[$1, $2] = $4
        allocs[$1, $2] = $5
    }
    # The wrong way of some is plain C.
    function of(what, l, c) {
        return what[(l, c) in ns ? l : "plain", c]
    }
    function saved(what, l, wrong, right) { # percent
        return of(what, l, wrong) == 0 ? 0 : \
            100 * (1 - of(what, l, right) / of(what, l, wrong))
    }
    function lesson(name, wrong, right) {
        if (!(("weir", right) in ns) || !(("go", right) in ns))
            return
        printf "goal kit-%s-times-as-fast-the-right-way measured %.1f " \
            "wanted %.1f\n", name, of(ns, "weir", wrong) / \
            ns["weir", right], ns["go", wrong] / ns["go", right]
        printf "goal kit-%s-percent-of-allocations-saved measured %.0f " \
            "wanted %.0f\n", name, saved(allocs, "weir", wrong, right), \
            saved(allocs, "go", wrong, right)
    }
    function text(l, c) {
        return (l, c) in ns ? sprintf("%.*f", ns[l, c] < 100 ? 2 : 0, \
            ns[l, c]) : "-"
    }
    END {
        for (c = 1; c in names; c++) {
            printf "%-12s", names[c]
            for (l = 1; l in libraries; l++)
                printf " %10s", text(libraries[l], names[c])
            c_is = ("weir", names[c]) in ns ? "weir" : "plain"
            printf "  %8s %6s   %8s %6s\n", bytes[c_is, names[c]], \
                allocs[c_is, names[c]], bytes["go", names[c]], \
                allocs["go", names[c]]
        }
        for (c = 1; c in names; c++) {
            if (!(("weir", names[c]) in ns))
                continue
            us = ns["weir", names[c]]
            if (("go", names[c]) in ns)
                printf "goal kit-%s-times-as-fast-as-go measured %.1f " \
                    "wanted 2\n", names[c], ns["go", names[c]] / us
            for (l = 4; l in libraries; l++)
                if ((libraries[l], names[c]) in ns)
                    printf "goal kit-%s-times-as-fast-as-%s measured %.1f " \
                        "wanted 1\n", names[c], libraries[l], \
                        ns[libraries[l], names[c]] / us
        }
        lesson("Pool", "PoolNo", "PoolYes")
        lesson("Handle", "HandleNo", "HandleYes")
        lesson("Append", "AppendGrow", "AppendPre")
        lesson("Text", "TextPlus", "TextPre")
        lesson("Builder", "TextPlus", "TextBuilder")
        lesson("Map", "MapGrow", "MapPre")
        lesson("Names", "NamesGrow", "NamesPre")
    }' "$tmp/best"
