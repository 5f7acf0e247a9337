/* Large arrays that only small parts lead to.
 *
 *     struct wr_parts p;
 *     if (wr_parts_find(&p, &holders) == 0) {
 *         for (size_t i = 0; i < p.count; i++)
 *             ... wr_snapshot_block(holders.snapshot, p.list[i].node) ...
 *         wr_parts_fini(&p);
 *     }
 *
 * A slice of Weir's (weir/slice.h) that borrows says in its words of how many
 * items it is a part; the program writes down which such pointers it has into
 * large blocks (region/snapshot.h). Where a root leads to a block and it has no
 * other pointers, all of it is held for these few items: they should have been
 * copied out.
 *
 * Threads: one. Ownership: the list is the struct's.
 */
#ifndef WR_ANALYSE_PARTS_H
#define WR_ANALYSE_PARTS_H

#include <stddef.h>
#include <stdint.h>

struct wr_holder;
struct wr_holders;

struct wr_parts_row {
    uint32_t node;                /* the array's block */
    const struct wr_holder *root; /* the nearest that leads there */
    uint64_t parts;               /* words that point at it */
    uint64_t items, of;           /* of all different parts; of the array */
    uint64_t bytes;               /* of the block */
};

struct wr_parts {
    struct wr_parts_row *list; /* the largest blocks first */
    size_t count;
};

/* -1: no memory. */
int wr_parts_find(struct wr_parts *p, const struct wr_holders *h);
void wr_parts_fini(struct wr_parts *p);

#endif
