/* The collector as a whole: when a cycle begins, who runs it.
 *
 * A thread that is about to take managed blocks and finds that so many were
 * taken since the last cycle that the next is due has it done, by Weir's own
 * thread, and waits for it; so do the others that come by meanwhile. Then it
 * goes on, and each thread sweeps as it allocates.
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

/* Call once at start; percent as weir_gc_set_percent. After wr_ask_start. */
void wr_gc_start(int percent);
void wr_gc_fork_child(void);

/* Managed bytes, as wr_managed_bytes counts them, at which a cycle is due. */
extern _Atomic uint64_t wr_gc_trigger;

static inline bool
wr_gc_is_due(void)
{
    return wr_unlikely(
        atomic_load_explicit(&wr_managed_bytes, memory_order_relaxed) >=
        atomic_load_explicit(&wr_gc_trigger, memory_order_relaxed));
}

/* A cycle that begins after the call, to its end; forced: somebody called for
 * it, and all is swept. Else one that others have begun will do. false: none
 * could be had. */
bool wr_gc_collect(bool forced);

#endif
