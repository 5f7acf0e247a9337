/* Invariants
 * 1. The moments of all series are the same: each is asked for once, for all
 *    buckets. They lie the closer the younger they are (STEP of their age),
 *    so that a window's quarters are hit to a few percent.
 * 2. What the ledger says and what the buckets say is read one after the other
 *    from a program that runs: a site may be off by the samples between.
 */
#include "analyse/suspects.h"

#include <stdlib.h>
#include <string.h>
#include "analyse/leaks.h"
#include "analyse/profile.h"
#include "analyse/store.h"
#include "analyse/uptime.h"
#include "region/ledger.h"
#include "region/past.h"

enum {
    LEAST = 20,   /* live samples of a site that can be judged */
    MOST = 2000,  /* sites, the largest */
    MOMENTS = 400 /* more than there ever are */
};

#define STEP  32.0 /* a moment's age in distances to the next */
#define REACH (61440 * 3.0)
#define NS    1e9

struct birth {
    double at;
    uint64_t address;
};

struct site {
    uint32_t stack;
    size_t samples, room;
    struct birth *born;
    struct wr_suspect_point *point;
    uint64_t died[WR_AGES];
    double blocks, bytes; /* that the live samples stand for */
};

struct find {
    const struct wr_region_view *view;
    const struct wr_leaks *leaks;
    uint64_t *leaked; /* addresses, ascending */
    size_t leaked_count;
    uint64_t buckets;
    uint32_t *site_of; /* of each bucket */
    struct site *site;
    size_t sites;
    double moment[MOMENTS]; /* ascending, then now */
    size_t moments;
    double now;
};

static uint64_t
load(const _Atomic uint64_t *from)
{
    return atomic_load_explicit(from, memory_order_acquire);
}

/* ---- sites ---- */

struct of_stack {
    uint32_t stack, bucket;
};

static int
by_stack(const void *a, const void *b)
{
    const struct of_stack *x = a, *y = b;
    return x->stack < y->stack ? -1 : x->stack > y->stack;
}

/* Each stack is a site. */
static bool
make_sites(struct find *f)
{
    struct of_stack *list = calloc(f->buckets + 1, sizeof *list);
    f->site_of = calloc(f->buckets + 1, sizeof *f->site_of);
    f->site = calloc(f->buckets + 1, sizeof *f->site);
    if (!list || !f->site_of || !f->site)
        return free(list), false;
    for (uint32_t i = 0; i < f->buckets; i++) {
        const struct wr_bucket *b = wr_view_bucket(f->view, i);
        list[i] = (struct of_stack){b ? b->stack : 0, i};
    }
    qsort(list, f->buckets, sizeof *list, by_stack);
    for (uint64_t i = 0; i < f->buckets; i++) {
        if (i == 0 || list[i].stack != list[i - 1].stack)
            f->site[f->sites++].stack = list[i].stack;
        f->site_of[list[i].bucket] = (uint32_t)f->sites - 1;
    }
    free(list);
    return true;
}

/* ---- the ledger ---- */

static int
by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static bool
note_leaked(struct find *f)
{
    uint64_t n = f->leaks ? f->leaks->header.records : 0;
    f->leaked = calloc(n + 1, sizeof *f->leaked);
    for (uint64_t i = 0; f->leaked && i < n; i++)
        f->leaked[i] = f->leaks->records[i].address;
    f->leaked_count = n;
    if (f->leaked)
        qsort(f->leaked, n, sizeof *f->leaked, by_number);
    return f->leaked != NULL;
}

static bool
is_leaked(const struct find *f, uint64_t address)
{
    return bsearch(&address, f->leaked, f->leaked_count, sizeof address,
                   by_number) != NULL;
}

static bool
add_birth(struct find *f, struct site *s, const struct wr_live_sample *sample)
{
    const struct wr_bucket *b = wr_view_bucket(f->view, sample->bucket);
    double weight = wr_sample_weight(b->size, b->rate);
    if (s->samples == s->room) {
        size_t room = s->room ? s->room * 2 : 16;
        struct birth *born = realloc(s->born, room * sizeof *born);
        if (!born)
            return false;
        s->born = born;
        s->room = room;
    }
    s->born[s->samples++] =
        (struct birth){(double)sample->born_ns / NS, sample->address};
    s->blocks += weight;
    s->bytes += weight * (double)b->size;
    return true;
}

static bool
read_ledger(struct find *f)
{
    struct wr_live_sample s;
    for (uint64_t i = 0; i < wr_view_used(f->view, WR_TABLE_LEDGER); i++) {
        if (!wr_ledger_read(f->view, i, &s) || s.bucket >= f->buckets ||
            is_leaked(f, s.address))
            continue;
        if (!add_birth(f, &f->site[f->site_of[s.bucket]], &s))
            return false;
    }
    return true;
}

/* ---- the past ---- */

static void
choose_moments(struct find *f)
{
    double oldest = (double)wr_past_oldest(f->view) / NS, age, moment;
    size_t n = 0;
    f->moment[MOMENTS - 1 - n++] = f->now;
    for (age = 10; oldest > 0 && age < REACH && n<MOMENTS; age += age> 10 * STEP
                       ? age / STEP
                       : 10) {
        if (f->now - age < oldest && f->now - age + 10 < oldest)
            break;
        moment = f->now - age < oldest ? oldest : f->now - age;
        moment = (double)wr_past_moment(f->view, (uint64_t)(moment * NS)) / NS;
        if (moment < f->moment[MOMENTS - n])
            f->moment[MOMENTS - 1 - n++] = moment;
    }
    memmove(f->moment, f->moment + MOMENTS - n, n * sizeof *f->moment);
    f->moments = n;
}

static int
by_size(const void *a, const void *b)
{
    const struct site *x = a, *y = b;
    if (x->samples != y->samples)
        return x->samples < y->samples ? 1 : -1;
    return x->stack < y->stack ? -1 : x->stack > y->stack;
}

/* Of the sites only the largest that can be judged stay; site_of is by stack
 * no more, so it is made anew. */
static bool
keep_judgeable(struct find *f)
{
    uint32_t *place = malloc((f->sites + 1) * sizeof *place);
    struct site *sorted = calloc(f->sites + 1, sizeof *sorted);
    if (!place || !sorted)
        return free(place), free(sorted), false;
    for (size_t i = 0; i < f->sites; i++) {
        sorted[i] = f->site[i];
        sorted[i].room = i; /* where it was */
    }
    qsort(sorted, f->sites, sizeof *sorted, by_size);
    for (size_t i = 0; i < f->sites; i++)
        place[sorted[i].room] = (uint32_t)i;
    for (uint64_t i = 0; i < f->buckets; i++)
        f->site_of[i] = place[f->site_of[i]];
    free(place);
    free(f->site);
    f->site = sorted;
    return true;
}

static size_t
judgeable(const struct find *f)
{
    size_t n = 0;
    while (n < f->sites && n < MOST && f->site[n].samples >= LEAST)
        n++;
    return n;
}

/* What the buckets held at moment m goes to the points of their sites. */
static void
add_moment(struct find *f, size_t sites, size_t m,
           const struct wr_bucket_counts *counts,
           const struct wr_past_died *died)
{
    for (uint64_t i = 0; i < f->buckets; i++) {
        if (f->site_of[i] >= sites)
            continue;
        struct wr_suspect_point *p = &f->site[f->site_of[i]].point[m];
        p->births += counts[i].allocs;
        p->deaths += counts[i].frees;
        for (unsigned g = 0; g < WR_PAST_GRADES; g++)
            p->old[g] += died[i].grade[g];
    }
    for (size_t s = 0; s < sites; s++)
        f->site[s].point[m].at = f->moment[m];
}

static void
read_now(struct find *f, size_t sites, struct wr_bucket_counts *counts,
         struct wr_past_died *died)
{
    memset(died, 0, f->buckets * sizeof *died);
    for (uint64_t i = 0; i < f->buckets; i++) {
        const struct wr_bucket *b = wr_view_bucket(f->view, i);
        uint64_t n[WR_AGES];
        memset(&counts[i], 0, sizeof counts[i]);
        if (!b)
            continue;
        wr_bucket_died(b, n);
        wr_bucket_read(b, &counts[i]);
        for (unsigned k = 0; k < WR_AGES; k++) {
            if (f->site_of[i] < sites)
                f->site[f->site_of[i]].died[k] += n[k];
            for (unsigned g = 0; g < WR_PAST_GRADES && 5 + 2 * g <= k; g++)
                died[i].grade[g] += n[k];
        }
    }
    add_moment(f, sites, f->moments - 1, counts, died);
}

static bool
make_points(struct find *f, size_t sites)
{
    for (size_t s = 0; s < sites; s++) {
        f->site[s].point = calloc(f->moments, sizeof *f->site[s].point);
        if (!f->site[s].point)
            return false;
    }
    return true;
}

static int
read_past(struct find *f, size_t sites, char *why, size_t n)
{
    struct wr_bucket_counts *counts = calloc(f->buckets + 1, sizeof *counts);
    struct wr_past_died *died = calloc(f->buckets + 1, sizeof *died);
    int rc = counts && died && make_points(f, sites)
                 ? 0
                 : wr_profile_fail(why, n, "out of memory");
    for (size_t m = 0; rc == 0 && m + 1 < f->moments; m++) {
        uint64_t at = (uint64_t)(f->moment[m] * NS + 0.5);
        if (wr_past_values(f->view, at, counts, f->buckets) != 0 ||
            wr_past_died(f->view, at, died, f->buckets) != 0)
            rc = wr_profile_fail(why, n,
                                 "the history of process %u is being written "
                                 "all the time: try again",
                                 f->view->header->pid);
        else
            add_moment(f, sites, m, counts, died);
    }
    if (rc == 0)
        read_now(f, sites, counts, died);
    free(counts);
    free(died);
    return rc;
}

/* ---- verdicts ---- */

static int
by_birth(const void *a, const void *b)
{
    double x = ((const struct birth *)a)->at, y = ((const struct birth *)b)->at;
    return x < y ? -1 : x > y;
}

static bool
judge(const struct find *f, struct site *s, struct wr_suspect_site *out)
{
    double *born = malloc((s->samples + 1) * sizeof *born);
    struct wr_suspect_series series = {.point = s->point,
                                       .points = f->moments,
                                       .born = born,
                                       .live = s->samples,
                                       .bytes = s->bytes / (double)s->samples};
    if (!born)
        return false;
    memcpy(series.died, s->died, sizeof series.died);
    qsort(s->born, s->samples, sizeof *s->born, by_birth);
    for (size_t i = 0; i < s->samples; i++)
        born[i] = s->born[i].at;
    out->stack = s->stack;
    out->example = s->born[s->samples / 2].address;
    out->samples = s->samples;
    out->live_blocks = s->blocks;
    wr_suspect_judge(&series, &out->verdict);
    free(born);
    return true;
}

static int
by_verdict(const void *a, const void *b)
{
    const struct wr_suspect *x = &((const struct wr_suspect_site *)a)->verdict;
    const struct wr_suspect *y = &((const struct wr_suspect_site *)b)->verdict;
    bool grows = x->growth >= WR_GROWTH_ENDLESS;
    if (grows != (y->growth >= WR_GROWTH_ENDLESS))
        return grows ? -1 : 1;
    double p = grows ? x->bytes_per_minute : x->live_bytes;
    double q = grows ? y->bytes_per_minute : y->live_bytes;
    return p > q ? -1 : p < q;
}

static bool
judge_all(struct find *f, size_t sites, struct wr_suspects *out)
{
    out->list = calloc(sites + 1, sizeof *out->list);
    if (!out->list)
        return false;
    for (size_t i = 0; i < sites; i++)
        if (!judge(f, &f->site[i], &out->list[i]))
            return free(out->list), false;
    out->count = sites;
    qsort(out->list, sites, sizeof *out->list, by_verdict);
    while (out->growing < sites &&
           out->list[out->growing].verdict.growth >= WR_GROWTH_ENDLESS)
        out->growing++;
    return true;
}

static void
find_fini(struct find *f)
{
    for (size_t i = 0; i < f->sites; i++) {
        free(f->site[i].born);
        free(f->site[i].point);
    }
    free(f->site);
    free(f->site_of);
    free(f->leaked);
}

int
wr_suspects_find(struct wr_suspects *out, const struct wr_region_view *view,
                 const struct wr_leaks *leaks, char *why, size_t n)
{
    struct find f = {.view = view, .leaks = leaks, .now = wr_uptime_of(view)};
    int rc = -1;
    memset(out, 0, sizeof *out);
    f.buckets = wr_view_used(view, WR_TABLE_BUCKETS);
    choose_moments(&f);
    if (!make_sites(&f) || !note_leaked(&f) || !read_ledger(&f) ||
        !keep_judgeable(&f))
        wr_profile_fail(why, n, "out of memory");
    else
        rc = read_past(&f, judgeable(&f), why, n);
    if (rc == 0 && !judge_all(&f, judgeable(&f), out))
        rc = wr_profile_fail(why, n, "out of memory");
    for (size_t i = 0; i < f.sites; i++)
        out->samples += f.site[i].samples;
    out->now = f.now;
    out->known = f.now - f.moment[0];
    out->unborn = load(&view->header->counters.ledger_full);
    find_fini(&f);
    return rc;
}

void
wr_suspects_fini(struct wr_suspects *s)
{
    free(s->list);
    memset(s, 0, sizeof *s);
}
