/* Marking beside a program that tells of its stores (weir/store.h).
 *
 *     1. The program stands still for a moment: what its roots point at is
 *        grey. From now on it tells of each word that it overwrites, and what
 *        it allocates is black.
 *     2. It goes on, and so does marking; what it told of becomes grey.
 *     3. When nothing is grey it stands still once more: what it told of since,
 *        and the roots, must lead to nothing white; else that is marked, and 3
 *        comes again. This is the moment of the cycle.
 *     4. It goes on. What is white is written down beside it (gc/judge.h).
 *
 * After Yuasa, "Real-time garbage collection on general-purpose machines"
 * (1990): a snapshot at the beginning.
 *
 * Why nothing is lost. Claim: each block that could be reached in stop 1 gets a
 * mark. Take a path of that moment from a root to it. The root was looked at in
 * the stop, so the first block has its mark. Each further step is a word in a
 * marked block. The marker scans that block some time after the stop; if the
 * word is then as it was, the next block gets its mark. Else it was overwritten
 * after the stop, the first time with the old value told of, which becomes grey
 * at the latest in stop 3. Whatever the program has in hand in the moment of
 * the cycle it had from the path of such a block, or allocated since: both are
 * marked, and so is what they lead to. What it holds from elsewhere, a weak
 * reference or a tie that it takes away, is told of then.
 *
 * A store loads what is there, stores, and asks then whether to tell. A thread
 * that stands in the middle in stop 1 asks after it, and tells. One that stands
 * between its store and telling in stop 3 has the old value in a register or on
 * its stack, which is a root. Two threads that store to one word at once, by
 * weir_store, may both tell of the same old value, and of none for what one
 * stored and the other overwrote: so that takes weir_swap, which knows.
 *
 * A block that is freed by hand in between may have held the only path to
 * another, which is in hand now. So a free block is marked and scanned like any
 * other: it keeps what it held until it is taken again, or its pages go. Then
 * its words are told of before (wr_events.going): those of spans in which
 * blocks were freed since stop 1, of large blocks at once, since those may go
 * to the system. A block that is taken again while it waits to be scanned, is
 * scanned with what it holds then, which does no harm.
 *
 * New blocks are marked by who takes them (gc/judge.h), and never scanned: what
 * they hold the program had in hand. So their first stores need not tell: what
 * they overwrite is no path of the moment of stop 1.
 *
 * What is told goes to rings of words. One is full when Weir's thread did not
 * come by for long: then who tells waits, and if that does not help either the
 * cycle has no result. A place in a ring is taken and filled by one step, so a
 * thread may be interrupted, or ended, anywhere. In a stop all that is there is
 * read, and whoever has not filled its place yet has the word in a register.
 *
 * To be verified the dead are looked for in stop 3 already, and marking pauses
 * after each turn: so that a store that was not told of has time to do harm.
 *
 * Threads: Weir's own, but for wr_barrier_is_used.
 */
#ifndef WR_GC_BARRIER_H
#define WR_GC_BARRIER_H

#include <stdatomic.h>
#include <stdbool.h>

struct wr_cycle;

/* Has the program promised? */
bool wr_barrier_is_used(void);

/* false: it has not, or malloc's blocks are to be roots, or may be dead, and
 * nothing has happened. */
bool wr_barrier_run(struct wr_cycle *c);
void wr_barrier_start(void);
void wr_barrier_fork_child(void);

#endif
