/* One step of a quick walk, for the walks that are built from it.
 *
 *     struct wr_unwind_ground ground = {0};
 *     struct wr_unwind_walk walk = {pc, sp, fp};
 *     wr_unwind_stack_enter(&ground.stack, walk.sp);
 *     word = wr_unwind_known(&ground, walk.at);
 *     if (wr_unwind_word_kind(word) > WR_UNWIND_FULL &&
 *         wr_unwind_step(&walk, &ground, word))
 *         ... walk is at the caller
 *
 * A quick walk follows the stack pointer and the frame pointer, no other
 * register. `walk` is kept apart from `ground`, and never handed to a
 * function that is not inlined, so that it stays in registers.
 * Threads and signals: both objects belong to one walk.
 */
#ifndef WR_PROFILE_UNWIND_WALK_H
#define WR_PROFILE_UNWIND_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "os/regs.h"
#include "profile/unwind_cache.h"
#include "profile/unwind_stack.h"

struct wr_unwind_walk {
    uintptr_t at; /* what the frame is executing, inside the call */
    uintptr_t sp, fp;
};

/* What a walk has found out about its surroundings. */
struct wr_unwind_ground {
    struct wr_unwind_stack stack;
    uintptr_t trusted_start, trusted_end; /* a module just asked for */
    unsigned trusted_number;
};

/* Is a word about module `number` true of what is now at this address? */
bool wr_unwind_still_true(struct wr_unwind_ground *ground, uintptr_t at,
                          unsigned number);

/* Runs the description and keeps the result. 0: there is none, the stack
 * ends here as far as anybody can tell. */
wr_unwind_word wr_unwind_learn(struct wr_unwind_ground *ground, uintptr_t at);

/* Of a function that realigned its stack: the CFA and the frame pointer it
 * saved. false: they are not there. */
bool wr_unwind_realigned(struct wr_unwind_ground *ground, wr_unwind_word word,
                         uintptr_t sp, uintptr_t *cfa, uintptr_t *fp);

/* What is known of the code at this address. 0: nothing can be. */
static inline wr_unwind_word
wr_unwind_known(struct wr_unwind_ground *ground, uintptr_t at)
{
    wr_unwind_word word = wr_unwind_cache_get(at);
    unsigned number = wr_unwind_word_module(word);

    if (wr_likely(word &&
                  (number == 0 || wr_unwind_still_true(ground, at, number))))
        return word;
    return wr_unwind_learn(ground, at);
}

/* Steps to the caller. false: there is none, or it can't be seen. */
static inline __attribute__((always_inline)) bool
wr_unwind_step(struct wr_unwind_walk *walk, struct wr_unwind_ground *ground,
               wr_unwind_word word)
{
    unsigned slot = wr_unwind_word_slot(word);
    uintptr_t below = 8 * (uintptr_t)slot, fp = walk->fp, cfa, saved, ra;

    cfa = (wr_unwind_word_uses_fp(word) ? fp : walk->sp) +
          wr_unwind_word_cfa(word);
    if (wr_unlikely(wr_unwind_word_kind(word) == WR_UNWIND_REALIGNED)) {
        uintptr_t their_cfa, their_fp = fp;

        if (!wr_unwind_realigned(ground, word, walk->sp, &their_cfa, &their_fp))
            return false;
        cfa = their_cfa;
        fp = their_fp;
    }
    if (wr_unlikely(cfa <= walk->sp || cfa - walk->sp < below))
        return false;
    if (wr_unlikely(cfa > ground->stack.end) &&
        !wr_unwind_stack_reach(&ground->stack, cfa - below, cfa))
        return false;
    saved = wr_unwind_word_at(cfa - below);
    ra = wr_regs_strip(wr_unwind_word_at(wr_frame_ra_at(cfa, slot)));
    walk->fp = wr_unwind_word_saves_fp(word) ? saved : fp;
    walk->sp = cfa;
    walk->at = ra - 1;
    return ra != 0;
}

#endif
