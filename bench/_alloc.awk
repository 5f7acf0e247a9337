# The table of alloc.sh, and its goals.
#
#     awk -f _alloc.awk -v allocs="glibc weir jemalloc" ROWS
#
# A row is "GROUP NAME ALLOC ROUND CPU WALL PEAK", the times per operation in
# ns and the peak in KiB. Runs of one round were made one after the other: the
# ratio to glibc is taken within the round, then the median over the rounds.
# The spread is half the distance between the quartiles, in per cent.

# The value below which that part of v[1..n] lies; v gets sorted.
function quantile(v, n, part,    i, j, x, at) {
    for (i = 2; i <= n; i++) {
        x = v[i]
        for (j = i - 1; j > 0 && v[j] > x; j--)
            v[j + 1] = v[j]
        v[j + 1] = x
    }
    at = 1 + part * (n - 1)
    i = int(at)
    return i < n ? v[i] + (at - i) * (v[i + 1] - v[i]) : v[n]
}

# Fills sample[] with the ratios of alloc to glibc; how many there are.
function ratios(value, name, alloc,    r, n) {
    delete sample
    for (r = 1; r <= rounds; r++)
        if ((name, "glibc", r) in value && (name, alloc, r) in value &&
            value[name, "glibc", r] > 0)
            sample[++n] = value[name, alloc, r] / value[name, "glibc", r]
    return n + 0
}

function plain(value, name,    r, n) {
    delete sample
    for (r = 1; r <= rounds; r++)
        if ((name, "glibc", r) in value)
            sample[++n] = value[name, "glibc", r]
    return n ? quantile(sample, n, 0.5) : 0
}

function add_to_mean(group, alloc, t, m) {
    time_sum[group, alloc] += log(t)
    peak_sum[group, alloc] += log(m)
    count[group, alloc]++
}

function cell(name, alloc,    n, t, m, spread) {
    n = ratios(cpu, name, alloc)
    if (!n)
        return sprintf("%19s", "-")
    t = quantile(sample, n, 0.5)
    spread = 50 * (quantile(sample, n, 0.75) - quantile(sample, n, 0.25))
    n = ratios(peak, name, alloc)
    m = quantile(sample, n, 0.5)
    time_of[name, alloc] = t
    peak_of[name, alloc] = m
    add_to_mean(group_of[name], alloc, t, m)
    add_to_mean("all", alloc, t, m)
    return sprintf("  %6.3f %3.0f%% %6.3f", t, spread, m)
}

# An amount of time that may be of a call or of a whole program.
function pretty(ns) {
    if (ns >= 1e6)
        return sprintf("%.1f ms", ns / 1e6)
    return ns >= 1e4 ? sprintf("%.1f us", ns / 1e3) : sprintf("%.1f ns", ns)
}

function mean_row(group,    a, line) {
    line = sprintf("%-15s %10s %8s", "mean " group, "", "")
    for (a = 2; a <= allocators; a++)
        line = line (count[group, alloc[a]] ? sprintf("  %6.3f      %6.3f",
            exp(time_sum[group, alloc[a]] / count[group, alloc[a]]),
            exp(peak_sum[group, alloc[a]] / count[group, alloc[a]])) : \
            sprintf("%19s", "-"))
    print line
}

function goal(name, measured, wanted) {
    print "goal " name " measured " measured " wanted " wanted
}

function mean_time(alloc) {
    return exp(time_sum["all", alloc] / count["all", alloc])
}

# The largest of of[name] where it counts, as "RATIO (NAME)".
function worst(of, only_large,    i, name, w, who) {
    for (i = 1; i <= names; i++) {
        name = order[i]
        if (only_large && plain(peak, name) < LARGE_KIB)
            continue
        if ((name, "weir") in of && of[name, "weir"] > w) {
            w = of[name, "weir"]
            who = name
        }
    }
    return sprintf("%.3f (%s)", w, who)
}

function goal_of_peers(    a, best, who) {
    for (a = 3; a <= allocators; a++)
        if (count["all", alloc[a]] &&
            (!best || mean_time(alloc[a]) < best)) {
            best = mean_time(alloc[a])
            who = alloc[a]
        }
    if (best)
        goal("alloc-time-to-best-peer", sprintf("%.3f (%s)",
            mean_time("weir") / best, who), "below 1")
}

# Real programs against whichever peer is best at each.
function goal_of_programs(    i, a, best, name, w, who) {
    for (i = 1; i <= names; i++) {
        name = order[i]
        if (group_of[name] != "program")
            continue
        best = 1 # glibc is a peer too
        for (a = 3; a <= allocators; a++)
            if ((name, alloc[a]) in time_of && time_of[name, alloc[a]] < best)
                best = time_of[name, alloc[a]]
        if (time_of[name, "weir"] / best > w) {
            w = time_of[name, "weir"] / best
            who = name
        }
    }
    if (who != "")
        goal("alloc-program-to-best-peer", sprintf("%.3f (%s)", w, who), 1.03)
}

function goal_of_memory(    i, name, sum, n) {
    for (i = 1; i <= names; i++) {
        name = order[i]
        if (plain(peak, name) < LARGE_KIB || !((name, "weir") in peak_of))
            continue
        sum += log(peak_of[name, "weir"])
        n++
    }
    if (!n)
        return
    goal("alloc-rss-geomean", sprintf("%.3f", exp(sum / n)), 1.05)
    goal("alloc-rss-largest", worst(peak_of, 1), 1.3)
}

BEGIN {
    LARGE_KIB = 8192 # below that a ratio says little: see goal small-rss
    allocators = split(allocs, alloc, " ")
}

{
    if (!($2 in group_of)) {
        order[++names] = $2
        group_of[$2] = $1
    }
    if (!($1 in seen_group)) {
        seen_group[$1] = 1
        group_order[++groups] = $1
    }
    rounds = $4 > rounds ? $4 : rounds
    cpu[$2, $3, $4] = $5
    wall[$2, $3, $4] = $6
    peak[$2, $3, $4] = $7
}

END {
    line = sprintf("%-15s %10s %8s", "", "glibc", "MiB")
    for (a = 2; a <= allocators; a++)
        line = line sprintf("  %17s", alloc[a])
    print line
    line = sprintf("%-15s %10s %8s", "", "time", "rss")
    for (a = 2; a <= allocators; a++)
        line = line "    time +-     rss"
    print line
    for (i = 1; i <= names; i++) {
        name = order[i]
        line = sprintf("%-15s %10s %8.1f", name, pretty(plain(cpu, name)),
            plain(peak, name) / 1024)
        for (a = 2; a <= allocators; a++)
            line = line cell(name, alloc[a])
        print line
    }
    print ""
    for (g = 1; g <= groups; g++)
        mean_row(group_order[g])
    if (groups > 1)
        mean_row("all")
    print ""
    if (!count["all", "weir"])
        exit
    goal("alloc-time-geomean", sprintf("%.3f", mean_time("weir")), 0.58)
    goal_of_peers()
    goal("alloc-time-slowest", worst(time_of, 0), 1.05)
    goal_of_programs()
    goal_of_memory()
}
