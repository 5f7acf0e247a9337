/* The pulse: once a second, how the program is, for the history in its region.
 *
 *     wr_pulse_begin(apart);
 *     while (wr_pulse())
 *         wait_a_second();
 *
 * A point of the history costs some ten microseconds, nearly all of it the
 * kernel's account of the process. Called by Weir's background thread alone;
 * needs no thread-local storage, allocates nothing, takes no lock.
 */
#ifndef WR_WORLD_PULSE_H
#define WR_WORLD_PULSE_H

#include <stdbool.h>
#include <stdint.h>

/* A program younger than this (uptime) has no history. */
#define WR_PULSE_AGE_NS UINT64_C(1000000000)

/* The thread begins (again). may_open: a file that it opens for a moment is
 * seen by no other thread. */
void wr_pulse_begin(bool may_open);
/* Write what changed since the last call: did anything, or is there something
 * that will be written later? */
bool wr_pulse(void);

#endif
