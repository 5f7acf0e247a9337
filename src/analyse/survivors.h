/* What survives of what a program allocated since a moment, by site.
 *
 *     struct wr_survivors s;
 *     if (wr_survivors_find(&s, &view, 30, 60, why, sizeof why) == 0) {
 *         for (uint64_t i = 0; i < s.buckets; i++)
 *             ... s.bytes[i], with a standard error of sqrt(s.variance[i]) ...
 *         wr_survivors_fini(&s);
 *     }
 *
 * The difference of two heap profiles says how much more a site holds, with
 * the chance of both: a busy site in balance that holds ten samples may well
 * show five more. Here counts only what is old for its site, as told by the
 * age at which its blocks are freed (wr_suspect_old_age): of a site in balance
 * that is next to nothing, at any moment; of one that keeps what it allocates
 * all of it.
 *
 * Units: seconds of uptime, bytes, bytes squared. A bucket is blocks of one
 * size from one stack; ages are of the stack. Threads: any, each its own.
 */
#ifndef WR_ANALYSE_SURVIVORS_H
#define WR_ANALYSE_SURVIVORS_H

#include <stddef.h>
#include <stdint.h>

struct wr_region_view;

struct wr_survivors {
    uint64_t buckets;
    double *bytes, *variance; /* of each; what sampling makes of it */
};

/* Of blocks born after `since`, as of `now`. 0, or -1 with a sentence. */
int wr_survivors_find(struct wr_survivors *s, const struct wr_region_view *view,
                      double since, double now, char *why, size_t n);
void wr_survivors_fini(struct wr_survivors *s);

#endif
