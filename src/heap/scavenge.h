/* The scavenger: gives idle pages back to the system, in the background.
 *
 * A thread of Weir's own (os.h), there only while it has something to do.
 * Once a second it returns half of the memory that nobody needed in that
 * whole second, and the free pages of spans that lie still (purge.h); a
 * program that goes quiet is down to a thousandth of what it had free after
 * ten, a busy one keeps its working set.
 *
 * libc does not know the thread. So calls that must reach every thread of the
 * process, or that need a process of one thread (setuid, unshare), are made
 * between wr_scavenge_stop and wr_scavenge_go.
 */
#ifndef WR_HEAP_SCAVENGE_H
#define WR_HEAP_SCAVENGE_H

#include <stdbool.h>
#include <stddef.h>

/* Allow the thread (off until then). */
void wr_scavenge_enable(bool on);
/* There are so many bytes idle and resident. Any thread, no lock held. */
void wr_scavenge_tell(size_t idle);
/* So many were freed in spans that are not empty; same callers. Fewer than
 * WORTH are not worth a thread. */
#define WR_SCAVENGE_WORTH ((size_t)1 << 20)
void wr_scavenge_tell_freed(size_t bytes);
/* From when stop returns until as many calls of go there is no thread. Waits
 * for it to end: call with no lock held. It gives up after a second: a signal
 * handler may have interrupted a thread that holds what the end waits for. */
void wr_scavenge_stop(void);
void wr_scavenge_go(void);
/* There may be a thread just now. */
bool wr_scavenge_working(void);
/* In a forked child: the thread is gone. */
void wr_scavenge_fork_child(void);

#endif
