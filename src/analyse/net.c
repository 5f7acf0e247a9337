/* Nets and paths in them. */
#include "analyse/net.h"

#include <stdlib.h>
#include <string.h>

/* --- Nets ---------------------------------------------------------------- */

int
wr_net_init(struct wr_net *net, uint32_t nodes, uint32_t pointers)
{
    *net = (struct wr_net){.nodes = nodes, .room = pointers};
    net->first = calloc((size_t)nodes + 1, sizeof *net->first);
    net->target = malloc(((size_t)pointers + 1) * sizeof *net->target);
    if (net->first && net->target)
        return 0;
    wr_net_fini(net);
    return -1;
}

void
wr_net_point(struct wr_net *net, uint32_t target)
{
    if (net->pointers < net->room && target < net->nodes)
        net->target[net->pointers++] = target;
}

void
wr_net_next(struct wr_net *net)
{
    if (net->at < net->nodes)
        net->first[++net->at] = net->pointers;
}

void
wr_net_fini(struct wr_net *net)
{
    free(net->first);
    free(net->target);
    *net = (struct wr_net){.nodes = 0};
}

/* --- Trees --------------------------------------------------------------- */

static int
make_tree(struct wr_tree *t, const struct wr_net *net)
{
    size_t nodes = (size_t)net->nodes + 1;
    t->top = net->nodes;
    t->count = 0;
    t->parent = malloc(nodes * sizeof *t->parent);
    t->order = malloc(nodes * sizeof *t->order);
    if (!t->parent || !t->order) {
        wr_tree_fini(t);
        return -1;
    }
    memset(t->parent, 0xff, nodes * sizeof *t->parent);
    return 0;
}

void
wr_tree_fini(struct wr_tree *t)
{
    free(t->parent);
    free(t->order);
    *t = (struct wr_tree){.parent = NULL};
}

void
wr_tree_sum(const struct wr_tree *t, uint64_t *values)
{
    for (uint32_t i = t->count; i-- > 1;)
        values[t->parent[t->order[i]]] += values[t->order[i]];
}

/* --- Shortest paths ------------------------------------------------------ */

static void
reach(struct wr_tree *t, uint32_t node, uint32_t from)
{
    if (t->parent[node] != WR_NET_NONE)
        return;
    t->parent[node] = from;
    t->order[t->count++] = node;
}

int
wr_net_paths(struct wr_tree *t, const struct wr_net *net, const uint32_t *roots,
             const uint8_t *rank, uint32_t count)
{
    uint32_t done = 1;
    if (make_tree(t, net) != 0)
        return -1;
    t->order[t->count++] = t->top;
    for (uint32_t i = 0; i < count;) {
        uint8_t now = rank ? rank[i] : 0;
        while (i < count && (rank ? rank[i] : 0) == now)
            reach(t, roots[i++], t->top);
        for (; done < t->count; done++) {
            uint32_t node = t->order[done];
            for (uint32_t k = net->first[node]; k < net->first[node + 1]; k++)
                reach(t, net->target[k], node);
        }
    }
    return 0;
}
