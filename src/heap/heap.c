/* Invariants
 * 1. A slow path is complete: it may be entered at any time instead of the
 *    fast one.
 * 2. A sampled block is SAMPLED from before malloc returns it until free
 *    begins; its tag is set from before that.
 */
#include "heap/heap.h"

#include <string.h>

#include "heap/fast.h"
#include "heap/mcentral.h"
#include "heap/mheap.h"
#include "heap/misuse.h"
#include "heap/scavenge.h"
#include "os/os.h"
#include "region/counters.h"
#include "region/event.h"

/* From here on realloc moves pages instead of copying them. */
enum { MOVE_MIN = 1 << 20 };

struct wr_events wr_events;

/* ---- samples ---- */

/* The sampler picked this block, which nobody has seen yet. */
static void
sample(struct wr_mcache *mc, struct wr_span *s, void *p)
{
    unsigned block = 0;
    bool exact;

    if (wr_events.sampled == NULL || mc->forking)
        return;
    if (s->class_id != 0)
        block = wr_span_block_of(s, p, &exact);
    if (s->tags == NULL && !wr_mheap_add_tags(s))
        return;
    s->tags[block] = wr_events.sampled(mc, wr_span_block_bytes(s));
    __atomic_store_n(&s->block[block], WR_BLOCK_SAMPLED, __ATOMIC_RELEASE);
}

/* A block is about to be freed: if it is a sample, say so. Of two threads
 * that free it at once one does, and one of them will be stopped. */
static void
unsample(struct wr_span *s, unsigned block, size_t bytes)
{
    if (wr_block_state(s, block) == WR_BLOCK_SAMPLED &&
        wr_block_step(s, block, WR_BLOCK_SAMPLED, WR_BLOCK_LIVE) &&
        wr_events.sample_freed != NULL)
        wr_events.sample_freed(s->tags[block], bytes);
}

bool
wr_sample_tag(const void *p, uint16_t *tag)
{
    struct wr_span *s = wr_span_of(p);
    unsigned block = 0;
    bool exact;

    if (s == NULL || wr_span_state(s) < WR_SPAN_SMALL)
        return false;
    if (s->class_id != 0)
        block = wr_span_block_of(s, p, &exact);
    if (block >= s->blocks || wr_block_state(s, block) != WR_BLOCK_SAMPLED)
        return false;
    *tag = s->tags[block];
    return true;
}

/* ---- allocating ---- */

/* What the slot has ready, or NULL. */
static inline void *
take_ready(struct wr_slot *slot, unsigned class_id)
{
    uint64_t bits;

    if (class_id > WR_WORD_CLASS)
        return wr_slot_take_one(slot);
    bits = wr_word_load(&slot->bits);
    return bits == 0 ? NULL : wr_slot_take(slot, bits);
}

/* The slot has nothing ready. */
static void *
small_slow(struct wr_mcache *mc, unsigned class_id)
{
    struct wr_slot *slot = &mc->slot[class_id];
    void *p;

    if (!wr_mcache_refill(mc, class_id))
        return NULL;
    p = take_ready(slot, class_id);
    if (wr_unlikely(slot->until_sample == WR_SAMPLE_DUE)) {
        slot->until_sample = WR_SAMPLE_UNDRAWN;
        sample(mc, slot->span, p);
    }
    return p;
}

static void *
small_alloc(struct wr_mcache *mc, unsigned class_id)
{
    void *p = take_ready(&mc->slot[class_id], class_id);

    return p != NULL ? p : small_slow(mc, class_id);
}

/* Count a large block down to the next sample. */
static void
large_sample(struct wr_mcache *mc, struct wr_span *s)
{
    int64_t bytes = (int64_t)wr_span_bytes(s);

    if (mc->sample_left >= bytes) {
        mc->sample_left -= bytes;
        return;
    }
    mc->sample_left = INT64_MAX;
    sample(mc, s, (void *)s->base);
    if (wr_events.next_sample != NULL)
        mc->sample_left = wr_events.next_sample(mc);
}

static void *
large_alloc(struct wr_mcache *mc, size_t align, size_t size, bool *zero)
{
    size_t pages, bytes;
    struct wr_span *s;

    if (size > WR_HEAP_MAX || align > WR_HEAP_MAX)
        return NULL;
    pages = wr_align_up(wr_max(size, 1), WR_PAGE_BYTES) >> WR_PAGE_SHIFT;
    bytes = pages << WR_PAGE_SHIFT;
    s = wr_mheap_alloc(pages, wr_max(align >> WR_PAGE_SHIFT, 1), 1);
    if (s == NULL)
        return NULL;
    wr_block_set(s, 0, WR_BLOCK_LIVE);
    s->tags = &s->one_tag;
    *zero = s->zero;
    wr_count_add(large_allocs, 1);
    wr_count_add(large_alloc_bytes, bytes);
    large_sample(mc, s);
    return (void *)s->base;
}

WR_COLD void *
wr_malloc_slow(size_t size)
{
    struct wr_mcache *mc = wr_self;
    bool zero;

    if (wr_unlikely(mc == &wr_mcache_none)) {
        mc = wr_mcache_get();
        if (mc == NULL)
            return NULL;
    }
    if (size > WR_SMALL_MAX)
        return large_alloc(mc, 1, size, &zero);
    return small_slow(mc, wr_class_of(size));
}

void *
wr_malloc(size_t size)
{
    return wr_malloc_fast(size, wr_malloc_slow);
}

void *
wr_calloc(size_t size)
{
    struct wr_mcache *mc;
    bool zero = false;
    void *p;

    if (size <= WR_SMALL_MAX) {
        p = wr_malloc_fast(size, wr_malloc_slow);
        return p == NULL ? NULL : memset(p, 0, size);
    }
    mc = wr_mcache_get();
    p = mc == NULL ? NULL : large_alloc(mc, 1, size, &zero);
    return p == NULL || zero ? p : memset(p, 0, size);
}

/* The smallest class of at least n bytes whose blocks are all aligned. */
static unsigned
aligned_class(size_t align, size_t n)
{
    unsigned c = wr_class_of(n);

    while (c < WR_CLASSES && (wr_class[c].bytes & (align - 1)) != 0)
        c++;
    return c;
}

void *
wr_memalign(size_t align, size_t size)
{
    struct wr_mcache *mc = wr_mcache_get();
    unsigned c;
    bool zero;

    if (mc == NULL)
        return NULL;
    if (size <= WR_SMALL_MAX && align <= WR_PAGE_BYTES) {
        c = aligned_class(align, size);
        if (c < WR_CLASSES)
            return small_alloc(mc, c);
    }
    return large_alloc(mc, align, size, &zero);
}

/* ---- freeing ---- */

static void
large_free(struct wr_span *s, void *p, const char *call, bool emptied)
{
    uint8_t large = WR_SPAN_LARGE;

    if ((uintptr_t)p != s->base)
        wr_misuse(call, p);
    unsample(s, 0, wr_span_bytes(s));
    /* Of two threads that free it at once one gets past this. */
    if (!atomic_compare_exchange_strong(&s->state, &large, WR_SPAN_MOVING))
        wr_misuse(call, p);
    atomic_store(&s->state, WR_SPAN_LARGE);
    wr_count_add(large_frees, 1);
    wr_count_add(large_free_bytes, wr_span_bytes(s));
    wr_mheap_free(s, emptied);
}

static void
local_free(struct wr_mcache *mc, struct wr_span *s, unsigned block, void *p)
{
    if (wr_block_state(s, block) != WR_BLOCK_LIVE)
        wr_misuse("free", p);
    wr_block_set(s, block, WR_BLOCK_FREE);
    if ((atomic_load_explicit(&s->owner, memory_order_relaxed) &
         WR_OWNER_FULL) != 0)
        wr_mcache_unfull(mc, s);
    if (wr_cpu_runs_out(&s->left))
        wr_mcache_look_up(mc, s);
}

void
wr_free_look_up(struct wr_span *s)
{
    wr_mcache_look_up(wr_self, s);
}

static void
small_free(struct wr_mcache *mc, struct wr_span *s, void *p)
{
    bool exact;
    unsigned block = wr_span_block_of(s, p, &exact);
    unsigned class_id = s->class_id;

    if (!exact || block >= s->blocks)
        wr_misuse("free", p);
    unsample(s, block, s->block_bytes);
    if (mc != NULL && wr_span_owner(s) == mc) {
        local_free(mc, s, block, p);
        return;
    }
    if (!wr_remote_free(s, block))
        wr_misuse("free", p);
    if (mc != NULL) /* s may be gone */
        wr_mcache_count_remote(mc, class_id);
    else
        wr_mcache_count_free(class_id);
}

WR_COLD void
wr_free_slow(void *p)
{
    struct wr_span *s;

    if (p == NULL)
        return;
    s = wr_span_of(p);
    if (s == NULL)
        wr_misuse("free", p);
    switch (wr_span_state(s)) {
    case WR_SPAN_SMALL:
        small_free(wr_mcache_get_to_free(), s, p);
        break;
    case WR_SPAN_LARGE:
        large_free(s, p, "free", false);
        break;
    default:
        wr_misuse("free", p);
    }
}

void
wr_free(void *p)
{
    wr_free_fast(p);
}

/* ---- asking ---- */

void *
wr_block_of(const void *p, size_t *bytes, bool *live)
{
    struct wr_span *s = wr_span_of(p);
    bool exact;
    unsigned block;

    if (s == NULL)
        return NULL;
    if (wr_span_state(s) == WR_SPAN_LARGE) {
        *bytes = wr_span_bytes(s);
        *live = true;
        return (void *)s->base;
    }
    if (wr_span_state(s) != WR_SPAN_SMALL)
        return NULL;
    block = wr_span_block_of(s, p, &exact);
    if (block >= s->blocks)
        return NULL;
    *bytes = s->block_bytes;
    *live = wr_block_is_live(wr_block_state(s, block));
    return (void *)(s->base + (uintptr_t)block * s->block_bytes);
}

static size_t
live_size(const void *p, const char *call)
{
    size_t bytes;
    bool live;

    if (wr_block_of(p, &bytes, &live) != p || !live)
        wr_misuse(call, p);
    return bytes;
}

size_t
wr_usable_size(const void *p)
{
    return live_size(p, "malloc_usable_size");
}

/* ---- realloc ---- */

/* A large block changes its length where it stands: for the statistics and
 * the profile it is freed and allocated. */
static bool
resize_large(struct wr_mcache *mc, struct wr_span *s, size_t size)
{
    size_t old = wr_span_bytes(s), now = wr_align_up(size, WR_PAGE_BYTES);

    if (old == now)
        return true;
    if (!wr_mheap_resize(s, now >> WR_PAGE_SHIFT))
        return false;
    wr_count_add(large_frees, 1);
    wr_count_add(large_free_bytes, old);
    unsample(s, 0, old);
    wr_count_add(large_allocs, 1);
    wr_count_add(large_alloc_bytes, now);
    large_sample(mc, s);
    return true;
}

static void *
move(void *p, size_t old, size_t size)
{
    void *q = wr_malloc(size);
    struct wr_span *s;

    if (q == NULL)
        return NULL;
    s = wr_span_of(p);
    if (old >= MOVE_MIN && size >= old && wr_os_move(p, q, old)) {
        large_free(s, p, "realloc", true);
        return q;
    }
    memcpy(q, p, wr_min(old, size));
    wr_free(p);
    return q;
}

void *
wr_realloc(void *p, size_t size)
{
    struct wr_mcache *mc = wr_mcache_get();
    struct wr_span *s;
    size_t old;

    if (mc == NULL || size > WR_HEAP_MAX)
        return NULL;
    if (p == NULL)
        return wr_malloc(size);
    old = live_size(p, "realloc");
    s = wr_span_of(p);
    if (s->class_id == 0) {
        if (size > WR_SMALL_MAX && resize_large(mc, s, size))
            return p;
    } else if (size <= old && size > old / 2) {
        return p;
    }
    return move(p, old, size);
}

/* ---- the whole heap ---- */

size_t
wr_heap_trim(void)
{
    struct wr_mcache *mc = wr_self;

    if (mc != &wr_mcache_none)
        wr_mcache_flush(mc);
    for (unsigned i = 1; i < WR_CLASSES; i++)
        wr_mcentral_drain(i);
    return wr_mheap_scavenge(SIZE_MAX);
}

void
wr_heap_fork_before(void)
{
    wr_mcentral_lock_all();
    wr_lock_take(&wr_mheap_lock);
}

void
wr_heap_fork_after(bool in_child)
{
    if (in_child) {
        wr_mheap_fork_child();
        wr_scavenge_fork_child();
    }
    wr_lock_give(&wr_mheap_lock);
    wr_mcentral_unlock_all();
    if (in_child)
        wr_mcache_adopt_orphans();
}
