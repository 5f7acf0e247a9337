# What workloads said of their memory over time, a table each, and goals.
#
#     awk -f _looks.awk -v allocs="glibc weir" -v names="idle-95" LOOKS
#
# A look is "NAME ALLOC WHEN live KIB rss KIB [huge KIB]".

function mib(kib) {
    return sprintf("%10.1f", kib / 1024)
}

function table(name,    w, a, when, line, what) {
    what = name == "huge" ? "in huge pages" : "resident"
    line = sprintf("%-12s %10s", name, "live MiB")
    for (a = 1; a <= allocators; a++)
        line = line sprintf("%10s", alloc[a])
    print line "   (" what ")"
    for (w = 1; w <= looks[name]; w++) {
        when = at[name, w]
        line = sprintf("%-12s %10s", "  " when, mib(live[name, when]))
        for (a = 1; a <= allocators; a++)
            line = line mib(shown[name, alloc[a], when])
        print line
    }
    print ""
}

{
    if (!(($1, $3) in live)) {
        live[$1, $3] = $5
        at[$1, ++looks[$1]] = $3
    }
    shown[$1, $2, $3] = $1 == "huge" ? $9 : $7
}

BEGIN {
    allocators = split(allocs, alloc, " ")
}

END {
    n = split(names, name, " ")
    for (i = 1; i <= n; i++)
        if (looks[name[i]])
            table(name[i])
}
