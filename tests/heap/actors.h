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
#include "heap/mheap.h"
#include "region/counters.h"

enum { ACTORS = 4 };

static struct wr_mcache *actor[ACTORS];

static inline void
set_thread(struct wr_span *s, void *mc)
{
    if (wr_span_owner(s) != NULL)
        s->thread = wr_span_owner(s) == mc ? wr_cpu_thread() : 1;
}

/* mc's spans are this thread's, all others' are not. */
static inline void
use_cache(struct wr_mcache *mc)
{
    wr_self = mc;
    wr_lock_take(&wr_mheap_lock);
    wr_mheap_each_span(set_thread, mc);
    wr_lock_give(&wr_mheap_lock);
}

static inline struct wr_mcache *
become(unsigned i)
{
    use_cache(actor[i] != NULL ? actor[i] : &wr_mcache_none);
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
