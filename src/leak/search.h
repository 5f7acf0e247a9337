/* The search for leaks: which blocks can nobody reach any more?
 *
 * It runs in a copy of the program (leak/copy.h). There everything is marked
 * that can be reached (mark/mark.h) from its roots (leak/roots.h). What is
 * allocated and has no mark is leaked: the program has no address of it left,
 * whatever it does later. A block that another leaked one points at hangs off
 * that. The answer is a file, laid out in region/leaks.h. Managed blocks are
 * the collector's to free and no leaks; asked for garbage (region/ask.h) the
 * search tells of those, and of no others.
 *
 * A pointer to the byte behind a block does not point at the block, and yet
 * it may be all that a program keeps of it: such a block is not called leaked,
 * unless another one begins there.
 * Other odd pointers (mark/odd.h) keep a block too: not aligned, with other
 * bits above the address. What cannot be seen: addresses in a form that nobody
 * can guess (xor, compressed); outside the process, or in registers of a
 * process that shares its memory; in pages that are empty in children
 * (MADV_WIPEONFORK). What may be in requests to the kernel, or in pages that
 * children do not get (MADV_DONTFORK), lowers the trust.
 */
#ifndef WR_LEAK_SEARCH_H
#define WR_LEAK_SEARCH_H

#include <stdbool.h>

#include "region/leaks.h"

struct wr_copy;

/* What is found: a header and as many records behind it as it says. */
#define WR_LEAK_ROOM                                                           \
    (sizeof(struct wr_leaks_header) + WR_LEAKS_MOST * sizeof(struct wr_leak))

/* h: that much room, all zero. */
void wr_leak_find(const struct wr_copy *c, struct wr_leaks_header *h);
/* As the answer. false: there is no room. */
bool wr_leak_write(const struct wr_copy *c, const struct wr_leaks_header *h);
/* Both. */
bool wr_leak_search(const struct wr_copy *c);

#endif
