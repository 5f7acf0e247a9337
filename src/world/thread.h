/* The threads of the program, as far as Weir knows them.
 *
 * A thread is known from its first allocation or from its start, whatever
 * comes first, to its end, when its cache is given back. Each has a slot in
 * the region, where its counts are published.
 * Threads: any; nothing here allocates from the heap.
 */
#ifndef WR_WORLD_THREAD_H
#define WR_WORLD_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "region/region.h"

struct wr_mcache;

/* Listen to the heap's events. Call once, before wr_mcache_get can be. */
void wr_world_start(void);
/* A forked child without a region of its own makes it now; see
 * region/region.h. Call it before anything is recorded, and before the child
 * gets a second thread, ends, gives up rights or cannot be asked any more.
 * false: there is none. */
bool wr_world_take_region(void);
/* Such a child ends: its region is written as a file. false: it was not. */
bool wr_world_leave(void);
static inline bool
wr_world_region(void)
{
    return wr_likely(wr_region != NULL) || wr_world_take_region();
}

/* The calling thread's cache and slot exist after this. stack: where it was
 * created (a stack's number), 0 if not known. */
void wr_thread_begin(uint32_t create_stack);
/* Start a thread that libc knows, so that functions of the program can run on
 * it: detached, and it takes no signal of the program's, only the one that asks
 * for stacks and stops it. false: it could not be made. Allocates. */
bool wr_thread_start(void *(*work)(void *));
/* The bounds of the calling thread's stack, noted in its slot too; false: not
 * known. May allocate; not for the inside of malloc. */
bool wr_thread_stack(uintptr_t *lo, uintptr_t *hi);

/* Publish the calling thread's counts in its slot. */
void wr_thread_publish(struct wr_mcache *mc);
/* Publish every thread's counts; those of others may lag by an instant. */
void wr_world_publish(void);

#endif
