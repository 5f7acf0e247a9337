/* Which sites of a program grow without end: its region, put before the judge
 * (analyse/suspect.h).
 *
 *     struct wr_suspects s;
 *     if (wr_suspects_find(&s, &view, NULL, why, sizeof why) == 0) {
 *         for (size_t i = 0; i < s.count; i++)
 *             ... s.list[i].verdict ...
 *         wr_suspects_fini(&s);
 *     }
 *
 * A site is a call stack; blocks of all its sizes count together. Births come
 * from the region's ledger, births and deaths over time from its past: so it
 * can be asked of a program that was killed, and asking touches nothing. Sites
 * with too few live samples to judge are left out.
 *
 * leaks: what a search found just now; its blocks are lost, proved, and no
 * suspects any more. NULL: nobody searched.
 *
 * Units: seconds of uptime, bytes. Threads: any, each its own list.
 */
#ifndef WR_ANALYSE_SUSPECTS_H
#define WR_ANALYSE_SUSPECTS_H

#include <stddef.h>
#include <stdint.h>
#include "analyse/suspect.h"

struct wr_leaks;
struct wr_profile;
struct wr_region_view;

struct wr_suspect_site {
    uint32_t stack;            /* its number in the region */
    uint64_t example;          /* a block of it, of middle age */
    size_t samples;            /* live ones that are not leaked */
    double live_blocks;        /* what they stand for */
    struct wr_suspect verdict; /* verdict.live_bytes: their bytes */
};

struct wr_suspects {
    /* ENDLESS and LEAK first, of these the fastest first. */
    struct wr_suspect_site *list;
    size_t count;
    size_t growing;   /* of them are ENDLESS or LEAK */
    double now;       /* uptime: of a dead program when it was last seen */
    double known;     /* for how long before now its past is known */
    uint64_t unborn;  /* samples of which no birth is known */
    uint64_t samples; /* live ones with a birth */
};

/* 0, or -1 with a sentence. */
int wr_suspects_find(struct wr_suspects *out, const struct wr_region_view *view,
                     const struct wr_leaks *leaks, char *why, size_t n);
void wr_suspects_fini(struct wr_suspects *s);

/* The list as a profile: sample i is site i; types growth_space (bytes a
 * minute), inuse_objects and inuse_space. Without names of functions. 0, or -1.
 */
int wr_profile_from_suspects(struct wr_profile **out,
                             const struct wr_region_view *view,
                             const struct wr_suspects *s, char *why, size_t n);

#endif
