#!/bin/sh
# /metrics is what Go's own client library writes, name by name and type by
# type, and what promtool finds nothing wrong with.
. "$(dirname "$0")/_lib.sh"
need redis-server redis-cli curl promtool

sock=$scratch/work/redis.sock
serve redis-server --port 0 --unixsocket "$sock" --dir "$scratch/work" \
    --save '' --appendonly no --logfile "$scratch/work/log"
wait_until redis-cli -s "$sock" ping || fail "redis did not come up: $(cat log)"

curl -fsS -D head.txt "$url/metrics" >metrics.txt
grep -qix 'content-type: text/plain; version=0.0.4; charset=utf-8.' head.txt ||
    fail "another content type: $(cat head.txt)"
promtool check metrics <metrics.txt >check.out 2>&1 ||
    fail "promtool check metrics: $(cat check.out)"
curl -fsS "$url/metrics?go=0" >without.txt
promtool check metrics <without.txt >check.out 2>&1 ||
    fail "promtool check metrics, without go: $(cat check.out)"
grep -q go_ without.txt && fail "go=0 leaves go_ in: $(grep go_ without.txt)"

value() { # name file
    awk -v name="$1" '$1 == name { printf "%d", $2 }' "${2-metrics.txt}"
}

# A second look: what is counted has not fallen, and grew with the work.
redis-benchmark -s "$sock" -q -n 20000 -r 20000 -d 100 -P 16 -t set,lpush \
    >bench.out 2>&1 || fail "redis-benchmark failed"
curl -fsS "$url/metrics" >later.txt
for name in $(sed -n 's/^# TYPE \(.*\) counter$/\1/p' metrics.txt); do
    [ "$(value "$name" later.txt)" -ge "$(value "$name")" ] ||
        fail "$name fell from $(value "$name") to $(value "$name" later.txt)"
done
[ "$(value weir_allocations_total later.txt)" -gt \
    "$(($(value weir_allocations_total) + 10000))" ] ||
    fail "no allocations were counted"

# Redis counts its memory itself: what malloc says its blocks occupy.
used=$(redis-cli -s "$sock" info memory | tr -d '\r' |
    sed -n 's/^used_memory://p')
curl -fsS "$url/metrics" >later.txt
live=$(value weir_live_bytes later.txt)
[ "$live" -gt $((used * 9 / 10)) ] && [ "$live" -lt $((used * 13 / 10)) ] ||
    fail "weir_live_bytes is $live, redis says $used"

# What the kernel says, of the same process.
pid=$(redis-cli -s "$sock" info server | tr -d '\r' |
    sed -n 's/^process_id://p')
[ "$(value process_max_fds)" = "$(awk '/open files/ { print $4 }' \
    "/proc/$pid/limits")" ] || fail "process_max_fds"
[ "$(value go_threads)" -ge 1 ] && [ "$(value process_open_fds)" -gt 5 ] ||
    fail "go_threads, process_open_fds"
curl -fsS "$url/pid/$pid/metrics" >one.txt
[ "$(value process_start_time_seconds one.txt)" = \
    "$(value process_start_time_seconds)" ] || fail "/pid/$pid/metrics"

# Names and types of Go.
golang=/usr/share/gocode
if ! command -v go >/dev/null ||
    [ ! -d $golang/src/github.com/prometheus/client_golang ]; then
    skip_part "no go, or no golang-github-prometheus-client-golang-dev;" \
        "script/setup installs them"
else
    mkdir go
    cat >go/main.go <<'END'
package main

import (
	"os"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"
)

func print(to string, from prometheus.Gatherer) {
	file, err := os.Create(to)
	if err != nil {
		panic(err)
	}
	families, err := from.Gather()
	if err != nil {
		panic(err)
	}
	for _, family := range families {
		expfmt.MetricFamilyToText(file, family)
	}
}

// What it tells unasked, and all that it can tell.
func main() {
	all := prometheus.NewRegistry()
	all.MustRegister(collectors.NewGoCollector(
		collectors.WithGoCollectorRuntimeMetrics(collectors.MetricsAll)))
	print("gos.txt", prometheus.DefaultGatherer)
	print("all.txt", all)
}
END
    GOCACHE=$(go env GOCACHE) GO111MODULE=off GOPATH=$golang GOFLAGS= \
        GOTOOLCHAIN=local go run go/main.go 2>go.err ||
        fail "Go's exporter: $(tail -5 go.err)"
    grep '^# TYPE' gos.txt | sort >gos.types
    grep '^# TYPE' metrics.txt | sort >our.types
    [ "$(grep -c 'TYPE go_' gos.types)" -gt 25 ] || fail "Go has: $(cat gos.txt)"
    missing=$(comm -23 gos.types our.types)
    [ -z "$missing" ] || fail "Go has and we have not: $missing"
    # Its series too: the same quantiles, sums and counts.
    for file in gos metrics; do
        sed -n 's/^\(go_[^ ]*\|process_[^ ]*\) .*/\1/p' $file.txt |
            sed 's/version="[^"]*"/version=""/' | sort >$file.series
    done
    missing=$(comm -23 gos.series metrics.series)
    [ -z "$missing" ] || fail "series that Go has and we have not: $missing"
fi

redis-cli -s "$sock" shutdown nosave 2>/dev/null
served_ends 0

# The manual page tells of each name, and of no other. Those of collectors,
# pools and caches are of programs that have them.
serve "$build/examples/20-watched" 100
wait_until grep -q requests "$scratch/serve.out" || fail "it does not begin"
curl -fsS "$url/metrics" >watched.txt
kill "$(curl -fsS "$url/api/processes" | sed -n 's/.*"main":\([0-9]*\),.*/\1/p')"
served_ends 143
# Nothing is called Go's that is not; one gauge was in older versions of it.
if [ -s all.txt ]; then
    grep -h '^# TYPE go_' gos.txt all.txt | sort -u >gos.types
    more=$(grep -h '^# TYPE go_' metrics.txt watched.txt | sort -u |
        comm -23 - gos.types | grep -v ' go_memstats_gc_cpu_fraction gauge$')
    [ -z "$more" ] || fail "names that Go does not have: $more"
    grep -q '^# TYPE go_cpu_classes_gc_mark_dedicated' watched.txt ||
        fail "no cycles' processor time: $(grep TYPE watched.txt)"
fi
grep -ohE '^weir_[a-z_]+' metrics.txt watched.txt | sort -u >names.txt
grep -oE '^weir_[a-z_]+' "$source_dir/packaging/man/weir-metrics.7.in" |
    sort -u >told.txt
cmp -s names.txt told.txt ||
    fail "weir-metrics(7) differs: $(diff names.txt told.txt)"
finish
