/* Conditions on two profiles, for builds that shall fail when memory grows.
 *
 *     struct wr_condition c;
 *     if (wr_condition_parse(&c, "inuse>+1MiB", why, sizeof why) == 0 &&
 *         wr_condition_test(&c, before, after, type, why, sizeof why) > 0)
 *         say(why), exit(3);
 *
 * A condition is [TYPE] OP NUMBER [UNIT]:
 *     TYPE    a sample type of both profiles, or inuse and alloc for
 *             inuse_space and alloc_space; without it the one shown
 *     OP      > >= < <=
 *     NUMBER  with a sign: of the change from before to after;
 *             without: of what there is after
 *     UNIT    B, K or KB or KiB, M, G, T (powers of 1024) for bytes;
 *             ns, us, ms, s, min, h for times; % of what there was before,
 *             for changes; none for counts
 *
 * Threads: any. Ownership: the text is the caller's and must stay.
 */
#ifndef WR_ANALYSE_CONDITION_H
#define WR_ANALYSE_CONDITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wr_profile;

struct wr_condition {
    const char *text;
    char type[64]; /* "" for the one shown */
    bool greater, or_equal;
    bool change; /* the number is of the change */
    double number;
    const char *unit; /* the rest of the text */
};

/* 0, or -1 and a sentence that says what is wrong. */
int wr_condition_parse(struct wr_condition *c, const char *text, char *why,
                       size_t n);
/* 1: it holds, and why says with which values; 0: it does not; -1: it cannot
 * be asked of these profiles, and why says so. */
int wr_condition_test(const struct wr_condition *c,
                      const struct wr_profile *before,
                      const struct wr_profile *after, uint32_t shown, char *why,
                      size_t n);

#endif
