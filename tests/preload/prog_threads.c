/* Threads that wait in one way each, told by name; "ready" when they do.
 *
 *     prog_threads cycle | self | gone | behind | waiting | unjoined | joined
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t other = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
static sem_t at_first;

/* So that both have their first before they want their second. */
static pthread_barrier_t both;

static void *
takes_one_then_other(void *arg)
{
    pthread_mutex_lock(&one);
    pthread_barrier_wait(&both);
    pthread_mutex_lock(&other);
    return arg;
}

static void *
takes_other_then_one(void *arg)
{
    pthread_mutex_lock(&other);
    pthread_barrier_wait(&both);
    pthread_mutex_lock(&one);
    return arg;
}

static void *
takes_one(void *arg)
{
    pthread_mutex_lock(&one);
    return arg;
}

static void *
takes_one_twice(void *arg)
{
    pthread_mutex_lock(&one);
    pthread_mutex_lock(&one);
    return arg;
}

static void *
takes_one_for_a_time(void *arg)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 1000;
    pthread_mutex_timedlock(&one, &until);
    return arg;
}

static void *
waits_for_word(void *arg)
{
    pthread_mutex_lock(&other);
    for (;;)
        pthread_cond_wait(&never, &other);
    return arg;
}

static void *
comes_and_goes(void *arg)
{
    pthread_exit(arg);
}

static pthread_t
start(void *(*run)(void *))
{
    pthread_t t;

    if (pthread_create(&t, NULL, run, NULL) != 0)
        abort();
    return t;
}

static void
leave_some(int joined)
{
    pthread_attr_t attr;
    pthread_t t;

    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    for (int i = 0; i < 5; i++) {
        t = start(comes_and_goes);
        if (joined && i % 2 == 0)
            pthread_join(t, NULL);
        else if (joined)
            pthread_detach(t);
        pthread_create(&t, &attr, comes_and_goes, NULL);
    }
}

int
main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    pthread_barrier_init(&both, NULL, 2);
    sem_init(&at_first, 0, 0);
    if (strcmp(what, "cycle") == 0 || strcmp(what, "behind") == 0) {
        start(takes_one_then_other);
        start(takes_other_then_one);
        usleep(100000);
        if (what[0] == 'b')
            start(takes_one);
    } else if (strcmp(what, "self") == 0) {
        start(takes_one_twice);
    } else if (strcmp(what, "gone") == 0) {
        pthread_join(start(takes_one), NULL);
        start(takes_one);
    } else if (strcmp(what, "waiting") == 0) { /* for ever, but no proof */
        pthread_mutex_lock(&one);
        for (int i = 0; i < 3; i++)
            start(takes_one);
        start(takes_one_for_a_time);
        start(waits_for_word);
    } else {
        leave_some(what[0] == 'j');
    }
    usleep(200000);
    puts("ready");
    fflush(stdout);
    for (;;)
        sem_wait(&at_first);
}
