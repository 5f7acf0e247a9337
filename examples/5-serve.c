/* 5: a program that answers by itself.
 *
 *     $ cc 5-serve.c $(pkg-config --cflags --libs weir-serve)
 *     $ ./a.out 127.0.0.1:6060
 *     $ go tool pprof http://127.0.0.1:6060/debug/pprof/heap
 *
 * Nothing need be started around it, which is what Go programs are used to.
 * Where the program must stay free of libraries, `weir run` or `weir serve`
 * do the same from outside.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <weir/weir.h>

static char *held; /* what the profile shows */

int
main(int argc, char **argv)
{
    const char *address = argc > 1 ? argv[1] : "127.0.0.1:0";
    unsigned seconds = argc > 2 ? (unsigned)atoi(argv[2]) : 60;
    weir_err err;

    held = calloc(64, 1 << 20);
    err = weir_serve(address);
    if (err != WEIR_OK) {
        fprintf(stderr, "%s: %s\n", address, weir_strerror(err));
        return 1;
    }
    printf("http://%s/debug/pprof/\n", weir_serve_address());
    fflush(stdout);
    sleep(seconds);
    free(held);
    weir_serve_stop();
    return 0;
}
