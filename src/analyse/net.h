/* A net: blocks that point at blocks, and the trees one asks it for.
 *
 *     struct wr_net net;                        1000 blocks, 20 roots
 *     wr_net_init(&net, 1020, pointers);
 *     for (each node) {                         in the order of their numbers
 *         wr_net_point(&net, target); ...
 *         wr_net_next(&net);
 *     }
 *     struct wr_tree t;
 *     wr_net_paths(&t, &net, root, rank, 20)     shortest paths
 *     wr_net_dominators(&t, &net, root, 20)      who keeps whom alive
 *
 * Nodes are numbers; roots are nodes like others. A tree has one node more,
 * the top, net.nodes, from which all roots hang.
 *
 * In the tree of paths a node's parent is the node before it on a shortest
 * path from a root: from one of the lowest rank that leads there at all, of
 * those the nearest, of those the first. In the tree of dominators it is the
 * last node that every path from the roots goes through: what is below a node
 * is what would be free if that were gone.
 *
 * Algorithm: T. Lengauer, R. E. Tarjan, "A fast algorithm for finding
 * dominators in a flowgraph" (1979), the simple version: m log n.
 * Memory in bytes: the net 4 a node and 4 a pointer, a tree 8 a node, finding
 * dominators 36 a node and 4 a pointer more while it lasts.
 *
 * Threads: any, each its own. -1 is: no memory.
 */
#ifndef WR_ANALYSE_NET_H
#define WR_ANALYSE_NET_H

#include <stddef.h>
#include <stdint.h>

#define WR_NET_NONE UINT32_MAX
#define WR_NET_MOST (UINT32_MAX - 2) /* nodes, pointers */

struct wr_net {
    uint32_t nodes, pointers;
    uint32_t *first;  /* by node: its first pointer; [nodes]: all of them */
    uint32_t *target; /* by pointer: a node */
    uint32_t at;      /* node that is being filled */
    uint32_t room;
};

struct wr_tree {
    uint32_t top;
    uint32_t *parent; /* by node; WR_NET_NONE: of the top, and of what no root
                         leads to */
    uint32_t *order;  /* the top, and all that roots lead to: every node comes
                         behind its parent */
    uint32_t count;   /* of order */
};

/* Room for so many. More pointers do not count. */
int wr_net_init(struct wr_net *net, uint32_t nodes, uint32_t pointers);
void wr_net_point(struct wr_net *net, uint32_t target);
void wr_net_next(struct wr_net *net);
void wr_net_fini(struct wr_net *net);

/* Roots come with their ranks, sorted by these; NULL: all have one. */
int wr_net_paths(struct wr_tree *t, const struct wr_net *net,
                 const uint32_t *roots, const uint8_t *rank, uint32_t count);
int wr_net_dominators(struct wr_tree *t, const struct wr_net *net,
                      const uint32_t *roots, uint32_t count);
void wr_tree_fini(struct wr_tree *t);

/* To each node's value that of all below it is added. values: by node, the
 * top's too. */
void wr_tree_sum(const struct wr_tree *t, uint64_t *values);

#endif
