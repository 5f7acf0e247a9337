/* One cycle of the collector: which managed blocks are dead?
 *
 *     struct wr_cycle c = {.way = WR_WAY_TRACKED, .begun = is_begun};
 *     wr_cycle_run(&c);
 *     if (c.done)
 *         wr_sweep_begin(c.dead);
 *
 * Everything is marked that can be reached from the program's roots
 * (leak/roots.h, leak/known.h), through managed blocks and those of malloc
 * alike, as of a moment when the program stands still (world/stop.h).
 * Tri-colour: in that moment there is no grey block any more, and no black one
 * points at a white one. A managed block that is white then is dead: nobody has
 * its address, so nobody can ever store it anywhere. What is allocated from
 * that moment on is not looked at.
 *
 * There are four ways.
 *     STOPPED   all is marked while the program stands still: small heaps; or
 *               only what is new since the last cycle (gc/young.h).
 *     TRACKED   marking goes on beside the program in its own memory, and the
 *               kernel notes where that writes (gc/track.h).
 *     BARRIER   the same, while the program tells of its stores (gc/barrier.h).
 *     SNAPSHOT  a copy is made (os/process.h) in that moment, in which marking
 *               goes on beside the program: what was dead then is dead for
 *               ever, whatever the program does meanwhile.
 * Each falls back: from the barrier, which the program may not have promised,
 * to write tracking; from that, which the system may forbid, to a copy; from
 * that, where it is not to be had or there is too little memory for what the
 * program writes meanwhile, to standing still.
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
#include "limit/pacer.h"

struct wr_marks;
struct wr_stop;

struct wr_cycle {
    bool forced;  /* asked for by a call */
    bool by_time; /* there had been none for long */
    bool all;     /* blocks of malloc are roots, whoever has them */
    bool malloc;  /* blocks of malloc may be dead, too */
    bool keep;    /* its marks, for a young cycle (gc/young.h), where it can */
    bool young;   /* what the last one marked need not be marked: wished; then
                     if it was so */
    bool verify;  /* what it finds, before anybody hears of it (gc/verify.h) */
    uint32_t way; /* enum wr_collector_way of region/layout.h: the first to try;
                     then the one it took */
    /* What who allocates owes it, and wr_managed_grown() where `triggered` of
     * that is 0. Beside the program. */
    struct wr_pacer_progress pace;
    uint64_t base;
    /* Behind what it may have to wait for; false: it is not wanted any more. */
    bool (*begun)(void);

    bool done; /* the rest is meaningful; beside: if it was */
    /* wr_os_monotonic: threads begin to stop, all stand, all go on; marking
     * beside the program has come to its end; the dead are known. Of several
     * stops the first. */
    uint64_t stopped_ns, stood_ns, go_on_ns, marked_ns, ended_ns;
    uint64_t stops, pause_ns, longest_ns; /* how long it stood, in all */
    uint64_t triggered, reached; /* wr_managed_grown() at the first stop, and
                                    as of when the dead were looked for */
    uint64_t roots;              /* bytes looked at */
    uint64_t scanned;            /* those and of blocks; */
    uint64_t once;               /* of it before anything was looked at again */
    uint64_t grew;               /* wr_managed_grown() then */
    uint64_t live, live_blocks;  /* reached, of those that may be dead */
    uint64_t dead_bytes, dead_blocks;
    uint64_t suspect_bytes; /* of malloc: not reached, but not dead yet */
    bool proved; /* of malloc: nobody but the program could still have them */
    struct wr_marks *dead;
    struct wr_text wrong; /* what the verifier says; empty: nothing */
};

void wr_cycle_run(struct wr_cycle *c);

/* ---- what the ways have in common ---- */

/* Nobody is in the heap after it, whose locks are held. NULL: not all threads
 * stand, or it is not wanted. */
struct wr_stop *wr_cycle_stand_still(struct wr_cycle *c);
void wr_cycle_go_on(struct wr_cycle *c, struct wr_stop *s);

struct wr_marker;
/* Are there blocks of malloc that are kept, whoever has them? */
struct wr_span;
bool wr_cycle_keeps(const struct wr_cycle *c);
/* Those of any span. Guard: mheap's lock. */
void wr_cycle_keep(const struct wr_cycle *c, struct wr_marker *m,
                   struct wr_span *s);

/* The blocks of a span that are live and not in marks are dead; those of
 * malloc too, if they may be and it is proved. Guard: mheap's lock. */
void wr_cycle_take_white(struct wr_cycle *c, struct wr_span *s,
                         const struct wr_marks *marks);
/* Is what was found true? Before sweeping; the program stands still. */
bool wr_cycle_is_true(struct wr_cycle *c, const struct wr_stop *s,
                      const struct wr_marks *marks);

#endif
