/* The vital signs of a process under Weir: what ps lists and watch shows on
 * top.
 *
 *     struct wr_vitals v;
 *     wr_vitals_take(&v, &sources.list[0]);
 *     printf("%u %" PRIu64 "\n", v.pid, v.live);
 *
 * Units: bytes, seconds. Threads: one.
 */
#ifndef WR_CMD_VITALS_H
#define WR_CMD_VITALS_H

#include <stdint.h>
#include "analyse/collected.h"
#include "analyse/trend.h"
#include "serve/source.h"

/* Why a process deserves a look. */
enum {
    WR_SIGN_GROWING = 1, /* steadily, see analyse/trend.h */
    WR_SIGN_REFUSED = 2, /* the system refused memory */
    WR_SIGN_LIMIT = 4    /* nine tenths of its limit are resident */
};

struct wr_vitals {
    uint32_t pid;
    bool live_process;
    uint64_t uptime_s, uptime_ns;
    uint64_t live;          /* bytes allocated and not freed */
    uint64_t inuse, mapped; /* bytes in spans; with idle ones */
    uint64_t allocs, alloc_bytes;
    uint64_t rss;   /* 0: it is gone, or not ours to ask */
    uint64_t limit; /* 0: none known */
    uint64_t threads;
    uint64_t sample_rate;
    uint64_t map_failures;
    struct wr_trend trend;
    bool collects;
    struct wr_collected collected; /* if it does */
    unsigned signs;
};

void wr_vitals_take(struct wr_vitals *v, const struct wr_source *one);

/* The n-th sign (0, 1, ...) as a word for people, or for JSON; NULL: there are
 * no more. */
const char *wr_sign_word(unsigned n);
const char *wr_sign_key(unsigned n);
/* All words of signs, joined by commas; "-" for none. */
void wr_signs_format(char *text, size_t bytes, unsigned signs);
/* "59s", "2m05s", "3h07m", "2d01h". */
void wr_time_format(char *text, size_t bytes, uint64_t seconds);

#endif
