/* What is expected of benchmarks, for builds that shall fail when it is not so.
 *
 *     struct wr_expect e;
 *     if (wr_expect_parse(&e, "Parse: allocs/op <= 3", why, sizeof why) == 0)
 *         n = wr_expect_check(&e, &benches, told, arg);
 *     wr_expect_fini(&e);
 *
 * A condition is [NAME:] UNIT OP NUMBER, or "live after OP live before":
 *     NAME    extended regular expression; all benchmarks without it
 *     UNIT    as in the results: ns/op, B/op, allocs/op, or one's own
 *     OP      <= < >= > == !=
 *     NUMBER  with K, M or G for powers of 1024
 * The second form is "live-blocks OP 0".
 *
 * Threads: one at a time. Ownership: the text is the caller's and must stay.
 */
#ifndef WR_ANALYSE_EXPECT_H
#define WR_ANALYSE_EXPECT_H

#include <regex.h>
#include "analyse/bench_file.h"

enum wr_expect_op {
    WR_EXPECT_LE,
    WR_EXPECT_LT,
    WR_EXPECT_GE,
    WR_EXPECT_GT,
    WR_EXPECT_EQ,
    WR_EXPECT_NE
};

enum { WR_EXPECT_UNIT = 128 };

struct wr_expect {
    const char *text;
    bool named;
    regex_t name;
    char unit[WR_EXPECT_UNIT]; /* made plain */
    double factor;             /* from the unit as written to that */
    enum wr_expect_op op;
    double number; /* in the unit as written */
};

/* 0, or -1 and a sentence that says what is wrong. */
int wr_expect_parse(struct wr_expect *e, const char *text, char *why, size_t n);
void wr_expect_fini(struct wr_expect *e);

/* What came of a condition for one benchmark. */
struct wr_expect_result {
    const char *name;
    size_t values, failed; /* of its results */
    double value;          /* the first that failed, or the first; as written */
};

/* Call told for each benchmark that the condition is about, in the order of
 * appearance; how many. */
size_t wr_expect_check(const struct wr_expect *e, const struct wr_benches *b,
                       void (*told)(const struct wr_expect *e,
                                    const struct wr_expect_result *r,
                                    void *arg),
                       void *arg);

#endif
