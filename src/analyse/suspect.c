/* Invariants
 * 1. A window's bounds are moments of points, so that births, deaths and the
 *    ages of the living are counted over the same time.
 * 2. What matured in a window counts only if it is alive now. So each quarter
 *    of a site in balance has at most as much on the side of growth as on the
 *    other, and the test errs on the side of silence.
 * 3. No threshold depends on a program. Those there are say what is a shape,
 *    not what is much.
 */
#include "analyse/suspect.h"

#include <math.h>
#include <string.h>

#include "base/base.h"

enum {
    FEW = 20, /* deaths that make an age at death known */
    QUARTERS = 4,
    WINDOWS = 10,     /* 2 min, 4 min, ... 17 h */
    RARE_DEATHS = 20, /* one death in so many births is "nearly nothing" */
};

#define FIRST_WINDOW  120.0
#define CHANCE        (-6.0) /* log10: once in a million looks */
#define HALF_CHANCE   (-3.0)
#define OLD_LIVES     1.5 /* times the age that nine of ten do not reach */
#define OLD_PART      4.0 /* of a window, where no age at death is known */
#define SLOWER        0.8 /* the late half of a growth against the early one */
#define FEWER_SURVIVE 0.5 /* of the late births, against the early */
#define STAYS_LONGER  1.1 /* time in the heap, now against before */
#define FAIR_WINDOW   480.0 /* warm-ups take minutes */
#define HIGH_WINDOW   960.0

/* ---- looking things up ---- */

/* The last point at or before a moment; the first, if none is. */
static const struct wr_suspect_point *
point_at(const struct wr_suspect_series *s, double at)
{
    size_t low = 0, high = s->points;
    while (high - low > 1) {
        size_t mid = low + (high - low) / 2;
        if (s->point[mid].at <= at)
            low = mid;
        else
            high = mid;
    }
    return &s->point[low];
}

/* How many of the living were born at or before a moment. */
static size_t
born_by(const struct wr_suspect_series *s, double at)
{
    size_t low = 0, high = s->live;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (s->born[mid] <= at)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static double
alive(const struct wr_suspect_point *p)
{
    return (double)p->births - (double)p->deaths;
}

static const struct wr_suspect_point *
last(const struct wr_suspect_series *s)
{
    return &s->point[s->points - 1];
}

static double
age_of(unsigned grade)
{
    return (double)wr_past_age(grade) / 1e9;
}

/* ---- what is old ---- */

static uint64_t
deaths_in(const uint64_t died[WR_AGES])
{
    uint64_t deaths = 0;
    for (unsigned k = 0; k < WR_AGES; k++)
        deaths += died[k];
    return deaths;
}

/* The age that nine of ten did not reach, as if those of a class were spread
 * evenly over it; INFINITY: beyond all classes. */
static double
usual_age(const uint64_t died[WR_AGES])
{
    double below = 0, wanted = 0.9 * (double)deaths_in(died);
    for (unsigned k = 0; k + 1 < WR_AGES; k++) {
        double n = (double)died[k];
        double end = (double)(WR_AGE_UNIT_NS << k) / 1e9;
        double width = k == 0 ? end : end / 2;
        if (below + n >= wanted)
            return end - width + width * (wanted - below) / n;
        below += n;
    }
    return INFINITY;
}

double
wr_suspect_old_age(const uint64_t died[WR_AGES])
{
    return deaths_in(died) < FEW ? 0 : OLD_LIVES * usual_age(died);
}

/* The grade of age beyond which a block counts as old in a window; false:
 * there is none. */
static bool
old_grade(const struct wr_suspect_series *s, double window, unsigned *grade)
{
    double old = wr_suspect_old_age(s->died);
    *grade = 0;
    if (old == 0) {
        while (*grade + 1 < WR_PAST_GRADES &&
               age_of(*grade + 1) <= window / OLD_PART)
            ++*grade;
        return true;
    }
    while (*grade < WR_PAST_GRADES && age_of(*grade) < old)
        ++*grade;
    return *grade < WR_PAST_GRADES;
}

/* ---- one window ---- */

struct window {
    const struct wr_suspect_point *bound[QUARTERS + 1];
    double length, old_age;
    struct {
        uint64_t matured, gone; /* M and O */
        uint64_t born;          /* all that could have matured */
    } part[QUARTERS];
    uint64_t matured, gone;
};

/* false: the window begins before what is known. */
static bool
measure(const struct wr_suspect_series *s, double length, struct window *w)
{
    const struct wr_suspect_point *now = last(s);
    unsigned grade;
    memset(w, 0, sizeof *w);
    if (!old_grade(s, length, &grade))
        return false;
    w->old_age = age_of(grade);
    if (now->at - s->point[0].at < length + w->old_age)
        return false;
    for (int i = 0; i <= QUARTERS; i++)
        w->bound[i] = point_at(s, now->at - length * (QUARTERS - i) / QUARTERS);
    w->length = now->at - w->bound[0]->at;
    for (int i = 0; i < QUARTERS; i++) {
        double from = w->bound[i]->at - w->old_age;
        double to = w->bound[i + 1]->at - w->old_age;
        w->part[i].matured = born_by(s, to) - born_by(s, from);
        w->part[i].gone = w->bound[i + 1]->old[grade] - w->bound[i]->old[grade];
        w->part[i].born = point_at(s, to)->births - point_at(s, from)->births;
        w->matured += w->part[i].matured;
        w->gone += w->part[i].gone;
    }
    return true;
}

static double
net(const struct window *w, int part)
{
    return (double)w->part[part].matured - (double)w->part[part].gone;
}

static double
chance(const struct window *w, int from, int to)
{
    uint64_t m = 0, o = 0;
    for (int i = from; i < to; i++) {
        m += w->part[i].matured;
        o += w->part[i].gone;
    }
    return wr_suspect_coins(m, m + o);
}

static bool
is_steady(const struct window *w)
{
    for (int i = 0; i < QUARTERS; i++)
        if (net(w, i) <= 0)
            return false;
    return chance(w, 0, 2) <= HALF_CHANCE && chance(w, 2, 4) <= HALF_CHANCE;
}

static double
survivors(const struct window *w, int part)
{
    uint64_t born = w->part[part].born;
    return born == 0 ? 1 : (double)w->part[part].matured / (double)born;
}

static bool
is_slowing(const struct window *w)
{
    double early = net(w, 0) + net(w, 1), late = net(w, 2) + net(w, 3);
    return late < SLOWER * early ||
           survivors(w, QUARTERS - 1) < FEWER_SURVIVE * survivors(w, 0);
}

/* Little's law: what is there divided by what comes is how long it stays.
 * Over the window, against the time before it, as long or as there is. */
static bool
is_load(const struct wr_suspect_series *s, const struct window *w)
{
    const struct wr_suspect_point *now = last(s), *then = w->bound[0];
    const struct wr_suspect_point *before = point_at(s, then->at - w->length);
    double come = (double)(now->births - then->births) / w->length;
    double came = then->at - before->at;
    if (came < w->length / QUARTERS)
        return false;
    came = (double)(then->births - before->births) / came;
    return came > 0 && alive(then) > 0 &&
           alive(now) * came < STAYS_LONGER * alive(then) * come;
}

static enum wr_growth
judge_window(const struct wr_suspect_series *s, const struct window *w)
{
    uint64_t deaths = last(s)->deaths;
    if (w->matured + w->gone < FEW)
        return last(s)->births < 2 * FEW ? WR_GROWTH_UNKNOWN : WR_GROWTH_NONE;
    if (chance(w, 0, QUARTERS) > CHANCE)
        return WR_GROWTH_NONE;
    if (!is_steady(w))
        return WR_GROWTH_BURST;
    if (is_slowing(w))
        return WR_GROWTH_SLOWING;
    if (is_load(s, w))
        return WR_GROWTH_LOAD;
    return deaths < FEW || deaths * RARE_DEATHS < last(s)->births
               ? WR_GROWTH_ENDLESS
               : WR_GROWTH_LEAK;
}

/* ---- the verdict ---- */

static const struct {
    const char *name, *reason, *doubt;
} words[] = {
    [WR_GROWTH_UNKNOWN] =
        {"unknown", "it is too young, or was sampled too seldom, to tell",
         "more time, or a lower sample rate"},
    [WR_GROWTH_NONE] = {"none", "what grows old here is freed as fast", ""},
    [WR_GROWTH_SLOWING] = {"slowing",
                           "it grows ever more slowly: it warms up, or fills",
                           "growth that does not slow down"},
    [WR_GROWTH_LOAD] = {"load",
                        "more comes than before, and stays as long as before",
                        "blocks that stay longer and longer"},
    [WR_GROWTH_BURST] = {"burst", "it grew for a while, not all the time",
                         "growth in every part of the time"},
    [WR_GROWTH_ENDLESS] = {"endless",
                           "it grows steadily, and next to nothing allocated "
                           "here was ever freed",
                           "the first old blocks that are freed, or slower "
                           "growth: it may be a cache that fills"},
    [WR_GROWTH_LEAK] = {"leak",
                        "most blocks allocated here are soon freed, the others "
                        "never, and these grow steadily",
                        "as many old blocks freed as grow old"},
};
static const char *const sure_names[] = {"low", "fair", "high"};

const char *
wr_growth_name(enum wr_growth g)
{
    return words[g].name;
}

const char *
wr_sure_name(enum wr_sure s)
{
    return sure_names[s];
}

static void
tell_window(const struct wr_suspect_series *s, const struct window *w,
            struct wr_suspect *out)
{
    const struct wr_suspect_point *then = w->bound[0];
    out->window = w->length;
    out->old_age = w->old_age;
    out->since = fmax(then->at - w->old_age, 0);
    out->matured = w->matured;
    out->gone = w->gone;
    out->log10_chance = chance(w, 0, QUARTERS);
    out->per_minute = ((double)w->matured - (double)w->gone) / w->length * 60;
    out->bytes_per_minute = out->per_minute * s->bytes;
}

/* The longest window that shows endless growth has the word, unless a longer
 * one shows that it slows down; if none does, the longest that has something
 * to say. */
static void
judge_windows(const struct wr_suspect_series *s, struct wr_suspect *out)
{
    unsigned shown = 0;
    double length = FIRST_WINDOW;
    for (int i = 0; i < WINDOWS; i++, length *= 2) {
        struct window w;
        enum wr_growth g =
            measure(s, length, &w) ? judge_window(s, &w) : WR_GROWTH_UNKNOWN;
        bool shows = g >= WR_GROWTH_ENDLESS;
        shown += shows;
        if (g == WR_GROWTH_UNKNOWN ||
            (shown > 0 && !shows && g != WR_GROWTH_SLOWING))
            continue;
        out->growth = g;
        tell_window(s, &w, out);
    }
    if (out->growth < WR_GROWTH_ENDLESS)
        out->window = out->since = 0;
    else if (shown >= 3 && out->window >= HIGH_WINDOW)
        out->sure = WR_SURE_HIGH;
    else if (out->window >= FAIR_WINDOW)
        out->sure = WR_SURE_FAIR;
}

void
wr_suspect_judge(const struct wr_suspect_series *s, struct wr_suspect *out)
{
    memset(out, 0, sizeof *out);
    if (s->points > 0) {
        out->live_bytes = (double)s->live * s->bytes;
        if (s->live > 0)
            out->oldest = last(s)->at - s->born[0];
        judge_windows(s, out);
    }
    out->reason = words[out->growth].reason;
    out->doubt = words[out->growth].doubt;
}

/* ---- coins ---- */

static double
log_of_exactly(double m, double n)
{
    return lgamma(n + 1) - lgamma(m + 1) - lgamma(n - m + 1) - n * log(2);
}

double
wr_suspect_coins(uint64_t m, uint64_t n)
{
    double term = 1, sum = 0, at = (double)m, all = (double)n;
    if (m * 2 <= n)
        return 0; /* half of all, or more */
    for (; at <= all && term > 1e-17 * sum; at++) {
        sum += term;
        term *= (all - at) / (at + 1);
    }
    return fmin((log_of_exactly((double)m, all) + log(sum)) / log(10), 0);
}
