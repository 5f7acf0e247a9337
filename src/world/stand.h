/* Threads that wait for what Weir's thread does stand still meanwhile, of their
 * own accord: a stop need not hold them.
 *
 *     wr_stand(wait);                       the thread's side: wait(true)
 *
 *     n = wr_stand_take(list, count);       the stop's: these stand
 *     wr_stand_let_go();                    and may leave
 *
 * While wait runs the thread's registers are known, no signal's handler runs on
 * it, and once it was taken it does not return before it is let go. wait
 * changes nothing that a stop relies on: it does not touch the heap, nor memory
 * of the program. Where there is no place for one more, wait(false) runs, as
 * anything does.
 *
 * Threads: one stop at a time.
 */
#ifndef WR_WORLD_STAND_H
#define WR_WORLD_STAND_H

#include <stdbool.h>
#include <stddef.h>

struct wr_stopped;

void wr_stand(void (*wait)(bool stands));

/* Of n threads those that stand have answered then (WR_STOOD): how many. */
size_t wr_stand_take(struct wr_stopped *list, size_t n);
void wr_stand_let_go(void);

/* In a forked child: nobody stands. */
void wr_stand_fork_child(void);

#endif
