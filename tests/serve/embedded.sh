#!/bin/sh
# A program that serves itself with weir_serve, from libweir-serve.
. "$(dirname "$0")/../cmd/_lib.sh"
include=$source_dir/include
if ! command -v curl >/dev/null || [ ! -e "$build/lib/libweir-serve.so.0" ] ||
    ! compile server -g -O0 -I "$include" -L "$build/lib" \
        -Wl,-rpath,"$build/lib" -lpthread <<'END' -Wl,--no-as-needed \
        -lweir -lweir-serve
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weir/serve.h>

static void *volatile kept;

__attribute__((noinline)) void hold_much(void)
{
    kept = memset(malloc(5 << 20), 1, 5 << 20);
}

__attribute__((noinline)) static void *wait_here(void *unused)
{
    for (;;)
        pause();
    return unused;
}

static void on_signal(int number)
{
    /* only threads of the program's own may be interrupted */
    static const char text[] = "caught\n";
    if (number != SIGUSR1 || write(1, text, 7) != 7)
        _exit(9);
}

static void expect(int got, int wanted, const char *what)
{
    if (got != wanted) {
        printf("%s: %d instead of %d\n", what, got, wanted);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    pthread_t thread;
    (void)argc;
    hold_much();
    signal(SIGUSR1, on_signal);
    pthread_create(&thread, NULL, wait_here, NULL);
    expect(weir_serve(NULL), WEIR_EINVAL, "no address");
    expect(weir_serve("nonsense"), WEIR_EINVAL, "a wrong address");
    expect(strlen(weir_serve_address()), 0, "the address before");
    weir_serve_stop();
    expect(weir_serve(argv[1]), WEIR_OK, "serving");
    expect(weir_serve(argv[1]), WEIR_EBUSY, "serving twice");
    printf("%s\n", weir_serve_address());
    fflush(stdout);
    while (access("fork", F_OK) != 0)
        usleep(20000);
    if (fork() == 0) {
        expect(strlen(weir_serve_address()), 0, "the child's address");
        expect(weir_serve("127.0.0.1:0"), WEIR_OK, "the child's own");
        printf("child %d %s\n", (int)getpid(), weir_serve_address());
        fflush(stdout);
        while (access("stop", F_OK) != 0)
            usleep(20000);
        _exit(0);
    }
    while (access("stop", F_OK) != 0)
        usleep(20000);
    weir_serve_stop();
    expect(strlen(weir_serve_address()), 0, "the address after");
    expect(weir_serve(argv[1]), WEIR_OK, "serving again");
    printf("again %s\n", weir_serve_address());
    return 0;
}
END
then
    cat server.log 2>/dev/null
    echo "skip: needs curl, a C compiler and libweir-serve"
    exit 77
fi

start() {
    rm -f stop fork log
    ./server "$1" >log 2>err &
    pid=$!
    for _ in $(seq 100); do
        [ -s log ] && break
        sleep 0.05
    done
    address=$(head -1 log)
}
code() {
    curl -s -o body -w '%{http_code}' "$@"
}

start 127.0.0.1:0
url=http://$address/debug/pprof
is "$(code "$url/")" 200 "its index"
is "$(code "$url/heap?debug=1")" 200 "its heap"
says hold_much body
is "$(code "$url/heap?seconds=1")" 200 "a delta of itself"
is "$(code "$url/leak?debug=1")" 200 "its leaks"
says "blocks allocated, " body
is "$(code -H 'Host: evil.example' "$url/heap")" 403 "a foreign host"
is "$(code "http://$address/metrics")" 200 "its metrics"
says "go_info{version=" body
says "weir_processes 1" body
awk '$1 == "weir_live_bytes" && $2 > 5e6 { ok = 1 } END { exit !ok }' body ||
    fail "its metrics have labels or too little: $(grep weir_live body)"
is "$(code "http://$address/metrics?go=0")" 200 "its metrics without go"
grep -q go_ body && fail "go=0 shows names of Go"
is "$(code "$url/goroutine?debug=2")" 200 "its threads"
says wait_here body
says main body
grep -q 'not captured' body && { fail "threads did not answer:"; cat body; }
kill -USR1 $pid
wait_for caught log
is "$(code "$url/heap")" 200 "its heap after a signal"
port=${address##*:}
./server "127.0.0.1:$port" >second.txt
is $? 1 "a second program on the same port"
says "serving: 6 instead of 0" second.txt

# A forked child has nothing of its parent's server, and can have its own.
touch fork
wait_for child log
child=$(sed -n 's/^child \([0-9]*\) .*/\1/p' log)
is "$(curl -s "http://$(sed -n 's/^child [0-9]* //p' log)/pid/?format=json" |
    sed 's/.*"pid":\([0-9]*\),.*/\1/')" "$child" "whose profiles the child serves"
is "$(curl -s "http://$address/pid/?format=json" |
    sed 's/.*"pid":\([0-9]*\),.*/\1/')" "$pid" "whose the parent"
touch stop
wait $pid
is $? 0 "status"
says "again 127.0.0.1:" log

start "unix:$tmp/its.sock"
is "$address" "unix:$tmp/its.sock" "its address"
is "$(code --unix-socket its.sock http://x/debug/pprof/heap)" 200 "its socket"
touch fork stop
wait $pid
is $? 0 "status"

# A program that is not on Weir's heap
compile plain -I "$include" -L "$build/lib" -Wl,-rpath,"$build/lib" <<'END' \
    -Wl,--no-as-needed -lweir-serve
#include <weir/serve.h>
int main(void) { return weir_serve("127.0.0.1:0") == WEIR_ENOTSUP ? 0 : 1; }
END
./plain
is $? 0 "a program without Weir"
finish
