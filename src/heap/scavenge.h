/* The scavenger: gives idle pages back to the system, in the background.
 *
 * One thread of Weir's own (os.h), started when there is something to do for
 * it and asleep otherwise. Once a second it returns half of the memory that
 * nobody needed in that whole second; a program that goes quiet is down to a
 * thousandth of what it had free after ten, a busy one keeps its working set.
 */
#ifndef WR_HEAP_SCAVENGE_H
#define WR_HEAP_SCAVENGE_H

#include <stdbool.h>
#include <stddef.h>

/* Allow the thread (off until then). */
void wr_scavenge_enable(bool on);
/* There are so many bytes idle and resident. Any thread, no lock held. */
void wr_scavenge_tell(size_t idle);
/* In a forked child: the thread is gone. */
void wr_scavenge_fork_child(void);

#endif
