/* Growing the tree, biggest nodes first.
 *
 * Invariants:
 * 1. Of a node that was split, the children are a run of nodes, and its value
 *    is their sum and its own; the same holds for base.
 * 2. The queue is a binary heap of the nodes that were not split yet.
 * 3. Nodes never move while the tree grows: the queue holds their numbers.
 */
#include "analyse/flame.h"

#include <stdlib.h>
#include "analyse/split.h"
#include "analyse/store.h"

struct growing {
    struct wr_split_group group;
    uint32_t depth, first_child, child_count;
    int64_t self;
    bool others;
};

struct grower {
    struct wr_split *split;
    struct growing *nodes;
    uint32_t count, capacity, limit;
    uint32_t *queue; /* room as for nodes */
    uint32_t queued;
    uint64_t least; /* smaller nodes are gathered */
};

static uint64_t
size_of(const struct grower *g, uint32_t node)
{
    const struct wr_split_group *x = &g->nodes[node].group;
    return wr_split_size(x->value, x->base);
}

/* --- The queue ---------------------------------------------------------- */

static void
swap(uint32_t *a, uint32_t *b)
{
    uint32_t kept = *a;
    *a = *b;
    *b = kept;
}

static void
enqueue(struct grower *g, uint32_t node)
{
    uint32_t i = g->queued++;
    g->queue[i] = node;
    for (; i > 0; i = (i - 1) / 2) {
        uint32_t *up = &g->queue[(i - 1) / 2];
        if (size_of(g, *up) >= size_of(g, g->queue[i]))
            break;
        swap(up, &g->queue[i]);
    }
}

static uint32_t
biggest(const struct grower *g, uint32_t i)
{
    uint32_t left = 2 * i + 1, right = left + 1;
    uint32_t best = i;
    if (left < g->queued &&
        size_of(g, g->queue[left]) > size_of(g, g->queue[best]))
        best = left;
    if (right < g->queued &&
        size_of(g, g->queue[right]) > size_of(g, g->queue[best]))
        best = right;
    return best;
}

static uint32_t
dequeue(struct grower *g)
{
    uint32_t node = g->queue[0];
    g->queue[0] = g->queue[--g->queued];
    for (uint32_t i = 0, best; (best = biggest(g, i)) != i; i = best)
        swap(&g->queue[i], &g->queue[best]);
    return node;
}

/* --- Growing ------------------------------------------------------------ */

static bool
reserve(struct grower *g, size_t more)
{
    size_t capacity = g->capacity ? g->capacity : 256;
    while (capacity < g->count + more)
        capacity *= 2;
    if (capacity == g->capacity)
        return true;
    void *nodes = realloc(g->nodes, capacity * sizeof *g->nodes);
    if (nodes)
        g->nodes = nodes;
    void *queue = realloc(g->queue, capacity * sizeof *g->queue);
    if (queue)
        g->queue = queue;
    if (!nodes || !queue)
        return false;
    g->capacity = (uint32_t)capacity;
    return true;
}

/* One child more, in its place by value. */
static void
add_others(struct grower *g, uint32_t first, const struct wr_split_group *sum)
{
    uint32_t at = g->count++;
    for (; at > first && g->nodes[at - 1].group.value < sum->value; at--)
        g->nodes[at] = g->nodes[at - 1];
    g->nodes[at] =
        (struct growing){.group = *sum, .self = sum->value, .others = true};
}

/* Children of node from the parts of its group; what has no room, or is too
 * small, becomes one. */
static void
add_children(struct grower *g, uint32_t node, const struct wr_split_parts *a)
{
    struct wr_split_group rest = {0};
    uint32_t first = g->count;
    for (uint32_t i = 0; i < a->count; i++) {
        const struct wr_split_group *part = &a->parts[i];
        if (g->count < g->limit &&
            wr_split_size(part->value, part->base) >= g->least) {
            g->nodes[g->count++] = (struct growing){.group = *part};
            continue;
        }
        rest.value = wr_add_wrapping(rest.value, part->value);
        rest.base = wr_add_wrapping(rest.base, part->base);
    }
    if (rest.value != 0 || rest.base != 0)
        add_others(g, first, &rest);
    g->nodes[node].first_child = first;
    g->nodes[node].child_count = g->count - first;
    g->nodes[node].self = a->self;
}

static bool
grow(struct grower *g, uint32_t node)
{
    struct wr_split_parts *a = wr_split_next(g->split, &g->nodes[node].group);
    if (!a || !reserve(g, (size_t)a->count + 1))
        return false;
    add_children(g, node, a);
    const struct growing *x = &g->nodes[node];
    for (uint32_t i = 0; i < x->child_count; i++) {
        uint32_t child = x->first_child + i;
        g->nodes[child].depth = x->depth + 1;
        if (!g->nodes[child].others)
            enqueue(g, child);
    }
    return true;
}

static uint64_t
least_size(const struct wr_split_group *root, uint32_t share)
{
    uint64_t least = wr_split_size(root->value, root->base) / share;
    return least > 1 ? least : 1;
}

static bool
grow_tree(struct grower *g, const struct wr_flame_options *o)
{
    const struct wr_split_group *root = &g->split->root;
    g->limit = o->node_limit ? o->node_limit : WR_FLAME_NODES;
    g->least = least_size(root, o->share ? o->share : WR_FLAME_SHARE);
    if (!reserve(g, 1))
        return false;
    g->nodes[g->count++] = (struct growing){.group = *root};
    enqueue(g, 0);
    while (g->queued > 0)
        if (!grow(g, dequeue(g)))
            return false;
    return true;
}

/* --- The result --------------------------------------------------------- */

static struct wr_flame_node
finished(const struct growing *x)
{
    bool root = x->group.function == WR_NONE;
    return (struct wr_flame_node){.function = x->others ? WR_FLAME_OTHERS
                                              : root
                                                  ? WR_FLAME_ROOT
                                                  : (int32_t)x->group.function,
                                  .depth = x->depth,
                                  .value = x->group.value,
                                  .self = x->self,
                                  .base = x->group.base};
}

/* In preorder. The queue, empty by now, holds what is still to come. */
static bool
put_in_order(struct wr_flame *f, struct grower *g)
{
    f->nodes = calloc(g->count, sizeof *f->nodes);
    if (!f->nodes)
        return false;
    uint32_t todo = 0;
    g->queue[todo++] = 0;
    while (todo > 0) {
        const struct growing *x = &g->nodes[g->queue[--todo]];
        f->nodes[f->count++] = finished(x);
        for (uint32_t i = x->child_count; i-- > 0;)
            g->queue[todo++] = x->first_child + i;
    }
    return true;
}

int
wr_flame_make(struct wr_flame *f, const struct wr_profile *p,
              const struct wr_profile *base, const struct wr_flame_options *o,
              char *why, size_t n)
{
    struct wr_split split;
    struct grower g = {.split = &split};
    *f = (struct wr_flame){.title = o->title ? o->title : ""};
    const struct wr_split_input in = {p, base, o->type, o->by_line};
    if (wr_split_init(&split, &in, why, n) != 0)
        return -1;
    bool ok = grow_tree(&g, o) && put_in_order(f, &g);
    f->type = split.type;
    f->unit = split.unit;
    f->has_base = split.has_base;
    f->names = split.names;
    split.names = (struct wr_names){0};
    free(g.nodes);
    free(g.queue);
    wr_split_fini(&split);
    if (ok)
        return 0;
    wr_flame_fini(f);
    return wr_profile_fail(why, n, "out of memory");
}

void
wr_flame_fini(struct wr_flame *f)
{
    free(f->nodes);
    wr_names_fini(&f->names);
    *f = (struct wr_flame){0};
}
