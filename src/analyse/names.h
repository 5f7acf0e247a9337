/* One table of functions for one profile or for two that are compared.
 *
 *     struct wr_names names = {0};
 *     struct wr_named mine = {0};
 *     if (wr_names_add(&names, p, &mine) == 0)
 *         names.functions[mine.of_line[line]].name
 *     wr_named_fini(&mine);
 *     wr_names_fini(&names);
 *
 * Two functions are the same when their name and the last part of their
 * module's path are: that holds between two builds, and between profiles of
 * two writers. With by_line set beforehand each line that calls is a function
 * of its own, "parse:12". A frame without a name is called by its module,
 * "[libc.so.6]". A function's file and line are those of its first appearance.
 *
 * Threads: one at a time. Ownership: texts are the profiles', which must
 * outlive the table.
 */
#ifndef WR_ANALYSE_NAMES_H
#define WR_ANALYSE_NAMES_H

#include <stdbool.h>
#include <stdint.h>
#include "analyse/profile.h"

struct wr_names_function {
    const char *name;   /* as people read it; never "" */
    const char *file;   /* of the source; "" when not known */
    const char *module; /* path of the program or library; "" likewise */
    int64_t line;       /* where the function begins, or a line of it; 0 */
};

struct wr_names {
    struct wr_names_function *functions;
    uint32_t count, capacity;
    bool by_line;
    struct wr_index index; /* by name and module */
    char **made;           /* names made here, of modules and lines */
    uint32_t made_count;
};

/* Of one profile: the function of each line, and of each location that has
 * no lines. */
struct wr_named {
    uint32_t *of_line, *of_location;
};

/* 0, or -1: no memory; both may then be used and must be finished. */
int wr_names_add(struct wr_names *n, const struct wr_profile *p,
                 struct wr_named *named);
void wr_names_fini(struct wr_names *n);
void wr_named_fini(struct wr_named *named);

#endif
