/* 14: threads that nobody stops.
 *
 *     $ cc 14-threads.c $(pkg-config --cflags --libs weir weir-bench)
 *     $ weir threads PID                 where they are, and since when
 *
 * A worker waits for work that never comes, for nobody told it that there will
 * be none: its thread and its stack stay for ever. The right half closes the
 * queue and joins the thread. Weir knows the stacks of running threads.
 */
#include <pthread.h>
#include "compare.h"

enum { WORKERS = 20 };

struct worker {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int running, closed;
};

static struct worker workers[2 * WORKERS];

static void *
work(void *arg)
{
    struct worker *w = arg;

    pthread_mutex_lock(&w->lock);
    w->running = 1;
    pthread_cond_signal(&w->changed);
    while (!w->closed)
        pthread_cond_wait(&w->changed, &w->lock);
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static void
start(struct worker *w)
{
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->changed, NULL);
    if (pthread_create(&w->thread, NULL, work, w) != 0)
        exit(1);
    pthread_mutex_lock(&w->lock);
    while (!w->running)
        pthread_cond_wait(&w->changed, &w->lock);
    pthread_mutex_unlock(&w->lock);
}

static void
stop(struct worker *w)
{
    pthread_mutex_lock(&w->lock);
    w->closed = 1;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
}

static void
wrong(void)
{
    for (int i = 0; i < WORKERS; i++)
        start(&workers[i]); /* and that was that */
}

static void
right(void)
{
    for (int i = 0; i < WORKERS; i++)
        start(&workers[WORKERS + i]);
    for (int i = 0; i < WORKERS; i++)
        stop(&workers[WORKERS + i]);
}

static long long
stacks_after(const char *name, void (*half)(void))
{
    struct weir_memstats before, after;
    long long more;

    if (weir_memstats(&before) != WEIR_OK)
        exit(1);
    half();
    if (weir_memstats(&after) != WEIR_OK)
        exit(1);
    more = (long long)(after.stack_inuse - before.stack_inuse);
    printf("%-28s %12lld B of stacks more\n", name, more);
    return more;
}

int
main(void)
{
    long long w = stacks_after("wrong: never stopped", wrong);
    long long r = stacks_after("right: closed and joined", right);

    return lesson(w >= WORKERS * (1LL << 14) && r == 0);
}
