/* Invariants
 * 1. The block of a span that a cache keeps is FREE, the span LARGE; it is
 *    in one entry of mc->large, and large_kept is the sum of their bytes.
 * 2. Who moves a large block from LIVE to FREE has it: of two threads that
 *    free it at once the other is stopped.
 */
#include "heap/large.h"

#include "heap/heap.h"
#include "heap/layout.h"
#include "heap/mheap.h"
#include "heap/misuse.h"
#include "heap/sampled.h"
#include "heap/suspect.h"
#include "region/counters.h"
#include "region/event.h"

enum { KEEP_BLOCK = 256 << 10, KEEP_ALL = 512 << 10 };

/* ---- what a thread keeps ---- */

static struct wr_span **
entry_of(struct wr_mcache *mc, size_t pages)
{
    return &mc->large[pages % wr_countof(mc->large)];
}

/* A kept span of so many pages, or NULL. */
static struct wr_span *
take_kept(struct wr_mcache *mc, size_t pages)
{
    struct wr_span **entry = entry_of(mc, pages), *s = *entry;

    if (s == NULL || s->pages != pages)
        return NULL;
    *entry = NULL;
    mc->large_kept -= wr_span_bytes(s);
    return s;
}

/* Keep s in the place of what its entry holds: which the caller gives back;
 * s itself when it is not for keeping. */
static struct wr_span *
keep(struct wr_mcache *mc, struct wr_span *s)
{
    struct wr_span **entry = entry_of(mc, s->pages), *old = *entry;
    size_t kept = mc->large_kept + wr_span_bytes(s);

    if (old != NULL)
        kept -= wr_span_bytes(old);
    if (wr_span_bytes(s) > KEEP_BLOCK || kept > KEEP_ALL)
        return s;
    *entry = s;
    mc->large_kept = kept;
    return old;
}

bool
wr_large_is_kept(struct wr_mcache *mc, struct wr_span *s)
{
    return *entry_of(mc, s->pages) == s;
}

void
wr_large_flush(struct wr_mcache *mc)
{
    for (size_t i = 0; i < wr_countof(mc->large); i++) {
        if (mc->large[i] != NULL)
            wr_mheap_free(mc->large[i], false);
        mc->large[i] = NULL;
    }
    mc->large_kept = 0;
}

/* ---- allocating ---- */

/* Count the block down to the next sample. */
static void
count_down(struct wr_mcache *mc, struct wr_span *s)
{
    int64_t bytes = (int64_t)wr_span_bytes(s);

    if (mc->sample_left >= bytes) {
        mc->sample_left -= bytes;
        return;
    }
    mc->sample_left = INT64_MAX;
    wr_sample_block(mc, s, (void *)s->base);
    if (wr_events.next_sample != NULL)
        mc->sample_left = wr_events.next_sample(mc);
}

static void
count_alloc(struct wr_mcache *mc, size_t bytes)
{
    mc->large_turnover.allocated += bytes;
    wr_count_add(large_allocs, 1);
    wr_count_add(large_alloc_bytes, bytes);
}

static void
count_free(struct wr_mcache *mc, size_t bytes)
{
    if (mc != &wr_mcache_none)
        mc->large_turnover.freed += bytes;
    wr_count_add(large_frees, 1);
    wr_count_add(large_free_bytes, bytes);
}

/* May there be so many bytes more in large blocks? */
static bool
is_allowed(struct wr_mcache *mc, size_t bytes)
{
    uint64_t ceiling =
        atomic_load_explicit(&wr_mheap_ceiling, memory_order_relaxed);

    if (wr_unlikely(wr_count_get(heap_inuse) + bytes > ceiling) &&
        wr_events.memory_over != NULL && !wr_events.memory_over(bytes))
        return false;
    return wr_mcache_may_grow(mc, bytes);
}

/* Who looks at states sees its kind, too. */
static void
make_live(struct wr_mcache *mc, struct wr_span *s)
{
    mc->making = s;
    atomic_signal_fence(memory_order_seq_cst);
    wr_tell_taking(s, 0, 1);
    if (wr_unlikely(atomic_load(&wr_free_round) == 0))
        wr_tell_going(s, s->base, wr_span_bytes(s));
    __atomic_store_n(&s->block[0], WR_BLOCK_LIVE, __ATOMIC_RELEASE);
    atomic_signal_fence(memory_order_seq_cst);
    mc->making = NULL;
}

void *
wr_large_alloc(struct wr_mcache *mc, enum wr_kind kind, size_t align,
               size_t size, bool *zero)
{
    struct wr_span *s = NULL;
    size_t pages;
    void *p;

    if (size > WR_HEAP_MAX || align > WR_HEAP_MAX)
        return NULL;
    pages = wr_align_up(wr_max(size, 1), WR_PAGE_BYTES) >> WR_PAGE_SHIFT;
    if (align <= WR_PAGE_BYTES)
        s = take_kept(mc, pages);
    if (s == NULL && is_allowed(mc, pages << WR_PAGE_SHIFT))
        s = wr_mheap_alloc(pages, wr_max(align >> WR_PAGE_SHIFT, 1), 1);
    if (s == NULL)
        return NULL;
    if (kind == WR_KIND_TYPED && !wr_layout_cover(s->base, wr_span_bytes(s))) {
        wr_mheap_free(s, false);
        return NULL;
    }
    *zero = wr_block_state(s, 0) == WR_BLOCK_FRESH;
    wr_span_set_kind(s, kind);
    wr_span_set_old(s, false);
    p = wr_cpu_held(s->base); /* as wr_slot_take */
    make_live(mc, s);
    if (wr_span_is_collected(s))
        atomic_fetch_add_explicit(&wr_managed_bytes, wr_span_bytes(s),
                                  memory_order_relaxed);
    s->tags = &s->one_tag;
    count_alloc(mc, wr_span_bytes(s));
    count_down(mc, s);
    return wr_cpu_held((uintptr_t)p);
}

/* ---- freeing ---- */

void
wr_large_free(struct wr_span *s, void *p, const char *call, bool emptied)
{
    struct wr_mcache *mc = wr_self;

    if ((uintptr_t)p != s->base)
        wr_misuse(call, p);
    wr_suspect_used(s, 0);
    wr_sample_free(s, 0, wr_span_bytes(s));
    if (!emptied)
        wr_tell_going(s, s->base, wr_span_bytes(s));
    if (!wr_block_step(s, 0, WR_BLOCK_LIVE, WR_BLOCK_FREE)) {
        wr_misuse_twice(p, s->class_id);
        return;
    }
    count_free(mc, wr_span_bytes(s));
    wr_count_returned(s->kind, wr_span_bytes(s));
    if (mc != &wr_mcache_none && !emptied)
        s = keep(mc, s);
    if (s != NULL)
        wr_mheap_free(s, emptied);
}

/* ---- changing its length ---- */

/* For the statistics and the profile it is freed and allocated. */
bool
wr_large_resize(struct wr_mcache *mc, struct wr_span *s, size_t size)
{
    size_t old = wr_span_bytes(s), now = wr_align_up(size, WR_PAGE_BYTES);

    if (old == now)
        return true;
    if (now > old && !is_allowed(mc, now - old))
        return false;
    if (s->kind == WR_KIND_TYPED && !wr_layout_cover(s->base, now))
        return false;
    if (now < old)
        wr_tell_going(s, s->base + now, old - now);
    if (!wr_mheap_resize(s, now >> WR_PAGE_SHIFT))
        return false;
    if (s->kind == WR_KIND_TYPED && now > old)
        wr_layout_fill(s->base + old, s->base + now, true);
    count_free(mc, old);
    wr_sample_free(s, 0, old);
    count_alloc(mc, now);
    wr_count_returned(s->kind, old);
    if (wr_span_is_collected(s))
        atomic_fetch_add_explicit(&wr_managed_bytes, now, memory_order_relaxed);
    count_down(mc, s);
    return true;
}
