/* Which part of a thread's stack is in use.
 *
 *     if (wr_stack_is_plain(t, main)) ...     below its stack pointer: nothing
 *     wr_stack_each_ended(stop, call, arg);   stacks that nobody uses
 *
 * Below the stack pointer lies what returned functions left, unless the thread
 * runs on a piece of its stack that it was given for that, a coroutine's or the
 * alternate one of signals: then frames that wait may lie there. So it is
 * nothing only when the frames, one above the other, lead to where the thread
 * began.
 * The stack of a thread that has ended libc keeps for the next one; until then
 * what it left there is nothing either.
 *
 * Threads: note, begin: any. The others: Weir's own, while the program stands
 * still, or a copy. Nothing here allocates from the heap.
 */
#ifndef WR_LEAK_STACK_H
#define WR_LEAK_STACK_H

#include <stdbool.h>
#include <stdint.h>

struct wr_stop;
struct wr_stopped;

/* Of the calling thread, when it begins: where its first function of ours
 * returns to, the same for all threads; its stack, unless the program gave it
 * that; and what pthread_self() says, which lies in there. */
void wr_stack_begin(uintptr_t return_address);
void wr_stack_note(uintptr_t lo, uintptr_t hi, uintptr_t self);

/* main: it stands on the stack of the process's first thread. */
bool wr_stack_is_plain(const struct wr_stopped *t, bool main);

/* Which part of *from .. *end does no thread use that is there? The first of
 * it: *from and *end become its bounds. false: none. stop: all threads. */
bool wr_stack_find_ended(const struct wr_stop *stop, uintptr_t *from,
                         uintptr_t *end);

#endif
