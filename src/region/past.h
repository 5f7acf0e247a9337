/* What the buckets of a region held before: the profile of an earlier moment.
 *
 *     uint64_t when = uptime - UINT64_C(600000000000);
 *     if (wr_past_oldest(&view) != 0 && when >= wr_past_oldest(&view) &&
 *         wr_past_values(&view, when, counts, buckets) == 0)
 *         counts[i] is what wr_bucket_read(bucket i) gave ten minutes ago
 *
 * The program notes what changed at every tenth second, and every fifth minute
 * for the long run. What is told of a moment is what held at the last noted
 * one before it (wr_past_moment), to about a second. How far back that goes
 * depends on how many sites change: the last 16384 changes, and 32768 of the
 * five-minute ones; hours and a day for most programs.
 *
 * Units: nanoseconds since the region was made. Threads, ownership, misuse: as
 * in region/read.h; nothing is allocated.
 */
#ifndef WR_REGION_PAST_H
#define WR_REGION_PAST_H

#include <stddef.h>
#include <stdint.h>

#include "region/read.h"

/* The oldest moment that can be told of; 0: none. */
uint64_t wr_past_oldest(const struct wr_region_view *v);
/* The noted moment that stands for this one: at or before it. */
uint64_t wr_past_moment(const struct wr_region_view *v, uint64_t uptime_ns);
/* What the first so many buckets held then, raw. 0; or -1: it is not known, or
 * the program was writing all the time. */
int wr_past_values(const struct wr_region_view *v, uint64_t uptime_ns,
                   struct wr_bucket_counts *out, size_t buckets);

/* Of a bucket's blocks those that died old: grade g counts the ones that were
 * older than wr_past_age(g) when they were freed. */
struct wr_past_died {
    uint64_t grade[WR_PAST_GRADES];
};

/* 17 s, 69 s, 4.6 min, 18 min, 73 min, 4.9 h. */
static inline uint64_t
wr_past_age(unsigned grade)
{
    return WR_AGE_UNIT_NS << (4 + 2 * grade);
}

/* As wr_past_values. */
int wr_past_died(const struct wr_region_view *v, uint64_t uptime_ns,
                 struct wr_past_died *out, size_t buckets);

#endif
