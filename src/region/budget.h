/* The budgets in a region: what the program has set aside, and for what.
 *
 *     struct wr_budget_line line[WR_BUDGETS];
 *     size_t n = wr_budgets_read(&view, line);
 *
 * Units: bytes. Threads, ownership, misuse: as in region/read.h. Of a program
 * with more budgets than there are slots the later ones are not shown.
 */
#ifndef WR_REGION_BUDGET_H
#define WR_REGION_BUDGET_H

#include <stddef.h>
#include <stdint.h>

#include "region/read.h"

struct wr_budget_line {
    uint32_t kind;   /* 0: none */
    uint32_t parent; /* its slot and 1; 0: none, or it is not shown */
    uint64_t limit;  /* UINT64_MAX: none of its own */
    uint64_t used, peak, reserved, held;
    uint64_t allocated, refused; /* counts */
    char name[40];               /* ends with NUL */
    uint32_t slot;
    uint32_t depth; /* of parents; by the reader */
};

_Static_assert(sizeof(struct wr_budget_line) == WR_BUDGET_WORDS * 8,
               "a line is all 8-byte words");

/* Those there are, each behind its parent: how many. */
size_t wr_budgets_read(const struct wr_region_view *v,
                       struct wr_budget_line out[WR_BUDGETS]);

/* The writer's: fill the slot (line->slot) of this process's region, if it has
 * one. One thread at a time. */
void wr_budget_show(const struct wr_budget_line *line);

#endif
