/* What a region tells, as facts for a verdict (analyse/verdict.h).
 *
 *     struct wr_known k;
 *     if (wr_known_make(&k, &story, why, sizeof why) == 0) {
 *         wr_verdict_make(&verdict, &k.facts);
 *         wr_known_fini(&k);
 *     }
 *
 * Threads: any, each its own. Ownership: some names are the story's; it must
 * stay.
 */
#ifndef WR_ANALYSE_FACTS_H
#define WR_ANALYSE_FACTS_H

#include "analyse/verdict.h"

struct wr_story;

#define WR_CULPRIT_ROOM 256

struct wr_known {
    struct wr_facts facts; /* what only others know is not set: what a search
                              proved, descriptors, a stack's overflow */
    struct wr_state *state;
    char growing[WR_CULPRIT_ROOM], other[WR_CULPRIT_ROOM],
        biggest[WR_CULPRIT_ROOM]; /* names */
};

/* 0, or -1 with a sentence. */
int wr_known_make(struct wr_known *k, const struct wr_story *s, char *why,
                  size_t n);
void wr_known_fini(struct wr_known *k);

#endif
