/* Layouts: which words of a typed block (WR_KIND_TYPED) may be pointers.
 *
 *     if (!wr_layout_cover(base, bytes)) ...      with a span: there is room
 *     wr_layout_repeat(base, 0x5, 4, n);          n times four words, of which
 *                                                 the first and third count
 *     bits = wr_layout_get(at, words);            the marker's question
 *
 * One bit for each word of address space, aside of the blocks: of a window
 * 16 MiB, asked for with its first typed span; the system gives the pages that
 * are written: 1/64 of what typed blocks take up. The bits of a block say what
 * it holds from when it is handed out until it is freed; those of other memory
 * mean nothing. Whatever a block has behind what was asked for counts: realloc
 * may give it to the program.
 *
 * Most spans of small blocks hold one type alone. Then all its blocks, the free
 * ones too, have the same bits, the span's shape, and who takes such a block
 * has nothing to write: the thread's cache knows the shapes of its current
 * spans.
 *
 * Threads: the bits of a block are changed by who allocates it or changes its
 * length; a word of them may be shared with neighbours in the same span, whose
 * owner that is. Others may read: a bit that does not change never seems to.
 */
#ifndef WR_HEAP_LAYOUT_H
#define WR_HEAP_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "heap/span.h"

enum { WR_LAYOUT_WORDS = 64 }; /* that one word of bits tells of */

/* Of a window: one a word. */
#define WR_LAYOUT_BITS (((size_t)1 << WR_WINDOW_SHIFT) / sizeof(uintptr_t))

#define WR_LAYOUT_ALL (~UINT64_C(0))

/* What a shape says; others are bits, of blocks below 64 words: from the words
 * of the type on, up to the 64th, they are all set. */
#define WR_SHAPE_NEW   UINT64_C(0) /* the span had no block */
#define WR_SHAPE_MIXED UINT64_C(1) /* blocks differ */

struct wr_mcache;

/* There is room for the bits of [base, base + bytes). false: no memory. */
bool wr_layout_cover(uintptr_t base, size_t bytes);

/* The word with the bit of the word at a, which is covered. */
static inline uint64_t *
wr_layout_at(uintptr_t a)
{
    uint64_t *window = atomic_load_explicit(
        &wr_windows[a >> WR_WINDOW_SHIFT].layout, memory_order_acquire);
    uintptr_t in = a & (((uintptr_t)1 << WR_WINDOW_SHIFT) - 1);

    return window + in / sizeof(uintptr_t) / WR_LAYOUT_WORDS;
}

static inline unsigned
wr_layout_shift(uintptr_t a)
{
    return (unsigned)(a / sizeof(uintptr_t) % WR_LAYOUT_WORDS);
}

/* The n lowest, 1 to 64. */
static inline uint64_t
wr_layout_mask(unsigned n)
{
    return WR_LAYOUT_ALL >> (WR_LAYOUT_WORDS - n);
}

static inline void
wr_layout_change(uint64_t *at, uint64_t mask, uint64_t bits)
{
    uint64_t old = __atomic_load_n(at, __ATOMIC_RELAXED);

    __atomic_store_n(at, (old & ~mask) | bits, __ATOMIC_RELAXED);
}

/* Of the n words (1 to 64) from a the i-th counts if bit i is set. Bits above
 * the n-th are 0. */
static inline void
wr_layout_put(uintptr_t a, uint64_t bits, unsigned n)
{
    uint64_t *at = wr_layout_at(a), mask = wr_layout_mask(n);
    unsigned shift = wr_layout_shift(a);

    WR_ASSERT(n >= 1 && n <= WR_LAYOUT_WORDS && (bits & ~mask) == 0);
    wr_layout_change(at, mask << shift, bits << shift);
    if (shift + n > WR_LAYOUT_WORDS)
        wr_layout_change(wr_layout_at(a + n * sizeof(uintptr_t) - 1),
                         mask >> (WR_LAYOUT_WORDS - shift),
                         bits >> (WR_LAYOUT_WORDS - shift));
}

/* The bits of the words from a on, as far as one word of bits has them, at
 * most up to end: *n of them. */
static inline uint64_t
wr_layout_next(uintptr_t a, uintptr_t end, unsigned *n)
{
    unsigned shift = wr_layout_shift(a);
    size_t left = (end - a) / sizeof(uintptr_t);

    *n = (unsigned)wr_min(left, (size_t)(WR_LAYOUT_WORDS - shift));
    return __atomic_load_n(wr_layout_at(a), __ATOMIC_RELAXED) >> shift &
           wr_layout_mask(*n);
}

/* The shape of the small span that begins there. Guard: the span's owner. */
static inline uint64_t *
wr_layout_shape(uintptr_t base)
{
    uint64_t *window = atomic_load_explicit(
        &wr_windows[base >> WR_WINDOW_SHIFT].layout, memory_order_acquire);

    return window + WR_LAYOUT_BITS / 64 +
           ((base >> WR_PAGE_SHIFT) & (WR_WINDOW_PAGES - 1));
}

/* The block at p, of a current span of the calling thread's, is of that shape
 * from now on. */
void wr_layout_take(struct wr_mcache *mc, uintptr_t p, uint64_t shape);
/* Its bits are about to be put one by one. */
void wr_layout_mix(struct wr_mcache *mc, uintptr_t p);

/* Of all words in [a, end), which is not empty, none or every one counts. */
void wr_layout_fill(uintptr_t a, uintptr_t end, bool count);
/* n words (1 to 64) of that kind, one after the other, so many times. */
void wr_layout_repeat(uintptr_t a, uint64_t bits, unsigned n, size_t times);
/* What counts in [from, from + bytes) counts in [to, to + bytes). */
void wr_layout_copy(uintptr_t to, uintptr_t from, size_t bytes);

#endif
