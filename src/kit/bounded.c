/* Pools of so many objects and no more.
 *
 * 1. idle[0 .. n-1] idle, `made` exist as far as the pool knows; n <= capacity,
 *    and made <= capacity.
 * 2. The callbacks are called without the lock: made counts an object before
 *    it is made.
 */
#include <weir/pool.h>

#include <errno.h>
#include <pthread.h>
#include <time.h>
#include <weir/meter.h>

#include "base/base.h"

struct weir_bounded {
    struct weir_pool_options o;
    pthread_mutex_t lock; /* a leaf; guards all below */
    pthread_cond_t back;  /* an object, or the right to make one */
    size_t capacity, made, n;
    struct weir_pool_stats stats;
    weir_meter *meter;
    void *idle[];
};

static void
init_cond(pthread_cond_t *c)
{
    pthread_condattr_t a;

    pthread_condattr_init(&a);
    pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
    pthread_cond_init(c, &a);
    pthread_condattr_destroy(&a);
}

WR_EXPORT weir_err
weir_bounded_new(weir_bounded **out, size_t capacity,
                 const struct weir_pool_options *o)
{
    weir_bounded *b;

    if (out == NULL || o == NULL || o->make == NULL || capacity == 0)
        return WEIR_EINVAL;
    if (capacity > PTRDIFF_MAX / 2 / sizeof b->idle[0])
        return WEIR_ENOMEM;
    b = weir_alloc_resize(NULL, NULL, 0,
                          sizeof *b + capacity * sizeof b->idle[0]);
    if (b == NULL)
        return WEIR_ENOMEM;
    *b = (weir_bounded){.o = *o,
                        .capacity = capacity,
                        .meter = weir_meter_of(WEIR_METER_POOL, o->name)};
    pthread_mutex_init(&b->lock, NULL);
    init_cond(&b->back);
    *out = b;
    return WEIR_OK;
}

WR_EXPORT void
weir_bounded_free(weir_bounded *b)
{
    if (b == NULL)
        return;
    weir_meter_add(b->meter, WEIR_METER_ITEMS, -(int64_t)b->n);
    while (b->n > 0 && b->o.destroy != NULL)
        b->o.destroy(b->idle[--b->n], b->o.arg);
    pthread_cond_destroy(&b->back);
    pthread_mutex_destroy(&b->lock);
    weir_alloc_resize(NULL, b, 0, 0);
}

/* With the lock: an idle one, or NULL with the right to make one. */
static weir_err
take(weir_bounded *b, void **object)
{
    *object = NULL;
    if (b->n > 0) {
        *object = b->idle[--b->n];
        b->stats.hits++;
        weir_meter_add(b->meter, WEIR_METER_HITS, 1);
        weir_meter_add(b->meter, WEIR_METER_ITEMS, -1);
    } else if (b->made < b->capacity) {
        b->made++;
        b->stats.misses++;
        weir_meter_add(b->meter, WEIR_METER_MISSES, 1);
    } else {
        return WEIR_ELIMIT;
    }
    return WEIR_OK;
}

static void
give_right_back(weir_bounded *b)
{
    pthread_mutex_lock(&b->lock);
    b->made--;
    pthread_cond_signal(&b->back);
    pthread_mutex_unlock(&b->lock);
}

/* Without the lock: what take gave, made if need be. */
static weir_err
finish(weir_bounded *b, void *taken, void **object)
{
    if (taken == NULL && (taken = b->o.make(b->o.arg)) == NULL) {
        give_right_back(b);
        return WEIR_ENOMEM;
    }
    *object = taken;
    return WEIR_OK;
}

WR_EXPORT weir_err
weir_bounded_try(weir_bounded *b, void **object)
{
    return weir_bounded_wait(b, object, 0);
}

static struct timespec
time_in(uint64_t ns)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    ns += (uint64_t)t.tv_nsec;
    t.tv_sec += (time_t)(ns / 1000000000);
    t.tv_nsec = (long)(ns % 1000000000);
    return t;
}

WR_EXPORT weir_err
weir_bounded_wait(weir_bounded *b, void **object, uint64_t ns)
{
    bool forever = ns > (uint64_t)INT64_MAX;
    struct timespec until = {0};
    weir_err err;
    int late = 0;
    void *taken;

    pthread_mutex_lock(&b->lock);
    err = take(b, &taken);
    if (err != WEIR_OK && ns != 0 && !forever)
        until = time_in(ns);
    while (err != WEIR_OK && ns != 0 && late != ETIMEDOUT) {
        late = forever ? pthread_cond_wait(&b->back, &b->lock)
                       : pthread_cond_timedwait(&b->back, &b->lock, &until);
        err = take(b, &taken);
    }
    pthread_mutex_unlock(&b->lock);
    return err == WEIR_OK ? finish(b, taken, object) : err;
}

WR_EXPORT weir_err
weir_bounded_put(weir_bounded *b, void *object)
{
    weir_err err = WEIR_ELIMIT;

    if (object == NULL)
        return WEIR_EINVAL;
    if (b->o.reset != NULL)
        b->o.reset(object, b->o.arg);
    pthread_mutex_lock(&b->lock);
    if (b->n < b->capacity) {
        b->idle[b->n++] = object;
        weir_meter_add(b->meter, WEIR_METER_ITEMS, 1);
        b->made = wr_max(b->made, b->n); /* one from elsewhere */
        pthread_cond_signal(&b->back);
        err = WEIR_OK;
    }
    pthread_mutex_unlock(&b->lock);
    return err;
}

WR_EXPORT weir_err
weir_bounded_forget(weir_bounded *b)
{
    weir_err err = WEIR_EINVAL;

    pthread_mutex_lock(&b->lock);
    if (b->made > b->n) {
        b->made--;
        b->stats.dropped++;
        weir_meter_add(b->meter, WEIR_METER_DROPPED, 1);
        pthread_cond_signal(&b->back);
        err = WEIR_OK;
    }
    pthread_mutex_unlock(&b->lock);
    return err;
}

WR_EXPORT void
weir_bounded_read(weir_bounded *b, struct weir_pool_stats *out)
{
    pthread_mutex_lock(&b->lock);
    *out = b->stats;
    out->idle = b->n;
    pthread_mutex_unlock(&b->lock);
}
