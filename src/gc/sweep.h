/* Sweeping: what a cycle has proved dead becomes free, little by little.
 *
 *     wr_sweep_begin(dead);         a cycle ended; dead is the sweeper's now
 *     ...                           threads sweep their own spans when they
 *                                   need blocks (wr_events.sweep)
 *     wr_sweep_finish();            the rest: before the next cycle begins
 *                                   (these never at once)
 *
 * A dead block cannot be freed or come back to life: nobody has its address.
 * So it does not matter when it is swept, and by whom; but it must happen
 * once, since the block is another one after that. Each span is claimed for
 * the cycle, by whoever comes first (wr_span.swept).
 *
 * Threads: any of the program's; not Weir's own, which must not write what a
 * program of one thread changes without locks, and only begins.
 */
#ifndef WR_GC_SWEEP_H
#define WR_GC_SWEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "heap/span.h"

struct wr_marks;

/* Beside a span's bits in a set of the dead: of what kind its blocks were. A
 * program may free a block of malloc's that it has the address of in a form
 * that nobody sees. When all that the span had are gone its pages may become
 * another, of managed blocks, that those bits say nothing about. (Dead blocks
 * of that kind nobody frees, so their spans stay.) */
static inline uint16_t
wr_sweep_note(const struct wr_span *s)
{
    return (uint16_t)(1 + wr_span_kind(s));
}

/* Does a set of the dead have it? */
bool wr_sweep_is_dead(const struct wr_marks *d, const struct wr_span *s,
                      unsigned block);

/* Listen to the heap's wish for free blocks. clobber: what is freed is
 * overwritten, so that who has it yet sees that. */
void wr_sweep_start(bool clobber);
/* Nothing is being swept: the last cycle was finished. */
void wr_sweep_begin(struct wr_marks *dead);
/* false: the calling thread was interrupted while it was sweeping. */
bool wr_sweep_finish(void);
/* From Weir's thread: what is not swept yet is let be, to be found dead by the
 * next cycle. false: somebody is at it. */
bool wr_sweep_drop(void);
/* Some, in the order of addresses, from who allocates: that little is left
 * when the next cycle begins. */
void wr_sweep_some(void);
/* In a forked child: the other threads are gone. */
void wr_sweep_fork_child(void);

#endif
