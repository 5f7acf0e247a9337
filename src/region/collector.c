/* Reading the collector's table. Stands alone, as region/read.c does.
 *
 * 1. The count of cycles is loaded before the ring: the pauses it covers are
 *    there, but for those that newer cycles overwrote meanwhile.
 */
#include "region/collector.h"

#include <stdatomic.h>
#include <weir/memstats.h>

#include "region/history.h"

static uint64_t
get(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

const struct wr_collector *
wr_view_collector(const struct wr_region_view *v)
{
    if (wr_view_used(v, WR_TABLE_COLLECTOR) == 0)
        return NULL;
    return (const void *)(v->base + v->table[WR_TABLE_COLLECTOR].offset);
}

uint64_t
wr_collector_cpu(const struct wr_collector *c)
{
    return get(&c->stopped_cpu_ns) + get(&c->assist_ns) +
           get(&c->background_ns);
}

uint64_t
wr_collector_goal(const struct wr_collector *c)
{
    uint64_t goal = get(&c->goal);

    return goal == UINT64_MAX ? 0 : goal;
}

void
wr_collector_point(const struct wr_collector *c, struct wr_point *p)
{
    if (c == NULL)
        return;
    p->gc_cycles = atomic_load_explicit(&c->cycles, memory_order_acquire);
    p->gc_stopped_ns = get(&c->stopped_ns);
    p->gc_cpu_ns = wr_collector_cpu(c);
    p->gc_live = get(&c->live);
    p->gc_goal = wr_collector_goal(c);
}

const char *
wr_collector_way_name(uint64_t way)
{
    switch ((enum wr_collector_way)way) {
    case WR_WAY_TRACKED:
        return "beside the program, whose writes the system notes";
    case WR_WAY_SNAPSHOT:
        return "in a copy of the program";
    case WR_WAY_STOPPED:
        return "while the program stood still";
    case WR_WAY_BARRIER:
        return "beside the program, which tells its writes";
    case WR_WAY_NONE:
        break;
    }
    return "in an unknown way";
}

void
wr_collector_memstats(const struct wr_collector *c, struct weir_memstats *m)
{
    if (c == NULL)
        return;
    m->num_gc =
        (uint32_t)atomic_load_explicit(&c->cycles, memory_order_acquire);
    /* Who was forked inside the end of a cycle has counted half of it. */
    m->num_forced_gc = (uint32_t)get(&c->forced);
    if (m->num_forced_gc > m->num_gc)
        m->num_forced_gc = m->num_gc;
    m->next_gc = get(&c->goal);
    m->last_gc = get(&c->last_end_ns);
    m->pause_total_ns = get(&c->stopped_ns);
    for (unsigned i = 0; i < WR_PAUSES; i++) {
        m->pause_ns[i] = get(&c->pause_ns[i]);
        m->pause_end[i] = get(&c->pause_end_ns[i]);
    }
    m->gc_cpu_fraction = (double)get(&c->share_millionths) / 1e6;
    m->gc_sys = get(&c->sys);
    m->enable_gc = 1;
}
