/* Writing down what points at what, for those who ask who keeps a block alive.
 *
 *     wr_snapshot_search(&copy);     in a copy of the program (leak/copy.h)
 *
 * The copy only looks once at each word of each live block and of the roots
 * and writes down which block it has an address of, if any (region/snapshot.h).
 * Paths, retained sizes and names are found outside, by who reads the file: so
 * the search needs little more than a buffer, whatever the size of the heap.
 * In bytes: 32 for a span and a bit for a block, and a megabyte.
 *
 * Of pointers to large blocks it writes down which are small parts of slices.
 *
 * A heap's look-ups wait for memory, so words are looked up in groups, each
 * step for the whole group, and asks for the memory of the next.
 *
 * Threads: as in leak/copy.h. Lock of mheap held.
 */
#ifndef WR_LEAK_SNAPSHOT_H
#define WR_LEAK_SNAPSHOT_H

#include <stdbool.h>

struct wr_copy;

/* false: there was no memory or no room for the file. */
bool wr_snapshot_search(const struct wr_copy *c);

#endif
