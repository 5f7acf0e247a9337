/* A set of blocks of the heap: bits aside, one for each 16 bytes of address
 * space.
 *
 *     struct wr_marks *set = wr_marks_new();
 *     wr_marks_add(set, base);                base: a block's first byte
 *     if (wr_marks_has(set, base)) ...
 *     wr_marks_each(set, visit, arg);         in the order of addresses
 *     wr_marks_free(set);
 *
 * Memory: what 1 GiB of address space needs, 8 MiB, is asked for with the first
 * block of it; of that the system gives the pages that are written: at most
 * 1/128 of the heap. When it is refused the set is `failed`, and says so for
 * ever: what is not in it may only have found no room.
 *
 * Threads: one at a time may change a set. Several may add to it at once, by
 * wr_marks_add_shared, when wr_marks_make_all has been called before.
 */
#ifndef WR_MARK_MARKS_H
#define WR_MARK_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "heap/span.h"

#define WR_MARKS_BYTES ((size_t)1 << (WR_WINDOW_SHIFT - 7)) /* of a window */

struct wr_marks {
    bool failed;
    size_t first, windows; /* of the heap, as of when the set was made */
    uint64_t *bits[];      /* NULL: no block there is in the set */
};

/* A set for the blocks the heap has now. NULL: no memory. */
struct wr_marks *wr_marks_new(void);
/* One that copies of the process (os/process.h) write into for all: all its
 * windows are there. */
struct wr_marks *wr_marks_new_shared(void);
void wr_marks_free(struct wr_marks *set); /* NULL is fine */

/* The window's bits, made when there are none; NULL: no memory. */
uint64_t *wr_marks_window(struct wr_marks *set, uintptr_t base);

/* The bits of all windows of the heap. false: no memory. */
bool wr_marks_make_all(struct wr_marks *set);

/* The window's bits; NULL: no block there is in the set. */
static inline uint64_t *
wr_marks_bits(const struct wr_marks *set, uintptr_t base)
{
    return set->bits[(base >> WR_WINDOW_SHIFT) - set->first];
}

static inline size_t
wr_marks_bit(uintptr_t base)
{
    return (base & (((uintptr_t)1 << WR_WINDOW_SHIFT) - 1)) / 16;
}

static inline bool
wr_marks_has(const struct wr_marks *set, uintptr_t base)
{
    const uint64_t *bits = wr_marks_bits(set, base);
    size_t bit = wr_marks_bit(base);

    return bits != NULL &&
           (__atomic_load_n(&bits[bit / 64], __ATOMIC_RELAXED) >> bit % 64 &
            1) != 0;
}

/* The same of any address. */
static inline bool
wr_marks_has_any(const struct wr_marks *set, uintptr_t at)
{
    return (at >> WR_WINDOW_SHIFT) - set->first < set->windows &&
           wr_marks_has(set, at);
}

/* Where the bits of the blocks are that begin in the 1024 bytes from `at`, any
 * multiple of that; NULL: there are none. */
static inline uint64_t *
wr_marks_word(const struct wr_marks *set, uintptr_t at)
{
    size_t window = (at >> WR_WINDOW_SHIFT) - set->first;
    uint64_t *bits = window < set->windows ? set->bits[window] : NULL;

    return bits != NULL ? bits + wr_marks_bit(at) / 64 : NULL;
}

/* false: it was in the set before, or there is no memory. */
static inline bool
wr_marks_add(struct wr_marks *set, uintptr_t base)
{
    uint64_t *bits = wr_marks_bits(set, base);
    size_t bit = wr_marks_bit(base);
    uint64_t mask = UINT64_C(1) << bit % 64;

    if (wr_unlikely(bits == NULL))
        bits = wr_marks_window(set, base);
    if (bits == NULL || (bits[bit / 64] & mask) != 0)
        return false;
    bits[bit / 64] |= mask;
    return true;
}

/* The same while others add too. */
static inline bool
wr_marks_add_shared(struct wr_marks *set, uintptr_t base)
{
    uint64_t *bits = wr_marks_bits(set, base);
    size_t bit = wr_marks_bit(base);
    uint64_t mask = UINT64_C(1) << bit % 64;
    uint64_t *word = &bits[bit / 64];

    WR_ASSERT(bits != NULL);
    return (__atomic_load_n(word, __ATOMIC_RELAXED) & mask) == 0 &&
           (__atomic_fetch_or(word, mask, __ATOMIC_RELAXED) & mask) == 0;
}

void wr_marks_take_out(struct wr_marks *set, uintptr_t base);

/* Blocks that are added or taken out meanwhile may or may not be visited.
 * Guard: mheap's lock. */
void wr_marks_each(const struct wr_marks *set,
                   void (*visit)(struct wr_span *s, unsigned block, void *arg),
                   void *arg);

#endif
