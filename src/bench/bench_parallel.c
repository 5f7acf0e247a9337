/* Parallel benchmarks: threads that take iterations by the handful.
 *
 * Invariants
 * 1. Of the iterations, each is taken by one thread: taken only grows, and
 *    who adds to it has what lies between the old value and the new.
 * 2. The clock starts when all threads are there, and stops when the last has
 *    returned from its body: neither their making nor their end is measured.
 * 3. When one thread cannot be made, none calls body.
 */
#include "bench/bench.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include "base/base.h"

enum { HANDFULS = 100 }; /* of each thread: the last is a hundredth */

enum signal { WAIT, GO, GO_HOME };

struct group {
    pthread_mutex_t lock; /* of the next four */
    pthread_cond_t changed;
    enum signal signal;
    unsigned ready, done; /* threads */
    _Atomic uint64_t taken;
    uint64_t n, handful;
    weir_bench_body body;
    void *arg;
};

struct weir_bench_share {
    struct group *group;
    uint64_t left; /* of the handful */
};

WR_EXPORT int
weir_bench_next(weir_bench_share *share)
{
    struct group *g = share->group;
    uint64_t from;

    if (share->left > 0) {
        share->left--;
        return 1;
    }
    from =
        atomic_fetch_add_explicit(&g->taken, g->handful, memory_order_relaxed);
    if (from >= g->n)
        return 0;
    share->left = (g->n - from < g->handful ? g->n - from : g->handful) - 1;
    return 1;
}

static void
add_one(struct group *g, unsigned *count)
{
    ++*count;
    pthread_cond_broadcast(&g->changed);
}

static void *
take_part(void *arg)
{
    struct group *g = arg;
    weir_bench_share share = {g, 0};
    enum signal signal;

    pthread_mutex_lock(&g->lock);
    add_one(g, &g->ready);
    while ((signal = g->signal) == WAIT)
        pthread_cond_wait(&g->changed, &g->lock);
    pthread_mutex_unlock(&g->lock);
    if (signal == GO)
        g->body(&share, g->arg);
    pthread_mutex_lock(&g->lock);
    add_one(g, &g->done);
    pthread_mutex_unlock(&g->lock);
    return NULL;
}

/* Until *count is n. With the lock. */
static void
wait_for(struct group *g, const unsigned *count, unsigned n)
{
    while (*count < n)
        pthread_cond_wait(&g->changed, &g->lock);
}

static unsigned
make_threads(pthread_t *thread, unsigned want, struct group *g)
{
    unsigned n = 0;

    while (n < want && pthread_create(&thread[n], NULL, take_part, g) == 0)
        n++;
    return n;
}

/* made threads of as many as there should be. */
static void
let_go(weir_bench *b, struct group *g, unsigned made, bool all)
{
    pthread_mutex_lock(&g->lock);
    wait_for(g, &g->ready, made);
    if (all)
        weir_bench_start(b);
    g->signal = all ? GO : GO_HOME;
    pthread_cond_broadcast(&g->changed);
    wait_for(g, &g->done, made);
    weir_bench_stop(b);
    pthread_mutex_unlock(&g->lock);
}

WR_EXPORT void
weir_bench_parallel(weir_bench *b, weir_bench_body body, void *arg)
{
    unsigned procs = b->state->procs, made;
    bool ran = b->state->clock.runs;
    struct group g = {.lock = PTHREAD_MUTEX_INITIALIZER,
                      .changed = PTHREAD_COND_INITIALIZER,
                      .n = weir_bench_n(b),
                      .body = body,
                      .arg = arg};
    pthread_t *thread;

    weir_bench_stop(b);
    thread = calloc(procs, sizeof *thread);
    g.handful = g.n / (procs * HANDFULS) + 1;
    made = thread ? make_threads(thread, procs, &g) : 0;
    let_go(b, &g, made, made == procs);
    if (made < procs)
        weir_bench_fail(b, "its threads could not be made");
    for (unsigned i = 0; i < made; i++)
        pthread_join(thread[i], NULL);
    pthread_cond_destroy(&g.changed);
    free(thread);
    if (ran)
        weir_bench_start(b);
}
