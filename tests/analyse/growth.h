/* Simulated sites: how samples come and go in programs that leak and in ones
 * that do not, and the series that a region would show of them.
 *
 *     struct growth_site site;
 *     growth_play(&site, &growth_kinds[k], seed);
 *     growth_look(&site, 600, &series);          // as of ten minutes
 *     wr_suspect_judge(&series.s, &verdict);
 *     growth_end(&site);
 *
 * Time begins with the program, cold. Rates and lives are drawn anew for each
 * seed, over one or two powers of ten. A sample stands for 512 KiB.
 */
#ifndef TESTS_ANALYSE_GROWTH_H
#define TESTS_ANALYSE_GROWTH_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "analyse/suspect.h"

enum { GROWTH_SECONDS = 1800, GROWTH_TICKS = GROWTH_SECONDS / 10 + 1 };

#define GROWTH_FOREVER 1e12

struct growth_block {
    double born, dies;
};

struct growth_site {
    struct growth_block *block;
    size_t blocks, room;
    uint64_t chance;
    double onset; /* of the leak; 0 where there is none */
};

/* ---- chance ---- */

static inline double
growth_uniform(struct growth_site *g, double from, double to)
{
    uint64_t x = g->chance += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    x ^= x >> 31;
    return from + (to - from) * ((double)(x >> 11) + 0.5) / 9007199254740992.0;
}

/* As likely between 1 and 10 as between 10 and 100. */
static inline double
growth_scale(struct growth_site *g, double from, double to)
{
    return exp(growth_uniform(g, log(from), log(to)));
}

static inline double
growth_exponential(struct growth_site *g, double mean)
{
    return -log(growth_uniform(g, 0, 1)) * mean;
}

static inline double
growth_normal(struct growth_site *g)
{
    double r = sqrt(-2 * log(growth_uniform(g, 0, 1)));
    return r * cos(6.283185307179586 * growth_uniform(g, 0, 1));
}

/* ---- what comes and goes ---- */

static inline void
growth_add(struct growth_site *g, double born, double life)
{
    if (born >= GROWTH_SECONDS)
        return;
    if (g->blocks == g->room) {
        g->room = g->room == 0 ? 4096 : g->room * 2;
        g->block = realloc(g->block, g->room * sizeof *g->block);
    }
    g->block[g->blocks++] = (struct growth_block){born, born + life};
}

typedef double (*growth_fn)(struct growth_site *g, double at, const double *p);

/* Births by chance, at most `most` a second and rate() of that; lives by
 * life(). p: their parameters. */
static inline void
growth_stream(struct growth_site *g, double most, growth_fn rate,
              growth_fn life, const double *p)
{
    for (double t = 0; t < GROWTH_SECONDS;) {
        t += growth_exponential(g, 1 / most);
        if (rate == NULL || growth_uniform(g, 0, 1) < rate(g, t, p))
            growth_add(g, t, life(g, t, p));
    }
}

static inline double
life_exponential(struct growth_site *g, double at, const double *p)
{
    (void)at;
    return growth_exponential(g, p[0]);
}

static inline double
life_lognormal(struct growth_site *g, double at, const double *p)
{
    (void)at;
    return p[0] * exp(p[1] * growth_normal(g));
}

static inline double
life_pareto(struct growth_site *g, double at, const double *p)
{
    (void)at;
    return p[0] * pow(growth_uniform(g, 0, 1), -1 / p[1]);
}

static inline double
life_fixed(struct growth_site *g, double at, const double *p)
{
    (void)g;
    (void)at;
    return p[0];
}

static inline double
life_forever(struct growth_site *g, double at, const double *p)
{
    (void)g;
    (void)at;
    (void)p;
    return GROWTH_FOREVER;
}

static inline double
rate_wave(struct growth_site *g, double at, const double *p)
{
    (void)g;
    return 0.5 + p[2] * 0.5 * sin(6.283185307179586 * (at / p[3] + p[4]));
}

static inline double
rate_ramp(struct growth_site *g, double at, const double *p)
{
    (void)g;
    return (1 + (p[2] - 1) * at / GROWTH_SECONDS) / p[2];
}

static inline double
rate_saturating(struct growth_site *g, double at, const double *p)
{
    (void)g;
    return exp(-at / p[2]);
}

static inline double
rate_from(struct growth_site *g, double at, const double *p)
{
    (void)g;
    return at >= p[2];
}

static inline double
rate_flattening(struct growth_site *g, double at, const double *p)
{
    (void)g;
    return pow(1 + at / 60, p[2] - 1);
}

/* ---- sites that do not leak ---- */

static inline void
play_steady(struct growth_site *g)
{
    double p[] = {growth_scale(g, 0.1, 60)};
    growth_stream(g, growth_scale(g, 0.5, 20), NULL, life_exponential, p);
}

static inline void
play_lognormal(struct growth_site *g)
{
    double p[] = {growth_scale(g, 0.1, 20), growth_uniform(g, 1, 2)};
    growth_stream(g, growth_scale(g, 0.5, 20), NULL, life_lognormal, p);
}

static inline void
play_pareto(struct growth_site *g)
{
    double p[] = {growth_scale(g, 0.05, 2), growth_uniform(g, 1.2, 2)};
    growth_stream(g, growth_scale(g, 0.5, 20), NULL, life_pareto, p);
}

/* A cache that is full after a part of the time, and then drops its oldest for
 * each that comes. */
static inline void
play_cache_fills(struct growth_site *g)
{
    double full = growth_uniform(g, 0.2, 0.6) * GROWTH_SECONDS;
    growth_stream(g, growth_scale(g, 0.2, 5), NULL, life_fixed, &full);
}

/* Most of what is asked for is in the cache already, more and more so. */
static inline void
play_cache_warms(struct growth_site *g)
{
    double p[] = {growth_scale(g, 0.1, 10), 0, growth_uniform(g, 120, 600)};
    growth_stream(g, growth_scale(g, 1, 10), rate_saturating, life_forever, p);
    growth_stream(g, growth_scale(g, 0.5, 10), NULL, life_exponential, p);
}

static inline void
play_diurnal(struct growth_site *g)
{
    double p[] = {growth_scale(g, 1, 60), 0, growth_uniform(g, 0.3, 1),
                  growth_uniform(g, 300, 1800), growth_uniform(g, 0, 1)};
    growth_stream(g, growth_scale(g, 1, 20), rate_wave, life_exponential, p);
}

static inline void
play_ramp(struct growth_site *g)
{
    double p[] = {growth_scale(g, 1, 60), 0, growth_uniform(g, 3, 10)};
    growth_stream(g, growth_scale(g, 1, 20), rate_ramp, life_exponential, p);
}

/* Work in batches: all of a batch goes at its end. */
static inline void
play_batch(struct growth_site *g)
{
    double every = growth_scale(g, 60, 900);
    double pause = every * growth_uniform(g, 0.1, 0.5);
    double rate = growth_scale(g, 0.5, 5);
    for (double t = 0; t < GROWTH_SECONDS;) {
        t += growth_exponential(g, 1 / rate);
        double in = fmod(t, every);
        if (in < every - pause)
            growth_add(g, t, every - pause - in);
    }
}

static inline void
play_step(struct growth_site *g)
{
    double p[] = {growth_scale(g, 0.1, 30)};
    double at = growth_uniform(g, 200, 1500), n = growth_scale(g, 50, 500);
    growth_stream(g, growth_scale(g, 0.5, 10), NULL, life_exponential, p);
    for (double i = 0, length = growth_uniform(g, 5, 60); i < n; i++)
        growth_add(g, at + growth_uniform(g, 0, length), GROWTH_FOREVER);
}

static inline void
play_sessions(struct growth_site *g)
{
    double p[] = {growth_scale(g, 30, 300), growth_uniform(g, 0.5, 1.2)};
    growth_stream(g, growth_scale(g, 0.1, 3), NULL, life_lognormal, p);
}

static inline void
play_session_ramp(struct growth_site *g)
{
    double p[] = {growth_scale(g, 30, 300), growth_uniform(g, 0.5, 1.2),
                  growth_uniform(g, 2, 6)};
    growth_stream(g, growth_scale(g, 0.3, 3), rate_ramp, life_lognormal, p);
}

static inline void
play_queue(struct growth_site *g)
{
    double p[] = {growth_scale(g, 10, 300)};
    growth_stream(g, growth_scale(g, 0.3, 5), NULL, life_fixed, p);
}

static inline void
play_startup(struct growth_site *g)
{
    double n = growth_scale(g, 50, 2000), p[] = {growth_scale(g, 0.1, 10)};
    for (double i = 0, length = growth_uniform(g, 1, 100); i < n; i++)
        growth_add(g, growth_uniform(g, 0, length), GROWTH_FOREVER);
    growth_stream(g, growth_scale(g, 0.1, 10), NULL, life_exponential, p);
}

/* ---- sites that do ---- */

static inline void
leak_from(struct growth_site *g, double rate, double onset)
{
    double p[] = {0, 0, onset};
    g->onset = onset;
    growth_stream(g, rate, rate_from, life_forever, p);
}

static inline void
play_leak(struct growth_site *g)
{
    play_steady(g);
    leak_from(g, growth_scale(g, 0.05, 0.5), 0);
}

static inline void
play_leak_sessions(struct growth_site *g)
{
    play_sessions(g);
    leak_from(g, growth_scale(g, 0.1, 0.5), 0);
}

static inline void
play_leak_diurnal(struct growth_site *g)
{
    play_diurnal(g);
    leak_from(g, growth_scale(g, 0.1, 0.5), 0);
}

static inline void
play_leak_batch(struct growth_site *g)
{
    play_batch(g);
    leak_from(g, growth_scale(g, 0.1, 0.5), 0);
}

static inline void
play_leak_late(struct growth_site *g)
{
    play_steady(g);
    leak_from(g, growth_scale(g, 0.05, 0.5), growth_uniform(g, 300, 900));
}

static inline void
play_leak_slow(struct growth_site *g)
{
    play_steady(g);
    leak_from(g, growth_scale(g, 0.01, 0.05), 0);
}

static inline void
play_list(struct growth_site *g)
{
    leak_from(g, growth_scale(g, 0.05, 2), 0);
}

/* An unbounded table of keys, of which ever fewer are new. */
static inline void
play_table(struct growth_site *g)
{
    double p[] = {0, 0, growth_uniform(g, 0.7, 0.9)};
    growth_stream(g, growth_scale(g, 0.3, 3), rate_flattening, life_forever, p);
}

static const struct growth_kind {
    const char *name;
    void (*play)(struct growth_site *g);
    bool leaks, endless; /* the right answer; endless: growth is right, too */
} growth_kinds[] = {
    {"steady", play_steady, false, false},
    {"lognormal lives", play_lognormal, false, false},
    {"pareto lives", play_pareto, false, false},
    {"cache fills, is full", play_cache_fills, false, true},
    {"cache warms up", play_cache_warms, false, false},
    {"diurnal", play_diurnal, false, false},
    {"load ramp", play_ramp, false, false},
    {"batches", play_batch, false, false},
    {"step", play_step, false, false},
    {"sessions", play_sessions, false, false},
    {"sessions, ramp", play_session_ramp, false, false},
    {"queue", play_queue, false, false},
    {"start-up", play_startup, false, false},
    {"leak", play_leak, true, false},
    {"leak, sessions", play_leak_sessions, true, false},
    {"leak, diurnal", play_leak_diurnal, true, false},
    {"leak, batches", play_leak_batch, true, false},
    {"leak, late onset", play_leak_late, true, false},
    {"leak, slow", play_leak_slow, true, false},
    {"list for ever", play_list, true, true},
    {"table for ever", play_table, true, true},
};

static inline void
growth_play(struct growth_site *g, const struct growth_kind *kind,
            uint64_t seed)
{
    memset(g, 0, sizeof *g);
    g->chance = seed * 1000003;
    kind->play(g);
}

static inline void
growth_end(struct growth_site *g)
{
    free(g->block);
    memset(g, 0, sizeof *g);
}

/* ---- what a region shows of it ---- */

struct growth_view {
    struct wr_suspect_series s;
    struct wr_suspect_point point[GROWTH_TICKS];
    double *born;
};

static inline int
growth_by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static inline size_t
growth_tick(double at)
{
    return (size_t)ceil(at / 10);
}

static inline void
growth_count_death(struct growth_view *v, const struct growth_block *b)
{
    double age = b->dies - b->born;
    unsigned k = 0;
    while (k + 1 < WR_AGES && age >= (double)(WR_AGE_UNIT_NS << k) / 1e9)
        k++;
    v->s.died[k]++;
    v->point[growth_tick(b->dies)].deaths++;
    for (unsigned grade = 0; grade < WR_PAST_GRADES; grade++)
        v->point[growth_tick(b->dies)].old[grade] +=
            age >= (double)wr_past_age(grade) / 1e9;
}

/* As of `now`, a multiple of ten seconds. */
static inline void
growth_look(const struct growth_site *g, double now, struct growth_view *v)
{
    size_t ticks = growth_tick(now) + 1;
    memset(v, 0, sizeof *v);
    v->born = malloc((g->blocks + 1) * sizeof *v->born);
    for (size_t i = 0; i < g->blocks; i++) {
        const struct growth_block *b = &g->block[i];
        if (b->born > now)
            continue;
        v->point[growth_tick(b->born)].births++;
        if (b->dies <= now)
            growth_count_death(v, b);
        else
            v->born[v->s.live++] = b->born;
    }
    for (size_t i = 0; i < ticks; i++) {
        struct wr_suspect_point *p = &v->point[i];
        p->at = 10.0 * (double)i;
        if (i == 0)
            continue;
        p->births += p[-1].births;
        p->deaths += p[-1].deaths;
        for (unsigned k = 0; k < WR_PAST_GRADES; k++)
            p->old[k] += p[-1].old[k];
    }
    qsort(v->born, v->s.live, sizeof *v->born, growth_by_value);
    v->s.point = v->point;
    v->s.points = ticks;
    v->s.born = v->born;
    v->s.bytes = 512 << 10;
}

#endif
