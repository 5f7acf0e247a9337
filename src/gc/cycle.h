/* One cycle of the collector: which managed blocks are dead?
 *
 *     struct wr_cycle c = {.begun = is_begun};
 *     wr_cycle_run(&c);
 *     if (c.done)
 *         wr_sweep_begin(c.dead);
 *
 * As of a moment when the program stands still (world/stop.h), everything is
 * marked that can be reached from its roots (leak/roots.h, leak/known.h),
 * through managed blocks and those of malloc alike. Tri-colour: after the
 * marker has finished there is no grey block, and no black one points at a
 * white one. A managed block that is white then is dead: nobody has its
 * address, so nobody can ever store it anywhere. What is allocated from that
 * moment on is not looked at.
 *
 * There are two ways. A small heap is marked while the program stands still. Of
 * a larger one a copy is made (os/process.h) in that moment, in which marking
 * goes on beside the program: what was dead then is dead for ever, whatever the
 * program does meanwhile, so it needs no barrier. Where there is no copy to be
 * had, or too little memory for what the program writes meanwhile, the first
 * way has to do.
 *
 * Where blocks of malloc may be dead too (gc/doubt.h) they are looked for with
 * the care of a search for leaks (leak/reach.h). `dead` then holds those, too,
 * that are not reached for the first time; and none at all if there was
 * anything in which nobody could look.
 *
 * What the verifier finds wrong is a thread of the program's to say: Weir's own
 * has no stderr.
 *
 * If one thread does not stand still, or there is no memory for the marks,
 * nothing is proved and the cycle has no result.
 *
 * Threads: Weir's own. Units: nanoseconds, bytes.
 */
#ifndef WR_GC_CYCLE_H
#define WR_GC_CYCLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct wr_marks;

struct wr_cycle {
    bool forced;  /* asked for by a call */
    bool by_time; /* there had been none for long */
    bool all;     /* blocks of malloc are roots, whoever has them */
    bool malloc;  /* blocks of malloc may be dead, too */
    bool beside;  /* in a copy, if there is one to be had */
    bool verify;  /* what it finds, before anybody hears of it (gc/verify.h) */
    /* Behind what it may have to wait for; false: it is not wanted any more. */
    bool (*begun)(void);

    bool done; /* the rest is meaningful; beside: if it was */
    /* wr_os_monotonic: threads begin to stop, all stand, all go on; all is
     * marked; the dead are known */
    uint64_t stopped_ns, stood_ns, go_on_ns, marked_ns, ended_ns;
    uint64_t reached;           /* wr_managed_grown() in that moment */
    uint64_t roots;             /* bytes looked at */
    uint64_t scanned;           /* those and of blocks */
    uint64_t live, live_blocks; /* reached, of those that may be dead */
    uint64_t dead_bytes, dead_blocks;
    uint64_t suspect_bytes; /* of malloc: not reached, but not dead yet */
    struct wr_marks *dead;
    struct wr_text wrong; /* what the verifier says; empty: nothing */
};

void wr_cycle_run(struct wr_cycle *c);

#endif
