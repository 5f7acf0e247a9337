/* A stack that was used up: which frames repeat, and how often.
 *
 *     struct wr_overflow_fold f;
 *     if (wr_overflow_fold(&f, &view)) {
 *         wr_profile_from_overflow(&p, &view, &f, why, sizeof why);
 *         ... names ...
 *         wr_overflow_print(&f, p, stderr);
 *     }
 *
 * Frames are numbered from the innermost, 0. Those between the first and the
 * last that the region keeps are not known; if the first ones repeat with a
 * period, and the last ones fit in, the rest is taken to repeat as well.
 * Pure functions; threads: any.
 */
#ifndef WR_ANALYSE_OVERFLOW_H
#define WR_ANALYSE_OVERFLOW_H

#include <stdbool.h>
#include <stdio.h>
#include "region/layout.h"

struct wr_profile;
struct wr_region_view;

struct wr_overflow_fold {
    struct wr_overflow is; /* a copy, its numbers checked */
    uint32_t head;         /* frames before those that repeat */
    uint32_t period;       /* of those; 0: none repeat */
    uint64_t repeats;      /* how often they do */
    uint64_t tail;         /* the first frame behind them */
};

/* false: there was none. */
bool wr_overflow_fold(struct wr_overflow_fold *f,
                      const struct wr_region_view *view);
/* The same of what was copied to f->is already. */
void wr_overflow_find_cycle(struct wr_overflow_fold *f);

/* Sample 0: the head, or the innermost frames; 1: the period; 2: the tail, or
 * the outermost frames. An empty one has one frame without an address. */
int wr_profile_from_overflow(struct wr_profile **out,
                             const struct wr_region_view *view,
                             const struct wr_overflow_fold *f, char *why,
                             size_t n);
/* p: that profile, with names. */
void wr_overflow_print(const struct wr_overflow_fold *f,
                       const struct wr_profile *p, FILE *out);

#endif
