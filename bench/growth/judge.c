/* How often the judge of growth is right: simulated sites, judged once a
 * minute for half an hour, counted by what they are.
 *
 *     bench_growth RUNS [SEED]
 */
#include <stdio.h>

#include "../../tests/analyse/growth.h"

enum { MOST = 10000 };

struct counts {
    unsigned leak, endless, early;     /* ever told, at fair trust; or at low */
    unsigned last[WR_GROWTH_LEAK + 1]; /* told at the end, at fair trust */
    double delay[MOST];
    unsigned delays;
};

static void
run(const struct growth_kind *kind, uint64_t seed, struct counts *c)
{
    struct growth_site g;
    struct growth_view v;
    struct wr_suspect s = {0};
    bool leak = false, endless = false, early = false;
    growth_play(&g, kind, seed);
    for (double now = 60; now <= GROWTH_SECONDS; now += 60) {
        growth_look(&g, now, &v);
        wr_suspect_judge(&v.s, &s);
        free(v.born);
        if (s.growth < WR_GROWTH_ENDLESS)
            continue;
        early |= s.sure < WR_SURE_FAIR;
        if (s.sure < WR_SURE_FAIR)
            continue;
        if (!leak && !endless)
            c->delay[c->delays++] = now - g.onset;
        leak |= s.growth == WR_GROWTH_LEAK;
        endless |= s.growth == WR_GROWTH_ENDLESS;
    }
    c->leak += leak;
    c->endless += endless;
    c->early += early;
    if (s.growth < WR_GROWTH_ENDLESS || s.sure >= WR_SURE_FAIR)
        c->last[s.growth]++;
    growth_end(&g);
}

static void
print(const struct growth_kind *kind, struct counts *c, unsigned runs)
{
    qsort(c->delay, c->delays, sizeof *c->delay, growth_by_value);
    printf("%-22s %5.1f%% %6.1f%% %6.1f%% |", kind->name,
           100.0 * c->leak / runs, 100.0 * c->endless / runs,
           100.0 * c->early / runs);
    for (unsigned i = 0; i <= WR_GROWTH_LEAK; i++)
        printf(" %5.1f%%", 100.0 * c->last[i] / runs);
    if (c->delays > 0)
        printf(" | %5.0f %5.0f", c->delay[c->delays / 2],
               c->delay[c->delays * 9 / 10]);
    putchar('\n');
}

int
main(int argc, char **argv)
{
    unsigned runs = argc > 1 ? (unsigned)atoi(argv[1]) : 50;
    uint64_t seed = argc > 2 ? (uint64_t)atoll(argv[2]) : 1;
    static struct counts c;
    if (runs == 0 || runs > MOST)
        return 2;
    printf("                       ever told            | told at the end, in "
           "%d min                          | delay, s\n"
           "                         leak endless  (low) |  unkn.  none  slow  "
           " load  burst endl.   leak | median p90\n",
           GROWTH_SECONDS / 60);
    for (size_t k = 0; k < sizeof growth_kinds / sizeof *growth_kinds; k++) {
        memset(&c, 0, sizeof c);
        for (unsigned i = 0; i < runs; i++)
            run(&growth_kinds[k], seed * 100000 + k * 1000 + i, &c);
        print(&growth_kinds[k], &c, runs);
    }
    return 0;
}
