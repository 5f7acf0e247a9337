/* After how long a leak is called one: simulated histories, as a region keeps
 * them (seconds for ten minutes, minutes before), judged as they grow.
 *
 *     bench_delay LEVEL PER_MINUTE ONSET [SEEDS]
 *
 * A program that holds LEVEL mebibytes, with a saw of 8% and noise of 5% on
 * top, loses so many mebibytes a minute from second ONSET on. Prints the
 * minutes from the onset until the verdict is leak, median and most, and how
 * many were lost by then (median); "-" where it was not within six hours. An
 * onset of 0 is judged without a search for leaks, a later one with.
 */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "analyse/end.h"
#include "analyse/verdict.h"

#define MIB     1048576.0
#define LONGEST 21600.0 /* seconds after the onset */

enum { SEEDS = 100, FINE = 600, MOST = FINE + 1440 };

static uint64_t chance;
static double level, rate, onset;

static double
uniform(void)
{
    chance = chance * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (double)(chance >> 11) / 9007199254740992.0;
}

/* Bytes that are live at a second. */
static double
live_at(double second)
{
    double base = fmax(level + rate / 60 * fmax(second - onset, 0), 1) * MIB;
    return base * (1 + 0.08 * fmod(second * 0.37, 1) + 0.05 * uniform());
}

/* The seconds are all made once; a region shows the last FINE of them, and of
 * what came before one a minute. */
static size_t
history(struct wr_state *state, const double *live, unsigned now)
{
    size_t n = 0;
    unsigned fine = now > FINE ? now - FINE : 0;
    for (unsigned s = 60; s < fine; s += 60)
        state[n++] = (struct wr_state){.at = s, .live = live[s]};
    for (unsigned s = fine + 1; s <= now; s++)
        state[n++] = (struct wr_state){.at = s, .live = live[s]};
    for (size_t i = 0; i < n; i++)
        state[i].kept = state[i].live * 1.1;
    return n;
}

static bool
is_leak(const double *live, unsigned now)
{
    static struct wr_state state[MOST];
    struct wr_verdict v;
    struct wr_end end;
    struct wr_facts f = {.state = state,
                         .now = now,
                         .end = &end,
                         .ceiling = INFINITY,
                         .old_share = NAN,
                         .proved = NAN,
                         .descriptor_limit = NAN};
    wr_end_init(&end);
    end.how = WR_END_RUNS;
    f.states = history(state, live, now);
    if (onset > 0)
        f.proved = rate / 60 * (now - onset) * MIB;
    wr_verdict_make(&v, &f);
    return v.finding[0].what == WR_VERDICT_LEAK;
}

/* Minutes; INFINITY: not in time. */
static double
delay(double *live)
{
    unsigned end = (unsigned)(onset + LONGEST), step = 1;
    for (unsigned s = 0; s <= end; s++)
        live[s] = live_at(s);
    for (unsigned s = (unsigned)onset + 1; s <= end; s += step) {
        if (is_leak(live, s))
            return (s - onset) / 60;
        step = s - (unsigned)onset > 600  ? 30
               : s - (unsigned)onset > 60 ? 5
                                          : 1;
    }
    return INFINITY;
}

static int
by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int
main(int argc, char **argv)
{
    unsigned seeds = argc > 4 ? (unsigned)atoi(argv[4]) : 20;
    double of[SEEDS], *live;
    if (argc < 4 || seeds < 1 || seeds > SEEDS)
        return fprintf(stderr, "bench_delay LEVEL PER_MINUTE ONSET [SEEDS]\n"),
               2;
    level = atof(argv[1]), rate = atof(argv[2]), onset = atof(argv[3]);
    live = calloc((size_t)(onset + LONGEST) + 1, sizeof *live);
    if (!live)
        return 1;
    for (unsigned i = 0; i < seeds; i++) {
        chance = i * UINT64_C(0x9e3779b97f4a7c15) + 1;
        of[i] = delay(live);
    }
    free(live);
    qsort(of, seeds, sizeof *of, by_value);
    double median = of[seeds / 2];
    if (isinf(of[seeds - 1]))
        puts("- - -");
    else
        printf("%.1f %.1f %.1f\n", median, of[seeds - 1], median * rate);
    return 0;
}
