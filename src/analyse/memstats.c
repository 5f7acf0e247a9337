/* MemStats of another process (or of none any more), from its region.
 *
 * Invariants:
 * 1. Frees are summed before allocs and levels are clipped: no difference is
 *    negative, whatever the writer does meanwhile.
 * 2. sys is the sum of all *_sys fields, heap_sys of inuse and idle.
 */
#include <weir/memstats.h>

#include <stdatomic.h>
#include <string.h>
#include "analyse/profile.h"
#include "region/collector.h"
#include "region/read.h"

static uint64_t
load(const _Atomic uint64_t *from)
{
    return atomic_load_explicit(from, memory_order_acquire);
}

static uint64_t
minus(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

static void
set_totals(struct weir_memstats *m, const struct wr_region_view *view)
{
    struct wr_totals t;
    wr_view_totals(view, &t);
    m->mallocs = t.mallocs;
    m->frees = t.frees;
    m->total_alloc = t.alloc_bytes;
    m->heap_alloc = m->alloc = minus(t.alloc_bytes, t.free_bytes);
    m->heap_objects = minus(t.mallocs, t.frees);
    m->size_classes = view->header->class_count;
    if (m->size_classes > WEIR_SIZE_CLASSES)
        m->size_classes = WEIR_SIZE_CLASSES;
    for (uint32_t i = 0; i < m->size_classes; i++) {
        m->by_size[i].size = view->header->class_bytes[i];
        m->by_size[i].mallocs = t.by_class[i].mallocs;
        m->by_size[i].frees = t.by_class[i].frees;
    }
}

static void
add_stacks(struct weir_memstats *m, const struct wr_region_view *view)
{
    for (uint64_t i = 0; i < wr_view_used(view, WR_TABLE_THREADS); i++) {
        const struct wr_thread_slot *s = wr_view_thread(view, i);
        if (atomic_load_explicit(&s->state, memory_order_acquire) ==
            WR_THREAD_RUNNING)
            m->stack_sys += minus(s->stack_hi, s->stack_lo);
    }
    m->stack_inuse = m->stack_sys;
}

void
wr_memstats_from_view(struct weir_memstats *m,
                      const struct wr_region_view *view)
{
    const struct wr_counters *c = &view->header->counters;
    memset(m, 0, sizeof *m);
    set_totals(m, view);
    m->heap_inuse = load(&c->heap_inuse);
    m->heap_idle = load(&c->heap_idle);
    m->heap_released = load(&c->heap_released);
    m->heap_sys = m->heap_inuse + m->heap_idle;
    m->mspan_inuse = load(&c->span_inuse);
    m->mspan_sys = load(&c->span_sys);
    m->mcache_inuse = load(&c->cache_inuse);
    m->mcache_sys = load(&c->cache_sys);
    m->buck_hash_sys = load(&c->profile_sys);
    m->other_sys = load(&c->other_sys);
    add_stacks(m, view);
    wr_collector_memstats(wr_view_collector(view), m);
    m->sys = m->heap_sys + m->stack_sys + m->mspan_sys + m->mcache_sys +
             m->buck_hash_sys + m->gc_sys + m->other_sys;
}
