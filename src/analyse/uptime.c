#include "analyse/uptime.h"

#include <stdatomic.h>
#include "base/clock.h"
#include "region/history.h"
#include "region/ledger.h"

#define NS 1e9

/* The last that is known of a program that was killed. */
static double
last_seen(const struct wr_region_view *v)
{
    struct wr_point p[WR_HISTORY_SECOND_SLOTS];
    size_t n = wr_history_read(v, WR_HISTORY_SECONDS, p, sizeof p / sizeof *p);
    double seen = n ? (double)p[n - 1].uptime_ns / NS : 0;
    struct wr_live_sample s;
    for (uint64_t i = 0; i < wr_view_used(v, WR_TABLE_LEDGER); i++)
        if (wr_ledger_read(v, i, &s) && (double)s.born_ns / NS > seen)
            seen = (double)s.born_ns / NS;
    return seen;
}

double
wr_uptime_of(const struct wr_region_view *v)
{
    const struct wr_region_header *h = v->header;
    uint64_t end = atomic_load_explicit(&h->end_ns, memory_order_acquire);
    if (end > h->start_ns)
        return (double)(end - h->start_ns) / NS;
    if (wr_view_alive(v))
        return (double)(wr_clock_ns(CLOCK_MONOTONIC) - h->start_mono_ns) / NS;
    return last_seen(v);
}
