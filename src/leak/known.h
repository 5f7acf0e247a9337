/* What the program has told of its memory: roots of its own, and blocks that
 * are not to be called leaked.
 *
 *     wr_known_root_add(&(struct wr_known_root){from, bytes, ~0, 0});
 *     wr_known_excuse(block);
 *
 * A block that was sampled has its excuse in the ledger (profile/sample.h),
 * and loses it when it is freed. Of others the address is kept here; it is
 * forgotten when there is no such block any more and room is needed, and until
 * then excuses what is allocated there next.
 *
 * Threads: any, but for the search's side, which is called while the others
 * stand still: so that each change is one store. Nothing here allocates from
 * the heap.
 */
#ifndef WR_LEAK_KNOWN_H
#define WR_LEAK_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wr_marker;

/* A word there is an address after (word ^ flip) & keep. */
struct wr_known_root {
    uintptr_t from;
    size_t bytes;
    uintptr_t keep, flip;
};

/* false: no memory. */
bool wr_known_root_add(const struct wr_known_root *r);
/* The latest that begins there. false: there is none. */
bool wr_known_root_remove(uintptr_t from);

/* The block that this points into, and what only it leads to. false: there is
 * none, or no memory. */
bool wr_known_excuse(const void *p);
/* Blocks may have an excuse in the ledger from now on. */
void wr_known_some_excused(void);

/* Mark all that. Lock of mheap held. Bytes looked at. */
uint64_t wr_known_mark(struct wr_marker *m);

void wr_known_fork_child(void);

#endif
