/* What was lost earlier: a file beside the region, "<region>.mark", in which a
 * search leaves the addresses of what it found leaked, for a later search to
 * leave out. Who is leaked cannot be freed, so an address stays that block's.
 *
 * In a copy of the program. Nothing here allocates from the heap.
 */
#ifndef WR_LEAK_EARLIER_H
#define WR_LEAK_EARLIER_H

#include <stdbool.h>
#include <stdint.h>

struct wr_copy;
struct wr_marks;

/* Add to the set what the mark has; ns: when it was set (CLOCK_REALTIME), 0:
 * there is none. Lock of mheap held. */
uint64_t wr_earlier_read(struct wr_marks *set);
/* The blocks of both sets become the mark. false: there is no room. */
bool wr_earlier_write(const struct wr_copy *c, const struct wr_marks *one,
                      const struct wr_marks *other, uint64_t blocks);

#endif
