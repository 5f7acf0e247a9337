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
#include "region/event.h"

struct wr_thread_slot;
struct wr_unwind_memo;

/* One size class of a thread. It takes free blocks of its current span by the
 * word, so that allocating is to take a bit; freed blocks are found again at
 * the next refill. */
struct wr_slot {
    /* Free blocks that are this thread's to hand out: counted as used, their
     * states still FREE. */
    _Atomic uint64_t bits;
    uint8_t *state; /* of the group's first block */
    uintptr_t base; /* its address */
    uint32_t bytes; /* of a block */
    uint16_t again; /* words to take before counts must be published */
    _Atomic uint16_t changes; /* odd while bits and taken change together */
    /* Blocks taken ever, those in bits too; blocks freed, by this cache and
     * counted. Others may read them (wr_memstats). */
    _Atomic uint64_t taken, frees;
    struct wr_span *span; /* the current one, or NULL */
    int64_t until_sample; /* blocks to allow before it, or below */
};

#define WR_SAMPLE_DUE     (-1) /* the one block allowed is it */
#define WR_SAMPLE_UNDRAWN (-2)

enum { WR_AGAIN = 16 };

/* Bytes of blocks. */
struct wr_turnover {
    uint64_t allocated, freed;
};

struct wr_mcache {
    /* Slots by size in steps of 16, as wr_class_by_16. */
    struct wr_slot *by_16[1024 / 16 + 1];
    struct wr_slot slot[WR_SLOTS];
    /* See heap/tiny.h: the last byte that was handed out of the block that is
     * being shared; blocks that began in one that another had begun. */
    uintptr_t tiny;
    uint64_t tinies;

    struct wr_span_list partial[WR_SLOTS]; /* own spans with free blocks */
    unsigned slots; /* in use: WR_CLASSES, and WR_SLOTS from the first
                       managed block on */
    /* Of the current span of each typed slot, see heap/layout.h. */
    uint64_t shape[WR_SHAPES];
    uint64_t counted[WR_SLOTS]; /* of taken, those that are in
                                   wr_managed_bytes */
    struct wr_span *own;        /* all own spans */
    struct wr_span *unswept;    /* of those, the next to look at when the thread
                                   sweeps; NULL: it has seen all */
    uint32_t sweeping;          /* for which cycle that is */
    /* Own FULL spans in which others have freed blocks; closed (1) while no
     * thread uses the cache. */
    _Atomic uintptr_t inbox;

    /* Large spans the thread has freed, and keeps to hand out again. */
    struct wr_span *large[16];
    size_t large_kept; /* their bytes */
    struct wr_turnover large_turnover;
    struct wr_span *making; /* its large block is about to be live */
    void *scope; /* what wr_events.scope_grows is told of; NULL: nothing */
    struct wr_turnover scope_begin;
    bool attached;       /* a thread uses it */
    bool forking;        /* it is in fork(): nothing is sampled */
    uint32_t emptied;    /* the last order to empty it that was followed */
    uint64_t freed;      /* bytes of blocks, since the scavenger was told */
    int64_t sample_left; /* bytes of large blocks before the next sample */
    struct wr_thread_slot *region_slot; /* where counts are published */
    struct wr_mcache *next;             /* all caches ever made; constant */
    struct wr_mcache *spare_next;       /* those without a thread */
    struct wr_unwind_memo *memo;        /* the sampler's; NULL before use */
    uint64_t rng;                       /* state of the sampler's chance */
    uint64_t sample_rate;               /* the countdowns were drawn with it */
};

extern struct wr_mcache wr_mcache_none;
extern _Thread_local struct wr_mcache *wr_self
    __attribute__((tls_model("initial-exec")));

/* The calling thread's cache, made if need be. NULL: no memory. */
struct wr_mcache *wr_mcache_get(void);
/* The same for a free; NULL also when the thread has given its cache back:
 * it frees without, and counts the block of a small class here. */
struct wr_mcache *wr_mcache_get_to_free(void);
void wr_mcache_count_free(unsigned slot);
/* Its count of tinies is shown. */
void wr_mcache_publish_tinies(struct wr_mcache *mc);
/* The thread is about to have managed blocks. */
void wr_mcache_use_all_slots(struct wr_mcache *mc);
/* The thread ends: its spans go to mcentral, its counts are published. */
void wr_mcache_detach(void);

/* While it is so, wr_events.taking is told of the blocks that become live, but
 * for those that were in a thread's current spans when it became so, or in
 * `making`. */
extern _Atomic bool wr_taking_told;

static inline void
wr_tell_taking(struct wr_span *s, unsigned first, uint64_t bits)
{
    if (wr_unlikely(
            atomic_load_explicit(&wr_taking_told, memory_order_relaxed)))
        wr_events.taking(s, first, bits);
}

/* While it is so, wr_events.going is told of what freed blocks hold, before
 * that is overwritten or goes: of those that were freed in this round, and
 * perhaps before. Round 0: of any. */
extern _Atomic bool wr_going_told;
extern _Atomic uint8_t wr_free_round;

/* Blocks of s are being found out to be freed. */
static inline void
wr_span_note_freed(struct wr_span *s)
{
    s->freed_in = atomic_load_explicit(&wr_free_round, memory_order_relaxed);
}

WR_COLD void wr_going(struct wr_span *s, uintptr_t from, size_t bytes);

/* Of a span that goes, or a large block that does: all of it. Of a part. */
static inline void
wr_tell_going(struct wr_span *s, uintptr_t from, size_t bytes)
{
    if (wr_unlikely(atomic_load_explicit(&wr_going_told, memory_order_relaxed)))
        wr_going(s, from, bytes);
}

/* Make a block of the slot ready to be taken. false: no memory. */
bool wr_mcache_refill(struct wr_mcache *mc, unsigned slot);

/* Bytes of blocks that the collector may free: taken, in all; a group late. And
 * of those of malloc, where they are among them: freed, by the program, or when
 * the collector says so. */
extern _Atomic uint64_t wr_managed_bytes, wr_returned_bytes;

static inline void
wr_count_returned(enum wr_kind kind, uint64_t bytes)
{
    if (wr_unlikely(wr_collects_malloc) && kind == WR_KIND_MALLOC)
        atomic_fetch_add_explicit(&wr_returned_bytes, bytes,
                                  memory_order_relaxed);
}

/* What is left of them, as far as the program knows. Misses at most what a
 * group is late: it may be a little below 0, modulo 2^64. */
static inline uint64_t
wr_managed_grown(void)
{
    return atomic_load_explicit(&wr_managed_bytes, memory_order_relaxed) -
           atomic_load_explicit(&wr_returned_bytes, memory_order_relaxed);
}

/* The slot takes n blocks more (or less), and its word becomes bits. */
static inline void
wr_slot_change(struct wr_slot *slot, int64_t n, uint64_t bits)
{
    uint16_t changes =
        atomic_load_explicit(&slot->changes, memory_order_relaxed);

    atomic_store_explicit(&slot->changes, (uint16_t)(changes + 1),
                          memory_order_relaxed);
    atomic_store_explicit(&slot->taken,
                          wr_word_load(&slot->taken) + (uint64_t)n,
                          memory_order_release);
    atomic_store_explicit(&slot->bits, bits, memory_order_release);
    atomic_store_explicit(&slot->changes, (uint16_t)(changes + 2),
                          memory_order_release);
}

/* The n lowest of the bits. */
static inline uint64_t
wr_word_lowest(uint64_t bits, int64_t n)
{
    uint64_t rest = bits;

    while (n-- > 0)
        rest &= rest - 1;
    return bits & ~rest;
}

/* The short way to refill a slot: its group has free blocks again, and no
 * large ones wait to be taken in. The word of those, or 0; *n: how many. */
static inline __attribute__((always_inline)) uint64_t
wr_slot_look_again(const struct wr_slot *slot, uint32_t *n)
{
    const struct wr_span *s = slot->span;

    if (wr_unlikely(slot->again == 0) ||
        wr_unlikely(atomic_load_explicit(&wr_going_told, memory_order_relaxed)))
        return 0;
    if (wr_span_is_coarse(s) && wr_unlikely(wr_span_gained(s) > 0))
        return 0;
    return wr_span_free_blocks(s, slot->state, n);
}

/* The sampler changed its mind: draw all countdowns anew. */
void wr_mcache_draw_samples(struct wr_mcache *mc);
/* The slot's sample was taken: draw the next. */
void wr_mcache_draw_sample(struct wr_mcache *mc, struct wr_slot *slot);
/* Count frees in spans that are not the thread's. */
void wr_mcache_count_remote(struct wr_mcache *mc, unsigned slot, uint32_t n);
/* n blocks of the thread's own span s, LIVE before, have just been made FREE:
 * s may be gone after it. */
void wr_mcache_reclaimed(struct wr_mcache *mc, struct wr_span *s, uint32_t n);
/* Count the frees in the thread's span s since it was last looked at, and
 * give it back when it is empty. */
void wr_mcache_look_up(struct wr_mcache *mc, struct wr_span *s);
/* A FULL span of the calling thread has few free blocks again; a span has no
 * block in use any more. */
void wr_mcache_unfull(struct wr_mcache *mc, struct wr_span *s);
void wr_mcache_emptied(struct wr_mcache *mc, struct wr_span *s);
/* Give the thread's spare spans back to where others can use them. */
void wr_mcache_flush(struct wr_mcache *mc);

/* After fork, in the child: the other threads are gone; what their caches
 * hold goes to mcentral. */
void wr_mcache_adopt_orphans(void);

/* Look up all spans of the calling thread. */
void wr_mcache_settle(struct wr_mcache *mc);
/* What the calling thread has allocated and freed, ever. Its frees lag by an
 * eighth of the blocks of each span, but for those it allocates from; settle:
 * they do not, and all its spans are looked up. */
struct wr_turnover wr_mcache_turnover(struct wr_mcache *mc, bool settle);
/* May the thread have so many bytes more for blocks? */
static inline bool
wr_mcache_may_grow(struct wr_mcache *mc, size_t bytes)
{
    return wr_likely(mc->scope == NULL) || wr_events.scope_grows == NULL ||
           wr_events.scope_grows(mc, bytes);
}
/* Add to frees[class] what has been freed in spans of threads and is not in
 * any slot's frees yet: every look up is at most an eighth of a span's
 * blocks late. Takes mheap's lock and walks all spans. */
void wr_mcache_add_unsettled(uint64_t frees[WR_CLASSES]);

/* Blocks of the class, of all kinds, that the thread has allocated, and freed
 * as far as they are counted; any thread may ask. */
uint64_t wr_mcache_allocs(struct wr_mcache *mc, unsigned class_id);
uint64_t wr_mcache_frees(struct wr_mcache *mc, unsigned class_id);

#endif
