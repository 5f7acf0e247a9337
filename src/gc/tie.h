/* Ties: what hangs on the life of a managed block.
 *
 *     pin         it lives, whoever has it
 *     ephemeron   as long as it lives, another one does
 *     link        a word that is made 0 when it dies
 *     cleanup     a function that is called after it died
 *     finalizer   a function that is called with it when nobody else has it
 *
 * In a cycle, all ties held back (lock), after the roots are marked:
 *     1. pins, and what functions are to be called with, are roots.
 *     2. Values of ephemerons whose keys have a mark get one, again and again.
 *     3. Words linked to blocks without a mark become 0.
 *     4. From the blocks with a finalizer that have no mark everything is
 *        marked, but not they themselves: those that get none by that hang off
 *        no other, and are ready. They are marked now, and live until their
 *        finalizer has run. So of two that are tied the one that has the other
 *        goes first; of a ring of such none goes. From unordered ones nothing
 *        is marked before that: they hold nobody back.
 *     5. Cleanups of blocks without a mark are ready.
 *
 * In a copy of the program only 1 and 2 are done; there are no links and
 * finalizers then, since a program that looks at a link meanwhile would get a
 * block that is dead. 5 follows from the set of the dead.
 *
 * What is ready is called by a thread of libc's, with all signals blocked,
 * which is started when there is something for it; or by the program, when that
 * says so.
 */
#ifndef WR_GC_TIE_H
#define WR_GC_TIE_H

#include <stdbool.h>
#include <stdint.h>

struct wr_marker;
struct wr_marks;

enum wr_tie {
    WR_TIE_NONE,
    WR_TIE_PIN,
    WR_TIE_EPHEMERON, /* arg: the value */
    WR_TIE_LINK,      /* key: the word; arg: the block */
    WR_TIE_CLEANUP,
    WR_TIE_FINALIZER,
    WR_TIE_UNORDERED, /* a finalizer, too */
    WR_TIE_READY_CLEANUP,
    WR_TIE_READY_FINALIZER
};

/* One more. false: no memory. */
bool wr_tie_add(enum wr_tie kind, uintptr_t key, uintptr_t arg,
                void (*fn)(void));
/* Take away one of that kind, or (NONE) all that the key has. false: there
 * was none. */
bool wr_tie_remove(enum wr_tie kind, uintptr_t key);

/* What it has of that kind. false: nothing. */
bool wr_tie_find(enum wr_tie kind, uintptr_t key, uintptr_t *arg,
                 void (**fn)(void));
/* The same tie has another key from now on, in the place of what that has.
 * false: there is none. */
bool wr_tie_move(enum wr_tie kind, uintptr_t from, uintptr_t to);

/* Around what follows; from Weir's thread, before the program stands still.
 * Around fork, too. */
void wr_ties_lock(void);
void wr_ties_unlock(void);
/* May a copy do? Lock held. */
bool wr_ties_allow_copy(void);
/* Steps 1 to 5, 1 and 2 in a copy. The roots are fed. false: no memory. */
bool wr_ties_mark(struct wr_marker *m, const struct wr_marks *marks,
                  bool in_copy);
/* Of steps 1 and 2 what can be done while the program runs and marking goes on:
 * values whose keys have a mark as yet. Lock held; what is reached stays grey.
 */
void wr_ties_mark_early(struct wr_marker *m, const struct wr_marks *marks);
/* Step 5, and ephemerons whose keys are dead. Takes the lock. */
void wr_ties_bury(const struct wr_marks *dead);

/* Functions may be ready: see to it that there is a thread for them. */
void wr_ties_wake(void);
void wr_ties_run(void); /* the same, from a thread of the program; cheap */
/* Whether the program calls, and not that thread. */
void wr_ties_by_program(bool on);
/* How many wait to be called; call them, on this thread: how many it were. */
unsigned wr_ties_ready(void);
unsigned wr_ties_call_ready(void);
void wr_ties_fork_child(void);

#endif
