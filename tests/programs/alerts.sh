#!/bin/sh
# The alerts fire when they should and not otherwise, by Prometheus's own test
# runner; the configuration that we ship is one it takes.
. "$(dirname "$0")/_lib.sh"
need promtool
cp "$source_dir"/packaging/prometheus/* .

promtool check config prometheus.yml >check.out 2>&1 ||
    fail "promtool check config: $(cat check.out)"
promtool test rules weir.rules.test.yml >test.out 2>&1 ||
    fail "promtool test rules: $(cat test.out)"

# Each alert is tested both ways: there is a time at which it fires and one at
# which it does not.
for alert in $(sed -n 's/^ *- alert: //p' weir.rules.yml); do
    sed -n "/alertname: $alert\$/,/exp_alerts/p" weir.rules.test.yml >tested
    grep -q 'exp_alerts:$' tested || fail "nothing makes $alert fire"
    grep -q 'exp_alerts: \[\]' tested || fail "nothing keeps $alert quiet"
done

# Every series that an alert or the dashboard asks for is one that we have.
serve perl -e '$| = 1; print "ready\n"; sleep 1 until -e "stop"'
curl -fsS "$url/metrics" >metrics.txt
touch stop
served_ends 0
# Those of a collector are of a program that has one.
serve "$build/examples/20-watched" 100
wait_until grep -q requests "$scratch/serve.out" || fail "it does not begin"
curl -fsS "$url/metrics" >>metrics.txt
kill "$(curl -fsS "$url/api/processes" | sed -n 's/.*"main":\([0-9]*\),.*/\1/p')"
served_ends 143
cp "$source_dir/packaging/grafana/weir.json" .
for name in $(grep -ohE '\b(weir|process)_[a-z_]+' weir.rules.yml weir.json |
    sort -u); do
    grep -q "^$name\(_total\)\?[ {]" metrics.txt || fail "there is no $name"
done
finish
