/* Dominators.
 *
 * Invariants:
 * 1. Inside, a node goes by its number: 0 is the top, and a node's number is
 *    the place where a walk in depth came to it.
 * 2. Nodes are worked from the last number to the first; those behind the
 *    one that is worked are linked into a forest. label[v] is the node of
 *    lowest semi among v and those above it in the forest that have been
 *    skipped (ancestor[] leads past them).
 * 3. idom[v] is the link of the list that v waits in until its dominator is
 *    known, then that.
 */
#include <stdlib.h>
#include <string.h>

#include "analyse/net.h"

struct work {
    const struct wr_net *net;
    const uint32_t *roots;
    uint32_t root_count;
    uint32_t count;  /* numbers in use */
    uint32_t *node;  /* by number; the tree's order */
    uint32_t *after; /* by node, + 1: its number; 0: none. The tree's parent */
    uint32_t *parent, *semi, *label, *ancestor, *waiting, *idom, *stack;
    uint32_t *first, *from; /* who points at a number */
};

static uint32_t
pointers_of(const struct work *w, uint32_t node, const uint32_t **target)
{
    const struct wr_net *net = w->net;
    if (node == net->nodes) {
        *target = w->roots;
        return w->root_count;
    }
    *target = net->target + net->first[node];
    return net->first[node + 1] - net->first[node];
}

/* --- Numbers ------------------------------------------------------------- */

static void
give_number(struct work *w, uint32_t node, uint32_t parent)
{
    w->after[node] = w->count + 1;
    w->parent[w->count] = parent;
    w->node[w->count++] = node;
}

/* A walk in depth. label[] is, of who is on the stack, how many of its
 * pointers were followed. */
static void
number_nodes(struct work *w)
{
    uint32_t depth = 0;
    give_number(w, w->net->nodes, 0);
    w->stack[depth++] = 0;
    w->label[0] = 0;
    while (depth > 0) {
        uint32_t v = w->stack[depth - 1];
        const uint32_t *target;
        uint32_t n = pointers_of(w, w->node[v], &target);
        while (w->label[v] < n && w->after[target[w->label[v]]])
            w->label[v]++;
        if (w->label[v] == n) {
            depth--;
            continue;
        }
        uint32_t next = w->count;
        give_number(w, target[w->label[v]++], v);
        w->label[next] = 0;
        w->stack[depth++] = next;
    }
}

/* first[v + 1] is where the next goes; after all it is where v's end. */
static void
turn_pointers(struct work *w)
{
    const uint32_t *target;
    uint32_t sum = 0;
    for (uint32_t v = 0; v < w->count; v++)
        for (uint32_t n = pointers_of(w, w->node[v], &target); n > 0; n--)
            w->first[w->after[*target++]]++;
    for (uint32_t v = 0; v <= w->count; v++) {
        uint32_t own = w->first[v];
        w->first[v] = sum;
        sum += own;
    }
    for (uint32_t v = 0; v < w->count; v++)
        for (uint32_t n = pointers_of(w, w->node[v], &target); n > 0; n--)
            w->from[w->first[w->after[*target++]]++] = v;
}

/* --- The forest ---------------------------------------------------------- */

/* Skip what lies between v and the root of its tree. */
static void
compress(struct work *w, uint32_t v)
{
    uint32_t depth = 0;
    for (; w->ancestor[w->ancestor[v]] != WR_NET_NONE; v = w->ancestor[v])
        w->stack[depth++] = v;
    while (depth > 0) {
        uint32_t u = w->stack[--depth], above = w->ancestor[u];
        if (w->semi[w->label[above]] < w->semi[w->label[u]])
            w->label[u] = w->label[above];
        w->ancestor[u] = w->ancestor[above];
    }
}

static uint32_t
lowest(struct work *w, uint32_t v)
{
    if (w->ancestor[v] == WR_NET_NONE)
        return v;
    compress(w, v);
    return w->label[v];
}

static void
find_semi(struct work *w, uint32_t v)
{
    w->semi[v] = v;
    for (uint32_t i = w->first[v]; i < w->first[v + 1]; i++) {
        uint32_t semi = w->semi[lowest(w, w->from[i])];
        if (semi < w->semi[v])
            w->semi[v] = semi;
    }
}

static void
settle(struct work *w, uint32_t parent)
{
    for (uint32_t v = w->waiting[parent], next; v != WR_NET_NONE; v = next) {
        uint32_t u = lowest(w, v);
        next = w->idom[v];
        w->idom[v] = w->semi[u] < w->semi[v] ? u : parent;
    }
    w->waiting[parent] = WR_NET_NONE;
}

static void
find_dominators(struct work *w)
{
    for (uint32_t v = 0; v < w->count; v++) {
        w->semi[v] = w->label[v] = v;
        w->ancestor[v] = w->waiting[v] = WR_NET_NONE;
    }
    for (uint32_t v = w->count; v-- > 1;) {
        find_semi(w, v);
        w->idom[v] = w->waiting[w->semi[v]];
        w->waiting[w->semi[v]] = v;
        w->ancestor[v] = w->parent[v];
        settle(w, w->parent[v]);
    }
    for (uint32_t v = 1; v < w->count; v++)
        if (w->idom[v] != w->semi[v])
            w->idom[v] = w->idom[w->idom[v]];
}

/* --- All of it ----------------------------------------------------------- */

static int
make_work(struct work *w, struct wr_tree *t)
{
    size_t nodes = (size_t)w->net->nodes + 1;
    size_t pointers = (size_t)w->net->pointers + w->root_count + 1;
    uint32_t **table[] = {&w->parent,   &w->semi,    &w->label, &w->idom,
                          &w->ancestor, &w->waiting, &w->stack};
    int missing = 0;
    t->top = w->net->nodes;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        missing |= !(*table[i] = malloc(nodes * sizeof **table[i]));
    missing |= !(w->node = t->order = malloc(nodes * sizeof *w->node));
    missing |= !(w->after = t->parent = calloc(nodes, sizeof *w->after));
    missing |= !(w->first = calloc(nodes + 2, sizeof *w->first));
    missing |= !(w->from = malloc(pointers * sizeof *w->from));
    return missing ? -1 : 0;
}

static void
free_work(struct work *w)
{
    free(w->parent);
    free(w->semi);
    free(w->label);
    free(w->idom);
    free(w->ancestor);
    free(w->waiting);
    free(w->stack);
    free(w->first);
    free(w->from);
}

/* From numbers to nodes; the order is that of the numbers. */
static void
fill_tree(struct wr_tree *t, const struct work *w)
{
    memset(t->parent, 0xff, ((size_t)t->top + 1) * sizeof *t->parent);
    t->count = w->count;
    for (uint32_t v = 1; v < w->count; v++)
        t->parent[t->order[v]] = t->order[w->idom[v]];
}

int
wr_net_dominators(struct wr_tree *t, const struct wr_net *net,
                  const uint32_t *roots, uint32_t count)
{
    struct work w = {.net = net, .roots = roots, .root_count = count};
    *t = (struct wr_tree){.parent = NULL};
    int status = make_work(&w, t);
    if (status == 0) {
        number_nodes(&w);
        turn_pointers(&w);
        find_dominators(&w);
        fill_tree(t, &w);
    } else {
        wr_tree_fini(t);
    }
    free_work(&w);
    return status;
}
