#!/bin/sh
# A program that got libweir.so behind libc, by way of another library say:
# malloc is libc's then, and everything else still works.
. "$(dirname "$0")/_lib.sh"
cat >"$tmp/behind.c" <<'END'
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <weir/gc.h>

static void *
work(void *arg)
{
    free(malloc(100));
    return arg;
}

int
main(void)
{
    struct sigaction quiet = {.sa_handler = SIG_IGN};
    char **kept = weir_new(char *);
    pthread_t t;
    close(open("/dev/null", O_RDONLY));
    sigaction(SIGUSR1, &quiet, NULL);
    pthread_create(&t, NULL, work, NULL);
    pthread_join(t, NULL);
    *kept = malloc(1000);
    for (int i = 0; i < 1000000; i++)
        (void)weir_new_noscan(char, 100);
    puts(*kept != NULL ? "well" : "lost");
    return 0;
}
END
${CC:-cc} -I "$here/../../include" -o "$tmp/behind" "$tmp/behind.c" \
    -L "$build/lib" -pthread -Wl,--no-as-needed -lc -lweir 2>"$tmp/cc.log" ||
    { echo "skip: cannot link here: $(head -1 "$tmp/cc.log")"; exit 77; }
said=$(LD_LIBRARY_PATH=$build/lib timeout 60 "$tmp/behind" 2>&1)
status=$?
[ "$said:$status" = well:0 ] || fail "behind libc: \"$said\", status $status"
finish
