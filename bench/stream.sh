#!/bin/sh
# A CSV file of 1 GB, read as a stream and whole: time and peak memory
#
#     bench/stream.sh BUILD [MEGABYTES [ROUNDS]]
#
# Peers: libcsv and Go's encoding/csv, on the same file from the page cache.
# Processor time and elapsed time are the best of the rounds, which take turns.
# Goals: as fast as reading it whole and then going through it, at most 8 MiB of
# memory, ahead of libcsv, twice as fast as Go, and as much won over reading it
# whole as in Go.
. "$(dirname "$0")/_lib.sh"
megabytes=${1-1000}
rounds=${2-3}
prog=$build/bench/bench_csv
[ -x "$prog" ] || { echo "bench: no bench_csv in $build (libcsv-dev?)" >&2; exit 1; }

# Not in memory, which is what is measured.
file=$build/bench/stream.csv
trap 'rm -rf "$tmp" "$file"' EXIT
"$python" - "$megabytes" >"$file" <<'END'
import random, sys
random.seed(1)
lines = []
for i in range(20000):
    name = random.choice(["Smith", "Jones, Jr.", 'the "Duke"', "Li", "Garcia"])
    if any(c in name for c in ',"'):
        name = '"%s"' % name.replace('"', '""')
    lines.append("%d,%s,2024-%02d-%02d,%d,%.2f,%s,%s\n" % (
        i * 7919, name, 1 + i % 12, 1 + i % 28, random.randrange(10**6),
        random.uniform(1, 1000), random.choice(["new", "paid", "shipped"]),
        "x" * random.randrange(4, 30)))
block = "".join(lines)
left = int(sys.argv[1]) * 1000000
while left > 0:
    sys.stdout.write(block[:block.rindex("\n", 0, left) + 1]
                     if left < len(block) else block)
    left -= len(block)
END
cat "$file" >/dev/null
bytes=$(wc -c <"$file")
if has go; then
    GOCACHE=$tmp/go GOFLAGS='' GO111MODULE=off go build -o "$tmp/go-csv" \
        "$here/stream/csv.go" || rm -f "$tmp/go-csv"
fi

# once NAME COMMAND...: a line "NAME cpu elapsed peak answer" to the results
once() {
    name=$1
    shift
    "$python" - "$name" "$@" >>"$tmp/results" <<'END'
import os, subprocess, sys, time
before = time.monotonic()
p = subprocess.Popen(sys.argv[2:], stdout=subprocess.PIPE)
answer, peak = p.stdout.read().decode().strip().split("\n")
_, status, use = os.wait4(p.pid, 0)
print(sys.argv[1], use.ru_utime + use.ru_stime, time.monotonic() - before,
      peak, answer.replace(" ", "_"), status)
END
}

for _ in $(seq "$rounds"); do
    once stream env LD_PRELOAD="$lib" "$prog" stream "$file"
    once lines env LD_PRELOAD="$lib" "$prog" lines "$file"
    once whole env LD_PRELOAD="$lib" "$prog" whole "$file"
    once read env LD_PRELOAD="$lib" "$prog" read "$file"
    once libcsv "$prog" libcsv "$file"
    [ -x "$tmp/go-csv" ] || continue
    once go "$tmp/go-csv" "$file"
    once go-whole "$tmp/go-csv" "$file" whole
done
awk -v bytes="$bytes" '
    function goal(name, measured, wanted) {
        printf "goal %s measured %.2f wanted %.2f\n", name, measured, wanted
    }
    {
        if (!($1 in cpu) || $2 < cpu[$1]) cpu[$1] = $2
        if ($2 > worst[$1]) worst[$1] = $2
        if (!($1 in wall) || $3 < wall[$1]) wall[$1] = $3
        if ($4 > peak[$1]) peak[$1] = $4
        answer[$1] = $5
        if (!($1 in at)) { at[$1] = ++n; name[n] = $1 }
    }
    END {
        printf "%-8s %9s %9s %9s %9s %10s\n", "way", "cpu s", "worst", \
            "elapsed", "MB/s", "peak KiB"
        for (i = 1; i <= n; i++)
            printf "%-8s %9.2f %9.2f %9.2f %9.0f %10d  %s\n", name[i], \
                cpu[name[i]], worst[name[i]], wall[name[i]], \
                bytes / 1e6 / wall[name[i]], peak[name[i]], answer[name[i]]
        goal("kit-stream-time-beside-reading-it-whole", \
            wall["stream"] / wall["whole"], 1)
        goal("kit-stream-peak-KiB", peak["stream"], 8192)
        goal("kit-stream-times-as-fast-as-libcsv", \
            cpu["libcsv"] / cpu["stream"], 1)
        if (!("go" in cpu))
            exit
        goal("kit-stream-times-as-fast-as-go", cpu["go"] / cpu["stream"], 2)
        goal("kit-stream-times-less-memory-than-whole", \
            peak["whole"] / peak["stream"], peak["go-whole"] / peak["go"])
        goal("kit-stream-times-as-fast-as-whole", \
            wall["whole"] / wall["stream"], wall["go-whole"] / wall["go"])
    }' "$tmp/results"
