/* Invariants
 * 1. A sampled block's tag is the number of its entry in the ledger, which
 *    says its bucket; or, where the ledger was full, UNBORN and the bucket.
 *    It was counted in that bucket, and its free will be.
 * 2. A thread's countdown was drawn for mc->sample_rate; what it samples is
 *    counted under that rate, whatever the rate is by then.
 * 3. mc->memo is used by the thread that has the cache. The next one to have
 *    it finds walks of another stack there, which is as good as none.
 */
#include "profile/sample.h"

#include <weir/profile.h>

#include "base/base.h"
#include "base/text.h"
#include "heap/heap.h"
#include "heap/mcache.h"
#include "heap/mheap.h"
#include "heap/span.h"
#include "os/os.h"
#include "os/probe.h"
#include "profile/bucket.h"
#include "profile/module.h"
#include "profile/unwind.h"
#include "profile/unwind_memo.h"
#include "region/counters.h"
#include "region/event.h"
#include "region/ledger_write.h"
#include "region/read.h"
#include "region/region.h"
#include "world/background.h"
#include "world/thread.h"

#define UNBORN UINT32_C(0x80000000) /* a tag that is no entry of the ledger */

enum {
    OWN_FRAMES = 8,
    DENSE = 1024, /* bytes between samples, or less */
};

static _Atomic uint64_t rate_now;
static __thread unsigned excuses; /* calls of wr_sample_excuse_all to undo */

/* ---- chance ---- */

/* The natural logarithm of x > 0, to about 1e-10: the library links no libm.
 * x = m * 2^e with m in [sqrt(1/2), sqrt(2)); ln m = 2 artanh((m-1)/(m+1)).
 * No branch on x, which is chance; and the terms by pairs, so that they need
 * not wait for each other. */
static double
logarithm(double x)
{
    enum { MANTISSA = 52 };
    const uint64_t root = UINT64_C(0x3fe6a09e667f3bcd); /* sqrt(1/2) */
    union {
        double d;
        uint64_t u;
    } v = {x};
    int64_t e = (int64_t)(v.u - root) >> MANTISSA;
    double t, t2, t4;

    v.u -= (uint64_t)e << MANTISSA;
    t = (v.d - 1) / (v.d + 1);
    t2 = t * t;
    t4 = t2 * t2;
    return (double)e * 0.6931471805599453 +
           2 * t *
               ((1 + t2 * (1.0 / 3)) + t4 * (1.0 / 5 + t2 * (1.0 / 7)) +
                t4 * t4 * ((1.0 / 9 + t2 * (1.0 / 11)) + t4 * (1.0 / 13)));
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
    uint64_t rate = excuses > 0 ? 1 : wr_sample_rate();

    if (mc->rng == 0)
        mc->rng = wr_os_random();
    if (mc->sample_rate != rate) { /* the other countdowns are of no use */
        mc->sample_rate = rate;
        wr_mcache_draw_samples(mc);
    }
    return wr_sample_draw(&mc->rng, rate);
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

/* Where samples are dense, stacks come back soon: more of them are kept. */
static struct wr_unwind_memo *
new_memo(uint64_t rate)
{
    unsigned walks = rate <= DENSE ? WR_UNWIND_WALKS : 1;
    size_t bytes = offsetof(struct wr_unwind_memo, past) +
                   walks * sizeof(struct wr_unwind_past);
    struct wr_unwind_memo *memo =
        wr_mheap_meta(bytes, &wr_counters->profile_sys);

    if (memo != NULL)
        memo->mask = walks - 1;
    return memo;
}

/* The number of the calling thread's stack in the region. */
static uint32_t
stack_of(struct wr_mcache *mc)
{
    uintptr_t pc[WR_STACK_FRAMES];
    struct wr_unwind_seen seen;
    uint32_t stack;

    if (mc->memo == NULL)
        mc->memo = new_memo(mc->sample_rate);
    if (mc->memo == NULL || !wr_unwind_again(mc->memo, &seen))
        return wr_stack_find(pc, wr_sample_stack(pc, wr_countof(pc)));
    stack = *seen.number;
    if (stack == 0 || !wr_stack_stands(stack, seen.pc, seen.n))
        stack = wr_stack_find_hashed(seen.pc, seen.n, seen.hash);
    *seen.number = stack;
    wr_unwind_seen_done(mc->memo);
    return stack;
}

static uint32_t
tid_of(const struct wr_mcache *mc)
{
    return mc->region_slot == NULL ? 0
                                   : atomic_load_explicit(&mc->region_slot->tid,
                                                          memory_order_relaxed);
}

/* What the heap keeps with a sampled block. */
static uint32_t
tag_for(const struct wr_mcache *mc, const void *block, uint32_t bucket)
{
    uint32_t entry = wr_ledger_add(block, bucket, tid_of(mc));

    if (excuses > 0)
        (void)wr_ledger_excuse(entry);
    return entry != 0 ? entry : UNBORN | bucket;
}

static struct wr_birth
birth_of(uint32_t tag)
{
    struct wr_birth b = {0, tag & ~UNBORN, 0};

    if ((tag & UNBORN) == 0)
        (void)wr_ledger_get(tag, &b);
    return b;
}

static uint32_t
sampled(struct wr_mcache *mc, void *block, size_t bytes)
{
    uint32_t bucket;

    wr_background_tell_often();
    (void)wr_world_region();
    bucket = wr_bucket_find(stack_of(mc), bytes, mc->sample_rate);
    wr_bucket_add_alloc(bucket, bytes);
    WR_PROBE3(otel_memory, alloc, block, bytes,
              wr_bucket_stands_for(bucket, bytes, mc->sample_rate));
    return tag_for(mc, block, bucket);
}

static void
sample_freed(uint32_t tag, void *block, size_t bytes)
{
    uint32_t bucket = tag & ~UNBORN;
    uint64_t age = 0;

    (void)wr_world_region();
    if ((tag & UNBORN) == 0)
        bucket = wr_ledger_drop(tag, &age);
    wr_bucket_add_free(bucket, bytes, age);
    WR_PROBE1(otel_memory, free, block);
    wr_background_tell_often();
}

static void
sample_lost(uint32_t tag)
{
    (void)wr_world_region();
    wr_bucket_add_lost(birth_of(tag).bucket);
}

bool
wr_sample_birth(const struct wr_span *s, unsigned block, struct wr_birth *out)
{
    if (!wr_block_is_sampled(wr_block_state(s, block)) || s->tags == NULL)
        return false;
    *out = birth_of(s->tags[block]);
    return true;
}

/* ---- what is not to be called leaked ---- */

static bool
has_entry(const struct wr_span *s, unsigned block)
{
    return wr_block_is_sampled(wr_block_state(s, block)) && s->tags != NULL &&
           (s->tags[block] & UNBORN) == 0;
}

bool
wr_sample_excuse(const struct wr_span *s, unsigned block)
{
    return has_entry(s, block) && wr_ledger_excuse(s->tags[block]);
}

bool
wr_sample_is_excused(const struct wr_span *s, unsigned block)
{
    return has_entry(s, block) && wr_ledger_is_excused(s->tags[block]);
}

void
wr_sample_excuse_all(void)
{
    if (excuses++ == 0)
        wr_mcache_draw_samples(wr_mcache_get());
}

void
wr_sample_excuse_no_more(void)
{
    if (excuses > 0 && --excuses == 0)
        wr_mcache_draw_samples(wr_mcache_get());
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
    uintptr_t pc[WR_STACK_FRAMES];
    uint32_t tag;

    (void)wr_world_region();
    if (wr_sample_tag(block, &tag)) {
        size_t n = wr_bucket_stack(birth_of(tag).bucket, pc, SHOWN);

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
    if (wr_world_region())
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
        wr_mcache_draw_samples(wr_self);
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
    wr_events.sample_lost = sample_lost;
    wr_events.next_sample = next_sample;
}

void
wr_sample_pause(void)
{
    if (wr_self != &wr_mcache_none)
        wr_self->forking = true;
}

void
wr_sample_resume(bool in_child)
{
    struct wr_mcache *mc = wr_self;

    if (mc == &wr_mcache_none)
        return;
    mc->forking = false;
    /* Countdowns that run go on, as they do in its siblings: to draw them
     * anew would touch, and so copy, all that the heap has in use. */
    if (in_child)
        mc->rng ^= wr_os_home() * UINT64_C(0x9e3779b97f4a7c15);
}

void
wr_sample_fork_before(void)
{
    wr_sample_pause();
    wr_lock_take(&wr_bucket_lock);
    wr_lock_take(&wr_region_lock);
}

void
wr_sample_fork_after(bool in_child)
{
    wr_lock_give(&wr_region_lock);
    wr_lock_give(&wr_bucket_lock);
    wr_sample_resume(in_child);
}
