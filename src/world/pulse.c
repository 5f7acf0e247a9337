/* Invariants
 * 1. `seen` is about the region whose start_mono_ns is seen.born: a forked
 *    child begins with what its parent had seen.
 */
#include "world/pulse.h"

#include <string.h>

#include "base/base.h"
#include "os/os.h"
#include "region/collector.h"
#include "region/counters.h"
#include "region/history_write.h"
#include "region/past_write.h"
#include "region/read.h"
#include "region/region.h"

enum { LIMIT_EVERY = 60 }; /* pulses between two looks at the limit */

static bool may_open;
static unsigned limit_age; /* pulses since it was looked up */
static uint64_t limit;
static struct {
    uint64_t born;
    uint64_t forks;
} seen;

void
wr_pulse_begin(bool files_too)
{
    may_open = files_too;
    limit_age = 0;
}

static void
add_heap(struct wr_point *p)
{
    static struct wr_totals t; /* large for a small stack */
    struct wr_region_view v;
    char why[80];

    p->heap_inuse = wr_count_get(heap_inuse);
    p->heap_released = wr_count_get(heap_released);
    p->heap_mapped = wr_count_get(heap_mapped);
    if (wr_region_open_self(&v, why, sizeof why) != 0)
        return;
    wr_view_totals(&v, &t);
    p->allocs = t.mallocs;
    p->frees = t.frees;
    p->alloc_bytes = t.alloc_bytes;
    p->free_bytes = t.free_bytes;
    p->live_bytes = t.alloc_bytes - t.free_bytes;
}

static void
add_process(struct wr_point *p)
{
    struct wr_os_usage u;

    wr_os_usage(&u, may_open);
    p->rss = u.rss;
    p->threads = u.threads > 0 ? u.threads - 1 : 0; /* this one is Weir's */
    p->minor_faults = u.minor_faults;
    p->major_faults = u.major_faults;
    p->cpu_ns = u.cpu_ns;
}

static void
add_limit(struct wr_point *p)
{
    if (limit_age == 0 && may_open)
        limit = wr_os_memory_limit();
    limit_age = (limit_age + 1) % LIMIT_EVERY;
    p->limit = wr_count_get(limit) != 0 ? wr_count_get(limit) : limit;
}

/* Forks are counted by who forks, and marked once a second at most. */
static void
mark_forks(void)
{
    uint64_t forks = wr_count_get(forks);

    if (seen.born == wr_region->start_mono_ns && forks > seen.forks)
        wr_history_mark(WR_MARK_FORKS, 0, forks - seen.forks, NULL);
    seen.born = wr_region->start_mono_ns;
    seen.forks = forks;
}

bool
wr_pulse(void)
{
    struct wr_point p = {0};
    bool changed, more;

    /* A forked child without a region of its own has nothing to tell yet. */
    if (__atomic_load_n(&wr_region, __ATOMIC_ACQUIRE) == NULL)
        return false;
    p.uptime_ns = wr_history_uptime();
    if (p.uptime_ns < WR_PULSE_AGE_NS)
        return true;
    add_heap(&p);
    add_process(&p);
    add_limit(&p);
    wr_collector_point(wr_collector_self(), &p);
    mark_forks();
    changed = wr_history_add(&p);
    more = wr_past_log(p.uptime_ns);
    return changed || more;
}
