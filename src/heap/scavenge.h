/* The scavenger: gives idle pages back to the system, a bit at a time.
 *
 *     while (wr_scavenge())
 *         wait_a_second();
 *
 * Each call returns half of the memory that nobody needed since the one
 * before, and the free pages of spans that lie still (purge.h); called once a
 * second, a program that goes quiet is down to a thousandth of what it had
 * free after ten, a busy one keeps its working set. Who calls it listens to
 * wr_events.memory_idle (world/background.h does).
 */
#ifndef WR_HEAP_SCAVENGE_H
#define WR_HEAP_SCAVENGE_H

#include <stdbool.h>
#include <stddef.h>

/* One second's work; is there more to come? One thread; it needs no
 * thread-local storage. */
bool wr_scavenge(void);

/* There are so many bytes idle and resident. Any thread, no lock held. */
void wr_scavenge_tell(size_t idle);
/* So many were freed in spans that are not empty; same callers. Fewer than
 * WORTH are not worth telling anybody. */
#define WR_SCAVENGE_WORTH ((size_t)1 << 20)
void wr_scavenge_tell_freed(size_t bytes);

#endif
