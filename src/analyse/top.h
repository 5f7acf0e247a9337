/* The biggest sites of a profile, as plain rows.
 *
 *     struct wr_top top;
 *     if (wr_top_make(&top, p, wr_profile_default_type(p)) == 0) {
 *         for (size_t i = 0; i < top.count; i++)
 *             print(top.rows[i].name, top.rows[i].flat);
 *         wr_top_fini(&top);
 *     }
 *
 * flat is what a function holds itself (it is the innermost frame), cum what
 * it and everything it called hold; a function that occurs twice in one stack
 * counts once. Inlined functions count like others. Frames named by the
 * profile's drop_frames, and those they called, are taken out of it
 * (wr_filter_prune). What `weir top` prints is analyse/analysis.h.
 *
 * Threads: one at a time per profile. Ownership: names are the profile's,
 * which must outlive the rows.
 */
#ifndef WR_ANALYSE_TOP_H
#define WR_ANALYSE_TOP_H

#include <stddef.h>
#include <stdint.h>
#include "analyse/units.h"

struct wr_profile;

struct wr_top_row {
    const char *name; /* a function, or "[file]" where it has no name */
    int64_t flat, cum;
};

struct wr_top {
    struct wr_top_row *rows; /* by flat, biggest first */
    size_t count;
    int64_t total; /* sum of the samples' absolute values */
    const char *type, *unit;
};

/* 0, or -1: no memory, or the type is not in the profile. */
int wr_top_make(struct wr_top *t, struct wr_profile *p, uint32_t type);
void wr_top_fini(struct wr_top *t);

#endif
