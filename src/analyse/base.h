/* Bases: making profiles alike, and taking one off another as pprof does.
 *
 *     struct wr_base_options how = {.mark = true};       as -diff_base
 *     wr_base_take(p, base, &how, why, sizeof why);
 *
 * Threads: one at a time per profile. Ownership: unchanged.
 */
#ifndef WR_ANALYSE_BASE_H
#define WR_ANALYSE_BASE_H

#include "analyse/profile.h"

struct wr_base_options {
    bool mark;      /* label the base's samples: percentages are of them */
    bool normalise; /* first scale p so that its totals are the base's */
};

/* Leave in both only the sample types that both have, in the order of a, in
 * the finer of their two units. 0, or -1 when they have none in common or
 * the units do not convert; a is then as it was. */
int wr_base_align(struct wr_profile *a, struct wr_profile *b, char *why,
                  size_t n);

/* p - base, sample by sample: into p. base is changed on the way. */
int wr_base_take(struct wr_profile *p, struct wr_profile *base,
                 const struct wr_base_options *how, char *why, size_t n);
/* p + other, as when several profiles are read at once. */
int wr_base_add(struct wr_profile *p, struct wr_profile *other, char *why,
                size_t n);

#endif
