/* Stacks of running threads, on request.
 *
 * A reader of the region queues the capture signal to a thread; the handler
 * stores the thread's stack in its slot and publishes its counts. The signal
 * is SIGURG: ignored by default, so that one that comes too late (the program
 * has just exec'd) does no harm, and hardly used by programs. One that uses
 * it takes it from us and has it for itself.
 * Threads: any; async-signal-safe.
 */
#ifndef WR_PROFILE_CAPTURE_H
#define WR_PROFILE_CAPTURE_H

#include <signal.h>
#include <stdbool.h>

/* Take the signal, unless the program has been started with it ignored or
 * has a handler already. */
void wr_capture_start(void);
/* Does our handler stand for that signal? */
bool wr_capture_owns(int number);
/* The program takes the signal for itself: default action, not ready. */
void wr_capture_stop(void);
/* What sigaction would say if we were not there. */
int wr_capture_pretend(struct sigaction *action);

#endif
