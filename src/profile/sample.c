/* Invariants
 * 1. A block with its sampled bit set is in `live` under its address, with
 *    the bucket that counted it; it is taken out before the bit's block can
 *    be allocated again.
 * 2. A shard's table is at most three quarters full; entries of a run are in
 *    probing order without gaps (removal shifts them back).
 */
#include "profile/sample.h"

#include <weir/profile.h>

#include "base/base.h"
#include "base/text.h"
#include "heap/mcache.h"
#include "os/os.h"
#include "profile/bucket.h"
#include "profile/module.h"
#include "profile/unwind.h"
#include "region/counters.h"
#include "region/event.h"
#include "region/region.h"

enum { SHARDS = 16, SHARD_MIN = 256, OWN_FRAMES = 8 };

/* A sampled block that is not freed yet. */
struct live {
    uintptr_t block; /* 0: empty */
    uint32_t bucket;
};

static struct shard {
    struct wr_lock lock;
    struct live *table;
    uint32_t size; /* a power of two, or 0 */
    uint32_t used;
} shards[SHARDS];

static _Atomic uint64_t rate_now;

/* ---- the live samples ---- */

static uint64_t
hash_block(uintptr_t block)
{
    return (block >> 4) * UINT64_C(0x9e3779b97f4a7c15);
}

static struct shard *
shard_of(uint64_t hash)
{
    return &shards[hash >> 60];
}

static uint32_t
home_of(const struct shard *s, uint64_t hash)
{
    return (uint32_t)(hash >> 28) & (s->size - 1);
}

static void
put(struct shard *s, struct live entry)
{
    uint32_t i = home_of(s, hash_block(entry.block));

    while (s->table[i].block != 0)
        i = (i + 1) & (s->size - 1);
    s->table[i] = entry;
}

static bool
grow_shard(struct shard *s)
{
    struct shard old = *s;
    size_t bytes;

    s->size = old.size == 0 ? SHARD_MIN : old.size * 2;
    bytes = s->size * sizeof *s->table;
    s->table = wr_os_map(bytes);
    if (s->table == NULL) {
        s->size = old.size;
        s->table = old.table;
        return false;
    }
    wr_count_add(profile_sys, bytes);
    for (uint32_t i = 0; i < old.size; i++)
        if (old.table[i].block != 0)
            put(s, old.table[i]);
    if (old.table != NULL) {
        wr_count_sub(profile_sys, old.size * sizeof *s->table);
        wr_os_unmap(old.table, old.size * sizeof *s->table);
    }
    return true;
}

static bool
live_add(uintptr_t block, uint32_t bucket)
{
    struct shard *s = shard_of(hash_block(block));
    struct live entry = {block, bucket};
    bool room;

    wr_lock_take(&s->lock);
    room = s->used < s->size / 4 * 3 || grow_shard(s);
    if (room) {
        put(s, entry);
        s->used++;
    }
    wr_lock_give(&s->lock);
    return room;
}

/* Close the gap at i: later entries of the run that may move, do. */
static void
close_gap(struct shard *s, uint32_t i)
{
    uint32_t mask = s->size - 1;

    for (uint32_t k = (i + 1) & mask; s->table[k].block != 0;
         k = (k + 1) & mask) {
        uint32_t home = home_of(s, hash_block(s->table[k].block));

        if (((k - home) & mask) >= ((k - i) & mask)) {
            s->table[i] = s->table[k];
            i = k;
        }
    }
    s->table[i].block = 0;
}

/* Where block is in its shard, or -1. Lock held. */
static int64_t
live_find(const struct shard *s, uintptr_t block)
{
    uint32_t i;

    if (s->size == 0)
        return -1;
    for (i = home_of(s, hash_block(block)); s->table[i].block != 0;
         i = (i + 1) & (s->size - 1))
        if (s->table[i].block == block)
            return i;
    return -1;
}

static bool
live_remove(uintptr_t block, uint32_t *bucket)
{
    struct shard *s = shard_of(hash_block(block));
    int64_t i;

    wr_lock_take(&s->lock);
    i = live_find(s, block);
    if (i >= 0) {
        *bucket = s->table[i].bucket;
        close_gap(s, (uint32_t)i);
        s->used--;
    }
    wr_lock_give(&s->lock);
    return i >= 0;
}

/* ---- chance ---- */

/* The natural logarithm of x > 0, to about 1e-10: the library links no libm.
 * x = m * 2^e with m in [sqrt(1/2), sqrt(2)); ln m = 2 artanh((m-1)/(m+1)). */
static double
logarithm(double x)
{
    union {
        double d;
        uint64_t u;
    } v = {x};
    int e = (int)(v.u >> 52) - 1023;
    double t, t2;

    v.u = (v.u & (((uint64_t)1 << 52) - 1)) | (uint64_t)1023 << 52;
    if (v.d > 1.4142135623730951) {
        v.d /= 2;
        e++;
    }
    t = (v.d - 1) / (v.d + 1);
    t2 = t * t;
    return e * 0.6931471805599453 +
           2 * t *
               (1 +
                t2 * (1.0 / 3 +
                      t2 * (1.0 / 5 +
                            t2 * (1.0 / 7 + t2 * (1.0 / 9 + t2 * (1.0 / 11 +
                                                                  t2 / 13))))));
}

/* Marsaglia's xorshift64*, "Xorshift RNGs" (2003) with Vigna's multiplier. */
static uint64_t
next_random(uint64_t *state)
{
    uint64_t x = *state;

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * UINT64_C(0x2545f4914f6cdd1d);
}

int64_t
wr_sample_draw(uint64_t *state, uint64_t mean)
{
    double u;

    if (mean == 0)
        return INT64_MAX;
    if (mean == 1)
        return 0;
    u = ((double)(next_random(state) >> 11) + 1) / 9007199254740992.0;
    u = -logarithm(u) * (double)mean;
    return u >= 4e18 ? INT64_MAX / 2 : (int64_t)u;
}

/* ---- the heap's events ---- */

static int64_t
next_sample(struct wr_mcache *mc)
{
    if (mc->rng == 0)
        mc->rng = wr_os_random();
    mc->sample_rate = wr_sample_rate();
    return wr_sample_draw(&mc->rng, mc->sample_rate);
}

size_t
wr_sample_stack(uintptr_t *pc, size_t max)
{
    uintptr_t raw[WR_STACK_FRAMES + OWN_FRAMES];
    size_t n = wr_unwind_here(raw, wr_countof(raw)), kept = 0;

    for (size_t i = 0; i < n && kept < max; i++)
        if (!wr_module_is_weir(raw[i] - 1))
            pc[kept++] = raw[i];
    return kept;
}

static void
sampled(void *block, size_t bytes)
{
    uintptr_t pc[WR_STACK_FRAMES];
    size_t n = wr_sample_stack(pc, wr_countof(pc));
    uint32_t bucket = wr_bucket_find(pc, n, bytes, wr_self->sample_rate);

    if (live_add((uintptr_t)block, bucket))
        wr_bucket_add_alloc(bucket, bytes);
}

static void
sample_freed(void *block, size_t bytes)
{
    uint32_t bucket;

    if (live_remove((uintptr_t)block, &bucket))
        wr_bucket_add_free(bucket, bytes);
}

/* ---- the end of a program that misused the heap ---- */

static void
add_frames(struct wr_text *t, const uintptr_t *pc, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        wr_text_str(t, i == 0 ? "" : " < ");
        wr_module_name(t, pc[i] - 1);
    }
}

static void
explain(struct wr_text *t, const void *block)
{
    enum { SHOWN = 4 };
    struct shard *s = shard_of(hash_block((uintptr_t)block));
    uintptr_t pc[WR_STACK_FRAMES];
    int64_t i = -1;

    if (wr_lock_try(&s->lock)) {
        i = live_find(s, (uintptr_t)block);
        wr_lock_give(&s->lock);
    }
    if (i >= 0) {
        size_t n = wr_bucket_stack(s->table[i].bucket, pc, SHOWN);

        wr_text_str(t, ", allocated at ");
        add_frames(t, pc, n);
    }
    wr_text_str(t, "; called from ");
    add_frames(t, pc, wr_min(wr_sample_stack(pc, wr_countof(pc)), SHOWN));
}

/* ---- start, rate, fork ---- */

uint64_t
wr_sample_rate(void)
{
    return atomic_load_explicit(&rate_now, memory_order_relaxed);
}

void
wr_sample_set_rate(uint64_t rate)
{
    atomic_store(&rate_now, rate);
    if (wr_region != NULL)
        atomic_store(&wr_region->sample_rate, rate);
}

WR_EXPORT uint64_t
weir_profile_rate(void)
{
    return wr_sample_rate();
}

WR_EXPORT void
weir_profile_set_rate(uint64_t bytes)
{
    wr_sample_set_rate(bytes);
    /* The distribution has no memory: drawing anew is no second chance. */
    if (wr_self != &wr_mcache_none)
        wr_self->sample_left = next_sample(wr_self);
}

void
wr_sample_start(uint64_t rate)
{
    wr_module_start();
    wr_events.explain = explain;
    if (!wr_bucket_start())
        return;
    wr_sample_set_rate(rate);
    wr_events.sampled = sampled;
    wr_events.sample_freed = sample_freed;
    wr_events.next_sample = next_sample;
}

void
wr_sample_fork_before(void)
{
    if (wr_self != &wr_mcache_none)
        wr_self->forking = true;
    for (unsigned i = 0; i < SHARDS; i++)
        wr_lock_take(&shards[i].lock);
    wr_lock_take(&wr_bucket_lock);
    wr_lock_take(&wr_region_lock);
}

void
wr_sample_fork_after(void)
{
    wr_lock_give(&wr_region_lock);
    wr_lock_give(&wr_bucket_lock);
    for (unsigned i = SHARDS; i-- > 0;)
        wr_lock_give(&shards[i].lock);
    if (wr_self != &wr_mcache_none) {
        wr_self->forking = false;
        wr_self->sample_left = next_sample(wr_self);
    }
}
