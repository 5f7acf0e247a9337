/* An inquiry into who keeps what alive, told to people and to programs.
 *
 *     struct wr_inquiry q = {.program = "redis-server", .snapshot = &s, ...};
 *     wr_why_address(&q, 0x7f0000001230, stdout, why, sizeof why);
 *
 * sites: a profile of sites (wr_profile_from_sites), with names, pruned; view:
 * the region that it is of; same: wr_origin_same of it. holders is not needed
 * for whois.
 *
 * Threads: one. All return 0, or -1 with a sentence.
 */
#ifndef WR_ANALYSE_INQUIRY_H
#define WR_ANALYSE_INQUIRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct wr_fold;
struct wr_holders;
struct wr_profile;
struct wr_region_view;
struct wr_same;
struct wr_snapshot;
struct wr_spots;

struct wr_inquiry {
    const char *program;
    const struct wr_snapshot *snapshot;
    struct wr_spots *spots;
    const struct wr_holders *holders;
    const struct wr_profile *sites;
    const struct wr_same *same;
    const struct wr_region_view *view;
    bool json;
    size_t most; /* ways, roots, sites that are shown */
};

/* What is at the address. */
int wr_whois(const struct wr_inquiry *q, uint64_t address, FILE *out, char *why,
             size_t n);

/* The shortest path from a root to the block that covers the address, and what
 * that keeps alive. */
int wr_why_address(const struct wr_inquiry *q, uint64_t address, FILE *out,
                   char *why, size_t n);

/* In which ways the blocks are kept that were allocated in functions or files
 * that match. */
int wr_why_site(const struct wr_inquiry *q, const char *pattern, FILE *out,
                char *why, size_t n);

/* What each root and each site keeps alive. *profile, if that is not NULL:
 * the same as a profile, kept_objects and kept_space, in which each block hangs
 * off the last one that all paths to it go through; the caller's. */
int wr_retained(const struct wr_inquiry *q, FILE *out,
                struct wr_profile **profile, char *why, size_t n);

#endif
