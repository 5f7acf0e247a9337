/* Evidence: what the system still tells of a process that has ended.
 *
 *     struct wr_counts before;
 *     wr_counts_take(&before, "", pid);            while it starts
 *     ...
 *     wr_end_from_wait(&end, status);
 *     wr_evidence_gather(&end, "", &who, &before);
 *
 * Counts of kills are taken before and after, because a control group keeps
 * counting; without the earlier ones (before NULL) the log alone can tell, and
 * counts are a hint. Takes a millisecond or two, most of it for the log.
 *
 * root is a prefix for /proc, /sys and /dev, "" outside of tests. Threads: any.
 */
#ifndef WR_SERVE_EVIDENCE_H
#define WR_SERVE_EVIDENCE_H

#include <stdint.h>
#include "analyse/end.h"
#include "serve/group.h"
#include "serve/source.h"

struct wr_counts {
    struct wr_groups groups;
    double kills[WR_GROUPS_MOST]; /* of each */
    double system_kills;
};

void wr_counts_take(struct wr_counts *c, const char *root, uint32_t pid);

/* Who it is about: older messages of the log are about another process of
 * that number. */
struct wr_deceased {
    uint32_t pid;
    uint64_t since_ns; /* CLOCK_MONOTONIC of its start */
};

/* Fill in all but how and status, which the caller knows, and conclude. The
 * log is read only when a kill is possible. */
void wr_evidence_gather(struct wr_end *e, const char *root,
                        const struct wr_deceased *who,
                        const struct wr_counts *before);

/* All of it of an image that nobody waited for. */
void wr_evidence_of_source(struct wr_end *e, const char *root,
                           const struct wr_source *one,
                           const struct wr_counts *before);

#endif
