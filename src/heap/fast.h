/* The fast paths of malloc and free, to be inlined where they are exported.
 *
 * malloc: the slot, its word, the lowest bit. free: the page map, the block's
 * number, its state. No lock, no atomic read-modify-write, no count, no test
 * for the sampler: the word runs dry where there is something else to do.
 * What is out of the ordinary goes to wr_malloc_slow and wr_free_slow, which
 * start from the beginning: a fast path changes nothing before it is sure.
 */
#ifndef WR_HEAP_FAST_H
#define WR_HEAP_FAST_H

#include <string.h>

#include "heap/heap.h"
#include "heap/mcache.h"

/* The lowest block of the slot's word, which is not 0. *fresh: its memory is
 * zero. Before it is live the thread has its address: a collector that stops it
 * in between would find a block that nobody has. */
static inline __attribute__((always_inline)) void *
wr_slot_take(struct wr_slot *slot, uint64_t bits, bool *fresh)
{
    uint64_t at = wr_cpu_lowest_bit(bits);
    void *p = wr_cpu_held(slot->base + at * slot->bytes);

    wr_word_store(&slot->bits, bits & ~((uint64_t)1 << at));
    *fresh = slot->state[at] == WR_BLOCK_FRESH;
    __atomic_store_n(&slot->state[at], WR_BLOCK_LIVE, __ATOMIC_RELAXED);
    if (p == NULL)
        __builtin_unreachable();
    return p;
}

/* The slot for blocks of so many bytes; NULL: they are large. */
static inline __attribute__((always_inline)) struct wr_slot *
wr_slot_for(size_t size)
{
    struct wr_slot *slot;

    if (wr_likely(size <= 1024))
        slot = wr_self->by_16[(size + 15) / 16];
    else if (wr_likely(size <= WR_SMALL_MAX))
        slot = wr_self->slot + wr_class_by_128[(size + 127) / 128];
    else
        return NULL;
    if (slot == NULL)
        __builtin_unreachable();
    return slot;
}

/* slow: what to call, with the size, for all that is out of the ordinary. */
static inline __attribute__((always_inline)) void *
wr_malloc_fast(size_t size, void *(*slow)(size_t))
{
    struct wr_slot *slot = wr_slot_for(size);
    uint64_t bits;
    bool fresh;

    if (wr_unlikely(slot == NULL))
        return slow(size);
    bits = wr_word_load(&slot->bits);
    return wr_likely(bits != 0) ? wr_slot_take(slot, bits, &fresh)
                                : wr_malloc_again(size, slot, slow);
}

/* The slot for managed blocks of so many bytes, at most WR_SMALL_MAX. */
static inline __attribute__((always_inline)) struct wr_slot *
wr_managed_slot(size_t size, enum wr_kind kind)
{
    return wr_self->slot + kind * WR_CLASSES + wr_class_of(size);
}

/* Blocks of up to 128 bytes are zeroed to their ends, without a call. */
static inline __attribute__((always_inline)) void *
wr_zeroed(void *p, size_t size)
{
    char *at = p;

    if (wr_unlikely(size > 128))
        return memset(p, 0, size);
    for (; size > 16; size -= 16, at += 16)
        memset(at, 0, 16);
    memset(at, 0, 16);
    return p;
}

/* A managed block, zeroed. slow: as above. */
static inline __attribute__((always_inline)) void *
wr_managed_fast(size_t size, enum wr_kind kind, void *(*slow)(size_t))
{
    struct wr_slot *slot;
    uint64_t bits;
    bool fresh;
    void *p;

    if (wr_unlikely(size > WR_SMALL_MAX))
        return slow(size);
    slot = wr_managed_slot(size, kind);
    bits = wr_word_load(&slot->bits);
    if (wr_unlikely(bits == 0))
        return slow(size);
    p = wr_slot_take(slot, bits, &fresh);
    return fresh ? p : wr_zeroed(p, size);
}

/* The state of the small block that begins at p, when it is in one of this
 * thread's own spans; else NULL. What is not near is looked up where another
 * page's entry is, and then found not to begin there. */
static inline __attribute__((always_inline)) uint8_t *
wr_own_block(const void *p, struct wr_span **span)
{
    const intptr_t *entry = &wr_near.entry[wr_near_place((uintptr_t)p)];
    struct wr_span *s = wr_entry_span((intptr_t)wr_cpu_peek(entry));
    uint64_t block;

    *span = s;
    if (wr_unlikely(wr_cpu_peek(&s->thread) != wr_cpu_thread()))
        return NULL;
    block = wr_span_exact_block(s, p);
    if (wr_unlikely(block >= s->blocks))
        return NULL;
    return &s->block[block];
}

static inline __attribute__((always_inline)) void
wr_free_fast(void *p)
{
    struct wr_span *s;
    uint8_t *state = wr_own_block(p, &s);

    if (wr_unlikely(state == NULL)) {
        wr_free_slow(p);
    } else if (wr_unlikely(!wr_cpu_wraps(state))) {
        --*state; /* it was not plainly live */
        wr_free_odd(p, s);
    } else if (wr_unlikely(wr_cpu_runs_out(&s->left))) {
        wr_free_look_up(s);
    }
}

/* Is p a block that realloc to so many bytes leaves where it is? false: ask
 * wr_realloc. */
static inline __attribute__((always_inline)) bool
wr_stays_fast(const void *p, size_t size)
{
    struct wr_span *s;
    uint8_t *state = wr_own_block(p, &s);

    return state != NULL && *state == WR_BLOCK_LIVE && size <= s->block_bytes &&
           size > s->block_bytes / 2;
}

/* redis asks this at every allocation and free. A small block's state is not
 * looked at: it would cost a line of memory. */
static inline size_t
wr_usable_fast(const void *p)
{
    struct wr_span *s;

    if (wr_likely(wr_own_block(p, &s) != NULL))
        return s->block_bytes;
    return wr_usable_size(p);
}

#endif
