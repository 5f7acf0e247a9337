/* Invariants
 * 1. A slow path is complete: it may be entered at any time instead of the
 *    fast one.
 */
#include "heap/heap.h"

#include <string.h>

#include "heap/fast.h"
#include "heap/large.h"
#include "heap/layout.h"
#include "heap/mcentral.h"
#include "heap/mheap.h"
#include "heap/misuse.h"
#include "heap/sampled.h"
#include "heap/suspect.h"
#include "heap/tiny.h"
#include "os/os.h"
#include "region/counters.h"
#include "region/event.h"

/* From here on realloc moves pages instead of copying them. */
enum { MOVE_MIN = 1 << 20 };

/* ---- allocating ---- */

static __attribute__((noinline)) void *
small_slower(struct wr_slot *slot, bool *fresh)
{
    unsigned number = (unsigned)(slot - wr_self->slot);
    struct wr_mcache *mc = wr_mcache_get();
    void *p;

    if (mc == NULL)
        return NULL;
    if (wr_unlikely(number >= mc->slots))
        wr_mcache_use_all_slots(mc);
    if (!wr_mcache_refill(mc, number))
        return NULL;
    slot = &mc->slot[number];
    p = wr_slot_take(slot, wr_word_load(&slot->bits), fresh);
    if (wr_unlikely(slot->until_sample == WR_SAMPLE_DUE)) {
        wr_mcache_draw_sample(mc, slot);
        wr_sample_block(mc, slot->span, p);
    }
    return p;
}

/* These n blocks of the slot's group are its to hand out, the first now. */
static inline __attribute__((always_inline)) void *
hand_out(struct wr_slot *slot, uint64_t bits, int64_t n, bool *fresh)
{
    slot->again--;
    wr_slot_change(slot, n, bits);
    wr_span_use_current(slot->span, (int32_t)n);
    return wr_slot_take(slot, bits, fresh);
}

/* The n lowest of the blocks, one now. */
static void *
hand_out_some(struct wr_slot *slot, uint64_t bits, int64_t n, bool *fresh)
{
    slot->until_sample -= n;
    return hand_out(slot, wr_word_lowest(bits, n), n, fresh);
}

/* Of these blocks the first is a sample. The slot is whole before it is dealt
 * with: meanwhile a signal handler may allocate. */
static void *
take_sample(struct wr_slot *slot, uint64_t bits, uint32_t blocks, bool *fresh)
{
    struct wr_mcache *mc = wr_self;
    int64_t behind = blocks - 1;
    void *p;

    wr_mcache_draw_sample(mc, slot);
    if (wr_likely(slot->until_sample >= behind)) {
        slot->until_sample -= behind;
        p = hand_out(slot, bits, blocks, fresh);
    } else {
        slot->until_sample++; /* it is not counted down */
        p = hand_out_some(slot, bits, slot->until_sample, fresh);
    }
    wr_sample_block(mc, slot->span, p);
    return p;
}

/* The next sample is one of these blocks: the first, or those before it are
 * to go first. NULL: that is not known yet. */
static __attribute__((noinline)) void *
take_to_sample(struct wr_slot *slot, uint64_t bits, uint32_t blocks,
               bool *fresh)
{
    if (slot->until_sample < 0)
        return NULL;
    if (slot->until_sample == 0)
        return take_sample(slot, bits, blocks, fresh);
    return hand_out_some(slot, bits, slot->until_sample, fresh);
}

/* A block of the group that the slot had, or NULL. */
static inline __attribute__((always_inline)) void *
take_again(struct wr_slot *slot, bool *fresh)
{
    uint32_t n;
    uint64_t bits = wr_slot_look_again(slot, &n);

    if (wr_unlikely(bits == 0))
        return NULL;
    if (wr_unlikely(slot->until_sample < n))
        return take_to_sample(slot, bits, n, fresh);
    slot->until_sample -= n;
    return hand_out(slot, bits, n, fresh);
}

/* The slot, one of wr_self's, has nothing ready. */
static void *
small_slow(struct wr_slot *slot, bool *fresh)
{
    void *p = take_again(slot, fresh);

    return wr_likely(p != NULL) ? p : small_slower(slot, fresh);
}

void *
wr_malloc_again(size_t size, struct wr_slot *slot, void *(*slow)(size_t))
{
    bool fresh;
    void *p = take_again(slot, &fresh);

    return wr_likely(p != NULL) ? p : slow(size);
}

/* Has it nothing ready? Whatever was called since that was asked may have got
 * it some, and what is handed out on top of these would be lost. */
static void *
small_alloc(struct wr_slot *slot, bool *fresh)
{
    uint64_t bits = wr_word_load(&slot->bits);

    return bits != 0 ? wr_slot_take(slot, bits, fresh)
                     : small_slow(slot, fresh);
}

/* As wr_malloc_slow; *zero: the block's memory is. */
static inline void *
alloc_slow(size_t size, bool *zero)
{
    struct wr_mcache *mc;

    if (size <= WR_SMALL_MAX)
        return small_alloc(&wr_self->slot[wr_class_of(size)], zero);
    mc = wr_mcache_get();
    return mc == NULL ? NULL
                      : wr_large_alloc(mc, WR_KIND_MALLOC, 1, size, zero);
}

void *
wr_managed_slow(size_t size, enum wr_kind kind)
{
    struct wr_mcache *mc;
    bool zero;
    void *p;

    if (kind == WR_KIND_TYPED && size <= WR_HEAP_MAX)
        size = wr_block_bytes_for(size);
    if (size <= WR_SMALL_MAX) {
        p = small_alloc(wr_managed_slot(size, kind), &zero);
    } else {
        mc = wr_mcache_get();
        p = mc == NULL ? NULL : wr_large_alloc(mc, kind, 1, size, &zero);
    }
    return p == NULL || zero ? p : memset(p, 0, size);
}

WR_COLD void *
wr_malloc_slow(size_t size)
{
    bool zero;

    return alloc_slow(size, &zero);
}

void *
wr_malloc(size_t size)
{
    return wr_malloc_fast(size, wr_malloc_slow);
}

void *
wr_calloc(size_t size)
{
    struct wr_slot *slot = wr_slot_for(size);
    uint64_t bits = slot == NULL ? 0 : wr_word_load(&slot->bits);
    bool zero;
    void *p;

    if (wr_likely(bits != 0))
        p = wr_slot_take(slot, bits, &zero);
    else
        p = alloc_slow(size, &zero);
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
            return small_alloc(&mc->slot[c], &zero);
    }
    return wr_large_alloc(mc, WR_KIND_MALLOC, align, size, &zero);
}

/* ---- freeing ---- */

static void
local_free(struct wr_mcache *mc, struct wr_span *s, unsigned block, void *p)
{
    if (wr_block_state(s, block) != WR_BLOCK_LIVE) {
        wr_misuse_twice(p, s->class_id);
        return;
    }
    wr_block_set(s, block, WR_BLOCK_FREE);
    if (wr_cpu_runs_out(&s->left))
        wr_mcache_look_up(mc, s);
}

void
wr_free_odd(void *p, struct wr_span *s)
{
    unsigned block = (unsigned)wr_span_exact_block(s, p);

    if (wr_block_is_shared(wr_block_state(s, block)))
        return;
    wr_suspect_used(s, block);
    wr_sample_free(s, block, s->block_bytes);
    local_free(wr_span_owner(s), s, block, p);
}

void
wr_free_look_up(struct wr_span *s)
{
    wr_mcache_look_up(wr_span_owner(s), s);
}

static void
small_free(struct wr_mcache *mc, struct wr_span *s, void *p)
{
    bool exact;
    unsigned block = wr_span_block_of(s, p, &exact);
    unsigned slot = wr_span_slot(s);

    if (block < s->blocks && wr_block_is_shared(wr_block_state(s, block)))
        return;
    if (!exact || block >= s->blocks)
        wr_misuse("free", p);
    wr_suspect_used(s, block);
    wr_sample_free(s, block, s->block_bytes);
    if (mc != NULL && wr_span_owner(s) == mc) {
        local_free(mc, s, block, p);
        return;
    }
    if (!wr_remote_free(s, block)) {
        wr_misuse_twice(p, s->class_id);
        return;
    }
    if (mc != NULL) /* s may be gone */
        wr_mcache_count_remote(mc, slot, 1);
    else
        wr_mcache_count_free(slot);
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
        wr_large_free(s, p, "free", false);
        break;
    default: /* a free run */
        wr_misuse_twice(p, 0);
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
    uintptr_t end;
    size_t bytes;
    bool live;

    if (wr_block_of(p, &bytes, &live) == p && live)
        return bytes;
    end = wr_tiny_end(p);
    if (end == 0)
        wr_misuse(call, p);
    return end - (uintptr_t)p;
}

size_t
wr_usable_size(const void *p)
{
    return live_size(p, "malloc_usable_size");
}

/* ---- realloc ---- */

/* Of q, a new block, the first bytes count as those of p do; the rest all. */
static void
move_layout(uintptr_t q, uintptr_t p, size_t bytes)
{
    wr_layout_mix(wr_self, q);
    wr_layout_fill(q, q + wr_span_block_bytes(wr_span_of((void *)q)), true);
    wr_layout_copy(q, p, wr_align_down(bytes, sizeof(uintptr_t)));
}

static void *
move(void *p, size_t old, size_t size)
{
    struct wr_span *s = wr_span_of(p);
    void *q = wr_span_is_managed(s) ? wr_managed_slow(size, s->kind)
                                    : wr_malloc(size);

    if (q == NULL)
        return NULL;
    if (s->kind == WR_KIND_TYPED)
        move_layout((uintptr_t)q, (uintptr_t)p, wr_min(old, size));
    if (old >= MOVE_MIN)
        wr_tell_going(s, (uintptr_t)p, old);
    if (old >= MOVE_MIN && size >= old && wr_os_move(p, q, old)) {
        wr_large_free(s, p, "realloc", true);
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
    if (s->kind == WR_KIND_NOSCAN && wr_tiny_end(p) != 0)
        return move(p, old, size);
    wr_suspect_used(s, (unsigned)(((uintptr_t)p - s->base) / old));
    if (s->class_id == 0) {
        if (size > WR_SMALL_MAX && wr_large_resize(mc, s, size))
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
    for (unsigned i = 1; i < WR_SLOTS; i++)
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
    if (in_child)
        wr_mheap_fork_child();
    wr_lock_give(&wr_mheap_lock);
    wr_mcentral_unlock_all();
    if (in_child)
        wr_mcache_adopt_orphans();
}
