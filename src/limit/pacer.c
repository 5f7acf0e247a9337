/* Invariants
 * 1. marked <= trigger <= goal in every plan that wants a cycle, but for a
 *    program over its memory limit, whose goal is what was marked.
 * 2. Nothing here divides by zero or wraps, whatever it is given: counts come
 *    from several threads, not all from the same moment.
 */
#include "limit/pacer.h"

#include "base/base.h"
#include "limit/policy.h"

#define MIB ((uint64_t)1 << 20)

/* Where between what was marked and the goal a cycle may begin, in 64ths: half
 * way, and at about 0.95. Earlier, and a fast program would be in a cycle all
 * the time, in which nothing is freed; later, and no room is left to mark in.
 */
enum { EARLIEST = 32, LATEST = 61, PARTS = 64 };

enum { HEADROOM_PERCENT = 3, UNTOLD_PERCENT = 100000 };

#define HEADROOM_MIN MIB
#define RUNWAY_MIN   ((uint64_t)64 << 10)
#define WORK_MIN     1000.0

static uint64_t
plus(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t
minus(uint64_t a, uint64_t b)
{
    return a - wr_min(a, b);
}

static double
larger(double a, double b)
{
    return a > b ? a : b;
}

static double
smaller(double a, double b)
{
    return a < b ? a : b;
}

static uint64_t
rounded(double bytes)
{
    return bytes < 1.8e19 ? (uint64_t)bytes : UINT64_MAX;
}

/* ---- the goal ---- */

uint64_t
wr_pacer_minimum(int percent)
{
    return percent <= 0 ? 0 : WR_PACER_HEAP_MIN * (uint64_t)percent / 100;
}

static uint64_t
roots(const struct wr_pacer_heap *h)
{
    return plus(h->stacks, h->globals);
}

uint64_t
wr_pacer_percent_goal(const struct wr_pacer_heap *h)
{
    double grown, base = (double)plus(h->marked, roots(h));

    if (h->percent < 0)
        return WR_PACER_NEVER;
    grown = base * (double)h->percent / 100;
    return wr_max(plus(h->marked, rounded(grown)),
                  wr_pacer_minimum(h->percent));
}

/* What of the limit is left for blocks: the limit without what is neither a
 * block nor could become one. What the limit is passed by counts twice, so that
 * the heap makes room for others. A share stays free, for what is rounded and
 * late. */
uint64_t
wr_pacer_limit_goal(const struct wr_pacer_room *r, uint64_t marked)
{
    uint64_t others, goal, headroom;

    if (r->limit == WR_LIMIT_NONE)
        return WR_PACER_NEVER;
    others = minus(r->held, plus(r->blocks, r->idle));
    others = plus(others, minus(r->held, r->limit));
    if (others >= r->limit)
        return marked;
    goal = r->limit - others;
    headroom = wr_max(goal / 100 * HEADROOM_PERCENT, HEADROOM_MIN);
    goal = wr_max(minus(goal, headroom), headroom);
    return wr_max(goal, marked);
}

/* Only GOGC's goal may be moved up: a cycle that began late, or while blocks
 * were still to be swept, needs some room; at the limit there is none. */
static uint64_t
with_room(const struct wr_pacer_heap *h, uint64_t goal)
{
    goal = wr_max(goal, h->swept_at);
    if (h->triggered != 0)
        goal = wr_max(goal, plus(h->triggered, RUNWAY_MIN));
    return goal;
}

/* ---- the trigger ---- */

uint64_t
wr_pacer_runway(const struct wr_pacer_heap *h)
{
    double work = (double)plus(h->scanned, roots(h));

    return rounded(h->cons_mark * (1 - WR_PACER_SHARE) / WR_PACER_SHARE * work);
}

static uint64_t
between(uint64_t marked, uint64_t goal, unsigned parts)
{
    return marked + (goal - marked) / PARTS * parts;
}

/* In a large heap with little to scan the smallest heap's worth of bytes is
 * enough to run a cycle in. */
static uint64_t
trigger_of(const struct wr_pacer_heap *h, const struct wr_pacer_plan *p)
{
    uint64_t earliest, latest;

    if (h->marked >= p->goal)
        return p->goal;
    earliest = between(h->marked, p->goal, EARLIEST);
    if (!p->limited)
        earliest = wr_max(earliest, h->swept_at);
    latest = between(h->marked, p->goal, LATEST);
    latest = wr_max(latest, minus(p->goal, WR_PACER_HEAP_MIN));
    latest = wr_max(latest, earliest);
    return wr_min(wr_max(minus(p->goal, p->runway), earliest), latest);
}

struct wr_pacer_plan
wr_pacer_plan(const struct wr_pacer_heap *h)
{
    struct wr_pacer_plan p = {.goal = wr_pacer_percent_goal(h),
                              .runway = wr_pacer_runway(h)};
    uint64_t limits = wr_pacer_limit_goal(&h->room, h->marked);

    p.limited = limits < p.goal;
    if (p.limited)
        p.goal = limits;
    else if (p.goal != WR_PACER_NEVER)
        p.goal = with_room(h, p.goal);
    p.trigger = p.goal == WR_PACER_NEVER ? WR_PACER_NEVER : trigger_of(h, &p);
    return p;
}

/* ---- how fast ---- */

/* Time that markers on idle processors took counts as the collector's, and not
 * as the program's loss: it can have those processors at any moment. */
static double
cons_mark(const struct wr_pacer_cycle *c)
{
    double all = (double)c->mark_ns * c->processors;
    double busy = WR_PACER_SHARE, idle = 0;

    if (all > 0) {
        busy = smaller(busy + (double)c->assist_ns / all, 0.99);
        idle = (double)c->idle_ns / all;
    }
    return (double)(c->reached - c->triggered) * (busy + idle) /
           ((double)c->work * (1 - busy));
}

struct wr_pacer_rates
wr_pacer_learn(struct wr_pacer_rates was, const struct wr_pacer_cycle *c)
{
    struct wr_pacer_rates r;

    if (c->reached <= c->triggered || c->work == 0)
        return was;
    r.now = cons_mark(c);
    for (unsigned i = 1; i < WR_PACER_CYCLES; i++)
        r.last[i - 1] = was.last[i];
    r.last[WR_PACER_CYCLES - 1] = r.now;
    for (unsigned i = 0; i < WR_PACER_CYCLES; i++)
        r.now = larger(r.now, was.last[i]);
    return r;
}

/* There is more to do than there was, so the heap grows; the next goal will be
 * higher by as much. Stretch this one accordingly, within the percentage. */
static double
stretched(const struct wr_pacer_progress *p)
{
    double percent = p->percent < 0 ? UNTOLD_PERCENT : p->percent;
    double way = (double)minus(p->goal, p->triggered);
    double most = (1 + percent / 100) * (double)p->goal;
    double goal = (double)p->triggered +
                  way / (double)wr_max(p->expected, 1) * (double)p->most;

    return smaller(goal, most);
}

double
wr_pacer_ratio(const struct wr_pacer_progress *p)
{
    double goal = (double)p->goal, work = (double)p->expected;

    if (p->done > p->expected) {
        goal = stretched(p);
        work = (double)p->most;
    }
    if ((double)p->allocated > goal) { /* too late for this goal */
        goal *= 1.1;
        work = (double)p->most;
    }
    work = larger(work - (double)p->done, WORK_MIN);
    return work / larger(goal - (double)p->allocated, 1.0);
}

struct wr_pacer_bill
wr_pacer_bill(int64_t credit, uint64_t background)
{
    struct wr_pacer_bill b = {0, 0, 0};

    if (credit >= 0)
        return b;
    b.settled = wr_max((uint64_t)0 - (uint64_t)credit, WR_PACER_LEAST_WORK);
    b.taken = wr_min(b.settled, background);
    b.to_do = b.settled - b.taken;
    return b;
}

struct wr_pacer_markers
wr_pacer_markers(unsigned processors)
{
    double wanted = processors * WR_PACER_SHARE;
    struct wr_pacer_markers m = {(unsigned)(wanted + 0.5), 0};
    double miss = wanted > 0 ? m.whole / wanted - 1 : 0;

    if (miss > 0.3)
        m.whole--;
    if (miss > 0.3 || miss < -0.3)
        m.part = wanted - m.whole;
    return m;
}

/* ---- whether all is marked ---- */

bool
wr_pacer_is_young(const struct wr_pacer_age *a)
{
    return a->wait == 0 && a->goal != WR_PACER_NEVER && a->live < a->goal &&
           a->goal - a->live >= minus(a->goal, a->full) / 2;
}

struct wr_pacer_age
wr_pacer_grow_older(struct wr_pacer_age a, bool young, uint64_t scanned)
{
    if (!young) {
        a.work = scanned;
        a.wait -= a.wait > 0;
    } else if (scanned > a.work / 2) {
        a.wait = WR_PACER_PATIENCE;
    }
    return a;
}

/* ---- what it may cost ---- */

struct wr_pacer_toll
wr_pacer_toll(unsigned processors)
{
    return (struct wr_pacer_toll){.full_ns = processors * WR_PACER_FULL_NS};
}

/* It never runs dry: a day's rest must not pay for an hour of nothing but
 * collecting. */
struct wr_pacer_toll
wr_pacer_pour(struct wr_pacer_toll t, uint64_t gc_ns, uint64_t program_ns)
{
    uint64_t more = minus(gc_ns, program_ns);
    uint64_t room = 2 * t.full_ns - t.filled_ns;

    t.over_ns = plus(t.over_ns, minus(more, room));
    t.filled_ns += wr_min(more, room);
    t.filled_ns -= wr_min(t.filled_ns, minus(program_ns, gc_ns));
    return t;
}

bool
wr_pacer_is_limiting(struct wr_pacer_toll t)
{
    return t.filled_ns >= t.full_ns;
}
