/* The collector as a whole: when a cycle begins, who runs it.
 *
 * A thread that is about to take managed blocks and finds that so many were
 * taken since the last cycle that the next is due asks Weir's thread for it,
 * and goes on: until the program stands still for it. Who has run far ahead of
 * one helps to mark, or holds still for a moment. Each thread sweeps as it
 * allocates.
 *
 * Threads: any of the program's. What is called while the calling thread was
 * interrupted inside the collector does nothing.
 */
#ifndef WR_GC_GC_H
#define WR_GC_GC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "heap/mcache.h"

enum wr_gc_young {
    WR_GC_YOUNG_ON,    /* where it pays (limit/pacer.h) */
    WR_GC_YOUNG_OFF,   /* all cycles are full ones */
    WR_GC_YOUNG_ALWAYS /* where there is room below the goal, and those of
                          `every`, too: a test switch */
};

struct wr_gc_options {
    int percent;    /* as weir_gc_set_percent takes it */
    uint32_t way;   /* to mark, where that can be: TRACKED, SNAPSHOT or STOPPED
                       of enum wr_collector_way (region/layout.h); NONE: as fits
                       the heap */
    uint32_t young; /* enum wr_gc_young */
    bool malloc;    /* blocks of malloc that nobody can reach are freed, too */
    bool verify;    /* each cycle (gc/verify.h) */
    bool clobber;   /* overwrite what is freed (gc/sweep.h) */
    const char *peaks; /* the folder for snapshots (gc/peak.h); NULL: none */
    uint32_t every;    /* collect at each so-manieth block; 0: when it is due */
};

/* Call once at start, after wr_ask_start. */
void wr_gc_start(const struct wr_gc_options *o);
void wr_gc_fork_child(void);

/* What wr_managed_grown() says when a cycle is due. */
extern _Atomic uint64_t wr_gc_trigger;

/* Has it grown to that? */
static inline bool
wr_gc_is_at(uint64_t grown)
{
    uint64_t now = wr_managed_grown();

    return now >= grown && (int64_t)now > 0;
}

static inline bool
wr_gc_is_due(void)
{
    return wr_unlikely(wr_gc_is_at(
        atomic_load_explicit(&wr_gc_trigger, memory_order_relaxed)));
}

/* Collects at each so-manieth block: then one is always due, and no block may
 * be taken but through there. */
extern uint32_t wr_gc_every;

/* One is due: see to it that it begins. Where the program has run far ahead of
 * one that runs, help, or hold still for a moment. */
void wr_gc_make_room(void);
/* A managed block, zeroed, where the quick way has none. NULL: no memory, and
 * errno says so. */
void *wr_gc_alloc_slow(size_t size, enum wr_kind kind);
/* A thread is about to take blocks of malloc's, which are collected: it begins
 * a cycle if one is due, and sweeps. It may wait. */
void wr_gc_before_malloc(void);
/* A cycle that begins after the call, to its end, and all that it found is
 * swept. false: none could be had. */
bool wr_gc_collect(void);

#endif
