/* 17: a ring that holds itself.
 *
 *     $ cc 17-ring.c $(pkg-config --cflags --libs weir weir-bench)
 *     $ weir leaks PID                   such rings, as one leak each
 *
 * A parent counts its child, the child its parent: neither count ever comes to
 * nothing. The pointer back is a weak one; it does not keep.
 */
#include "compare.h"

enum { PAIRS = 1000 };

struct node {
    struct node *parent; /* counted: wrong */
    weir_weak *up;       /* not counted: right */
    struct node *child;
};

static void
gone(void *p)
{
    struct node *n = p;

    weir_ref_put(n->parent);
    weir_weak_put(n->up);
    weir_ref_put(n->child);
}

static struct node *
make(void)
{
    struct node *n = weir_ref_new(sizeof *n, gone, NULL);

    if (n == NULL)
        exit(1);
    return n;
}

static void
wrong(void)
{
    for (int i = 0; i < PAIRS; i++) {
        struct node *parent = make();
        parent->child = make();
        parent->child->parent = weir_ref_get(parent);
        weir_ref_put(parent); /* the child holds it still */
    }
}

static void
right(void)
{
    for (int i = 0; i < PAIRS; i++) {
        struct node *parent = make();
        parent->child = make();
        parent->child->up = weir_ref_weak(parent);
        weir_ref_put(parent);
    }
}

int
main(void)
{
    struct weir_bench_use w = held("wrong: both count", wrong);
    struct weir_bench_use r = held("right: a weak way back", right);

    return lesson(w.live_blocks == 2 * PAIRS && r.live_blocks == 0);
}
