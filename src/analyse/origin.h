/* Origins: where the blocks of each bucket were allocated, in a few words.
 *
 *     wr_origin_text(p, bucket, text, sizeof text);   "dictAddRaw (dict.c:300)"
 *
 * p is a profile of sites (wr_profile_from_sites), with names, pruned.
 * Named is the innermost function whose name does not sound like an allocator
 * (zmalloc, g_strdup, operator new): who calls those says more.
 *
 * Threads: any. Ownership: texts are the profile's, which must live as long.
 */
#ifndef WR_ANALYSE_ORIGIN_H
#define WR_ANALYSE_ORIGIN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "analyse/profile.h"

struct wr_pattern;

struct wr_origin {
    const char *function; /* or "[module]" */
    const char *file;     /* "" when not known */
    int64_t line;
};

/* false: there is no such bucket. */
bool wr_origin_find(const struct wr_profile *p, uint32_t bucket,
                    struct wr_origin *out);
/* "dictAddRaw (dict.c:300)"; "" for none. */
void wr_origin_text(const struct wr_profile *p, uint32_t bucket, char *text,
                    size_t n);
/* The sites: by bucket, of which there are count, the first bucket of all that
 * allocate at the same place. */
struct wr_same {
    uint32_t *first, count;
};
/* 0, or -1: no memory. first is the caller's to free. */
int wr_origin_same(struct wr_same *same, const struct wr_profile *p);
/* Has its stack a function or a file that matches? */
bool wr_origin_matches(const struct wr_profile *p, uint32_t bucket,
                       const struct wr_pattern *re);
/* ,"stack":[{"function":...,"file":...,"line":...},...], all frames. */
void wr_origin_json(const struct wr_profile *p, uint32_t bucket, FILE *out);

#endif
