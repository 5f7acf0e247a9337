#include "analyse/trend.h"

#include "base/base.h"

#define MINUTE_NS UINT64_C(60000000000)
#define KNOWN_NS  UINT64_C(10000000000)

enum { PARTS = 5 };

/* What was live at a moment: a point holds until the next. */
static uint64_t
live_at(const struct wr_point *p, size_t n, uint64_t ns)
{
    uint64_t live = p[0].live_bytes;
    for (size_t i = 0; i < n && p[i].uptime_ns <= ns; i++)
        live = p[i].live_bytes;
    return live;
}

/* The least that was live from one moment to another. */
static uint64_t
floor_of(const struct wr_point *p, size_t n, uint64_t from, uint64_t to)
{
    uint64_t least = live_at(p, n, from);
    for (size_t i = 0; i < n; i++)
        if (p[i].uptime_ns > from && p[i].uptime_ns <= to)
            least = wr_min(least, p[i].live_bytes);
    return least;
}

static bool
floor_rises(const struct wr_point *p, size_t n, uint64_t from, uint64_t now)
{
    uint64_t part = (now - from) / PARTS, first = 0, last = 0;
    for (unsigned i = 0; i < PARTS; i++) {
        uint64_t least = floor_of(p, n, from + i * part, from + (i + 1) * part);
        if (i == 0)
            first = least;
        else if (least <= last)
            return false;
        last = least;
    }
    return last - first >= wr_max(WR_TREND_LEAST, first / 20);
}

/* The later of a moment and so long before another. */
static uint64_t
since(uint64_t moment, uint64_t now, uint64_t ns)
{
    return now > ns ? wr_max(moment, now - ns) : moment;
}

void
wr_trend_make(struct wr_trend *t, const struct wr_point *p, size_t n,
              uint64_t now_ns, uint64_t live_now)
{
    uint64_t from;
    *t = (struct wr_trend){.known = false};
    if (n == 0 || now_ns < p[0].uptime_ns + KNOWN_NS)
        return;
    from = since(p[0].uptime_ns, now_ns, MINUTE_NS);
    t->known = true;
    t->per_minute = (int64_t)(((double)live_now - (double)live_at(p, n, from)) *
                              (double)MINUTE_NS / (double)(now_ns - from));
    from = since(p[0].uptime_ns, now_ns, WR_TREND_SPAN_NS);
    t->growing = now_ns - from >= MINUTE_NS && floor_rises(p, n, from, now_ns);
}
