/* Sleeps in poll, which ends with EINTR after a handler ran, and says so; a
 * second thread allocates, so that Weir's own is there. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void *volatile held;

static void *
grow(void *unused)
{
    (void)unused;
    for (;;) {
        void **more = malloc(4096);

        more[0] = held;
        held = more;
        usleep(10000);
    }
    return NULL;
}

int
main(void)
{
    pthread_t thread;

    pthread_create(&thread, NULL, grow, NULL);
    puts("ready");
    fflush(stdout);
    while (poll(NULL, 0, -1) < 0 && errno == EINTR) {
        puts("interrupted");
        fflush(stdout);
    }
    return 0;
}
