/* The verdict.
 *
 * 1. Each rule looks at the facts alone; which finding comes first is decided
 *    in one place, by the order of the rules.
 */
#include "analyse/verdict.h"

#include <math.h>
#include <stdlib.h>
#include "analyse/end.h"
#include "analyse/series.h"

#define MIB           1048576.0
#define YOUNG         10.0 /* seconds of history */
#define MINUTE        60.0
#define FAST          100.0 /* seconds to the ceiling: an overflow */
#define SLOW          600.0 /* a leak */
#define HUGE_SHARE    0.25  /* of the ceiling, in one request */
#define SUDDEN_SHARE  0.5   /* of what was left, in a minute */
#define EVEN          0.7   /* late rate by early rate */
#define LEAST_RISE    MIB
#define LATE          30.0 /* seconds, or more, of a leak that began late */
#define PROVED_SHARE  0.3  /* of what grew */
#define LEAST_PART    0.05 /* of the level, that a rise must be */
#define WASTE_SHARE   0.5
#define LEAST_WASTE   (16 * MIB)
#define FOREIGN_SHARE 0.5
#define LEAST_FOREIGN (32 * MIB)
#define LEAST_THREADS 8.0
#define PRESSURE      10.0 /* percent of the last ten seconds, all work */

/* --- Series -------------------------------------------------------------- */

typedef double value_of(const struct wr_state *s);

static double
live(const struct wr_state *s)
{
    return s->live;
}

static double
waste(const struct wr_state *s)
{
    return s->kept - s->live;
}

static double
foreign(const struct wr_state *s)
{
    return s->rss > 0 ? s->rss - s->kept : NAN;
}

static double
threads(const struct wr_state *s)
{
    return s->threads;
}

/* One of the values over time; NULL: no memory. Known ones only. */
static struct wr_moment *
series(const struct wr_facts *f, value_of *value, size_t *n)
{
    struct wr_moment *m = calloc(f->states + 1, sizeof *m);
    *n = 0;
    for (size_t i = 0; m && i < f->states; i++) {
        m[*n].at = f->state[i].at;
        m[*n].value = value(&f->state[i]);
        *n += !isnan(m[*n].value);
    }
    return m;
}

static double
begins(const struct wr_facts *f)
{
    return f->states > 0 ? f->state[0].at : f->now;
}

static void
fit(struct wr_rise *r, const struct wr_facts *f, value_of *value, double from)
{
    size_t n;
    struct wr_moment *m = series(f, value, &n);
    wr_rise_fit(r, m, m ? n : 0, from, f->now);
    free(m);
}

static double
least_since(const struct wr_facts *f, value_of *value, double from)
{
    size_t n;
    struct wr_moment *m = series(f, value, &n);
    double least = m ? wr_series_least(m, n, from, f->now) : NAN;
    free(m);
    return least;
}

static const struct wr_state *
last(const struct wr_facts *f)
{
    static const struct wr_state none;
    return f->states > 0 ? &f->state[f->states - 1] : &none;
}

static bool
died_of_want(const struct wr_facts *f)
{
    return wr_end_is_oom(f->end) || f->refused > 0;
}

/* --- Findings ------------------------------------------------------------ */

/* There is room for one of each rule. */
static struct wr_finding *
add(struct wr_verdict *v, const struct wr_facts *f, enum wr_verdict_class what,
    enum wr_sure sure)
{
    struct wr_finding *one = &v->finding[v->count++];
    *one = (struct wr_finding){.what = what,
                               .sure = sure,
                               .left = NAN,
                               .ceiling = f->limited ? f->ceiling : 0};
    return one;
}

static void
find_stack(struct wr_verdict *v, const struct wr_facts *f)
{
    if (f->stack_overflow)
        add(v, f, WR_VERDICT_STACK, WR_SURE_HIGH)->site = f->stack_site;
}

/* The machine was short, and not for this program. */
static void
find_system(struct wr_verdict *v, const struct wr_facts *f)
{
    const struct wr_end *e = f->end;
    double mine = fmax(last(f)->rss, (double)e->log_resident);
    bool short_now = e->pressure_full > PRESSURE &&
                     e->memory_available < LEAST_PART * e->memory_total;
    if (!(e->killer == WR_KILLER_SYSTEM || short_now) || mine == 0 ||
        !(mine < 0.5 * e->memory_total))
        return;
    struct wr_finding *one =
        add(v, f, WR_VERDICT_SYSTEM,
            e->killer == WR_KILLER_SYSTEM ? WR_SURE_HIGH : WR_SURE_FAIR);
    one->bytes = mine;
    one->ceiling = e->memory_total;
}

static bool
find_huge(struct wr_verdict *v, const struct wr_facts *f)
{
    double bytes = fmax(f->largest.bytes, f->refused);
    if (!died_of_want(f) || !(bytes >= HUGE_SHARE * f->ceiling))
        return false;
    struct wr_finding *one = add(v, f, WR_VERDICT_HUGE, WR_SURE_HIGH);
    one->bytes = bytes;
    /* What was refused has no stack: it is not there. */
    if (f->largest.bytes >= bytes)
        one->site = f->largest.site;
    return true;
}

/* --- Growth -------------------------------------------------------------- */

struct growth {
    double since; /* of the rise */
    struct wr_rise rise;
    double recent;      /* by so much in the last minute, or since the start */
    double recent_over; /* seconds */
    double room;        /* to the ceiling, when that began */
    double rate;        /* a second, over the time that it rises */
    double fills;       /* seconds from nothing to the ceiling, at that rate */
};

/* A second's history is missing at the end: what was counted then is in the
 * last state. */
static void
measure(struct growth *g, const struct wr_facts *f, double since)
{
    size_t n;
    struct wr_moment *m = series(f, live, &n);
    double from = fmax(begins(f), f->now - MINUTE);
    g->since = since;
    fit(&g->rise, f, live, since);
    double then = m ? wr_series_at(m, n, from) : NAN;
    if (begins(f) >= f->now - MINUTE)
        then = 0, from = 0; /* it began with nothing */
    free(m);
    g->recent = last(f)->live - then;
    g->recent_over = fmax(f->now - from, 0.001);
    g->room = f->ceiling - then;
    g->rate = g->rise.rises ? g->rise.slope : g->recent / g->recent_over;
    g->fills = g->rate > 0 ? f->ceiling / g->rate : INFINITY;
}

static bool
is_sudden(const struct growth *g, const struct wr_facts *f)
{
    double left = (f->ceiling - last(f)->live) / (g->recent / g->recent_over);
    if (!(g->recent >= SUDDEN_SHARE * g->room))
        return false;
    return died_of_want(f) || left < MINUTE;
}

static bool
rises_steadily(const struct growth *g)
{
    double by = g->rise.last - g->rise.first;
    return g->rise.rises && g->rise.late >= EVEN * g->rise.early &&
           by >= LEAST_RISE && by >= LEAST_PART * g->rise.first;
}

static bool
slows_down(const struct growth *g)
{
    double by = g->rise.last - g->rise.first;
    return g->rise.low > 0 && g->rise.late < EVEN * g->rise.early &&
           by >= LEAST_RISE && by >= LEAST_PART * g->rise.first;
}

/* Growth that fills the ceiling in a hundred seconds is sudden, in ten minutes
 * slow. Between them: what grew in an overflow is young. */
static bool
is_slow(const struct growth *g, const struct wr_facts *f)
{
    if (g->fills < FAST)
        return false;
    if (g->fills > SLOW)
        return true;
    return isnan(f->old_share) ? rises_steadily(g) : f->old_share >= 0.5;
}

static void
describe_growth(struct wr_finding *one, const struct growth *g,
                const struct wr_facts *f)
{
    one->bytes = g->rise.rises ? g->rise.last - g->rise.first : g->recent;
    one->over = g->rise.rises ? f->now - g->since : g->recent_over;
    one->per_minute = g->rate * MINUTE;
    if (f->end->how == WR_END_RUNS && g->rate > 0)
        one->left = fmax(0, (f->ceiling - last(f)->live) / g->rate);
    one->site = f->growing.site ? f->growing.site : f->biggest.site;
    one->other = f->growing.other;
}

static void
find_sudden(struct wr_verdict *v, const struct wr_facts *f,
            const struct growth *g)
{
    enum wr_sure sure = died_of_want(f) ? WR_SURE_HIGH : WR_SURE_FAIR;
    describe_growth(add(v, f, WR_VERDICT_SUDDEN, sure), g, f);
}

/* What rises: has it been proved that nobody can reach it? Is it of a kind
 * that is freed otherwise? */
static enum wr_verdict_class
leak_or_cache(const struct wr_facts *f, double grown, enum wr_sure *sure)
{
    *sure = WR_SURE_FAIR;
    if (f->proved >= PROVED_SHARE * grown) {
        *sure = WR_SURE_HIGH;
        return WR_VERDICT_LEAK;
    }
    if (f->suspect && f->suspect->growth == WR_GROWTH_LEAK) {
        *sure = f->suspect->sure;
        return WR_VERDICT_LEAK;
    }
    if (!isnan(f->proved)) {
        *sure = f->suspect && f->suspect->growth == WR_GROWTH_ENDLESS
                    ? WR_SURE_HIGH
                    : WR_SURE_FAIR;
        return WR_VERDICT_CACHE;
    }
    /* Nobody looked whether it can be reached. That it grows without end may
     * be certain all the same. */
    if (!f->suspect || f->suspect->growth != WR_GROWTH_ENDLESS)
        *sure = WR_SURE_LOW;
    return WR_VERDICT_LEAK;
}

static void
find_leak(struct wr_verdict *v, const struct wr_facts *f,
          const struct growth *g)
{
    enum wr_sure sure;
    enum wr_verdict_class what =
        leak_or_cache(f, g->rise.last - g->rise.first, &sure);
    struct wr_finding *one = add(v, f, what, sure);
    describe_growth(one, g, f);
    one->searched = !isnan(f->proved);
    one->proved = what == WR_VERDICT_LEAK && one->searched && f->proved > 0 &&
                  sure == WR_SURE_HIGH;
    if (one->proved && f->proved_site) {
        one->site = f->proved_site;
        one->other = NULL;
    }
}

/* Is there more to say for a leak than that it rises? */
static bool
is_backed(const struct growth *g, const struct wr_facts *f)
{
    return f->proved >= PROVED_SHARE * (g->rise.last - g->rise.first) ||
           (f->suspect && f->suspect->growth >= WR_GROWTH_ENDLESS &&
            f->suspect->sure >= WR_SURE_FAIR);
}

/* A program that was well for long: a rise in the last half minute, minute, two
 * minutes..., of the time. That alone may be the wave of a day. */
static void
find_late_leak(struct wr_verdict *v, const struct wr_facts *f)
{
    double known = LATE;
    while (known * 4 <= f->now - begins(f))
        known *= 2;
    for (; known >= LATE && known * 2 <= f->now - begins(f); known /= 2) {
        struct growth g;
        measure(&g, f, f->now - known);
        if (rises_steadily(&g) && is_backed(&g, f)) {
            find_leak(v, f, &g);
            return;
        }
    }
}

static void
find_growth(struct wr_verdict *v, const struct wr_facts *f)
{
    struct growth g;
    measure(&g, f, begins(f));
    bool slow = is_slow(&g, f);
    if (find_huge(v, f))
        return;
    if (is_sudden(&g, f) && !slow)
        find_sudden(v, f, &g);
    else if (rises_steadily(&g))
        find_leak(v, f, &g);
    else if (is_sudden(&g, f) && died_of_want(f))
        find_sudden(v, f, &g);
    else if (slows_down(&g))
        describe_growth(add(v, f, WR_VERDICT_WARM_UP, WR_SURE_FAIR), &g, f);
    else
        find_late_leak(v, f);
}

/* --- Beside the blocks --------------------------------------------------- */

static void
find_fragments(struct wr_verdict *v, const struct wr_facts *f)
{
    double quarter = f->now - (f->now - begins(f)) / 4;
    double idle = least_since(f, waste, quarter);
    if (!(idle >= LEAST_WASTE) || !(idle >= WASTE_SHARE * last(f)->kept))
        return;
    struct wr_finding *one =
        add(v, f, WR_VERDICT_FRAGMENTS,
            idle >= 0.7 * last(f)->kept ? WR_SURE_HIGH : WR_SURE_FAIR);
    one->bytes = idle;
    one->number = last(f)->kept;
    one->over = f->now - quarter;
}

static void
find_foreign(struct wr_verdict *v, const struct wr_facts *f)
{
    struct wr_rise r;
    double out = foreign(last(f));
    fit(&r, f, foreign, begins(f));
    bool rises = r.rises && r.last - r.first >= LEAST_FOREIGN / 2 &&
                 r.late >= EVEN * r.early;
    bool most = died_of_want(f) && out >= FOREIGN_SHARE * last(f)->rss;
    if (!(out >= LEAST_FOREIGN) || !(rises || most))
        return;
    struct wr_finding *one = add(v, f, WR_VERDICT_FOREIGN,
                                 rises && most ? WR_SURE_HIGH : WR_SURE_FAIR);
    one->bytes = out;
    one->per_minute = rises ? r.slope * MINUTE : 0;
    one->over = f->now - begins(f);
    if (rises && f->end->how == WR_END_RUNS)
        one->left = fmax(0, (f->ceiling - last(f)->rss) / r.slope);
}

static void
find_threads(struct wr_verdict *v, const struct wr_facts *f)
{
    struct wr_rise r;
    fit(&r, f, threads, begins(f));
    if (!r.rises || r.last - r.first < LEAST_THREADS)
        return;
    struct wr_finding *one = add(v, f, WR_VERDICT_THREADS, WR_SURE_HIGH);
    one->number = last(f)->threads;
    one->bytes = r.last - r.first;
    one->per_minute = r.slope * MINUTE;
    one->over = f->now - begins(f);
    one->site = f->thread_site;
}

static void
find_descriptors(struct wr_verdict *v, const struct wr_facts *f)
{
    bool full = f->descriptors >= 0.8 * f->descriptor_limit;
    if (!f->descriptors_rise && !full)
        return;
    struct wr_finding *one =
        add(v, f, WR_VERDICT_DESCRIPTORS,
            f->descriptors_rise ? WR_SURE_HIGH : WR_SURE_FAIR);
    one->number = f->descriptors;
    one->bytes = f->descriptors_grown;
    one->ceiling = f->descriptor_limit;
    one->site = f->descriptor_site;
}

/* --- All of it ----------------------------------------------------------- */

static void
find_nothing(struct wr_verdict *v, const struct wr_facts *f)
{
    bool young = f->now - begins(f) < YOUNG && f->end->how == WR_END_RUNS;
    struct wr_finding *one =
        young ? add(v, f, WR_VERDICT_UNKNOWN, WR_SURE_LOW)
              : add(v, f, WR_VERDICT_HEALTHY,
                    f->now - begins(f) >= SLOW ? WR_SURE_HIGH : WR_SURE_FAIR);
    one->over = f->now - begins(f);
    one->bytes = last(f)->live;
}

void
wr_verdict_make(struct wr_verdict *v, const struct wr_facts *f)
{
    v->count = 0;
    find_stack(v, f);
    find_system(v, f);
    find_growth(v, f);
    find_descriptors(v, f);
    find_threads(v, f);
    find_foreign(v, f);
    find_fragments(v, f);
    if (v->count == 0)
        find_nothing(v, f);
}

static const char *const keys[] = {
    "unknown", "healthy", "warm-up", "huge",        "sudden",
    "leak",    "cache",   "threads", "descriptors", "fragments",
    "foreign", "stack",   "system"};
_Static_assert(sizeof keys / sizeof *keys == WR_VERDICT_CLASSES,
               "each class has a name");

const char *
wr_verdict_key(enum wr_verdict_class what)
{
    return keys[what];
}

int
wr_verdict_status(enum wr_verdict_class what)
{
    return what <= WR_VERDICT_WARM_UP ? 0 : 10 + (int)what - WR_VERDICT_HUGE;
}
