/* The heap verifier: is what a cycle has found true, and is the heap whole?
 *
 *     if (!wr_verify(&(struct wr_verify){marks, dead, stop}, &wrong))
 *         wr_die(&wrong);                     once the program goes on
 *
 * It goes over the heap a second time, plainly, without anything of the
 * marker's but the sets that came out of it:
 *
 *     1. What is dead is a whole managed block, live and without a mark.
 *     2. No root leads to a dead block.
 *     3. No block that lives does: neither managed ones that are not dead, nor
 *        those of malloc that have a mark (but for what was in their memory
 *        before it was theirs). So no black block points at a white one,
 *        however the colours are kept.
 *     4. The books of each span are those of its blocks' states, as far as no
 *        thread is in the middle of something.
 *     5. What a thread may hand out next is free.
 *
 * In a young cycle (gc/young.h) words of old spans do not count in 3: one that
 * nobody has written since may be what is left of a pointer to a block that is
 * gone, and lead to another one now, which is dead.
 *
 * It holds whenever sweeping may begin: all stand still and mheap's and
 * mcentral's locks are held, or this is a copy of the program made then. Costs
 * some times what marking does; on by WEIR=gccheckmark=1, and in builds with
 * WR_CHECK unless that is 0.
 *
 * Threads: Weir's own; wr_verify_own: the program's. Allocates nothing.
 */
#ifndef WR_GC_VERIFY_H
#define WR_GC_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct wr_marks;
struct wr_stop;

struct wr_verify {
    const struct wr_marks *marks, *dead;
    const struct wr_stop *stop; /* NULL: roots are not looked at */
    bool malloc;                /* its blocks may be dead, too */
    bool beside; /* it was marked while blocks were made: one of malloc's may
                    hold words of who had its memory before */
    bool told;   /* by the program's stores: who did not tell is to blame */
    bool young;  /* old spans vouch for themselves */
    uint32_t under_way; /* frees of blocks of others at most, one a thread */
};

/* false: no, and a sentence says what is wrong. */
bool wr_verify(const struct wr_verify *v, struct wr_text *wrong);

/* 4 and 5 of all that the calling thread owns, while it is not in the middle
 * of something. Stops the program if they do not hold. */
void wr_verify_own(void);

#endif
