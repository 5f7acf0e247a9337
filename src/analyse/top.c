/* Rows of a graph. */
#include "analyse/top.h"

#include <stdlib.h>
#include "analyse/analysis.h"

int
wr_top_make(struct wr_top *t, struct wr_profile *p, uint32_t type)
{
    const struct wr_graph_options o = {.type = type};
    struct wr_graph g;
    if (p->failed || type >= p->type_count)
        return -1;
    wr_filter_prune(p);
    if (wr_graph_make(&g, p, &o) != 0)
        return -1;
    *t = (struct wr_top){.rows = calloc((size_t)g.count + 1, sizeof *t->rows),
                         .count = g.count,
                         .total = wr_analysis_total(p, type),
                         .type = p->strings[p->types[type].type],
                         .unit = p->strings[p->types[type].unit]};
    for (uint32_t i = 0; t->rows && i < g.count; i++)
        t->rows[i] = (struct wr_top_row){g.nodes[i].label, g.nodes[i].flat,
                                         g.nodes[i].cum};
    wr_graph_fini(&g);
    return t->rows ? 0 : -1;
}

void
wr_top_fini(struct wr_top *t)
{
    free(t->rows);
    *t = (struct wr_top){0};
}
