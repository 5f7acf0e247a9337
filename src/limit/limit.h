/* The soft limit at work: see include/weir/limit.h for what it promises.
 *
 *     wr_limit_start();
 *     wr_limit_set(512 << 20, false);
 *
 * Two places: a thread that takes pages while the heap stands above its alarm
 * gives as many idle ones back first (wr_events.memory_near); and Weir's
 * background thread looks at the whole process, at a pace that the distance to
 * the limit sets (wr_events.watch). Below 90% of the limit the first costs a
 * load and a comparison for each span, the second 30 us a second.
 * Threads: any; no libc lock is taken, nothing allocated.
 */
#ifndef WR_LIMIT_LIMIT_H
#define WR_LIMIT_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

/* Listen to the heap and the background; once. */
void wr_limit_start(void);
/* As weir_limit_set. false: the limit makes no sense. */
bool wr_limit_set(uint64_t bytes, bool hard);
/* Keep looking at least that often, for who wants to see limit_held; 0: as
 * the limit needs. */
void wr_limit_look_every(uint64_t ns);
/* In a forked child: the monitor is gone. */
void wr_monitor_fork_child(void);
/* In a forked child: its own figures. */
void wr_limit_fork_child(void);

#endif
