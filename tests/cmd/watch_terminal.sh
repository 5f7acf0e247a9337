#!/bin/sh
# weir watch in a terminal (tmux): it shows the minutes before it was started,
# follows the program, obeys keys and sizes, and stays when the program ends.
. "$(dirname "$0")/_lib.sh"

command -v tmux >/dev/null || {
    echo "skip: tmux is not installed (script/setup)"
    exit 77
}
tmux -L "probe$$" new-session -d 'sleep 1' 2>/dev/null || {
    echo "skip: this machine gives no terminals (/dev/pts)"
    exit 77
}
compile grower -g -O0 <<'END' || {
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
__attribute__((noinline)) void keep_it(void)
{
    memset(malloc(20000), 1, 20000);
}
__attribute__((noinline)) void drop_it(void)
{
    free(memset(malloc(30000), 1, 30000));
}
int main(void)
{
    while (access("stop", F_OK) != 0) {
        keep_it();
        drop_it();
        usleep(10000);
    }
    return 0;
}
END
    echo "skip: needs a C compiler"
    exit 77
}

export TMUX_TMPDIR="$tmp"
server=0
in_tmux() {
    tmux -L "weir$server" -f /dev/null "$@" 2>>tmux.log
}
pane() {
    in_tmux capture-pane -p >screen
}
keys() {
    in_tmux send-keys "$@"
}
# The screen shows WORDS, within ten seconds.
shown() {
    for _ in $(seq 100); do
        pane
        grep -qF -e "$1" screen && return
        sleep 0.1
    done
    fail "no \"$1\" on the screen:"
    cat screen >&2
}
not_shown() {
    for _ in $(seq 100); do
        pane
        grep -qF -e "$1" screen || return
        sleep 0.1
    done
    fail "\"$1\" stays on the screen"
}
# A terminal of that size, with weir watch in it.
watch() {
    in_tmux kill-server
    server=$((server + 1))
    in_tmux new-session -d -x "$1" -y "$2" \
        "env $3 '$weir' watch $pid; echo status \$?; exec sleep 1000"
}
trap 'touch "$tmp/stop"; in_tmux kill-server
      rm -rf "$tmp"' EXIT

WEIR=sample=16K LD_PRELOAD="$build/lib/libweir.so.0" ./grower &
pid=$!
sleep 3

watch 100 24 LC_ALL=C.UTF-8
shown "grower  pid $pid"
shown "keep_it  grower.c:6  < main"
grep -q '█' screen || fail "no graph of the time before in $(cat screen)"
keys Enter
shown "#0   keep_it  grower.c:6"
shown ">     6      memset(malloc(20000), 1, 20000);"
keys q
shown "Change"
keys d
shown "marked: changes count from here"
keys /
keys -l drop
shown "/drop_"
not_shown keep_it
keys Escape
shown keep_it
keys s
shown "wrote grower.$pid.heap.pb.gz"
keys s
shown "wrote grower.$pid.2.heap.pb.gz"
keys f
shown "wrote grower.$pid.flame.html"
"$weir" top "grower.$pid.heap.pb.gz" >top 2>&1
says keep_it top
says keep_it "grower.$pid.flame.html"
keys '?'
shown "write a flame graph"
keys q
in_tmux resize-window -x 45 -y 10
not_shown Blocks
shown keep_it
in_tmux resize-window -x 120 -y 30
shown Allocated

# Another terminal: no UTF-8, no colour. Then the program ends.
watch 80 24 "LC_ALL=C NO_COLOR=1"
shown keep_it
grep -q '[^ -~]' screen && fail "letters the terminal has not: $(cat screen)"
in_tmux capture-pane -e -p | grep -q '\[3[0-7]m' && fail "colours"
touch stop
wait
shown "it has ended"
shown keep_it
keys q
shown "status 0"

# No terminal: text, to the end; its reader may leave before.
rm stop
WEIR=sample=16K LD_PRELOAD="$build/lib/libweir.so.0" ./grower &
pid=$!
sleep 1.5
"$weir" watch -n 0.2 $pid >text 2>err &
watching=$!
"$weir" watch -n 0.2 --json $pid | head -2 | python3 -c '
import json, sys
a, b = [json.loads(line) for line in sys.stdin]
assert a["pid"] == b["pid"] and b["uptime_s"] >= a["uptime_s"], (a, b)
assert any(s["function"] == "keep_it" for s in b["sites"]), b' ||
    fail "JSON is not as told"
TERM=dumb "$weir" watch --once $pid >once
says keep_it once
touch stop
wait $watching || fail "the text ended with $?: $(cat err)"
says "it has ended" text
is "$(cat err)" "" "what was said"
finish
