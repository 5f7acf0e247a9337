/* Two profiles side by side: which functions hold more than before, and which
 * less.
 *
 *     struct wr_diff d;
 *     struct wr_graph_options how = {.type = wr_profile_default_type(after)};
 *     if (wr_diff_make(&d, before, after, &how, why, sizeof why) == 0) {
 *         wr_diff_print(&d, 20, "auto", stdout);
 *         wr_diff_fini(&d);
 *     }
 *
 * flat and cum are those of a graph (graph.h), so the changes are what
 * `go tool pprof -top -diff_base` prints. Functions (or lines, or files: what
 * the graph's nodes are) match by name. What did not change has no row.
 *
 * Threads: one at a time per profile. Ownership: names are the profiles',
 * which must outlive it.
 */
#ifndef WR_ANALYSE_DIFF_H
#define WR_ANALYSE_DIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct wr_graph_options;
struct wr_profile;

struct wr_diff_row {
    const char *name; /* as in wr_top_row */
    int64_t flat_before, flat_after, cum_before, cum_after;
};

struct wr_diff {
    struct wr_diff_row *rows; /* by the size of the change of flat, then of
                                 cum */
    size_t count;
    int64_t before, after; /* sums of all samples */
    const char *type, *unit;
    bool by_cum; /* the table shows cum before and after, not flat */
};

/* how: which nodes; its type is after's, and before needs one of that name.
 * Frames that the profiles' drop_frames names are taken out of them. 0, or -1
 * and a sentence. */
int wr_diff_make(struct wr_diff *d, struct wr_profile *before,
                 struct wr_profile *after, const struct wr_graph_options *how,
                 char *why, size_t n);
void wr_diff_fini(struct wr_diff *d);
/* By the change of cum instead. */
void wr_diff_sort_cum(struct wr_diff *d);

/* "new", "gone", "grown" or "shrunk": what became of a function's flat, or
 * of its cum where flat stayed. */
const char *wr_diff_status(const struct wr_diff_row *r);

/* The table; at most `limit` rows, 0: all. By flat, functions that changed by
 * what they call are only counted. Values are in that unit, or, with
 * "auto", each in the one that fits. */
void wr_diff_print(const struct wr_diff *d, size_t limit, const char *unit,
                   FILE *out);
/* The fields of a JSON object, without its braces: weir-diff(1) tells the
 * schema. */
void wr_diff_print_json(const struct wr_diff *d, FILE *out);

#endif
