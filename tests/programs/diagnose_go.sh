#!/bin/sh
# Programs of Go, by their /debug/pprof: one that grows, one whose goroutines
# never end, one at rest; and two saved profiles of the first.
. "$(dirname "$0")/_lib.sh"
need go jq curl
mkdir trouble
cat >trouble/go.mod <<'END'
module trouble

go 1.19
END
cat >trouble/main.go <<'END'
package main

import (
	"net"
	"net/http"
	_ "net/http/pprof"
	"fmt"
	"os"
	"time"
)

var cache [][]byte

func cachePut() { cache = append(cache, make([]byte, 64<<10)) }

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(l.Addr())
	go http.Serve(l, nil)
	for i := 0; i < 100000; i++ {
		switch os.Args[1] {
		case "grows":
			cachePut()
		case "waits":
			go func() { select {} }()
		}
		time.Sleep(20 * time.Millisecond)
	}
}
END
(cd trouble && GOFLAGS=-mod=mod GO111MODULE=on go build -o ../gotrouble . \
    2>build.err) || { echo "skip: go build: $(cat trouble/build.err)"; exit 77; }

n=0
for kind in grows waits rests; do
    n=$((n + 1))
    env "$mark" ./gotrouble $kind >address.$n &
    echo $! >pid.$n
done
for i in 1 2 3; do wait_until test -s address.$i; done
curl -s "http://$(cat address.1)/debug/pprof/heap" >before.pb.gz
for i in 1 2 3; do
    # Once more where the machine had other things to do.
    for _ in 1 2 3; do
        "$weir" diagnose --json --for 12 \
            "http://$(cat address.$i)/debug/pprof/" >verdict.$i 2>err.$i
        echo $? >status.$i
        [ $i != 3 ] && grep -q '^0$' status.$i || break
    done &
    echo $! >watch.$i
done
for i in 1 2 3; do
    wait "$(cat watch.$i)"
done
curl -s "http://$(cat address.1)/debug/pprof/heap?gc=1" >after.pb.gz

judged() {
    got="$(jq -r .verdict "verdict.$1") $(cat "status.$1")"
    [ "$got" = "$2" ] || fail "$3: $got: $(cat "verdict.$1" "err.$1")"
}
judged 1 "leak 12" "a slice that grows"
judged 2 "threads 14" "goroutines that wait for ever"
judged 3 "healthy 0" "a program at rest"
jq -r '.findings[0].site' verdict.1 | grep -q cachePut ||
    fail "culprit: $(cat verdict.1)"
"$weir" diagnose --json before.pb.gz after.pb.gz >two.json 2>err.txt
[ $? = 12 ] || fail "two profiles: $(cat two.json err.txt)"
[ "$(jq -r .certainty two.json)" = low ] || fail "two moments prove nothing"
"$weir" diagnose --for 2 "http://$(cat address.1)/nowhere" >out.txt 2>err.txt
"$weir" diagnose http://127.0.0.1:1/ >out.txt 2>err.txt
[ $? = 1 ] && [ ! -s out.txt ] || fail "nobody answers: $(cat out.txt err.txt)"
for i in 1 2 3; do
    kill -9 "$(cat pid.$i)"
    wait "$(cat pid.$i)"
done 2>/dev/null
finish
