/* Binary trees: short-lived ones of many depths beside one that stays; and
 * GCBench, which also builds them from the top down, beside a large array. */
#include "heap.h"
#include "work.h"

struct tree {
    struct tree *left, *right;
};
TYPE(tree, left, right)

static struct tree *
tree_of(unsigned depth)
{
    struct tree *t = NEW(tree);

    if (depth > 0) {
        t->left = tree_of(depth - 1);
        t->right = tree_of(depth - 1);
    }
    return t;
}

static uint64_t
count(const struct tree *t)
{
    return t->left == NULL ? 1 : 1 + count(t->left) + count(t->right);
}

static void
drop(struct tree *t)
{
#if !COLLECTED
    if (t->left != NULL) {
        drop(t->left);
        drop(t->right);
    }
#endif
    DROP(t);
}

static uint64_t
one_tree(unsigned depth)
{
    struct tree *t = tree_of(depth);
    uint64_t n = count(t);

    drop(t);
    return n;
}

/* size: the depth of the largest. Each thread builds its share of every
 * depth; the first has the tree that stays. */
void
work_trees(struct part *p)
{
    unsigned most = (unsigned)p->size;
    struct tree *stays = NULL;

    if (p->number == 0) {
        p->sum += one_tree(most + 1);
        stays = tree_of(most);
    }
    for (unsigned depth = 4; depth <= most; depth += 2) {
        uint64_t times = (uint64_t)1 << (most - depth + 4);

        for (uint64_t i = p->number; i < times; i += p->parts)
            p->sum += one_tree(depth);
    }
    if (stays != NULL) {
        p->sum += count(stays);
        drop(stays);
    }
}

/* ---- GCBench ---- */

struct node {
    struct node *left, *right;
    int32_t i, j;
};
TYPE(node, left, right)

static void
populate(unsigned depth, struct node *n)
{
    if (depth == 0)
        return;
    n->left = NEW(node);
    n->right = NEW(node);
    populate(depth - 1, n->left);
    populate(depth - 1, n->right);
}

static struct node *
node_of(unsigned depth)
{
    struct node *n, *left, *right;

    if (depth == 0)
        return NEW(node);
    left = node_of(depth - 1);
    right = node_of(depth - 1);
    n = NEW(node);
    n->left = left;
    n->right = right;
    return n;
}

static uint64_t
drop_nodes(struct node *n)
{
    uint64_t dropped = 1;

#if !COLLECTED
    if (n->left != NULL)
        dropped += drop_nodes(n->left) + drop_nodes(n->right);
#endif
    DROP(n);
    return dropped;
}

static void
top_down(unsigned depth)
{
    struct node *n = NEW(node);

    populate(depth, n);
    drop_nodes(n);
}

void
work_gcbench(struct part *p)
{
    unsigned most = (unsigned)p->size;
    uint64_t elements = (uint64_t)1 << (most + 2);
    struct node *stays;
    double *array;

    drop_nodes(node_of(most + 2)); /* the heap has been larger once */
    stays = NEW(node);
    populate(most, stays);
    array = (double *)NEW_BYTES(elements * sizeof *array);
    for (uint64_t i = 0; i < elements; i++)
        array[i] = 1.0 / (double)(i + 1);
    for (unsigned depth = 4; depth <= most; depth += 2) {
        uint64_t times = ((uint64_t)2 << (most + 2)) / ((uint64_t)2 << depth);

        for (uint64_t i = 0; i < times; i++) {
            top_down(depth);
            drop_nodes(node_of(depth));
            p->sum++;
        }
    }
    p->sum += stays->left != NULL && array[999] == 1.0 / 1000;
    drop_nodes(stays);
    DROP(array);
}
