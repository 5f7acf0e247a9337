/* Facts. */
#include "analyse/facts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "analyse/end.h"
#include "analyse/store.h"
#include "analyse/story.h"
#include "region/ledger.h"
#include "region/read.h"

#define NS         1e9
#define NO_REQUEST 0x1p46 /* refused to everybody: a probe, or a mistake */
#define OLD        60.0   /* seconds, */
#define OLD_PART   0.1    /* or this part of the run */

/* --- States -------------------------------------------------------------- */

static struct wr_state
state_of(const struct wr_point *p)
{
    return (struct wr_state){.at = (double)p->uptime_ns / NS,
                             .live = (double)p->live_bytes,
                             .kept = (double)p->heap_mapped -
                                     (double)p->heap_released,
                             .rss = (double)p->rss,
                             .threads = (double)p->threads};
}

/* As it was at the end: of the resident set what the kernel said, or else the
 * last that is known. */
static struct wr_state
last_state(const struct wr_known *k, const struct wr_story *s, size_t states)
{
    const struct weir_memstats *m = &s->memory;
    double before = states > 0 ? k->state[states - 1].rss : 0;
    return (struct wr_state){.at = (double)s->uptime_ns / NS,
                             .live = (double)m->heap_alloc,
                             .kept = (double)(m->heap_sys - m->heap_released),
                             .rss =
                                 fmax(before, (double)s->of.end->log_resident),
                             .threads = (double)s->threads_running};
}

/* The minutes before the seconds, the seconds, and the end. */
static int
read_states(struct wr_known *k, const struct wr_story *s)
{
    struct wr_point *minute = calloc(WR_HISTORY_MOST, sizeof *minute);
    size_t n = 0, minutes;
    k->state = calloc(WR_HISTORY_MOST + s->point_count + 1, sizeof *k->state);
    if (!minute || !k->state) {
        free(minute);
        return -1;
    }
    minutes = wr_history_read(s->of.view, WR_HISTORY_MINUTES, minute,
                              WR_HISTORY_MOST);
    for (size_t i = 0; i < minutes; i++)
        if (s->point_count == 0 || minute[i].uptime_ns < s->points[0].uptime_ns)
            k->state[n++] = state_of(&minute[i]);
    for (size_t i = 0; i < s->point_count; i++)
        k->state[n++] = state_of(&s->points[i]);
    struct wr_state end = last_state(k, s, n);
    if (n == 0 || end.at > k->state[n - 1].at)
        k->state[n++] = end;
    free(minute);
    k->facts.state = k->state;
    k->facts.states = n;
    k->facts.now = k->state[n - 1].at;
    return 0;
}

/* --- Bounds -------------------------------------------------------------- */

/* The limit that ended it, or that it has, or what the machine could give. */
static void
find_ceiling(struct wr_facts *f, const struct wr_story *s)
{
    const struct wr_end *e = s->of.end;
    const struct wr_point *last =
        s->point_count > 0 ? &s->points[s->point_count - 1] : NULL;
    f->limited = true;
    if (isfinite(e->group_limit))
        f->ceiling = e->group_limit;
    else if (last && last->limit > 0)
        f->ceiling = (double)last->limit;
    else
        f->limited = false;
    if (f->limited)
        return;
    f->ceiling = isnan(e->memory_available) ? INFINITY : e->memory_available;
    if (e->how == WR_END_RUNS && last)
        f->ceiling += (double)last->rss;
}

static void
find_refused(struct wr_facts *f, const struct wr_story *s)
{
    struct wr_mark all[WR_MARK_SLOTS]; /* a story has the last few only */
    size_t n = wr_history_marks(s->of.view, all, WR_MARK_SLOTS);
    for (size_t i = 0; i < n; i++) {
        const struct wr_mark *m = &all[i];
        double bytes = (double)m->value;
        bool refused =
            m->kind == WR_MARK_MAP_FAILED || m->kind == WR_MARK_REFUSED;
        if (refused && bytes < NO_REQUEST)
            f->refused = fmax(f->refused, bytes);
    }
}

/* --- Ages ---------------------------------------------------------------- */

/* How much of what is alive was there before the growth that is looked at:
 * by bytes. NaN: of nothing an age is known. */
static double
old_share(const struct wr_story *s)
{
    const struct wr_region_view *v = s->of.view;
    double now = (double)s->uptime_ns / NS, all = 0, old = 0;
    double age = fmax(OLD, now * OLD_PART);
    for (uint64_t i = 0; i < wr_view_used(v, WR_TABLE_LEDGER); i++) {
        struct wr_live_sample one;
        const struct wr_bucket *b;
        if (!wr_ledger_read(v, i, &one) || !(b = wr_view_bucket(v, one.bucket)))
            continue;
        double bytes = wr_sample_weight(b->size, b->rate) * (double)b->size;
        all += bytes;
        if (now - (double)one.born_ns / NS > age)
            old += bytes;
    }
    return all > 0 ? old / all : NAN;
}

/* --- All of it ----------------------------------------------------------- */

/* A function that everybody allocates through says less than for whom it
 * does: both are named when it is one caller most of the time. */
static struct wr_culprit
culprit(char name[WR_CULPRIT_ROOM], const struct wr_story_site *site,
        size_t count)
{
    if (count == 0)
        return (struct wr_culprit){.site = NULL};
    if (site->caller && site->for_caller * 2 > site->bytes)
        snprintf(name, WR_CULPRIT_ROOM, "%s < %s", site->name, site->caller);
    else
        snprintf(name, WR_CULPRIT_ROOM, "%s", site->name);
    return (struct wr_culprit){.site = name, .bytes = (double)site->bytes};
}

/* What came and stayed says more than what is there more of than before. */
static void
find_growing(struct wr_known *k, const struct wr_story *s)
{
    struct wr_facts *f = &k->facts;
    if (s->kept_count == 0) {
        f->growing = culprit(k->growing, s->growing, s->growing_count);
        return;
    }
    f->growing = culprit(k->growing, s->kept, 1);
    if (!s->kept_apart)
        f->growing.other = culprit(k->other, &s->kept[1], 1).site;
}

int
wr_known_make(struct wr_known *k, const struct wr_story *s, char *why, size_t n)
{
    struct wr_facts *f = &k->facts;
    *k = (struct wr_known){.facts = {.end = s->of.end, .proved = NAN}};
    if (read_states(k, s) != 0) {
        wr_known_fini(k);
        return wr_profile_fail(why, n, "out of memory");
    }
    find_ceiling(f, s);
    find_refused(f, s);
    f->old_share = old_share(s);
    find_growing(k, s);
    if (!s->ever)
        f->biggest = culprit(k->biggest, s->biggest, s->biggest_count);
    if (s->largest_count > 0)
        f->largest = (struct wr_culprit){.site = s->largest[0].by[0],
                                         .bytes = (double)s->largest[0].bytes};
    return 0;
}

void
wr_known_fini(struct wr_known *k)
{
    free(k->state);
    k->state = NULL;
}
