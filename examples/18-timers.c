/* 18: timers that nobody stops.
 *
 *     $ cc 18-timers.c $(pkg-config --cflags --libs weir weir-bench)
 *     $ weir leaks --suspects PID        who makes more and more of them
 *
 * Each request gets a timer, in case that it takes too long. It does not; but
 * the timer stays until its hour is over, in the kernel and in libc. The right
 * half deletes it when the request is done. Weir counts libc's blocks of them.
 */
#include <signal.h>
#include <time.h>
#include "compare.h"

enum { REQUESTS = 200 };

static void
too_long(union sigval request)
{
    fprintf(stderr, "request %d takes too long\n", request.sival_int);
}

static timer_t
timer_for(int request)
{
    struct sigevent how = {.sigev_notify = SIGEV_THREAD,
                           .sigev_notify_function = too_long,
                           .sigev_value.sival_int = request};
    struct itimerspec hour = {.it_value.tv_sec = 3600};
    timer_t t;

    if (timer_create(CLOCK_MONOTONIC, &how, &t) != 0 ||
        timer_settime(t, 0, &hour, NULL) != 0) {
        perror("timer_create");
        exit(1);
    }
    return t;
}

static void
wrong(void)
{
    for (int i = 0; i < REQUESTS; i++)
        timer_for(i); /* the answer is given, and that was that */
}

static void
right(void)
{
    for (int i = 0; i < REQUESTS; i++)
        timer_delete(timer_for(i));
}

int
main(void)
{
    struct weir_bench_use w, r;

    timer_delete(timer_for(0)); /* libc's thread for them is there now */
    w = held("wrong: never deleted", wrong);
    r = held("right: deleted", right);
    return lesson(w.live_blocks == REQUESTS && r.live_blocks == 0);
}
