/* Pipelines: who works, who waits, and what is on its way.
 *
 * Invariants
 * 1. items and bytes count what the first stage was asked for or has made and
 *    nobody has used up or dropped.
 * 2. Only the first stage waits for room. Every later one waits for items, and
 *    only as long as the stage before it has threads: so they all end.
 * 3. A queue is never full: it has room for all items there may be.
 */
#include <weir/pipeline.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <weir/alloc.h>
#include "base/base.h"

enum { ITEMS = 16 };

/* In front of a stage: the first one's is not used. */
struct queue {
    weir_item *ring;
    size_t first, count;
};

struct pipeline {
    const struct weir_stage *stages;
    size_t n;
    struct weir_pipeline_options o;
    size_t ring_items;
    pthread_mutex_t lock; /* a leaf; guards what follows */
    pthread_cond_t changed;
    size_t items, bytes;
    weir_err err;
    struct queue *queue; /* of each stage */
    unsigned *working;   /* threads of each stage that have not left */
};

/* One thread of a stage. */
struct worker {
    struct pipeline *p;
    size_t stage;
    pthread_t thread;
};

static void
push(struct pipeline *p, size_t stage, weir_item item)
{
    struct queue *q = &p->queue[stage];

    q->ring[(q->first + q->count++) % p->ring_items] = item;
}

static weir_item
pop(struct pipeline *p, size_t stage)
{
    struct queue *q = &p->queue[stage];
    weir_item item = q->ring[q->first];

    q->first = (q->first + 1) % p->ring_items;
    q->count--;
    return item;
}

/* With the lock, which it lets go meanwhile. */
static void
drop(struct pipeline *p, weir_item *item)
{
    if (item->data == NULL || p->o.drop == NULL)
        return;
    pthread_mutex_unlock(&p->lock);
    p->o.drop(item, p->o.arg);
    pthread_mutex_lock(&p->lock);
}

/* An item to work on; false: none will come. With the lock. */
static bool
take(struct pipeline *p, size_t stage, weir_item *item)
{
    *item = (weir_item){NULL, 0};
    if (stage == 0) {
        while (p->err == WEIR_OK &&
               (p->items >= p->o.items || p->bytes >= p->o.bytes))
            pthread_cond_wait(&p->changed, &p->lock);
        if (p->err != WEIR_OK)
            return false;
        p->items++;
        return true;
    }
    while (p->err == WEIR_OK && p->queue[stage].count == 0 &&
           p->working[stage - 1] > 0)
        pthread_cond_wait(&p->changed, &p->lock);
    if (p->err != WEIR_OK || p->queue[stage].count == 0)
        return false;
    *item = pop(p, stage);
    return true;
}

/* On to the next stage, or out. With the lock. */
static void
hand_on(struct pipeline *p, size_t stage, weir_item *item)
{
    if (item->data != NULL && p->err == WEIR_OK && stage + 1 < p->n) {
        push(p, stage + 1, *item);
        return;
    }
    drop(p, item);
    p->bytes -= item->bytes;
    p->items--;
}

/* Run the stage on one item. False: it has made its last. With the lock. */
static bool
work_on(struct pipeline *p, size_t stage, weir_item *item)
{
    size_t before = item->bytes;
    weir_err err;

    pthread_mutex_unlock(&p->lock);
    err = p->stages[stage].run(item, p->stages[stage].arg);
    pthread_mutex_lock(&p->lock);
    p->bytes += item->bytes - before;
    if (err != WEIR_OK && p->err == WEIR_OK)
        p->err = err;
    bool last = stage == 0 && item->data == NULL;
    hand_on(p, stage, item);
    pthread_cond_broadcast(&p->changed);
    return !last;
}

static void *
work(void *arg)
{
    struct worker *w = arg;
    struct pipeline *p = w->p;
    weir_item item;

    pthread_mutex_lock(&p->lock);
    while (take(p, w->stage, &item) && work_on(p, w->stage, &item))
        ;
    p->working[w->stage]--;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static unsigned
threads_of(const struct weir_stage *s)
{
    return s->threads > 0 ? s->threads : 1;
}

/* All workers; fewer when a thread could not be made, and then the pipeline
 * stops. */
static size_t
start(struct pipeline *p, struct worker *w)
{
    size_t made = 0;
    bool ok = true;

    pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < p->n; i++)
        for (unsigned k = threads_of(&p->stages[i]); k > 0 && ok; k--) {
            w[made] = (struct worker){.p = p, .stage = i};
            ok = pthread_create(&w[made].thread, NULL, work, &w[made]) == 0;
            made += ok;
            p->working[i] += ok;
        }
    if (!ok)
        p->err = WEIR_ENOMEM;
    pthread_mutex_unlock(&p->lock);
    return made;
}

static void
drop_all(struct pipeline *p)
{
    pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < p->n; i++)
        while (p->queue[i].count > 0) {
            weir_item item = pop(p, i);
            drop(p, &item);
        }
    pthread_mutex_unlock(&p->lock);
}

static void *
get(size_t items, size_t bytes, bool *ok)
{
    void *p = NULL;

    if (items < PTRDIFF_MAX / bytes)
        p = weir_alloc_resize(NULL, NULL, 0, items * bytes);
    *ok &= p != NULL;
    return p;
}

static weir_err
run(struct pipeline *p, size_t workers)
{
    bool ok = true;
    struct worker *w = get(workers, sizeof *w, &ok);
    weir_item *rings = NULL;
    size_t made = 0;

    p->queue = get(p->n, sizeof *p->queue, &ok);
    p->working = get(p->n, sizeof *p->working, &ok);
    if (p->ring_items < PTRDIFF_MAX / sizeof *rings / p->n)
        rings = get(p->n * p->ring_items, sizeof *rings, &ok);
    if (ok && rings != NULL) {
        for (size_t i = 0; i < p->n; i++) {
            p->queue[i] = (struct queue){rings + i * p->ring_items, 0, 0};
            p->working[i] = 0;
        }
        made = start(p, w);
    } else {
        p->err = WEIR_ENOMEM;
    }
    for (size_t i = 0; i < made; i++)
        pthread_join(w[i].thread, NULL);
    if (made > 0)
        drop_all(p);
    weir_alloc_resize(NULL, rings, 0, 0);
    weir_alloc_resize(NULL, p->working, 0, 0);
    weir_alloc_resize(NULL, p->queue, 0, 0);
    weir_alloc_resize(NULL, w, 0, 0);
    return p->err;
}

WR_EXPORT weir_err
weir_pipeline_run(const struct weir_stage *stages, size_t n,
                  const struct weir_pipeline_options *options)
{
    struct pipeline p = {.stages = stages,
                         .n = n,
                         .lock = PTHREAD_MUTEX_INITIALIZER,
                         .changed = PTHREAD_COND_INITIALIZER};
    size_t workers = 0;
    weir_err err;

    if (stages == NULL || n == 0)
        return WEIR_EINVAL;
    for (size_t i = 0; i < n; i++) {
        if (stages[i].run == NULL)
            return WEIR_EINVAL;
        workers += threads_of(&stages[i]);
    }
    if (options != NULL)
        p.o = *options;
    p.o.items = p.o.items > 0 ? p.o.items : ITEMS;
    p.o.bytes = p.o.bytes > 0 ? p.o.bytes : SIZE_MAX;
    p.ring_items = p.o.items;
    err = run(&p, workers);
    pthread_cond_destroy(&p.changed);
    pthread_mutex_destroy(&p.lock);
    return err;
}
