/* Words that are read early, while the program stands still, since a copy of
 * it would not have them as they were: those of shared memory, which the
 * program goes on to change, and what the kernel keeps for it (os/kept.h).
 *
 *     wr_early_read();                 the program stands still: before a copy
 *     wr_early_each(visit, arg);       in the copy
 *     wr_early_forget();               in the program
 *
 * A program that takes an address out of shared memory, or reads it from a
 * pipe, has it elsewhere then: a search that looks there later, in memory as
 * it was before, would find the address nowhere.
 * Only words that may be addresses of the heap are kept, and where each was; so
 * much
 * shared memory is read as takes some tenths of a second, and no file.
 *
 * Threads: Weir's own, and the copy. Nothing here allocates from the heap.
 */
#ifndef WR_LEAK_EARLY_H
#define WR_LEAK_EARLY_H

#include <stdbool.h>
#include <stdint.h>

struct wr_root;

#define WR_EARLY_SHARED ((uint64_t)256 << 20) /* bytes of shared memory */

void wr_early_read(void);
/* Were they read? */
bool wr_early_there(void);
/* And all of them? Else there may be addresses that nobody has seen. */
bool wr_early_whole(void);
void wr_early_each(void (*visit)(const struct wr_root *part, void *arg),
                   void *arg);
void wr_early_forget(void);

#endif
