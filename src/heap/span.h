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
 * A small block's state is one byte, kept aside of the blocks (block[]).
 *
 * Allocating a small block
 *     1. The size gives the thread cache's slot; the slot holds up to 64 free
 *        blocks of its current span as the bits of a word. Take the lowest
 *        and mark it live. That is all, nearly always.
 *     2. The word is empty: fill it from the states of the span's next group
 *        of blocks, the first group that has one when other threads have
 *        freed some: what was touched before comes first. Here samples are
 * picked and counts are kept: the word is cut at the block where the thread's
 * next sample falls.
 *     3. The span is used up: take in the blocks other threads have freed in
 *        it; else call it FULL, until an eighth of it is free, and take the
 *        next of the thread's own spans.
 *     4. None: mcentral gives a span that another thread left behind.
 *     5. None: mheap gives a fresh run of pages.
 * Freeing
 *     1. The page map gives the span. The block's number follows by one
 *        multiplication, which also tells a pointer that is no block's start.
 *     2. The span belongs to this thread: its state goes from live to free by
 *        adding one; any other state (sampled, free already) shows by what
 *        the addition yields.
 *     3. It belongs to another: the state becomes REMOTE by one atomic step,
 *        and it is counted in `shared` by a second. No lock.
 *     4. A span whose last block went returns its pages to mheap.
 *
 * Kept aside of the blocks, states can't be overwritten by a program that
 * writes where it must not, a block's memory is not touched by freeing it,
 * and any word of memory can be asked "which live block is this?": what a
 * collector and a leak search ask.
 *
 * Invariants
 * 1. A block is allocated exactly when its state is LIVE or SAMPLED. Bytes
 *    past `blocks` are NONE.
 * 2. A state is written by the span's owner (owner 0: under the class's
 *    mcentral lock), but for LIVE or SAMPLED to REMOTE, which is anybody's.
 * 3. rest + left = used blocks: those allocated, freed remotely and not yet
 *    taken in, or in a slot's word. left is 0 only when rest is, or when no
 *    thread owns the span.
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
#include "os/cpu.h"

enum wr_span_state {
    WR_SPAN_UNUSED, /* the record describes nothing */
    WR_SPAN_FREE,   /* a free run of mheap */
    WR_SPAN_SMALL,  /* blocks of a size class */
    WR_SPAN_LARGE,  /* one block */
    WR_SPAN_MOVING  /* taken out of mheap's index for a moment */
};

/* Whose blocks a span holds. Each kind has spans of its own: so what a word of
 * memory points at tells whether it may be freed by nobody but the program, and
 * whether anything in it can point further. */
enum wr_kind {
    WR_KIND_MALLOC, /* the program frees them */
    WR_KIND_SCAN,   /* the collector does, too; they may hold pointers */
    WR_KIND_NOSCAN, /* likewise, and they hold none */
    WR_KIND_TYPED,  /* likewise, and it is known where (heap/layout.h) */
    WR_KINDS
};

/* Classes of each kind: a slot of a thread, a class of mcentral. */
enum { WR_SLOTS = WR_KINDS * WR_CLASSES };

/* The word `shared`: remote frees not taken in, and flags. */
#define WR_SHARED_COUNT   0xffffu
#define WR_SHARED_FULL    0x10000u /* who makes the count few queues the span */
#define WR_SHARED_QUEUED  0x20000u /* is in an inbox, or about to be */
#define WR_SHARED_CENTRAL 0x40000u /* belongs to mcentral */
#define WR_SHARED_CURRENT 0x80000u /* in a slot: its blocks are handed out */
#define WR_SHARED_PURGING                                                      \
    0x100000u /* free blocks lose their pages just now                         \
               */

/* States of a block: what the top bit is clear of may be handed out, and one
 * more than LIVE is FREE. A live block of malloc's that the collector reached
 * from nowhere in its last cycle is a suspect: its state lacks TRUSTED. Whoever
 * uses its address then had it where nobody looks. A block that
 * several share (heap/tiny.h) lacks WHOLE: as it is, and while its owner has
 * added one to see whether it was LIVE. */
enum {
    WR_BLOCK_FREE = 0,
    WR_BLOCK_FRESH = 1,      /* free, and its memory reads as zero */
    WR_BLOCK_REMOTE = 0x81,  /* freed by another thread, not yet taken in */
    WR_BLOCK_NONE = 0x82,    /* there is no such block */
    WR_BLOCK_SAMPLED = 0xfe, /* live, and in the profile */
    WR_BLOCK_LIVE = 0xff,
    WR_BLOCK_TRUSTED = 2, /* of both of these */
    WR_BLOCK_WHOLE = 4,
    WR_BLOCK_SHARED = WR_BLOCK_SAMPLED & ~WR_BLOCK_WHOLE,
    WR_BLOCK_LIVE_FROM = WR_BLOCK_SAMPLED & ~WR_BLOCK_TRUSTED & ~WR_BLOCK_WHOLE
};

struct wr_span {
    /* What a free looks at. */
    uintptr_t base;           /* address of the first block */
    _Atomic uintptr_t thread; /* wr_cpu_thread of who uses owner, or 0 */
    uint64_t inverse;         /* see wr_span_exact_block */
    uint64_t blocks;          /* in the span */
    int32_t left;             /* frees by the owner before it must look up */
    uint8_t shift;            /* as inverse */
    uint8_t class_id;         /* 0: large */
    _Atomic uint8_t state;    /* enum wr_span_state */
    uint8_t group;            /* blocks a slot takes at most, and looks at at
                                 once; 2, 4, 8, 32 or 64 */
    uint32_t block_bytes;     /* of a small block */
    int32_t rest;             /* used blocks that are not in left */
    int32_t granted;          /* what left was when it was last set */
    _Atomic uint32_t shared;  /* see WR_SHARED_* */
    uint32_t pages;           /* guard: mheap's lock */
    uint32_t seen;            /* how it was when last visited; same guard */
    /* The rest. */
    _Atomic uintptr_t owner;  /* the mcache, or 0: large, or mcentral's */
    struct wr_span *next;     /* in the list it is in; guard: the list's */
    struct wr_span *prev;     /* itself when in no list */
    struct wr_span *own_next; /* all spans of an mcache; guard: the thread */
    struct wr_span *own_prev;
    union {
        struct wr_span *inbox_next; /* of a small one */
        uint32_t one_tag;           /* tags of a large one */
    };
    /* Of each block, what wr_events.sampled answered, where it is SAMPLED.
     * NULL before the span's first sample. */
    uint32_t *tags;
    uint16_t installs;    /* times it became current, wrapping; the owner's */
    uint8_t record_units; /* of 64 bytes: the record's length */
    bool full;            /* in no list and no slot; the owner's */
    bool purged;          /* since it was as `seen`; guard: mheap's lock */
    bool zero;            /* its memory was zero when it was made */
    uint8_t kind;         /* enum wr_kind; constant while there are blocks */
    _Atomic uint8_t
        swept;        /* the last cycle it was swept for; the collector's */
    bool suspects;    /* it may have some; guard: who has claimed it to sweep */
    uint8_t freed_in; /* the last round (wr_free_round) in which blocks of it
                         were freed; the owner's */
    /* All its blocks have the last cycle's mark, and it was in no slot since
     * (gc/young.h). Set while the program stands still, cleared by who is about
     * to take blocks of it. */
    bool old;
    /* The states, and NONE up to the next multiple of 16. */
    _Alignas(16) uint8_t block[];
};

/* States that other threads may be writing. */
static inline uint8_t
wr_block_state(const struct wr_span *s, unsigned block)
{
    return __atomic_load_n(&s->block[block], __ATOMIC_ACQUIRE);
}

static inline void
wr_block_set(struct wr_span *s, unsigned block, uint8_t state)
{
    __atomic_store_n(&s->block[block], state, __ATOMIC_RELAXED);
}

/* Anybody's steps: false when the state is not `from` (any more). */
static inline bool
wr_block_step(struct wr_span *s, unsigned block, uint8_t from, uint8_t to)
{
    return __atomic_compare_exchange_n(&s->block[block], &from, to, false,
                                       __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

static inline bool
wr_block_is_live(uint8_t state)
{
    return state >= WR_BLOCK_LIVE_FROM;
}

static inline bool
wr_block_is_sampled(uint8_t state)
{
    return (state | WR_BLOCK_TRUSTED) == WR_BLOCK_SAMPLED;
}

static inline bool
wr_block_is_suspect(uint8_t state)
{
    return wr_block_is_live(state) && (state & WR_BLOCK_TRUSTED) == 0;
}

static inline bool
wr_block_is_shared(uint8_t state)
{
    return wr_block_is_live(state) && (state & WR_BLOCK_WHOLE) == 0;
}

/* Blocks above 1 KiB: few make a group. */
static inline bool
wr_span_is_coarse(const struct wr_span *s)
{
    return s->group <= 8;
}

static inline uint64_t
wr_span_many_free_blocks(const struct wr_span *s, const uint8_t *group)
{
    uint64_t bits =
        wr_cpu_top_clear(group) | (uint64_t)wr_cpu_top_clear(group + 16) << 16;

    if (s->group == 32)
        return bits;
    bits |= (uint64_t)wr_cpu_top_clear(group + 32) << 32;
    return bits | (uint64_t)wr_cpu_top_clear(group + 48) << 48;
}

/* The free blocks of a group, given by the state of its first block, and how
 * many they are. What follows the last block is never free. */
static inline __attribute__((always_inline)) uint64_t
wr_span_free_blocks(const struct wr_span *s, const uint8_t *group, uint32_t *n)
{
    uint64_t bits;

    if (s->group == 8)
        return wr_cpu_top_clear_8(group, n);
    if (s->group == 4)
        return wr_cpu_top_clear_few(group, 4, n);
    if (s->group == 2)
        return wr_cpu_top_clear_few(group, 2, n);
    bits = wr_span_many_free_blocks(s, group);
    *n = wr_cpu_count(bits);
    return bits;
}

/* Which of the 64 blocks from a multiple of that live. */
static inline uint64_t
wr_span_live_blocks(const struct wr_span *s, unsigned from)
{
    uint64_t bits = 0;

    for (unsigned i = 0; i < 64 && from + i < s->blocks; i += 16) {
        uint32_t live =
            wr_cpu_equal(&s->block[from + i],
                         WR_BLOCK_LIVE & ~WR_BLOCK_LIVE_FROM, WR_BLOCK_LIVE);

        bits |= (uint64_t)live << i;
    }
    return bits;
}

/* Words that others may read. */
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

/* ---- counting a span's used blocks; of the owner ----
 *
 * A free by the owner only takes one from `left`. When that reaches 0 the
 * owner looks up: the frees are counted, and left is granted anew. A slot's
 * current span is looked at with every refill, so it gets more than it will
 * ever use up, and rest is below 0. */
enum { WR_GRANT_CURRENT = 1 << 30 };

static inline int32_t
wr_span_rest(const struct wr_span *s)
{
    return __atomic_load_n(&s->rest, __ATOMIC_RELAXED);
}

static inline int32_t
wr_span_used(const struct wr_span *s)
{
    return wr_span_rest(s) + s->left;
}

/* n blocks more (or less) are used. */
static inline void
wr_span_use(struct wr_span *s, int32_t n)
{
    int32_t rest = wr_span_rest(s) + n;

    if (rest < 0 && s->granted != WR_GRANT_CURRENT) {
        /* Of those that left counted on some are no more. */
        __atomic_store_n(&s->left, s->left + rest, __ATOMIC_RELAXED);
        __atomic_store_n(&s->granted, s->granted + rest, __ATOMIC_RELAXED);
        rest = 0;
    }
    __atomic_store_n(&s->rest, rest, __ATOMIC_RELAXED);
}

/* The same of a current span. */
static inline void
wr_span_use_current(struct wr_span *s, int32_t n)
{
    WR_ASSERT(s->granted == WR_GRANT_CURRENT);
    __atomic_store_n(&s->rest, wr_span_rest(s) + n, __ATOMIC_RELAXED);
}

/* The frees since the last grant. */
static inline uint32_t
wr_span_unsettled(const struct wr_span *s)
{
    return (uint32_t)(__atomic_load_n(&s->granted, __ATOMIC_RELAXED) -
                      __atomic_load_n(&s->left, __ATOMIC_RELAXED));
}

/* left becomes n, of the used blocks: how many were freed since the last
 * grant. */
static inline uint32_t
wr_span_grant(struct wr_span *s, int32_t n)
{
    uint32_t freed = wr_span_unsettled(s);

    __atomic_store_n(&s->rest, wr_span_used(s) - n, __ATOMIC_RELAXED);
    __atomic_store_n(&s->left, n, __ATOMIC_RELAXED);
    __atomic_store_n(&s->granted, n, __ATOMIC_RELAXED);
    return freed;
}

static inline uint8_t
wr_span_state(struct wr_span *s)
{
    return atomic_load_explicit(&s->state, memory_order_acquire);
}

/* How many blocks have other threads freed that are not taken in? */
static inline uint32_t
wr_span_gained(const struct wr_span *s)
{
    return atomic_load_explicit(&s->shared, memory_order_relaxed) &
           WR_SHARED_COUNT;
}

static inline bool
wr_span_is_old(const struct wr_span *s)
{
    return __atomic_load_n(&s->old, __ATOMIC_RELAXED);
}

static inline void
wr_span_set_old(struct wr_span *s, bool old)
{
    __atomic_store_n(&s->old, old, __ATOMIC_RELAXED);
}

static inline size_t
wr_span_bytes(const struct wr_span *s)
{
    return (size_t)s->pages << WR_PAGE_SHIFT;
}

/* Of so many blocks, how many may be freed before anybody looks. A FULL span
 * is let alone until so many are free: to be called back for each would cost
 * more than all else. */
static inline uint32_t
wr_few(uint64_t blocks)
{
    return ((uint32_t)blocks + 7) / 8;
}

/* Bytes of the block: its class, or all pages of a large one. */
static inline size_t
wr_span_block_bytes(const struct wr_span *s)
{
    return s->class_id != 0 ? s->block_bytes : wr_span_bytes(s);
}

/* Of a span that may be about to get its first block: who sweeps looks at all,
 * and finds nothing dead there. */
static inline enum wr_kind
wr_span_kind(const struct wr_span *s)
{
    return (enum wr_kind)__atomic_load_n(&s->kind, __ATOMIC_RELAXED);
}

static inline void
wr_span_set_kind(struct wr_span *s, enum wr_kind kind)
{
    __atomic_store_n(&s->kind, (uint8_t)kind, __ATOMIC_RELAXED);
}

static inline bool
wr_span_is_managed(const struct wr_span *s)
{
    return wr_span_kind(s) != WR_KIND_MALLOC;
}

/* Malloc's blocks are the collector's too. Constant from the start on. */
extern bool wr_collects_malloc;

/* May the collector free blocks of s? */
static inline bool
wr_span_is_collected(const struct wr_span *s)
{
    return wr_span_is_managed(s) || wr_collects_malloc;
}

/* The slot that blocks of s are allocated from. */
static inline unsigned
wr_span_slot(const struct wr_span *s)
{
    return s->kind * WR_CLASSES + s->class_id;
}

static inline unsigned
wr_slot_class(unsigned slot)
{
    return slot % WR_CLASSES;
}

/* The owner's mcache; NULL: mcentral or large. */
static inline struct wr_mcache *
wr_span_owner(struct wr_span *s)
{
    return (struct wr_mcache *)atomic_load_explicit(&s->owner,
                                                    memory_order_acquire);
}

/* Who has it from now on: the calling thread's cache, or NULL: nobody. */
static inline void
wr_span_set_owner(struct wr_span *s, struct wr_mcache *mc)
{
    atomic_store_explicit(&s->thread, mc != NULL ? wr_cpu_thread() : 0,
                          memory_order_relaxed);
    atomic_store_explicit(&s->owner, (uintptr_t)mc, memory_order_release);
}

/* Number of the block that covers p; *exact: p is its first byte. Any
 * address inside a small span will do. */
static inline unsigned
wr_span_block_of(const struct wr_span *s, const void *p, bool *exact)
{
    uint32_t magic = wr_class[s->class_id].magic;
    uint64_t product = (uint64_t)(uint32_t)((uintptr_t)p - s->base) * magic;

    *exact = (uint32_t)product < magic;
    return (unsigned)(product >> 32);
}

/* Number of the block that begins at p; s->blocks or more when none does,
 * whatever p is. For block_bytes = odd << shift the product with the inverse
 * of odd, rotated, maps all words to all words, one to one, and n times
 * block_bytes to n: so nothing else comes to lie below `blocks`. */
static inline uint64_t
wr_span_exact_block(const struct wr_span *s, const void *p)
{
    return wr_cpu_rotate(((uintptr_t)p - s->base) * s->inverse, s->shift);
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

/* Page map: for each page of the address space the span that covers it. An
 * entry is set exactly for the pages of spans that hold blocks, and for the
 * first and the last page of free runs.
 *
 * The address space is cut into windows of 1 GiB, each with entries of its
 * own. Those of the 32 windows around the heap's first page stand in one
 * array, each at its number modulo 32: so a look-up there is a shift and a
 * load, for who checks what it leads to.
 * An entry says how far behind wr_near.entry the header of the span's record
 * ends: "no span", 0, leads to wr_near.nobody, which has no owner. */
#define WR_WINDOW_SHIFT 30
#define WR_WINDOW_PAGES ((size_t)1 << (WR_WINDOW_SHIFT - WR_PAGE_SHIFT))
#define WR_WINDOWS      ((size_t)1 << (48 - WR_WINDOW_SHIFT))
#define WR_NEAR_PAGES   (32 * WR_WINDOW_PAGES)

/* Entries are read by anybody, written under mheap's lock. The block that
 * free is given was allocated by a thread that saw its span's entries, so the
 * fast path may read them like any memory; elsewhere it is atomic steps. */
struct wr_near {
    union {
        uintptr_t base; /* address of the first page; changes once, before
                         * there is a block; else nobody is 0 */
        char nobody[sizeof(struct wr_span)];
    };
    /* Of the page at a: wr_near_place(a). */
    intptr_t entry[WR_NEAR_PAGES];
};

struct wr_window {
    _Atomic(intptr_t *) entry; /* NULL: nothing here */
    /* One bit a page: the system has it (never touched, or given back), so
     * it is not resident and reads as zero. Guard: mheap's lock. */
    uint64_t *released;
    uint32_t first, end; /* all pages ever covered; same guard */
    /* See heap/layout.h; NULL: no typed block was here yet. */
    _Atomic(uint64_t *) layout;
};

extern struct wr_near wr_near;
extern struct wr_window wr_windows[WR_WINDOWS];
/* All windows there are lie between these. Guard: mheap's lock. */
extern size_t wr_window_first, wr_window_last;

static inline bool
wr_near_has(uintptr_t a)
{
    return a - __atomic_load_n(&wr_near.base, __ATOMIC_RELAXED) <
           WR_NEAR_PAGES << WR_PAGE_SHIFT;
}

/* Where the entry of the page at a is, if that page is near. Other addresses
 * lead to the entries of near ones. */
static inline size_t
wr_near_place(uintptr_t a)
{
    return (a >> WR_PAGE_SHIFT) & (WR_NEAR_PAGES - 1);
}

/* What an entry says. */
static inline struct wr_span *
wr_entry_span(intptr_t entry)
{
    return (struct wr_span *)((char *)wr_near.entry + entry) - 1;
}

/* The entry of the page of p, whatever p is. */
intptr_t wr_pagemap_entry(const void *p);

/* The span whose entry covers p, NULL where there is none. Any p. */
static inline struct wr_span *
wr_span_of(const void *p)
{
    intptr_t entry = wr_pagemap_entry(p);

    return entry == 0 ? NULL : wr_entry_span(entry);
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
