/* Holding threads still by the means of debuggers.
 *
 *     bool may = wr_hold_begin();
 *     if (may)
 *         wr_hold(&s->thread[0], s->count, until);
 *     wr_hold_let_go();
 *     wr_hold_end();
 *
 * A thread may not trace those of its own process, so a helper does it: a
 * process that shares the memory, is there from begin to end and does nothing
 * else. What a held thread was waiting for it goes on waiting for, and it may
 * block any signal. Systems forbid it to some: then begin or the single hold
 * fails, and a signal has to do.
 *
 * Threads: one at a time; all from the same one of Weir's own.
 */
#ifndef WR_WORLD_HOLD_H
#define WR_WORLD_HOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wr_stopped;

/* The helper is there, and waits: all that takes long before anybody is held.
 * false: there is none to be had. */
bool wr_hold_begin(void);
/* Hold those of n threads that did not answer yet: they get WR_HELD, and where
 * their registers are. How many that are. One that did not stop until then
 * (wr_os_monotonic) does so later, and stands till the end all the same. */
size_t wr_hold(struct wr_stopped *list, size_t n, uint64_t until);
/* Let all go: when that was (wr_os_monotonic). Then see the helper off, which
 * takes longer than they should wait. Both are fine without begin. */
uint64_t wr_hold_let_go(void);
void wr_hold_end(void);
/* In a forked child there is no helper. */
void wr_hold_fork_child(void);

#endif
