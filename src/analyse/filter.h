/* Filters: which samples of a profile count, and which of their frames show.
 *
 *     struct wr_filter f = {.focus = "parse", .ignore = "^test_"};
 *     unsigned unmatched;
 *     if (wr_filter_apply(p, &f, units, &unmatched, why, sizeof why) == 0 &&
 *         unmatched & WR_FILTER_FOCUS)
 *         warn("nothing matches focus");
 *
 * The options and what they do are pprof's. Patterns match names of
 * functions, source files and mapped files. The tag options take patterns
 * ("key:value" must match each of a comma-separated list), "key=PATTERN", or
 * a range of numbers: "32kb", ":64kb", "4mb:", "12kb:64mb".
 *
 * A filter changes the profile: samples that do not count are removed, and
 * frames that do not show are taken out of stacks. Totals for percentages are
 * to be taken before. Threads: one at a time per profile.
 */
#ifndef WR_ANALYSE_FILTER_H
#define WR_ANALYSE_FILTER_H

#include "analyse/profile.h"

struct wr_filter {         /* NULL or "": not wanted */
    const char *focus;     /* only stacks with a frame like it */
    const char *ignore;    /* no stacks with a frame like it */
    const char *hide;      /* without frames like it */
    const char *show;      /* with such frames only */
    const char *show_from; /* without what called the outermost like it */
    const char *tagfocus, *tagignore; /* samples by their labels */
    const char *tagshow, *taghide;    /* labels by their keys */
};

/* Filters that matched nothing. */
enum wr_filter_unmatched {
    WR_FILTER_FOCUS = 1,
    WR_FILTER_IGNORE = 2,
    WR_FILTER_HIDE = 4,
    WR_FILTER_SHOW = 8,
    WR_FILTER_SHOW_FROM = 16,
    WR_FILTER_TAGFOCUS = 32,
    WR_FILTER_TAGIGNORE = 64,
    WR_FILTER_TAGSHOW = 128,
    WR_FILTER_TAGHIDE = 256
};

/* units: wr_label_units(p). 0, or -1 with a sentence when a pattern is wrong
 * (the profile is as it was) or memory ran out (the profile failed). */
int wr_filter_apply(struct wr_profile *p, const struct wr_filter *f,
                    const uint32_t *units, unsigned *unmatched, char *why,
                    size_t n);

/* Remove the samples for which keep says no. It may shorten their stacks. */
typedef bool wr_filter_keep_fn(struct wr_profile *p, struct wr_sample *s,
                               const int64_t *values, void *context);
void wr_filter_keep(struct wr_profile *p, wr_filter_keep_fn *keep,
                    void *context);

/* Take out the frames that the profile's own drop_frames names, and those
 * they called, so that the caller of malloc is the innermost frame. A stack
 * is never emptied. Done once: drop_frames is empty afterwards. */
void wr_filter_prune(struct wr_profile *p);

#endif
