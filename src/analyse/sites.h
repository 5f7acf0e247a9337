/* The sites of a program over time: which lines hold how much, and what
 * changed since a mark.
 *
 *     struct wr_sites s = {0};
 *     wr_sites_update(&s, p);         // a heap profile, pruned and named
 *     wr_sites_mark(&s);
 *     ...
 *     wr_sites_update(&s, later);
 *     s.list[i].now.inuse_bytes - s.list[i].mark.inuse_bytes
 *     wr_sites_fini(&s);
 *
 * A site is a line of code that allocates: the function, file and line of the
 * innermost frames, or the address in its module where nothing is known. Sites
 * are never removed, so that an index stays a site's.
 *
 * Threads: one. Ownership: the table owns its texts.
 */
#ifndef WR_ANALYSE_SITES_H
#define WR_ANALYSE_SITES_H

#include <stdio.h>
#include "analyse/profile.h"

struct wr_site_values {
    int64_t inuse_bytes, inuse_blocks, alloc_bytes, alloc_blocks;
};

struct wr_site {
    char *name;  /* of the function, or "[module]" */
    char *place; /* "file.c:12", "libfoo.so+0x4a3" or "" */
    char *file;  /* the source's whole path; "" when not known */
    int64_t line;
    struct wr_site_values now, mark;
    uint32_t stacks; /* how many lead here, in the profile of now */
    uint32_t sample; /* the one that holds most, or allocated most; WR_NONE */
};

struct wr_sites {
    struct wr_site *list;
    uint32_t count, capacity;
    struct wr_index index; /* by name, file and line */
    struct wr_site_values total, total_mark;
};

/* What every site holds now. 0, or -1: no memory, or p has not the four types
 * of a heap profile; values are then not to be used until the next. */
int wr_sites_update(struct wr_sites *s, const struct wr_profile *p);
/* From here on changes are counted. */
void wr_sites_mark(struct wr_sites *s);
/* The same, but from what that profile (of an earlier moment) held. */
int wr_sites_mark_from(struct wr_sites *s, const struct wr_profile *p);
void wr_sites_fini(struct wr_sites *s);

/* The n-th frame of a sample, the innermost first: its function ("" where it
 * has no name) and its place as above. False: there is no n-th. */
bool wr_sites_frame(const struct wr_profile *p, uint32_t sample, uint32_t n,
                    const char **name, char *place, size_t bytes);

#endif
