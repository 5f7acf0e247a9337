#!/bin/sh
# A real Prometheus with our configuration scrapes two real programs for a
# minute; then every query of our dashboard, and those of dashboards made for
# Go programs, have data, and the rules are evaluated without an error.
#
# WEIR_TEST_SECONDS: how long it scrapes.
. "$(dirname "$0")/_lib.sh"
need redis-server redis-cli redis-benchmark curl jq prometheus promtool
seconds=${WEIR_TEST_SECONDS-45}

# A run of two processes: the program itself, and one that it started.
redis() {
    echo "redis-server --port 0 --unixsocket $scratch/work/$1.sock \
        --dir $scratch/work --save '' --appendonly no --logfile $1.log"
}
serve sh -c "$(redis other) & exec $(redis main)"
for name in main other; do
    wait_until redis-cli -s $name.sock ping || fail "no redis: $(cat $name.log)"
done
server=${url#http://}

# The configuration that we ship, with this address and in a hurry.
prometheus=127.0.0.1:$(free_port)
mkdir prometheus
cp "$source_dir"/packaging/prometheus/*.yml prometheus
sed -i "s/15s/1s/; s/127.0.0.1:60[0-9]*/$server/" prometheus/prometheus.yml
env "$mark" prometheus --config.file=prometheus/prometheus.yml \
    --storage.tsdb.path="$scratch/work/data" --log.level=warn \
    --web.listen-address="$prometheus" >prometheus.log 2>&1 &
prometheus_pid=$!
wait_until curl -fsS "http://$prometheus/-/ready" ||
    fail "prometheus does not come up: $(tail -3 prometheus.log)"

load() {
    redis-benchmark -s main.sock -q -n 3000 -r 20000 -d 200 -P 16 -c 5 \
        -t set,lpush,hset >bench.out 2>&1 || fail "redis-benchmark failed"
}

query() { # a JSON list of values, by instance
    curl -fsS "http://$prometheus/api/v1/query" --data-urlencode "query=$1" |
        jq -c '.data.result'
}

# Has a query data, and only numbers? The variables of Grafana are filled in.
has_data() {
    filled=$(printf '%s' "$1" | sed 's/\$__rate_interval/10s/g
        s/\$job/.*/g; s/\$instance/.*/g; s/\$program/.*/g')
    query "$filled" | jq -e 'length > 0 and all(.value[1] != "NaN")' \
        >/dev/null || fail "no data: $filled"
}

# It finds both processes, and the run as a whole; then the time counts.
three_are_up() {
    [ "$(query up | jq 'map(.value[1] | tonumber) | add')" = 3 ]
}
wait_until three_are_up || wait_until three_are_up || fail "up: $(query up)"
until_second=$(($(date +%s) + seconds))
while [ "$(date +%s)" -lt $until_second ]; do
    load
    sleep 1
done

# All answer still.
three_are_up || fail "up: $(query up)"
pids=$(query 'count by (job) (weir_live_bytes)' |
    jq -c 'map({(.metric.job): .value[1]}) | add')
[ "$pids" = '{"my-program":"2","weir":"2"}' ] || fail "processes: $pids"
main=$(redis-cli -s main.sock info server | tr -d '\r' |
    sed -n 's/^process_id://p')
query "process_start_time_seconds{job=\"my-program\",pid=\"\"}
    == on () process_start_time_seconds{job=\"weir\",pid=\"$main\"}" |
    jq -e 'length == 1' >/dev/null ||
    fail "the program itself has labels: $(query 'weir_live_bytes')"

# Our dashboard: its panels, and its lists to choose from.
dashboard=$source_dir/packaging/grafana/weir.json
jq -r '.panels[].targets[].expr' "$dashboard" >queries.txt
[ "$(wc -l <queries.txt)" -gt 20 ] || fail "queries: $(cat queries.txt)"
# Redis has no collector and no pools of ours: their queries are only asked.
of_ours='weir_(gc|pool|cache)_'
grep -vE "$of_ours" queries.txt >plain.txt
while read -r expression; do
    has_data "$expression"
done <plain.txt
grep -E "$of_ours" queries.txt | sed 's/\$__rate_interval/10s/g' >ours.txt
while read -r expression; do
    query "$expression" | jq -e 'type == "array"' >/dev/null ||
        fail "no query: $expression"
done <ours.txt
for label in $(jq -r '.templating.list[] | select(.type == "query").query.query' \
    "$dashboard" | sed 's/.*, \([a-z]*\))/\1/'); do
    curl -fsS "http://$prometheus/api/v1/label/$label/values" |
        jq -e '.data | length > 0' >/dev/null || fail "no values of $label"
done
jq -e '[.panels[] | .title, .description | select(length == 0)] == [] and
    ([.panels[].id] | unique | length) == (.panels | length)' \
    "$dashboard" >/dev/null || fail "a panel has no title, text or number"

# What dashboards for Go programs ask (those numbered 6671 and 10826).
while read -r expression; do
    has_data "$expression"
done <<'END'
process_resident_memory_bytes{job=~"$job"}
process_virtual_memory_bytes{job=~"$job"}
rate(process_cpu_seconds_total{job=~"$job"}[$__rate_interval])
process_open_fds{job=~"$job"}
go_goroutines{job=~"$job"}
go_threads{job=~"$job"}
go_info{job=~"$job"}
go_memstats_alloc_bytes{job=~"$job"}
rate(go_memstats_alloc_bytes_total{job=~"$job"}[$__rate_interval])
rate(go_memstats_mallocs_total{job=~"$job"}[$__rate_interval])
rate(go_memstats_frees_total{job=~"$job"}[$__rate_interval])
go_memstats_heap_alloc_bytes{job=~"$job"}
go_memstats_heap_inuse_bytes{job=~"$job"}
go_memstats_heap_idle_bytes{job=~"$job"}
go_memstats_heap_released_bytes{job=~"$job"}
go_memstats_heap_sys_bytes{job=~"$job"}
go_memstats_heap_objects{job=~"$job"}
go_memstats_stack_inuse_bytes{job=~"$job"}
go_memstats_mspan_inuse_bytes{job=~"$job"} + go_memstats_mcache_inuse_bytes
go_memstats_gc_sys_bytes{job=~"$job"}
go_memstats_gc_cpu_fraction{job=~"$job"}
go_memstats_next_gc_bytes{job=~"$job"}
go_memstats_last_gc_time_seconds{job=~"$job"} * 1000
go_memstats_sys_bytes{job=~"$job"}
go_gc_duration_seconds{job=~"$job",quantile="0.75"}
rate(go_gc_duration_seconds_count{job=~"$job"}[$__rate_interval])
rate(go_gc_duration_seconds_sum{job=~"$job"}[$__rate_interval])
deriv(go_memstats_alloc_bytes{job=~"$job"}[$__rate_interval])
END

# What never falls never fell; what was done was counted.
for name in $(curl -fsS "$url/metrics" |
    sed -n 's/^# TYPE \(.*\) counter$/\1/p'); do
    query "resets($name[10m]) > 0" | jq -e 'length == 0' >/dev/null ||
        fail "$name fell: $(query "resets($name[10m]) > 0")"
done
query 'rate(weir_allocations_total{job="my-program",pid=""}[20s]) > 100' |
    jq -e 'length == 1' >/dev/null || fail "no allocations were counted"

# Every rule was evaluated.
curl -fsS "http://$prometheus/api/v1/rules" >rules.json
jq -e '[.data.groups[].rules[]] | length > 5 and all(.health == "ok")' \
    rules.json >/dev/null || fail "rules: $(jq -c '.data.groups[].rules[] |
        select(.health != "ok") | [.name, .health, .lastError]' rules.json)"
has_data weir:oldest_start_time_seconds

# A process that ends is a target no more, and its series end.
redis-cli -s other.sock shutdown nosave 2>/dev/null
gone() {
    query 'count(weir_live_bytes)' | grep -q '"2"'
}
wait_until gone || fail "an ended process is still there: $(query up)"

grep -q 'level=error' prometheus.log && fail "$(grep level=error prometheus.log)"
kill $prometheus_pid
wait $prometheus_pid
redis-cli -s main.sock shutdown nosave 2>/dev/null
served_ends 0
finish
