/* The search for leaks: which blocks can nobody reach any more?
 *
 *     wr_leak_search_start();     once: from now on it can be asked for
 *     wr_leak_ask();              and Weir's thread begins one
 *
 * 1. The program stands still (world/stop.h) while a copy of it is made, in
 *    which memory is shared until one of the two writes: some milliseconds.
 * 2. In the copy, which runs when nobody else wants to, everything is marked
 *    that can be reached (mark/mark.h) from its roots (leak/roots.h).
 * 3. What is allocated and has no mark is leaked: the program has no address
 *    of it left, whatever it does later. A block that another leaked one
 *    points at hangs off that.
 * 4. The copy writes a file (region/leaks.h) beside the region and ends.
 *
 * A pointer to the byte behind a block does not point at the block, and yet
 * it may be all that a program keeps of it: such a block is not called leaked,
 * unless another one begins there.
 * What cannot be seen: addresses that are kept in another form (xor, upper
 * bits used), outside the process, or in memory that is not copied to a
 * forked child.
 *
 * Threads: any may ask. Nothing here allocates from the heap.
 */
#ifndef WR_LEAK_SEARCH_H
#define WR_LEAK_SEARCH_H

#include <stdbool.h>

struct wr_stop;

void wr_leak_search_start(void);
/* In signal handlers too. A search that goes on is the answer. */
void wr_leak_ask(void);

/* In a forked child: nobody searches. */
void wr_leak_fork_child(void);

/* One search, to its end or until the thread is told to stop; of Weir's own
 * thread. */
void wr_leak_search(void);

/* Search this very process, which nobody changes meanwhile, and write the
 * file: in the copy. Lock of mheap held. s: its threads; NULL: there is only
 * the caller. */
bool wr_leak_search_here(const struct wr_stop *s, const char *path);

#endif
