#!/bin/sh
# weir run and signals: what is sent to weir reaches the program, what the
# terminal sends reaches it once, and a stopped program is a stopped job.
. "$(dirname "$0")/_lib.sh"
if ! command -v bash >/dev/null || ! command -v python3 >/dev/null; then
    echo "skip: needs bash and python3"
    exit 77
fi

cat >waits.sh <<'END'
trap 'echo got TERM; exit 3' TERM
trap 'echo got INT; exit 4' INT
trap 'echo got USR1' USR1
trap 'echo got HUP; exit 5' HUP
echo ready
while :; do sleep 0.05; done
END

start() {
    rm -f log
    "$weir" run -q --http none -- bash waits.sh >log 2>&1 &
    pid=$!
    wait_for ready log
}

start
kill -USR1 $pid
wait_for "got USR1" log
kill -USR1 $pid
sleep 0.2
is "$(grep -c 'got USR1' log)" 2 "USR1 sent twice"
kill -TERM $pid
wait $pid
is $? 3 "status after TERM"
says "got TERM" log

start
kill -HUP $pid
wait $pid
is $? 5 "status after HUP"

# A signal to the whole group reaches it once, whoever else gets it too
group() {
    python3 - "$@" <<'END'
import os, signal, subprocess, sys, time
weir, both = sys.argv[1], sys.argv[2] == "both"
log = open("log", "w")
p = subprocess.Popen([weir, "run", "-q", "--http", "none", "--", "bash",
                      "waits.sh"], stdout=log, stderr=subprocess.DEVNULL,
                     start_new_session=True)
while "ready" not in open("log").read():
    time.sleep(0.02)
for _ in range(3):
    if both:
        os.kill(p.pid, signal.SIGUSR1)
    os.killpg(p.pid, signal.SIGUSR1)
    time.sleep(0.3)
os.kill(p.pid, signal.SIGUSR1)  # and one to weir alone
time.sleep(0.3)
os.killpg(p.pid, signal.SIGTERM)
sys.exit(p.wait())
END
}
group "$weir" once
is $? 3 "status after TERM to the group"
is "$(grep -c 'got USR1' log)" 4 "three times USR1 to the group, one to weir"
is "$(grep -c 'got TERM' log)" 1 "TERM to the group"
group "$weir" both
is "$(grep -c 'got USR1' log)" 4 "the same, each time to weir too"

# A program that ignores it goes on
rm log
"$weir" run -q --http none -- bash -c 'trap "" TERM; echo ready; sleep 0.5
    exit 6' >log 2>&1 &
pid=$!
wait_for ready log
kill -TERM $pid
wait $pid
is $? 6 "status of a program that ignores TERM"

# The terminal: ^C reaches the program once, weir survives it and tells the
# program's status; ^Z stops both, and fg goes on with both.
cat >terminal.py <<'END'
import os, pty, sys, time, signal, re

weir, script = sys.argv[1], sys.argv[2]
pid, fd = pty.fork()
if pid == 0:
    os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
seen = ""

def until(words, start=0):
    global seen
    import select
    end = time.time() + 10
    while time.time() < end:
        if words in seen[start:]:
            return True
        if select.select([fd], [], [], 0.1)[0]:
            try:
                seen += os.read(fd, 4096).decode(errors="replace")
            except OSError:
                break
    print("never saw", repr(words), "in", repr(seen[start:]))
    sys.exit(1)

def send(text):
    at = len(seen)
    os.write(fd, text.encode())
    return at

run = f"{weir} run -q --http none -- bash {script}"
send("PS1='$ '; LC_ALL=C; bind 'set enable-bracketed-paste off'; echo be''gin\n")
until("begin")
at = send(run + "; echo stat''us=$?\n")
until("ready", at)
at = send("\x03")
until("status=4", at)
if seen[at:].count("got INT") != 1:
    print("INT came", seen[at:].count("got INT"), "times:", repr(seen[at:]))
    sys.exit(1)
at = send(run + "\n")
until("ready", at)
at = send("\x1a")
until("Stopped", at)
at = send("jobs; echo li''sted\n")
until("listed", at)
if "Stopped" not in seen[at:]:
    print("not a stopped job:", repr(seen[at:]))
    sys.exit(1)
# both are stopped
at = send("ps -o stat= -p $(pgrep -f '^bash " + script + "$'); echo st''ates\n")
until("states", at)
if "T" not in re.sub("ps -o stat.*", "", seen[at:]):
    print("the program is not stopped:", repr(seen[at:]))
    sys.exit(1)
at = send("fg\n")
time.sleep(0.5)
send("\x03")
until("got INT", at)
at = send("echo stat''us=$?\n")
until("status=4", at)
os.write(fd, b"exit\n")
os.close(fd)
END
if ! python3 -c 'import pty; pty.openpty()' 2>/dev/null; then
    echo "skip: this machine gives no terminals (/dev/pts): ^C and ^Z"
elif command -v pgrep >/dev/null; then
    timeout 60 python3 terminal.py "$weir" "$tmp/waits.sh" >term.log 2>&1 ||
        { fail "terminal:"; cat term.log >&2; }
else
    echo "no pgrep: the terminal is not tested"
fi

# A stop that only the program gets stops weir too, and weir's continues it.
start
child=$(cut -d' ' -f1 /proc/$pid/task/$pid/children)
kill -STOP $child
for _ in $(seq 50); do
    state=$(cut -d' ' -f3 /proc/$pid/stat)
    [ "$state" = T ] && break
    sleep 0.05
done
is "$state" T "weir's state when its program is stopped"
kill -CONT $pid
for _ in $(seq 50); do
    state=$(cut -d' ' -f3 /proc/$child/stat)
    [ "$state" != T ] && break
    sleep 0.05
done
[ "$state" != T ] || fail "the program stays stopped when weir is continued"
kill -TERM $pid
wait $pid
is $? 3 "status after stop and continue"
finish
