/* One cycle of the collector: which managed blocks are dead?
 *
 *     struct wr_cycle c = {.forced = true};
 *     wr_cycle_run(&c);
 *     if (c.done)
 *         wr_sweep_begin(c.dead);
 *
 * The program stands still (world/stop.h) while everything is marked that can
 * be reached from its roots (leak/roots.h, leak/known.h), through managed
 * blocks and those of malloc alike. Tri-colour: after the marker has finished
 * there is no grey block, and no black one points at a white one. A managed
 * block that is white then is dead: nobody has its address, so nobody can ever
 * store it anywhere. What is allocated from then on is not looked at.
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

struct wr_marks;

struct wr_cycle {
    bool forced; /* asked for by a call */
    bool all;    /* blocks of malloc are roots, whoever has them */
    /* Behind what it may have to wait for; false: it is not wanted any more. */
    bool (*begun)(void);

    bool done; /* the rest is meaningful */
    /* wr_os_monotonic: asked for; threads begin to stop, all stand, all is
     * marked, the dead are known and all go on */
    uint64_t began_ns, stopped_ns, stood_ns, marked_ns, ended_ns;
    uint64_t roots;             /* bytes looked at */
    uint64_t scanned;           /* those and of blocks */
    uint64_t live, live_blocks; /* managed: bytes and blocks */
    uint64_t dead_bytes, dead_blocks;
    struct wr_marks *dead;
};

void wr_cycle_run(struct wr_cycle *c);

#endif
