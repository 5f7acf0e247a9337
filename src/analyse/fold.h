/* A tree of blocks, folded: blocks that hang alike are one.
 *
 *     struct wr_fold f;
 *     if (wr_fold_make(&f, &holders, &tree, same) == 0)
 *         for (uint32_t i = 0; i < f.count; i++)
 *             f.nodes[i].bytes ...
 *
 * Two children of one folded node are the same when they were allocated at one
 * site, or, of blocks that were not sampled, when they have one size. A block
 * like one of the nearest above it (the next of a list, a tree's subtree) is
 * that one again: so a list of a million is one node, that hangs off its head.
 * A block that was not sampled is like one of its size that was.
 *
 * Threads: one. -1: no memory.
 */
#ifndef WR_ANALYSE_FOLD_H
#define WR_ANALYSE_FOLD_H

#include <stdint.h>
#include "analyse/net.h"

struct wr_holders;
struct wr_same;

enum wr_fold_kind { WR_FOLD_TOP, WR_FOLD_ROOT, WR_FOLD_BLOCKS };

#define WR_FOLD_NO_BUCKET UINT32_MAX

struct wr_fold_node {
    enum wr_fold_kind kind;
    uint32_t parent;        /* of nodes */
    uint32_t root;          /* of a root: of holders.roots */
    uint32_t bucket;        /* of blocks: the first one's site, or NO_BUCKET */
    uint32_t site;          /* of blocks: their site, or that of siblings of
                               the same size, the most; or NO_BUCKET */
    uint64_t size;          /* of one block */
    uint64_t blocks, bytes; /* here, without what hangs off */
    uint64_t all_blocks, all_bytes; /* with that */
    uint32_t example;               /* a node of the net that is here */
};

struct wr_fold {
    struct wr_fold_node *nodes; /* [0] is the top; parents come first */
    uint32_t count, room;
    uint32_t *of;   /* by node of the net: its folded node; WR_NET_NONE: it is
                       not in the tree */
    uint32_t *slot; /* how children are found */
    uint32_t mask;
};

/* same: the sites; NULL: each bucket is one. */
int wr_fold_make(struct wr_fold *f, const struct wr_holders *h,
                 const struct wr_tree *t, const struct wr_same *same);
void wr_fold_fini(struct wr_fold *f);

#endif
