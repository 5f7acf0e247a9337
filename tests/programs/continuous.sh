#!/bin/sh
# Real programs' profiles, fetched as Grafana Alloy and Parca fetch them by
# themselves, obey what these and Pyroscope require; and what we ship to send
# one by hand sends it whole.
. "$(dirname "$0")/_lib.sh"
need redis-server redis-cli redis-benchmark curl jq python3 promtool
rules=$build/tests/test_serve_continuous
if [ ! -x "$rules" ]; then
    echo "skip: this build has no $rules"
    exit 77
fi

serve redis-server --port 0 --unixsocket redis.sock --dir "$scratch/work" \
    --save '' --appendonly no --io-threads 2 --logfile "$scratch/work/log"
wait_until redis-cli -s redis.sock ping || fail "no redis: $(cat log)"
work() {
    redis-benchmark -s redis.sock -q -n 20000 -r 20000 -d 300 -P 16 \
        -t set,lpush,hset,zadd >bench.out 2>&1 || fail "redis-benchmark failed"
}

# fetch PREFIX DIR: what both ask for when nobody told them what to ask for.
fetch() {
    mkdir -p "$2"
    for path in allocs block goroutine mutex 'profile?seconds=14'; do
        name=${path%\?*}
        curl -fsS --max-time 10 -D "$2/$name.head" -o "$2/$name" \
            "$url$1/debug/pprof/$path" || fail "$1/debug/pprof/$path"
        grep -qi '^content-type: application/octet-stream' "$2/$name.head" ||
            fail "$path: $(cat "$2/$name.head")"
        rm -f "$2/$name.head"
    done
    "$rules" instant "$2"/* >broken.txt || fail "$(cat broken.txt)"
}

work
fetch '' first
[ "$(curl -fsS "$url/sd" | jq length)" = 1 ] || fail "/sd: $(curl "$url/sd")"
prefix=$(curl -fsS "$url/sd" | jq -r '.[0].labels.__profile_path_prefix__')
fetch "$prefix" one
curl -fsS -o delta "$url/debug/pprof/heap?seconds=1"
"$rules" delta delta || fail "the delta breaks the rules"

# Alloy subtracts what it saw before: no stack may have less than it had.
work
redis-cli -s redis.sock flushall >/dev/null
fetch "$prefix" two
cat >fell.py <<'END'
import re, subprocess, sys
def stacks(path):
    "alloc_objects and alloc_space by stack and block size"
    raw = subprocess.run(["go", "tool", "pprof", "-raw", path], check=True,
                         capture_output=True, text=True).stdout
    body = raw.split("Samples:\n")[1].split("Locations\n")[0]
    found, row = {}, None
    for line in body.splitlines():
        m = re.match(r" *(\d+) +(\d+) +\d+ +\d+: (.*)", line)
        if m:
            row = (int(m[1]), int(m[2]), m[3].strip())
        elif row and "bytes:[" in line:
            found[row[2], line.strip()] = row[:2]
    return found, raw
def named(path):
    "the same by addresses: numbers of locations differ between profiles"
    found, raw = stacks(path)
    at = dict(re.findall(r"^ *(\d+): (0x[0-9a-f]+) M", raw, re.M))
    return {(tuple(at[n] for n in stack.split()), label): v
            for (stack, label), v in found.items()}
before, after = named(sys.argv[1]), named(sys.argv[2])
assert len(before) > 10, "only %d stacks" % len(before)
for key, (objects, space) in before.items():
    now = after.get(key, (0, 0))
    assert now[0] >= objects and now[1] >= space, (key, now, objects, space)
END
if command -v go >/dev/null; then
    for profile in first/*; do
        GOCACHE=$(go env GOCACHE) GOTOOLCHAIN=local PPROF_TMPDIR=$scratch/work \
            go tool pprof -top "$profile" >top.txt 2>&1 ||
            fail "pprof $profile: $(cat top.txt)"
        case $profile in
        */mutex | */block | */profile)
            head -1 top.txt | grep -q '^Weir ' ||
                fail "$profile does not say why it is empty: $(cat top.txt)" ;;
        esac
    done
    GOCACHE=$(go env GOCACHE) GOTOOLCHAIN=local PPROF_TMPDIR=$scratch/work \
        python3 fell.py one/allocs two/allocs 2>fell.err ||
        fail "a stack has less than before: $(tail -3 fell.err)"
else
    skip_part "no go on this machine; script/setup installs it"
fi

# What is sent by hand is the profile, in the words of Pyroscope's interface.
cat >receiver.py <<'END'
import base64, http.server, json, sys
class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        series = body["series"][0]
        labels = {l["name"]: l["value"] for l in series["labels"]}
        with open("received", "wb") as out:
            out.write(base64.b64decode(series["samples"][0]["rawProfile"]))
        with open("received.txt", "w") as out:
            print(self.path, self.headers["Content-Type"],
                  labels["__name__"], labels["service_name"],
                  labels["__delta__"], file=out)
        self.send_response(200)
        self.end_headers()
    def log_message(self, *args):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
print(server.server_port, flush=True)
server.handle_request()
END
push=$source_dir/packaging/profilers/pyroscope-push
python3 receiver.py >port 2>receiver.err &
wait_until test -s port
"$push" "http://127.0.0.1:$(cat port)" redis two/allocs ||
    fail "pyroscope-push: $(cat receiver.err)"
cmp -s two/allocs received || fail "another profile was received"
[ "$(cat received.txt)" = \
    '/push.v1.PusherService/Push application/json memory redis false' ] ||
    fail "received: $(cat received.txt)"
"$push" http://127.0.0.1:9 'no"name' two/allocs 2>push.err &&
    fail "a name with a quote was sent"
"$push" http://127.0.0.1:9 redis no-such-file 2>push.err &&
    fail "a profile that is not there was sent"
grep -q 'there is no profile at no-such-file' push.err ||
    fail "pyroscope-push says: $(cat push.err)"

# The configurations: what they name, we have. Parca takes its targets in
# Prometheus's words, so promtool can read that part.
for file in weir.alloy parca.yaml; do
    grep -q "url.*http://127.0.0.1:6060/sd" \
        "$source_dir/packaging/profilers/$file" || fail "$file: no /sd"
done
sed -n '/^scrape_configs/,$p' "$source_dir/packaging/profilers/parca.yaml" \
    >parca.yml
promtool check config parca.yml >check.out 2>&1 ||
    fail "promtool on parca.yaml: $(cat check.out)"

redis-cli -s redis.sock shutdown nosave 2>/dev/null
served_ends 0
finish
