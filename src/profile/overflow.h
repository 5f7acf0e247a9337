/* A thread that uses up its stack: written down before the program ends of it.
 *
 * Where asked for, a handler of SIGSEGV stands on a stack of its own for each
 * thread. It notes the end of a stack in the region and does nothing else: the
 * signal then has its default action at the same instruction, so the program
 * ends as it would have, with the same status and core.
 * A program that has a handler of its own, or takes one, keeps it, and there
 * are no reports; one that has a signal stack of its own keeps that.
 * Threads: any.
 */
#ifndef WR_PROFILE_OVERFLOW_H
#define WR_PROFILE_OVERFLOW_H

#include <signal.h>
#include <stdbool.h>

/* From now on, for the calling thread; the region is there. */
void wr_overflow_start(void);
/* For the calling thread, too; until it ends. */
void wr_overflow_thread(void);
/* Does our handler stand for that signal? */
bool wr_overflow_owns(int number);
/* The program takes the signal for itself. */
void wr_overflow_stop(void);
/* Is this what sigaltstack told one of our stacks? */
bool wr_overflow_is_stack(const stack_t *stack);

#endif
