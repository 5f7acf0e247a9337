/* Weir's one background thread: there while it has something to do.
 *
 * It has two jobs, once a second each: giving idle memory back to the system
 * (heap/scavenge.h) and writing the history (world/pulse.h). It looks at the
 * memory limit as often as that wants (wr_events.watch), and does what it is
 * asked for from outside; the collector, where there is one, looks once a
 * second whether it is time for a cycle (wr_events.tick). It is started when
 * there is something for it, and leaves after some seconds in which there was
 * nothing; a program that lives less than a second and frees little has none.
 *
 * libc does not know the thread. So calls that must reach every thread of the
 * process, or that need a process of one thread (setuid, unshare), are made
 * between wr_background_stop and wr_background_go. Where it cannot be had
 * (a filter of system calls) the program goes on without.
 * Threads: any. Nothing here allocates or changes errno.
 */
#ifndef WR_WORLD_BACKGROUND_H
#define WR_WORLD_BACKGROUND_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"

/* Allow the thread (off until then). history: for its second job too. */
void wr_background_enable(bool on, bool history);

extern _Atomic uint32_t wr_background_state; /* 0: there is no thread */

/* The program allocates: there will be history to write. Called on slow paths
 * only, no lock held. */
void wr_background_tell_absent(void);
static inline void
wr_background_tell(void)
{
    if (wr_unlikely(atomic_load_explicit(&wr_background_state,
                                         memory_order_relaxed) == 0))
        wr_background_tell_absent();
}
/* The same from where it happens so often that a look at the clock each time
 * would show: every WR_BACKGROUND_OFTEN-th counts. */
#define WR_BACKGROUND_OFTEN 32
extern _Atomic uint32_t wr_background_tells;
static inline void
wr_background_tell_often(void)
{
    uint32_t tells;

    if (wr_likely(atomic_load_explicit(&wr_background_state,
                                       memory_order_relaxed) != 0))
        return;
    /* Some may get lost: that does not matter. */
    tells =
        atomic_load_explicit(&wr_background_tells, memory_order_relaxed) + 1;
    atomic_store_explicit(&wr_background_tells, tells, memory_order_relaxed);
    if (tells % WR_BACKGROUND_OFTEN == 0)
        wr_background_tell_absent();
}

/* Let the thread do what wr_events.asked does, once, soon; in signal handlers
 * too. */
void wr_background_ask(void);
/* From now on wr_events.watch is called, until it says that it need not be.
 * now: soon, and again soon after it was told so again. No lock held. */
void wr_background_watch(bool now);
/* On the thread: wait a little. false: it was told to stop. */
bool wr_background_pause(uint64_t ns);
/* On the thread: the same, without waiting. */
bool wr_background_is_wanted(void);
/* On the thread: before it takes a lock of the heap, and after it gave them
 * back. false: it is kept out just now. */
bool wr_background_enter(void);
void wr_background_leave(void);
/* The thread's own id. */
uint32_t wr_background_tid(void);
/* Which one it is: what is the thread's own, as descriptors are, goes with it,
 * and another has a higher number. */
uint32_t wr_background_turn(void);
/* Are its descriptors its own? Of the thread itself. */
bool wr_background_is_apart(void);

/* From when stop returns until as many calls of go there is no thread. Waits
 * for it to end: call with no lock held. It gives up after a second: a signal
 * handler may have interrupted a thread that holds what the end waits for. */
void wr_background_stop(void);
void wr_background_go(void);

/* Keep the thread out of the heap, so that it holds none of its locks: around
 * the fork of a program whose only other thread it is. false: it is there just
 * now, and was not kept out. let_in: in the parent and in the child. */
bool wr_background_keep_out(void);
void wr_background_let_in(void);
/* In a forked child: the thread is gone. */
void wr_background_fork_child(void);

#endif
