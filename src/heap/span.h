/* Spans: runs of pages, and how a block's life goes through them.
 *
 * Nouns
 *     page      8 KiB, the heap's unit
 *     span      a run of pages that holds blocks of one size class, or one
 *               large block, or nothing (a free run)
 *     page map  from an address to the span that covers it
 *     mheap     all pages: hands out runs, takes them back, joins neighbours
 *     mcentral  one per size class: the spans that belong to no thread
 *     mcache    one per thread: a current span per class, and its other spans
 *
 * Allocating a small block
 *     1. The class gives the thread cache's slot; the slot points at a word
 *        of 64 bits of the class's current span. A set bit is a free block:
 *        take the lowest. That is all, nearly always.
 *     2. The word is empty: go on to the span's next word with a free block.
 *     3. The span is used up: take in the blocks other threads have freed in
 *        it; else call it FULL and take the next of the thread's own spans.
 *     4. None: mcentral gives a span that another thread left behind.
 *     5. None: mheap gives a fresh run of pages.
 * Freeing
 *     1. The page map gives the span. The block's number follows by one
 *        multiplication, which also tells a pointer that is no block's start.
 *     2. The span belongs to this thread: set the bit. A bit that is set
 *        already is a double free.
 *     3. It belongs to another: set the bit in the span's `remote` words by
 *        one atomic step, count it in `shared` by a second. No lock.
 *     4. A span whose last block went returns its pages to mheap.
 *
 * Bits are kept aside of the blocks, so a program that writes where it must
 * not cannot make the heap hand out nonsense, a block's memory is not touched
 * by freeing it, and any word of memory can be asked "which live block is
 * this?": what a collector and a leak search ask.
 *
 * Invariants
 * 1. A block is allocated exactly when its bit is clear in both free and
 *    remote. Bits past `blocks` are always clear.
 * 2. free words are written by the owner only (owner 0: under the class's
 *    mcentral lock); remote words by anybody, atomically.
 * 3. used = allocated blocks + blocks freed remotely and not yet taken in,
 *    but for the current span of a slot, where allocations since it became
 *    current are in the slot (wr_slot_settle adds them).
 * 4. A span in an inbox has QUEUED set in `shared` from before it is pushed
 *    until it is popped, and is not given back to mheap meanwhile. The thread
 *    that counts a remote free as its last step does not touch the span
 *    after, unless that same step set QUEUED.
 * 5. Span records are never unmapped; a record is reused for spans only.
 */
#ifndef WR_HEAP_SPAN_H
#define WR_HEAP_SPAN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "heap/sizeclass.h"

enum wr_span_state {
    WR_SPAN_UNUSED, /* the record describes nothing */
    WR_SPAN_FREE,   /* a free run of mheap */
    WR_SPAN_SMALL,  /* blocks of a size class */
    WR_SPAN_LARGE,  /* one block */
    WR_SPAN_MOVING  /* taken out of mheap's index for a moment */
};

/* Low bits of owner; the rest is the mcache, or 0. */
#define WR_OWNER_FULL  ((uintptr_t)1) /* in no list: has no free block */
#define WR_OWNER_FLAGS ((uintptr_t)63)

/* The word `shared`: remote frees not taken in, and flags. */
#define WR_SHARED_COUNT   0xffffu
#define WR_SHARED_FULL    0x10000u /* whoever frees next queues the span */
#define WR_SHARED_QUEUED  0x20000u /* is in an inbox, or about to be */
#define WR_SHARED_CENTRAL 0x40000u /* belongs to mcentral */

struct wr_span {
    /* What a free looks at. */
    uintptr_t base;          /* address of the first block */
    _Atomic uintptr_t owner; /* written by the owner; see WR_OWNER_* */
    uint32_t magic;          /* of the class */
    _Atomic int32_t used;    /* written by the owner */
    uint16_t blocks;         /* in the span */
    uint8_t class_id;        /* 0: large */
    _Atomic uint8_t state;   /* enum wr_span_state */
    uint32_t block_bytes;    /* of a small block */
    uint32_t pages;          /* guard: mheap's lock */
    _Atomic uint32_t shared; /* see WR_SHARED_* */
    struct wr_span *next;    /* in the list it is in; guard: the list's */
    struct wr_span *prev;    /* itself when in no list */
    /* The rest. */
    struct wr_span *own_next; /* all spans of an mcache; guard: the thread */
    struct wr_span *own_prev;
    struct wr_span *inbox_next;
    _Atomic uint32_t samples; /* sampled blocks in it */
    /* Of each block, what wr_events.sampled answered, where its sampled bit
     * is set. NULL before the span's first sample. */
    uint16_t *tags;
    uint16_t one_tag;     /* tags of a large span */
    uint8_t words;        /* of each bit set below */
    uint8_t record_words; /* words the record has room for */
    bool zero;            /* its memory was zero when it was made */
    /* free, remote and sampled word of each 64 blocks in turn */
    _Atomic uint64_t bits[];
};

/* Free words have one writer, so they are changed by a load and a store; the
 * others by atomic read-modify-write. */
static inline _Atomic uint64_t *
wr_span_free_word(struct wr_span *s, unsigned word)
{
    return &s->bits[3 * word];
}

static inline _Atomic uint64_t *
wr_span_remote_word(struct wr_span *s, unsigned word)
{
    return &s->bits[3 * word + 1];
}

static inline _Atomic uint64_t *
wr_span_sampled_word(struct wr_span *s, unsigned word)
{
    return &s->bits[3 * word + 2];
}

static inline uint64_t
wr_word_load(_Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

static inline void
wr_word_store(_Atomic uint64_t *word, uint64_t bits)
{
    atomic_store_explicit(word, bits, memory_order_relaxed);
}

static inline uint8_t
wr_span_state(struct wr_span *s)
{
    return atomic_load_explicit(&s->state, memory_order_acquire);
}

static inline size_t
wr_span_bytes(const struct wr_span *s)
{
    return (size_t)s->pages << WR_PAGE_SHIFT;
}

/* Bytes of the block: its class, or all pages of a large one. */
static inline size_t
wr_span_block_bytes(const struct wr_span *s)
{
    return s->class_id != 0 ? s->block_bytes : wr_span_bytes(s);
}

/* The owner's mcache without the flags; NULL: mcentral or large. */
static inline struct wr_mcache *
wr_span_owner(struct wr_span *s)
{
    return (struct wr_mcache *)(atomic_load_explicit(&s->owner,
                                                     memory_order_acquire) &
                                ~WR_OWNER_FLAGS);
}

/* Number of the block that covers p; *exact: p is its first byte. Any
 * address inside a small span will do. */
static inline unsigned
wr_span_block_of(const struct wr_span *s, const void *p, bool *exact)
{
    uint64_t product = (uint64_t)(uint32_t)((uintptr_t)p - s->base) * s->magic;

    *exact = (uint32_t)product < s->magic;
    return (unsigned)(product >> 32);
}

/* A list of spans, first in first out, joined through next and prev. */
struct wr_span_list {
    struct wr_span *first, *last;
    uint32_t length;
};

void wr_span_list_append(struct wr_span_list *l, struct wr_span *s);
void wr_span_list_push(struct wr_span_list *l, struct wr_span *s);
void wr_span_list_remove(struct wr_span_list *l, struct wr_span *s);
bool wr_span_listed(const struct wr_span *s);

/* Page map. Two levels: 64 MiB windows of address space, pages in them. An
 * entry is set exactly for the pages of spans that hold blocks, and for the
 * first and the last page of free runs. */
#define WR_WINDOW_SHIFT 26
#define WR_WINDOW_PAGES ((size_t)1 << (WR_WINDOW_SHIFT - WR_PAGE_SHIFT))
#define WR_WINDOWS      ((size_t)1 << (48 - WR_WINDOW_SHIFT))

struct wr_window {
    _Atomic(struct wr_span *) span[WR_WINDOW_PAGES];
    /* One bit a page: the system has it (never touched, or given back), so
     * it is not resident and reads as zero. Guard: mheap's lock. */
    uint64_t released[WR_WINDOW_PAGES / 64];
};

extern _Atomic(struct wr_window *) wr_windows[WR_WINDOWS];
/* All windows there are lie between these. Guard: mheap's lock. */
extern size_t wr_window_first, wr_window_last;

/* The span whose entry covers p, NULL where there is none. Any p. */
static inline struct wr_span *
wr_span_of(const void *p)
{
    uintptr_t a = (uintptr_t)p;
    struct wr_window *w;

    if (__builtin_expect(a >> 48 != 0, 0))
        return NULL;
    w = atomic_load_explicit(&wr_windows[a >> WR_WINDOW_SHIFT],
                             memory_order_acquire);
    if (__builtin_expect(w == NULL, 0))
        return NULL;
    return atomic_load_explicit(
        &w->span[(a >> WR_PAGE_SHIFT) & (WR_WINDOW_PAGES - 1)],
        memory_order_acquire);
}

/* Guard of all these: mheap's lock. */
bool wr_pagemap_cover(uintptr_t from, uintptr_t to); /* make windows */
void wr_pagemap_set(uintptr_t base, size_t pages, struct wr_span *s);
/* Count, set or clear the released bits of a run. */
size_t wr_pagemap_released(uintptr_t base, size_t pages);
void wr_pagemap_mark_released(uintptr_t base, size_t pages, bool released);
/* The next stretch of pages in [base, end) that are not released: its
 * length in pages and start; 0 when there is none. */
size_t wr_pagemap_resident(uintptr_t base, uintptr_t end, uintptr_t *start);

#endif
