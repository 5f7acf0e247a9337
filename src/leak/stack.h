/* Which part of a thread's stack is in use.
 *
 *     wr_stack_look(t, main, &use);           use.low: below it is nothing
 *     wr_stack_find_ended(stop, &from, &end)  stacks that nobody uses
 *
 * Below the stack pointer lies what returned functions left, unless the thread
 * runs on a piece of its stack that it was given for that, a coroutine's or the
 * alternate one of signals: then frames that wait may lie there. So it is
 * nothing only when the frames, one above the other, lead to where the thread
 * began.
 * The stack of a thread that has ended libc keeps for the next one; until then
 * what it left there is nothing either, nor is its result when nobody can ask
 * for that any more.
 * The thread that ends the program waits in Weir, which exit() has called, and
 * nobody goes back from there. What these two have on the stack are no words of
 * the program, but for those that were there before, in slots they do not
 * write: nothing again. It counts what the caller of exit() has, the registers
 * too, as it would find them.
 *
 * Threads: note, begin, ends: any. The others: Weir's own, while the program
 * stands still, or a copy. Nothing here allocates from the heap.
 */
#ifndef WR_LEAK_STACK_H
#define WR_LEAK_STACK_H

#include <stdbool.h>
#include <stdint.h>

struct wr_regs;
struct wr_stop;
struct wr_stopped;

/* Of the calling thread, when it begins: where its first function of ours
 * returns to, the same for all threads; its stack, unless the program gave it
 * that; what pthread_self() says, which lies in there; and is it recorded as
 * one that can be joined (world/joinable.h)? */
void wr_stack_begin(uintptr_t return_address);
void wr_stack_note(uintptr_t lo, uintptr_t hi, uintptr_t self, bool recorded);

/* The calling thread ends the program: it waits further down than the frame at
 * that address, which returns to that place in exit() or its like; 0: to
 * nowhere that is known. false: another thread has said so already. */
bool wr_stack_ends(uintptr_t frame, uintptr_t caller);
/* It does not wait any more. */
void wr_stack_ends_not(void);

void wr_stack_fork_child(void);

/* How a thread that stands still uses its stack. */
struct wr_stack_use {
    bool plain;                 /* what lies below `low` is nothing */
    uintptr_t low;              /* else: where its stack ends */
    const struct wr_regs *regs; /* the general ones as it can use them; NULL: as
                                   they are */
    bool wide;                  /* it may use the wide ones */
};

/* main: it stands on the stack of the process's first thread. */
void wr_stack_look(const struct wr_stopped *t, bool main,
                   struct wr_stack_use *use);

/* Which part of *from .. *end does no thread use that is there? The first of
 * it: *from and *end become its bounds. false: none. stop: all threads. */
bool wr_stack_find_ended(const struct wr_stop *stop, uintptr_t *from,
                         uintptr_t *end);

#endif
