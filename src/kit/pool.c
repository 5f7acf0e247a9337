/* Pools, after Go's sync.Pool.
 *
 * 1. A local belongs to a thread number (kit/thread.h). `mine` is its one
 *    object at hand, touched by its thread while `busy` is set, and by who ages
 *    the pool while `wanted` is set and busy was seen to be clear: the fence
 *    between makes that exclude each other (os/fence.h).
 * 2. idle and aged are rings under the local's lock. Its thread takes the
 *    newest of idle, others the oldest.
 * 3. Locals and tables of them live until weir_pool_free: who holds an old
 *    table finds in it what it knew.
 * 4. The callbacks are called with no lock of the pool held.
 * Lock order: kit/pressure.c's, `making`, a local's (a leaf).
 */
#include <weir/pool.h>

#include <sched.h>

#include "kit/meter.h"
#include "kit/pressure.h"
#include "kit/ring.h"
#include "kit/thread.h"
#include "os/fence.h"
#include "os/lock.h"

struct local {
    void *mine;            /* atomic; 1 */
    uint32_t busy, wanted; /* atomic; 1 */
    uint64_t hits, misses; /* atomic; by its thread alone */
    uint64_t tell_at;      /* atomic; hits at which the meter is told again */
    uint64_t dropped;      /* atomic */
    struct wr_lock lock;
    struct wr_kit_ring idle, aged; /* lock */
    struct wr_kit_told told;
} __attribute__((aligned(128)));

struct table {
    struct table *older;
    unsigned count;
    struct local *at[]; /* atomic */
};

struct weir_pool {
    struct wr_kit_shrinker shrinker;
    struct weir_pool_options o;
    struct table *table; /* atomic; changed under making */
    struct wr_lock making;
    uint32_t aging; /* atomic: somebody does */
    weir_meter *meter;
    struct local nobodys; /* of threads without a number; mine is not used */
    void *block;          /* that this lies in */
};

/* A cleared block at a multiple of 128, and where it really begins. */
static void *
take_aligned(size_t bytes, void **block)
{
    char *p = weir_alloc_resize(NULL, NULL, 0, bytes + 128);

    if (p == NULL)
        return NULL;
    memset(p, 0, bytes + 128);
    *block = p;
    return (void *)wr_align_up((uintptr_t)p, 128);
}

/* ---- locals ---- */

/* A table with so many places at least; under making. */
static struct table *
table_for(weir_pool *p, unsigned count)
{
    struct table *t = p->table, *next;
    unsigned places = t == NULL ? 8 : t->count;
    size_t bytes;

    if (t != NULL && t->count >= count)
        return t;
    while (places < count)
        places *= 2;
    bytes = sizeof *t + places * sizeof t->at[0];
    next = weir_alloc_resize(NULL, NULL, 0, bytes);
    if (next == NULL)
        return NULL;
    memset(next, 0, bytes);
    next->count = places;
    next->older = t;
    for (unsigned i = 0; t != NULL && i < t->count; i++)
        next->at[i] = t->at[i];
    __atomic_store_n(&p->table, next, __ATOMIC_RELEASE);
    return next;
}

/* The head of a local's block, for freeing it. */
struct local_block {
    struct local local;
    void *block;
};

static WR_COLD struct local *
make_local(weir_pool *p, unsigned number)
{
    struct local_block *l = NULL;
    struct table *t;
    void *block;

    if (number == WR_KIT_NOBODY)
        return &p->nobodys;
    wr_lock_take(&p->making);
    t = table_for(p, number + 1);
    if (t != NULL && (l = take_aligned(sizeof *l, &block)) != NULL) {
        l->block = block;
        __atomic_store_n(&t->at[number], &l->local, __ATOMIC_RELEASE);
    }
    wr_lock_give(&p->making);
    return l == NULL ? &p->nobodys : &l->local;
}

static inline struct local *
local_at(const struct table *t, unsigned number)
{
    return t != NULL && number < t->count
               ? __atomic_load_n(&t->at[number], __ATOMIC_ACQUIRE)
               : NULL;
}

static inline struct local *
own_local(weir_pool *p)
{
    unsigned number = wr_kit_thread();
    struct local *l =
        local_at(__atomic_load_n(&p->table, __ATOMIC_ACQUIRE), number);

    return wr_likely(l != NULL) ? l : make_local(p, number);
}

/* Its owner may touch what is at hand; false: not now. */
static inline bool
enter(weir_pool *p, struct local *l)
{
    if (wr_unlikely(l == &p->nobodys))
        return false;
    __atomic_store_n(&l->busy, 1, __ATOMIC_RELAXED);
    wr_fence_light();
    if (wr_likely(__atomic_load_n(&l->wanted, __ATOMIC_ACQUIRE) == 0))
        return true;
    __atomic_store_n(&l->busy, 0, __ATOMIC_RELEASE);
    return false;
}

static inline void
leave(struct local *l)
{
    __atomic_store_n(&l->busy, 0, __ATOMIC_RELEASE);
}

/* ---- telling ---- */

static uint64_t
idle_of(const struct local *l)
{
    return wr_kit_ring_count(&l->idle) + wr_kit_ring_count(&l->aged) +
           (__atomic_load_n(&l->mine, __ATOMIC_RELAXED) != NULL);
}

static WR_COLD void
tell(weir_pool *p, struct local *l)
{
    uint64_t hits = __atomic_load_n(&l->hits, __ATOMIC_RELAXED);

    __atomic_store_n(&l->tell_at, wr_kit_tell_at(hits), __ATOMIC_RELAXED);
    wr_kit_tell(p->meter, &l->told, WEIR_METER_HITS, hits);
    wr_kit_tell(p->meter, &l->told, WEIR_METER_MISSES,
                __atomic_load_n(&l->misses, __ATOMIC_RELAXED));
    wr_kit_tell(p->meter, &l->told, WEIR_METER_DROPPED,
                __atomic_load_n(&l->dropped, __ATOMIC_RELAXED));
    wr_kit_tell(p->meter, &l->told, WEIR_METER_ITEMS, idle_of(l));
}

/* Do more idle, by an eighth, than the meter was told? */
static bool
has_grown(const struct local *l)
{
    uint64_t told =
        __atomic_load_n(&l->told.sum[WEIR_METER_ITEMS], __ATOMIC_RELAXED);

    return idle_of(l) > told + told / 8;
}

/* After so many hits. */
static inline void
tell_hits(weir_pool *p, struct local *l, uint64_t hits)
{
    if (wr_unlikely(hits >= __atomic_load_n(&l->tell_at, __ATOMIC_RELAXED)))
        tell(p, l);
}

/* ---- get ---- */

/* Others' locks are only tried: one that its owner did not survive a fork with
 * is passed by. */
static void *
take_from(struct local *l, struct wr_kit_ring *ring, bool own)
{
    void *object;

    if (wr_kit_ring_count(ring) == 0 || !wr_lock_try_long(&l->lock))
        return NULL;
    object = own ? wr_kit_ring_newest(ring) : wr_kit_ring_oldest(ring);
    wr_lock_give(&l->lock);
    return object;
}

/* From the rings of all but l, beginning behind `number`. */
static void *
steal(weir_pool *p, struct local *l, unsigned number, bool aged)
{
    struct table *t = __atomic_load_n(&p->table, __ATOMIC_ACQUIRE);
    unsigned n = t == NULL ? 0 : t->count;
    void *object = NULL;

    for (unsigned i = 1; i <= n && object == NULL; i++) {
        struct local *other = local_at(t, (number + i) % n);

        if (other != NULL && other != l)
            object =
                take_from(other, aged ? &other->aged : &other->idle, false);
    }
    if (object == NULL && l != &p->nobodys)
        object = take_from(&p->nobodys,
                           aged ? &p->nobodys.aged : &p->nobodys.idle, false);
    return object;
}

static WR_COLD void *
get_elsewhere(weir_pool *p, struct local *l)
{
    unsigned number = wr_kit_thread();
    void *object = take_from(l, &l->idle, true);

    if (object == NULL)
        object = steal(p, l, number, false);
    if (object == NULL)
        object = take_from(l, &l->aged, true);
    if (object == NULL)
        object = steal(p, l, number, true);
    /* Atomic additions, for threads that share a local. */
    if (object != NULL) {
        tell_hits(p, l, __atomic_add_fetch(&l->hits, 1, __ATOMIC_RELAXED));
        return object;
    }
    __atomic_fetch_add(&l->misses, 1, __ATOMIC_RELAXED);
    tell(p, l);
    return p->o.make == NULL ? NULL : p->o.make(p->o.arg);
}

WR_EXPORT void *
weir_pool_get(weir_pool *p)
{
    struct local *l = own_local(p);
    void *object;
    uint64_t hits;

    if (wr_unlikely(!enter(p, l)))
        return get_elsewhere(p, l);
    object = __atomic_load_n(&l->mine, __ATOMIC_ACQUIRE);
    if (wr_likely(object != NULL))
        __atomic_store_n(&l->mine, NULL, __ATOMIC_RELAXED);
    leave(l);
    if (wr_unlikely(object == NULL))
        return get_elsewhere(p, l);
    hits = __atomic_load_n(&l->hits, __ATOMIC_RELAXED) + 1;
    __atomic_store_n(&l->hits, hits, __ATOMIC_RELAXED);
    tell_hits(p, l, hits);
    return object;
}

/* ---- put ---- */

static void
drop(weir_pool *p, struct local *l, void *object)
{
    __atomic_fetch_add(&l->dropped, 1, __ATOMIC_RELAXED);
    if (p->o.destroy != NULL)
        p->o.destroy(object, p->o.arg);
}

static WR_COLD void
put_into_ring(weir_pool *p, struct local *l, void *object)
{
    bool kept = false;

    if (wr_lock_try_long(&l->lock)) {
        kept = p->o.keep == 0 || wr_kit_ring_count(&l->idle) + 1 < p->o.keep;
        kept = kept && wr_kit_ring_add(&l->idle, object);
        wr_lock_give(&l->lock);
    }
    if (!kept)
        drop(p, l, object);
    if (!kept || has_grown(l))
        tell(p, l);
}

WR_EXPORT void
weir_pool_put(weir_pool *p, void *object)
{
    struct local *l;

    if (object == NULL)
        return;
    if (p->o.reset != NULL)
        p->o.reset(object, p->o.arg);
    l = own_local(p);
    if (wr_likely(enter(p, l))) {
        bool empty = __atomic_load_n(&l->mine, __ATOMIC_RELAXED) == NULL;

        if (wr_likely(empty))
            __atomic_store_n(&l->mine, object, __ATOMIC_RELEASE);
        leave(l);
        if (wr_likely(empty))
            return;
    }
    put_into_ring(p, l, object);
}

/* ---- ageing ---- */

/* Put aside what idles, and destroy what was put aside before. */
static void
age_local(weir_pool *p, struct local *l, void *mine)
{
    struct wr_kit_ring old = {0};
    void *object;

    if (wr_lock_try_long(&l->lock)) {
        wr_kit_ring_move(&old, &l->aged);
        wr_kit_ring_move(&l->aged, &l->idle);
        if (mine != NULL && wr_kit_ring_add(&l->aged, mine))
            mine = NULL;
        wr_lock_give(&l->lock);
    }
    if (mine != NULL)
        drop(p, l, mine);
    while ((object = wr_kit_ring_oldest(&old)) != NULL)
        drop(p, l, object);
    wr_kit_ring_fini(&old);
    tell(p, l);
}

static void
want(struct table *t, uint32_t wanted)
{
    struct local *l;

    for (unsigned i = 0; t != NULL && i < t->count; i++)
        if ((l = local_at(t, i)) != NULL)
            __atomic_store_n(&l->wanted, wanted, __ATOMIC_RELEASE);
}

/* What its thread has at hand, which `wanted` keeps it from touching. It is
 * busy for some instructions; who is not after a while did not survive a fork,
 * or will be met at the next step. */
static void *
take_mine(struct local *l)
{
    void *object;

    if (__atomic_load_n(&l->wanted, __ATOMIC_RELAXED) == 0)
        return NULL; /* made since */
    for (int i = 0; __atomic_load_n(&l->busy, __ATOMIC_ACQUIRE) != 0; i++) {
        if (i == 1000)
            return NULL;
        sched_yield();
    }
    object = __atomic_load_n(&l->mine, __ATOMIC_ACQUIRE);
    __atomic_store_n(&l->mine, NULL, __ATOMIC_RELAXED);
    return object;
}

static void
age(weir_pool *p, bool (*fence)(void))
{
    struct table *t;
    bool alone;

    if (__atomic_exchange_n(&p->aging, 1, __ATOMIC_ACQUIRE) != 0)
        return; /* it is under way */
    t = __atomic_load_n(&p->table, __ATOMIC_ACQUIRE);
    want(t, 1);
    alone = fence == NULL || fence();
    for (unsigned i = 0; t != NULL && i < t->count; i++) {
        struct local *l = local_at(t, i);

        if (l != NULL)
            age_local(p, l, alone ? take_mine(l) : NULL);
    }
    want(t, 0);
    age_local(p, &p->nobodys, NULL);
    __atomic_store_n(&p->aging, 0, __ATOMIC_RELEASE);
}

WR_EXPORT void
weir_pool_age(weir_pool *p)
{
    age(p, wr_fence_heavy);
}

static void
shrink(struct wr_kit_shrinker *s, enum weir_pressure_level level,
       uint64_t *wanted)
{
    weir_pool *p = (weir_pool *)s; /* its first member */

    (void)wanted;
    weir_pool_age(p);
    if (level == WEIR_PRESSURE_FULL)
        weir_pool_age(p);
}

WR_EXPORT void
weir_pools_age(void)
{
    wr_kit_shrink(WEIR_PRESSURE_NONE, 0);
}

/* ---- the pool ---- */

WR_EXPORT weir_err
weir_pool_new(weir_pool **out, const struct weir_pool_options *o)
{
    weir_pool *p;
    void *block;

    if (out == NULL || o == NULL)
        return WEIR_EINVAL;
    wr_fence_start();
    p = take_aligned(sizeof *p, &block);
    if (p == NULL)
        return WEIR_ENOMEM;
    p->block = block;
    p->o = *o;
    p->meter = weir_meter_of(WEIR_METER_POOL, o->name);
    p->shrinker.shrink = shrink;
    wr_kit_shrinker_add(&p->shrinker);
    *out = p;
    return WEIR_OK;
}

static void
free_tables(struct table *t)
{
    for (unsigned i = 0; t != NULL && i < t->count; i++)
        if (t->at[i] != NULL)
            weir_alloc_resize(NULL, ((struct local_block *)t->at[i])->block, 0,
                              0);
    while (t != NULL) {
        struct table *older = t->older;

        weir_alloc_resize(NULL, t, 0, 0);
        t = older;
    }
}

WR_EXPORT void
weir_pool_free(weir_pool *p)
{
    if (p == NULL)
        return;
    wr_kit_shrinker_remove(&p->shrinker);
    age(p, NULL); /* nobody else is here */
    age(p, NULL);
    free_tables(p->table);
    weir_alloc_resize(NULL, p->block, 0, 0);
}

static void
add_stats(struct local *l, struct weir_pool_stats *out)
{
    out->hits += __atomic_load_n(&l->hits, __ATOMIC_RELAXED);
    out->misses += __atomic_load_n(&l->misses, __ATOMIC_RELAXED);
    out->dropped += __atomic_load_n(&l->dropped, __ATOMIC_RELAXED);
    out->idle += idle_of(l);
}

WR_EXPORT void
weir_pool_read(weir_pool *p, struct weir_pool_stats *out)
{
    struct table *t = __atomic_load_n(&p->table, __ATOMIC_ACQUIRE);

    *out = (struct weir_pool_stats){0};
    for (unsigned i = 0; t != NULL && i < t->count; i++)
        if (local_at(t, i) != NULL)
            add_stats(local_at(t, i), out);
    add_stats(&p->nobodys, out);
}
