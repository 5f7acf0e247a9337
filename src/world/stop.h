/* Stopping the program: every thread of it stands still, its registers and the
 * place it has reached on its stack are known.
 *
 *     wr_stop_prepare();
 *     struct wr_stop *s = wr_stop_begin(self, 100 * MS);
 *     if (s != NULL)
 *         for (size_t i = 0; i < s->count; i++)
 *             if (s->thread[i].sp != 0) ...
 *     wr_stop_end(s);
 *
 * A helper holds each thread as a debugger would (world/hold.h). Where the
 * system forbids that, a signal, queued to the thread, makes it wait in Weir's
 * handler (profile/capture.h); a system call that was waiting then begins anew
 * or ends with EINTR, as after any signal whose handler says SA_RESTART, and a
 * thread that blocks the signal does not answer: it goes on.
 * Either way it stands wherever it was: in libc with its locks held, too. So
 * between begin and end nothing may be called that could wait for a thread of
 * the program.
 *
 * Threads: one stop at a time, from Weir's own thread. Units: nanoseconds.
 */
#ifndef WR_WORLD_STOP_H
#define WR_WORLD_STOP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

/* How a thread answered: nothing yet, it may be running; in the handler; by the
 * helper's hand; it has ended. */
enum wr_answered { WR_SILENT, WR_STOOD, WR_HELD, WR_GONE };

struct wr_stopped {
    uint32_t tid;
    _Atomic uint32_t answered; /* enum wr_answered */
    /* Of one that answered; all 0 when it has ended: */
    uintptr_t sp;               /* where the interrupted code's stack ends */
    uintptr_t frame, frame_end; /* memory that holds all its registers; */
    uintptr_t wide, signals; /* of one held: where the wide ones are, and then
                                values of signals that wait; else frame_end */
    uintptr_t stack_lo, stack_hi; /* bounds of its stack; 0: not known */
};

struct wr_stop {
    size_t count, answered;
    uint64_t began_ns, ended_ns, patience_ns;
    struct wr_stopped thread[];
};

/* Before begin, while the program runs: what else would lengthen the stop, the
 * start of the helper. begin must follow, by the same thread. */
void wr_stop_prepare(void);

/* NULL: the system does not say which threads there are, or the signal is not
 * Weir's in this program. self: the calling thread, which goes on. */
struct wr_stop *wr_stop_begin(uint32_t self, uint64_t patience_ns);
/* They go on. What begin returned is there until the next begin. NULL is
 * fine. */
void wr_stop_end(struct wr_stop *s);

/* From the signal's handler: is this word a wish to stop? Then it waits here,
 * and is done. */
bool wr_stop_here(uintptr_t word, const ucontext_t *context);

/* In a forked child: nobody is stopped. */
void wr_stop_fork_child(void);

/* Which signal it is; 0: none is in place. Set by who has the handler. */
void wr_stop_signal(int number);

#endif
