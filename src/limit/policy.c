#include "limit/policy.h"

#include "base/base.h"

#define SECOND_NS   UINT64_C(1000000000)
#define MS_NS       UINT64_C(1000000)
#define HEADROOM    ((uint64_t)256 << 20)
#define DEADLINE_NS (10 * MS_NS)
#define CLOSE_NS    (20 * MS_NS)
#define SOON_NS     (5 * MS_NS)

/* In thousandths of the limit. */
enum { LEAVES = 30, WANTED = 850 };

static const unsigned begins[] = {[WEIR_PRESSURE_SOME] = 900,
                                  [WEIR_PRESSURE_HIGH] = 950,
                                  [WEIR_PRESSURE_FULL] = 1000};

/* How often to look, below which share. */
static const struct {
    unsigned below;
    uint64_t ns;
} looks[] = {{700, SECOND_NS}, {850, 250 * MS_NS}, {900, 100 * MS_NS}};

uint64_t
wr_policy_share(uint64_t limit, unsigned thousandths)
{
    return limit / 1000 * thousandths + limit % 1000 * thousandths / 1000;
}

uint64_t
wr_policy_headroom(uint64_t system_limit)
{
    return system_limit - wr_min(system_limit / 10, HEADROOM);
}

/* ---- the plan ---- */

static enum weir_pressure_level
level_of(const struct wr_moment *m)
{
    unsigned level = m->was;

    while (level < WEIR_PRESSURE_FULL &&
           m->held >= wr_policy_share(m->limit, begins[level + 1]))
        level++;
    while (level > WEIR_PRESSURE_NONE &&
           m->held < wr_policy_share(m->limit, begins[level] - LEAVES))
        level--;
    return level;
}

/* A line of the whole as a line of the heap. */
static uint64_t
for_heap(const struct wr_moment *m, uint64_t line)
{
    if (m->held >= m->heap)
        return line - wr_min(line, m->held - m->heap);
    return line + (m->heap - m->held);
}

/* What of the heap is not held (its pages inside spans went back) can be again
 * without a word from the heap. */
static uint64_t
again(const struct wr_moment *m, uint64_t left_ns)
{
    uint64_t ns = CLOSE_NS, may_be_held = wr_max(m->held, m->heap);

    for (unsigned i = wr_countof(looks); i-- > 0;)
        if (may_be_held < wr_policy_share(m->limit, looks[i].below))
            ns = looks[i].ns;
    return wr_max(wr_min(ns, left_ns / 4), SOON_NS);
}

struct wr_plan
wr_policy_plan(const struct wr_moment *m)
{
    struct wr_plan p = {WEIR_PRESSURE_NONE, 0,          UINT64_MAX,
                        UINT64_MAX,         UINT64_MAX, SECOND_NS};
    uint64_t enough;

    if (m->limit == WR_LIMIT_NONE)
        return p;
    p.level = level_of(m);
    enough = wr_policy_share(m->limit, WANTED);
    if (p.level != WEIR_PRESSURE_NONE && m->held > enough)
        p.wanted = m->held - enough;
    p.alarm =
        for_heap(m, wr_policy_share(m->limit, begins[WEIR_PRESSURE_SOME]));
    if (m->hard)
        p.ceiling = for_heap(m, m->limit);
    p.left_ns = wr_policy_until(m->held, m->limit, (int64_t)m->rate);
    p.again_ns = again(m, p.left_ns);
    return p;
}

/* ---- time ---- */

uint64_t
wr_policy_deadline(uint64_t left_ns, uint64_t was)
{
    return wr_min(wr_max(wr_max(left_ns, DEADLINE_NS), 2 * was), SECOND_NS);
}

int64_t
wr_policy_rate(int64_t rate, int64_t bytes, uint64_t ns)
{
    double whole = (double)(ns + SECOND_NS) / (double)SECOND_NS;

    return (int64_t)(((double)rate + (double)bytes) / whole);
}

uint64_t
wr_policy_until(uint64_t from, uint64_t to, int64_t rate)
{
    double seconds;

    if (from >= to)
        return 0;
    if (rate <= 0)
        return UINT64_MAX;
    seconds = (double)(to - from) / (double)rate;
    return seconds < 1e9 ? (uint64_t)(seconds * (double)SECOND_NS) : UINT64_MAX;
}

unsigned
wr_policy_passed(const unsigned *percent, unsigned n, unsigned hysteresis,
                 unsigned was, uint64_t held, uint64_t limit)
{
    if (limit == WR_LIMIT_NONE)
        return 0;
    was = (unsigned)wr_min(was, n);
    while (was < n && held >= wr_policy_share(limit, percent[was] * 10))
        was++;
    while (was > 0 &&
           held < wr_policy_share(limit, (percent[was - 1] - hysteresis) * 10))
        was--;
    return was;
}

/* ---- the toll ---- */

/* Who comes may have read the clock before somebody else left. */
static uint64_t
elapsed(const struct wr_toll *t, uint64_t now)
{
    return now > t->since_ns ? now - t->since_ns : 0;
}

static uint64_t
filled(const struct wr_toll *t, uint64_t now)
{
    return t->filled_ns - wr_min(t->filled_ns, elapsed(t, now) / 2);
}

bool
wr_toll_enter(struct wr_toll *t, uint64_t now)
{
    if (atomic_exchange_explicit(&t->taken, true, memory_order_acquire))
        return false;
    t->filled_ns = filled(t, now);
    t->since_ns = wr_max(t->since_ns, now);
    if (t->filled_ns < WR_TOLL_FULL_NS)
        return true;
    atomic_fetch_add_explicit(&t->skipped, 1, memory_order_relaxed);
    atomic_store_explicit(&t->taken, false, memory_order_release);
    return false;
}

/* Inside, time fills at full speed and runs out at half of it. */
bool
wr_toll_allows(const struct wr_toll *t, uint64_t now)
{
    return t->filled_ns + elapsed(t, now) / 2 < WR_TOLL_FULL_NS;
}

uint64_t
wr_toll_leave(struct wr_toll *t, uint64_t now)
{
    uint64_t spent = elapsed(t, now);

    t->filled_ns += spent - spent / 2;
    t->since_ns = wr_max(t->since_ns, now);
    atomic_store_explicit(&t->taken, false, memory_order_release);
    return spent;
}
