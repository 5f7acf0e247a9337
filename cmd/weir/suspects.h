/* weir leaks --suspects: what grows without end, apart from what is lost.
 *
 *     struct wr_suspects_wish w = {.all = false, .json = false, .search =
 * true}; status = wr_suspects_show(&source, &w);
 */
#ifndef WR_CMD_SUSPECTS_H
#define WR_CMD_SUSPECTS_H

#include <stdbool.h>

struct wr_source;

struct wr_suspects_wish {
    bool all, json;
    bool fail;   /* WR_EXIT_LEAKS when a site grows, with fair certainty */
    bool search; /* the program, for leaks: they are no suspects */
    const char *pprof;
};

/* The exit status of weir. */
int wr_suspects_show(const struct wr_source *one,
                     const struct wr_suspects_wish *w);

#endif
