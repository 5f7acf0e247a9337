#!/bin/sh
# weir fds: every descriptor of a program with who opened it; a forked child's
# and a daemon's, which have no region when they open theirs; after death.
. "$(dirname "$0")/_lib.sh"
command -v jq >/dev/null || {
    echo "skip: no jq"
    exit 77
}
lib=$build/lib/libweir.so.0
mkdir -m 700 weir files

# What every program is given here, without Weir's doing.
sleep 100 &
before=$(ls /proc/$!/fd | wc -l)
kill $!

# One of each call: who opened what, as the kernel and Weir see it.
LD_PRELOAD=$lib "$build/tests/prog_files" files list >ready.txt 2>&1 &
pid=$!
wait_for ready ready.txt
"$weir" fds --json $pid >fds.json 2>err.txt || fail "weir fds: $(cat err.txt)"
is "$(jq .watched fds.json)" true "openings are watched"
is "$(jq .open fds.json)" "$(ls /proc/$pid/fd | wc -l)" "as many as there are"
is "$(jq '[.sites[] | select(.seen | not) | .count] | add' fds.json)" \
    "$before" "what was there before"
calls=$(jq -r '[.sites[] | select(.seen and .call != "dup") |
    "\(.call):\(.kind)"] | unique | join(" ")' fds.json)
is "$calls" "accept:socket epoll_create:epoll eventfd:event fopen:file\
 inotify_init:inotify memfd_create:memory open:file opendir:directory\
 pipe:pipe signalfd:signal socket:socket timerfd_create:timer" \
    "calls and what they made"
is "$(jq '[.sites[] | select(.call == "dup") | .count] | add' fds.json)" 5 \
    "copies"
is "$(jq -r '[.sites[] | select(.call == "accept") | .stack[0].function] |
    unique | join(" ")' fds.json)" accept_one "who accepted"
is "$(jq '[.descriptors[] | select(.age_s == null)] | length' fds.json)" "$before" \
    "ages that are not known"
"$weir" fds $pid >fds.txt
says "prog_files (pid $pid): " fds.txt
"$weir" fds --all $pid >all.txt
says "unix sock" all.txt
says "$before not seen opened" fds.txt
"$weir" fds --pprof fds.pb.gz $pid >out.txt
"$weir" top fds.pb.gz >top.txt
says "Type: fds" top.txt
says "open_things" top.txt
kill -9 $pid
wait $pid 2>/dev/null

# A daemon forks first and opens its things then; a later child inherits them.
compile daemon -g -O0 <<'END' || finish
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
__attribute__((noinline)) int opens_in_parent(void)
{
    return open("/etc/passwd", O_RDONLY);
}
__attribute__((noinline)) int opens_in_daemon(void)
{
    return open("/etc/hostname", O_RDONLY);
}
int main(void)
{
    int early = opens_in_parent(), pair[2];
    pipe(pair);
    if (fork() != 0)
        return 0;
    for (int i = 0; i < 20; i++)
        opens_in_daemon();
    close(early);
    dup2(opens_in_parent(), 100);
    printf("%d\n", (int)getpid());
    fflush(stdout);
    if (fork() == 0) {
        close(100);
        printf("%d ready\n", (int)getpid());
        fflush(stdout);
    }
    for (;;)
        pause();
}
END
LD_PRELOAD=$lib ./daemon >pids.txt
wait_for ready pids.txt
first=$(sed -n 1p pids.txt) second=$(sed -n 's/ ready//p' pids.txt)
for pid in $first $second; do
    "$weir" fds --json "$pid" >fds.json 2>err.txt ||
        fail "weir fds: $(cat err.txt)"
    is "$(jq '[.sites[] | select(.stack[0].function == "opens_in_daemon") |
        .count] | add' fds.json)" 20 "opened by the daemon, in $pid"
    is "$(jq '[.sites[] | select(.call == "pipe") | .count] | add' fds.json)" \
        2 "inherited with their opener, in $pid"
    is "$(jq '[.descriptors[] | select(.fd == 100)] | length' fds.json)" \
        $((pid == first)) "a copy, in $pid"
done
kill "$first" "$second"

# Of a program that was killed, what was open at last.
LD_PRELOAD=$lib WEIR=dir=$tmp/weir ./daemon >pids.txt
wait_for ready pids.txt
first=$(sed -n 1p pids.txt) second=$(sed -n 's/ ready//p' pids.txt)
"$weir" fds --json "$first" >live.json
kill -9 "$first" "$second"
for _ in $(seq 100); do
    kill -0 "$first" 2>/dev/null || break
    sleep 0.05
done
"$weir" fds --json "$first" >dead.json 2>err.txt
is "$(jq .told dead.json)" false "who tells of the dead"
is "$(jq .open dead.json)" "$(jq '[.sites[] | select(.seen) | .count] | add' \
    live.json)" "open at the end"

"$weir" fds nobody 2>err.txt
is $? 2 "no process id"
says "weir ps" err.txt
"$weir" fds 1 2>err.txt
is $? 1 "a process without Weir"
finish
