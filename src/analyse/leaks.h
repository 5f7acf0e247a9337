/* What a search for leaks found, read and put to sites.
 *
 *     struct wr_leaks l;
 *     if (wr_leaks_read(&l, in, why, sizeof why) == 0) {
 *         wr_profile_from_leaks(&p, &view, &l, why, sizeof why);
 *         wr_leaks_fini(&l);
 *     }
 *
 * Of each size class it is known how many blocks are leaked, exactly; where a
 * block was allocated, only if it was sampled. So each site is given that part
 * of its class's leaked blocks which it has of the sampled ones among them,
 * and sums stay exact. A class of whose leaks none was sampled is a site of
 * its own, "[not sampled: 64-byte blocks]". When every block is sampled, each
 * number of each site is exact.
 *
 * Threads: any, each its own. Ownership: the records are the struct's.
 */
#ifndef WR_ANALYSE_LEAKS_H
#define WR_ANALYSE_LEAKS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "analyse/profile.h"
#include "region/leaks.h"

struct wr_bucket_counts;
struct wr_region_view;

struct wr_leaks {
    struct wr_leaks_header header;
    struct wr_leak *records; /* header.records of them */
};

/* 0, or -1 with a sentence: it is damaged. */
int wr_leaks_read(struct wr_leaks *l, FILE *in, char *why, size_t n);
void wr_leaks_fini(struct wr_leaks *l);

/* All of it: direct and indirect. */
struct wr_leaks_count wr_leaks_total(const struct wr_leaks *l);

/* The leaks as a profile of the process that view is of: sample types
 * leaked_objects and leaked_space, without names of functions. 0, or -1. */
int wr_profile_from_leaks(struct wr_profile **out,
                          const struct wr_region_view *view,
                          const struct wr_leaks *l, char *why, size_t n);

/* The heap profile without garbage, as of when that was searched for. */
int wr_profile_from_region_less(struct wr_profile **out,
                                const struct wr_region_view *view,
                                enum wr_profile_values values,
                                const struct wr_leaks *garbage, char *why,
                                size_t n);

/* With these counts of each bucket, as of that moment, CLOCK_REALTIME. */
int wr_profile_from_region_then(struct wr_profile **out,
                                const struct wr_region_view *view,
                                enum wr_profile_values values,
                                const struct wr_bucket_counts *then,
                                uint64_t taken_ns, char *why, size_t n);

/* What is to each bucket, and of each class to none. */
struct wr_leaks_shares {
    struct wr_leaks_count *bucket; /* room for all of the view's */
    struct wr_leaks_count rest[WR_CLASS_MAX];
};
void wr_leaks_share(struct wr_leaks_shares *out, uint64_t buckets,
                    const struct wr_region_view *view,
                    const struct wr_leaks *l);

#endif
