/* Does a site grow without end? Verdicts from the births and deaths of its
 * sampled blocks; no memory is read, and no threshold is told by hand.
 *
 *     struct wr_suspect s;
 *     wr_suspect_judge(&series, &s);
 *     if (s.growth >= WR_GROWTH_ENDLESS && s.sure >= WR_SURE_FAIR)
 *         printf("%.0f bytes a minute: %s", s.bytes_per_minute, s.reason);
 *
 * The idea: a site in balance frees as many old blocks as it has blocks that
 * grow old. "Old" is three times the age at which nine of ten of its blocks
 * are gone. In a window of time, M blocks grew old and are still there, and O
 * old ones were freed: in balance M is at most half of M + O, up to chance,
 * which the binomial distribution tells exactly. What looks like growth and is
 * none has a shape, and the window's quarters show it: a step grows in one of
 * them, a warm-up ever more slowly, more load brings more births, but each
 * stays as long as before. Windows double from 2 minutes to 17 hours.
 *
 * A verdict holds for now: it is made anew from what is there, and goes when
 * the old ones go. It cannot tell a cache that fills from a list that nobody
 * empties while neither frees anything: that is WR_GROWTH_ENDLESS, not LEAK.
 *
 * Any series will do in which things come and go: blocks of a site, threads,
 * open files. Units: seconds of uptime, bytes, samples. Threads: any; pure.
 */
#ifndef WR_ANALYSE_SUSPECT_H
#define WR_ANALYSE_SUSPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "region/past.h"

/* Counts since the start, as they were at a moment. */
struct wr_suspect_point {
    double at;
    uint64_t births, deaths;
    uint64_t old[WR_PAST_GRADES]; /* deaths beyond wr_past_age(grade) */
};

struct wr_suspect_series {
    const struct wr_suspect_point *point; /* ascending; the last one is now */
    size_t points;
    const double *born; /* of those alive, ascending */
    size_t live;
    uint64_t died[WR_AGES]; /* deaths by age, as wr_bucket_died */
    double bytes;           /* that one sample stands for */
};

enum wr_growth {
    WR_GROWTH_UNKNOWN, /* too young, or too few samples */
    WR_GROWTH_NONE,    /* what grows old is freed */
    WR_GROWTH_SLOWING, /* it grows, and less and less: a warm-up */
    WR_GROWTH_LOAD,    /* it grows because more comes: each stays as long */
    WR_GROWTH_BURST,   /* it grew, but not all the time */
    WR_GROWTH_ENDLESS, /* it grows, and nearly nothing was ever freed */
    WR_GROWTH_LEAK     /* most blocks are freed, and some never */
};

enum wr_sure {
    WR_SURE_LOW,  /* one short window */
    WR_SURE_FAIR, /* a window of ten minutes, or two */
    WR_SURE_HIGH  /* three windows, each twice the one before, agree */
};

struct wr_suspect {
    enum wr_growth growth;
    enum wr_sure sure;   /* of ENDLESS and LEAK */
    double window;       /* the longest that shows it; 0: none does */
    double since;        /* it grows at least since then */
    double old_age;      /* beyond which a block of this site is old */
    uint64_t matured;    /* grew old in the window, and are there (M) */
    uint64_t gone;       /* old ones freed in it (O) */
    double log10_chance; /* that a site in balance shows this; <= 0 */
    double per_minute;   /* samples, and bytes, that it grows by */
    double bytes_per_minute;
    double live_bytes;
    double oldest;      /* age of the oldest that is alive */
    const char *reason; /* a sentence's end: "it grows because ..." */
    const char *doubt;  /* what would change the verdict; "" */
};

void wr_suspect_judge(const struct wr_suspect_series *s,
                      struct wr_suspect *out);

/* The age from which on a block of a site is old, by the ages at which others
 * of it were freed: 0 where too few were. */
double wr_suspect_old_age(const uint64_t died[WR_AGES]);

/* "leak", "endless", ...: for tables and JSON. */
const char *wr_growth_name(enum wr_growth g);
const char *wr_sure_name(enum wr_sure t);

/* log10 of the chance that of n fair coins at least m show heads. */
double wr_suspect_coins(uint64_t m, uint64_t n);

#endif
