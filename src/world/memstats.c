/* weir_memstats: the sums over all threads and the process-wide counters.
 *
 * Invariants
 * 1. Frees are summed before allocations, so heap_alloc is never negative.
 */
#include <weir/memstats.h>

#include <string.h>

#include "heap/caches.h"
#include "heap/mcache.h"
#include "region/collector.h"
#include "region/counters.h"
#include "region/region.h"
#include "world/thread.h"

_Static_assert(WEIR_SIZE_CLASSES >= WR_CLASSES, "by_size has room for all");

/* What was shown before, so that no count falls. */
static _Atomic uint64_t shown[WR_CLASSES];

static uint64_t
no_less_than_shown(unsigned class_id, uint64_t frees)
{
    uint64_t last = wr_word_load(&shown[class_id]);

    while (last < frees && !atomic_compare_exchange_weak_explicit(
                               &shown[class_id], &last, frees,
                               memory_order_relaxed, memory_order_relaxed))
        ;
    return wr_max(last, frees);
}

/* A look up between this and wr_mcache_add_unsettled hides some frees: they
 * are late, never too many. */
static uint64_t
counted_frees(unsigned class_id)
{
    uint64_t n = 0;

    for (struct wr_mcache *mc = wr_caches_first(); mc != NULL; mc = mc->next)
        n += wr_mcache_frees(mc, class_id);
    return n;
}

static void
add_class(struct weir_memstats *m, unsigned class_id, uint64_t frees)
{
    uint64_t allocs = 0;
    uint32_t bytes = wr_class[class_id].bytes;
    struct wr_mcache *mc;

    frees = no_less_than_shown(class_id, frees);
    for (mc = wr_caches_first(); mc != NULL; mc = mc->next)
        allocs += wr_mcache_allocs(mc, class_id);
    m->by_size[class_id].size = bytes;
    m->by_size[class_id].mallocs = allocs;
    m->by_size[class_id].frees = frees;
    m->mallocs += allocs;
    m->frees += frees;
    m->total_alloc += allocs * bytes;
    m->heap_alloc += (allocs - frees) * bytes;
}

static void
add_large(struct weir_memstats *m)
{
    uint64_t free_bytes = wr_count_get(large_free_bytes);
    uint64_t alloc_bytes;

    m->frees += wr_count_get(large_frees);
    m->mallocs += wr_count_get(large_allocs);
    alloc_bytes = wr_count_get(large_alloc_bytes);
    m->total_alloc += alloc_bytes;
    m->heap_alloc += alloc_bytes - free_bytes;
}

/* As Go counts them: they are gone in the same moment. */
static void
add_tinies(struct weir_memstats *m)
{
    uint64_t n = 0;

    for (struct wr_mcache *mc = wr_caches_first(); mc != NULL; mc = mc->next)
        n += __atomic_load_n(&mc->tinies, __ATOMIC_RELAXED);
    m->mallocs += n;
    m->frees += n;
}

/* Bytes of a thread's stack, 0 where its bounds are not known, or not yet:
 * the thread may be writing them just now. */
static uint64_t
stack_bytes(struct wr_thread_slot *slot)
{
    uint64_t lo = wr_word_load(&slot->stack_lo);
    uint64_t hi = wr_word_load(&slot->stack_hi);

    return lo != 0 && hi > lo ? hi - lo : 0;
}

static void
add_stacks(struct weir_memstats *m)
{
    uint64_t n = wr_region == NULL ? 0 : wr_region_used(WR_TABLE_THREADS);

    for (uint64_t i = 0; i < n; i++) {
        struct wr_thread_slot *slot = wr_region_entry(WR_TABLE_THREADS, i);

        if (atomic_load_explicit(&slot->state, memory_order_acquire) ==
            WR_THREAD_RUNNING)
            m->stack_sys += stack_bytes(slot);
    }
    m->stack_inuse = m->stack_sys;
}

static void
add_levels(struct weir_memstats *m)
{
    m->heap_inuse = wr_count_get(heap_inuse);
    m->heap_idle = wr_count_get(heap_idle);
    m->heap_sys = m->heap_inuse + m->heap_idle;
    m->heap_released = wr_count_get(heap_released);
    m->mspan_inuse = wr_count_get(span_inuse);
    m->mspan_sys = wr_count_get(span_sys);
    m->mcache_inuse = wr_count_get(cache_inuse);
    m->mcache_sys = wr_count_get(cache_sys);
    m->buck_hash_sys = wr_count_get(profile_sys);
    m->other_sys = wr_count_get(other_sys);
    add_stacks(m);
    wr_collector_memstats(wr_collector_self(), m);
    m->sys = m->heap_sys + m->stack_sys + m->mspan_sys + m->mcache_sys +
             m->buck_hash_sys + m->gc_sys + m->other_sys;
}

WR_EXPORT weir_err
weir_memstats(struct weir_memstats *m)
{
    uint64_t frees[WR_CLASSES] = {0};

    if (m == NULL)
        return WEIR_EINVAL;
    (void)wr_world_region();
    memset(m, 0, sizeof *m);
    m->size_classes = WR_CLASSES;
    for (unsigned i = 1; i < WR_CLASSES; i++)
        frees[i] = counted_frees(i);
    wr_mcache_add_unsettled(frees);
    for (unsigned i = 1; i < WR_CLASSES; i++)
        add_class(m, i, frees[i]);
    add_large(m);
    add_tinies(m);
    add_levels(m);
    m->alloc = m->heap_alloc;
    m->heap_objects = m->mallocs - m->frees;
    return WEIR_OK;
}
