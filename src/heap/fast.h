/* The fast paths of malloc and free, to be inlined where they are exported.
 *
 * malloc: the class, the slot's word, its lowest bit. free: the page map, the
 * block's number, its bit. No lock, no atomic read-modify-write, no call.
 * What is out of the ordinary goes to wr_malloc_slow and wr_free_slow, which
 * start from the beginning: a fast path changes nothing before it is sure.
 */
#ifndef WR_HEAP_FAST_H
#define WR_HEAP_FAST_H

#include "heap/heap.h"
#include "heap/mcache.h"

/* slow: what to call, with the size, for all that is out of the ordinary. */
static inline __attribute__((always_inline)) void *
wr_malloc_fast(size_t size, void *(*slow)(size_t))
{
    struct wr_mcache *mc;
    struct wr_slot *slot;
    uint64_t bits, bytes;

    if (wr_unlikely(size > WR_SMALL_MAX))
        return slow(size);
    mc = wr_self;
    slot = &mc->slot[wr_class_of(size)];
    bits = wr_word_load(slot->word);
    bytes = slot->bytes;
    if (wr_unlikely(bits == 0 || mc->sample_left < (int64_t)bytes))
        return slow(size);
    mc->sample_left -= (int64_t)bytes;
    wr_word_store(slot->word, bits & (bits - 1));
    wr_word_store(&slot->allocs, wr_word_load(&slot->allocs) + 1);
    return (void *)(slot->base + (uint64_t)__builtin_ctzll(bits) * bytes);
}

static inline __attribute__((always_inline)) void
wr_free_fast(void *p)
{
    struct wr_span *s = wr_span_of(p);
    struct wr_mcache *mc = wr_self;
    struct wr_slot *slot;
    _Atomic uint64_t *word;
    uint64_t bits, special, bit;
    unsigned block;
    int32_t used;
    bool exact;

    if (wr_unlikely(s == NULL ||
                    atomic_load_explicit(&s->owner, memory_order_relaxed) !=
                        (uintptr_t)mc))
        goto slow;
    block = wr_span_block_of(s, p, &exact);
    if (wr_unlikely(!exact || block >= s->blocks))
        goto slow;
    word = wr_span_free_word(s, block / 64);
    bits = wr_word_load(word);
    special = bits | wr_word_load(wr_span_remote_word(s, block / 64)) |
              wr_word_load(wr_span_sampled_word(s, block / 64));
    bit = (uint64_t)1 << (block % 64);
    used = atomic_load_explicit(&s->used, memory_order_relaxed) - 1;
    if (wr_unlikely((special & bit) != 0 || used == 0 || mc->publish_left <= 0))
        goto slow;
    mc->publish_left--;
    wr_word_store(word, bits | bit);
    atomic_store_explicit(&s->used, used, memory_order_relaxed);
    slot = &mc->slot[s->class_id];
    wr_word_store(&slot->frees, wr_word_load(&slot->frees) + 1);
    return;
slow:
    wr_free_slow(p);
}

/* redis asks this at every allocation and free. A small block's bits are not
 * looked at: they would cost a line of memory. */
static inline size_t
wr_usable_fast(const void *p)
{
    struct wr_span *s = wr_span_of(p);
    bool exact;

    if (wr_likely(s != NULL && wr_span_state(s) == WR_SPAN_SMALL) &&
        wr_likely(wr_span_block_of(s, p, &exact) < s->blocks && exact))
        return s->block_bytes;
    return wr_usable_size(p);
}

#endif
