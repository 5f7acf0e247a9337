/* mcache: what one thread has of the heap, used without locks.
 *
 * Reached through wr_self, which points at wr_mcache_none until the thread's
 * first slow path; none's slots hold no block, so the fast paths need no
 * test of their own for "no cache yet".
 * Threads: fields belong to the owning thread, but for inbox (anybody, by
 * atomic steps). Others may read the counts: single aligned words.
 */
#ifndef WR_HEAP_MCACHE_H
#define WR_HEAP_MCACHE_H

#include "heap/span.h"

struct wr_thread_slot;
struct wr_unwind_memo;

/* Frees between two publishings of the thread's counts. */
enum { WR_PUBLISH_EVERY = 1024 };

/* One size class of a thread. */
struct wr_slot {
    _Atomic uint64_t *word; /* 64 bits of the current span: set is free */
    uintptr_t base;         /* address of the block of bit 0 of *word */
    uint64_t bytes;         /* of a block */
    /* Ever, by this cache. Others may read them (wr_memstats). */
    _Atomic uint64_t allocs, frees;
    struct wr_span *span; /* the current one, or NULL */
    uint64_t settled;     /* allocs already in span->used */
    uint64_t unused;      /* a slot is 64 bytes: found by a shift */
};

struct wr_mcache {
    int64_t sample_left;  /* bytes to allocate before the next sample */
    int32_t publish_left; /* frees before the next publishing */
    bool attached;        /* a thread uses it */
    bool forking;         /* it is in fork(): nothing is sampled */
    struct wr_slot slot[WR_CLASSES];

    struct wr_span_list partial[WR_CLASSES]; /* own spans with free blocks */
    struct wr_span *own;                     /* all own spans */
    /* Own FULL spans in which others have freed blocks; closed (1) while no
     * thread uses the cache. */
    _Atomic uintptr_t inbox;

    struct wr_thread_slot *region_slot; /* where counts are published */
    struct wr_mcache *next;             /* all caches ever made; constant */
    struct wr_mcache *spare_next;       /* those without a thread */
    uint64_t rng;                       /* state of the sampler's chance */
    uint64_t sample_rate;               /* sample_left was drawn with it */
    struct wr_unwind_memo *memo;        /* the sampler's; NULL before use */
};

extern struct wr_mcache wr_mcache_none;
extern _Thread_local struct wr_mcache *wr_self
    __attribute__((tls_model("initial-exec")));

/* The calling thread's cache, made if need be. NULL: no memory. */
struct wr_mcache *wr_mcache_get(void);
/* The same for a free; NULL also when the thread has given its cache back:
 * it frees without, and counts the block of a small class here. */
struct wr_mcache *wr_mcache_get_to_free(void);
void wr_mcache_count_free(unsigned class_id);
/* The thread ends: its spans go to mcentral, its counts are published. */
void wr_mcache_detach(void);
/* Every cache ever made; follow ->next. */
struct wr_mcache *wr_mcache_first(void);

/* Make slot->word point at a word with a free block. false: no memory. */
bool wr_mcache_refill(struct wr_mcache *mc, unsigned class_id);
/* A span of the calling thread got its first free block back, or its last. */
void wr_mcache_unfull(struct wr_mcache *mc, struct wr_span *s);
void wr_mcache_emptied(struct wr_mcache *mc, struct wr_span *s);
/* Give the thread's spare spans back to where others can use them. */
void wr_mcache_flush(struct wr_mcache *mc);

/* After fork, in the child: the other threads are gone; what their caches
 * hold goes to mcentral. */
void wr_mcache_adopt_orphans(void);

/* Add the allocations since the span became current to span->used. */
static inline void
wr_slot_settle(struct wr_slot *slot)
{
    struct wr_span *s = slot->span;
    uint64_t allocs = wr_word_load(&slot->allocs);
    int32_t used = atomic_load_explicit(&s->used, memory_order_relaxed);

    atomic_store_explicit(&s->used, used + (int32_t)(allocs - slot->settled),
                          memory_order_relaxed);
    slot->settled = allocs;
}

#endif
