/* Who holds what: the roots of a snapshot by name, and all that hangs off
 * them.
 *
 *     struct wr_holders h;
 *     if (wr_holders_make(&h, &snapshot, spots, why, sizeof why) == 0) {
 *         for (n = node; n != h.paths.top; n = h.paths.parent[n])
 *             ... wr_holders_root(&h, n) ? wr_holders_root(&h, n)->spot
 *                                        : wr_snapshot_block(&snapshot, n) ...
 *     }
 *
 * All words of one variable, one frame, one thread's registers or one mapping
 * are one root. Nodes of the net below snapshot.nodes are blocks, those from
 * there on roots.
 *
 * Roots differ in how long they last. Variables and thread-local storage stay;
 * what a stack or a register holds comes and goes with a call; and what mapped
 * memory holds may be anything. So what a variable leads to counts as kept by
 * variables alone, whatever stacks point at it in passing; what else a stack
 * leads to, as kept by stacks. The net has no pointers from roots that do not
 * count.
 *
 * Threads: one at a time. Ownership: snapshot and spots must outlive it.
 */
#ifndef WR_ANALYSE_HOLDERS_H
#define WR_ANALYSE_HOLDERS_H

#include <stddef.h>
#include <stdint.h>
#include "analyse/net.h"
#include "analyse/spots.h"

struct wr_snapshot;
struct wr_root_word;

struct wr_holder {
    struct wr_spot spot;   /* its offset: of the first word */
    uint32_t first, count; /* of words */
};

struct wr_holders {
    const struct wr_snapshot *snapshot;
    struct wr_holder *roots; /* by kind, then place */
    uint32_t root_count;
    struct wr_root_word *words; /* by root, then address */
    struct wr_net net;
    struct wr_tree paths; /* the shortest ones, from the roots that count */
};

/* 0, or -1 with a sentence. */
int wr_holders_make(struct wr_holders *h, const struct wr_snapshot *s,
                    struct wr_spots *spots, char *why, size_t n);
void wr_holders_fini(struct wr_holders *h);

/* NULL: the node is a block. */
const struct wr_holder *wr_holders_root(const struct wr_holders *h,
                                        uint32_t node);

int wr_holders_dominators(const struct wr_holders *h, struct wr_tree *t,
                          char *why, size_t n);

/* Where in the holder, a root or block, the first word is that points at the
 * node: an address for a root, an offset for a block; -1: nowhere. */
int64_t wr_holders_word(const struct wr_holders *h, uint32_t holder,
                        uint32_t node);

/* By node of the net: its root on the shortest path, itself for one; NONE:
 * nothing leads there. NULL: no memory; else the caller's. */
uint32_t *wr_holders_root_of(const struct wr_holders *h);

/* How many words point at it, of blocks and of roots of any kind. */
uint32_t wr_holders_pointers(const struct wr_holders *h, uint32_t node);

/* Bytes by node of a tree's, each with all below it (of blocks: their size
 * alone too); blocks: their number instead. NULL: no memory; else the
 * caller's. */
uint64_t *wr_holders_sums(const struct wr_holders *h, const struct wr_tree *t,
                          int blocks);

#endif
