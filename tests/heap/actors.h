/* Threads played by one: whatever order of events a test wants to see.
 *
 *     become(0); p = wr_malloc(100);
 *     become(1); wr_free(p);           // another thread's free
 *     leave(0);                        // thread 0 ends
 */
#ifndef WEIR_TESTS_ACTORS_H
#define WEIR_TESTS_ACTORS_H

#include <check.h>

#include "heap/heap.h"
#include "heap/mcache.h"
#include "region/counters.h"

enum { ACTORS = 4 };

static struct wr_mcache *actor[ACTORS];

static inline struct wr_mcache *
become(unsigned i)
{
    wr_self = actor[i] != NULL ? actor[i] : &wr_mcache_none;
    actor[i] = wr_mcache_get();
    ck_assert_ptr_nonnull(actor[i]);
    return actor[i];
}

static inline void
leave(unsigned i)
{
    (void)become(i);
    wr_mcache_detach();
    actor[i] = NULL;
}

/* All blocks are freed and all actors leave: the heap must be empty. */
static inline void
end_of_play(void)
{
    for (unsigned i = 0; i < ACTORS; i++)
        if (actor[i] != NULL)
            leave(i);
    (void)wr_heap_trim();
    wr_heap_check();
    ck_assert_uint_eq(wr_count_get(heap_inuse), 0);
    ck_assert_uint_eq(wr_count_get(heap_released), wr_count_get(heap_idle));
}

#endif
