/* Doubts. Invariants
 * 1. A class once doubted stays so.
 */
#include "gc/doubt.h"

#include <stdatomic.h>

#include "base/base.h"
#include "heap/suspect.h"
#include "mark/marks.h"
#include "region/event.h"

static _Atomic uint64_t doubted[(WR_CLASSES + 63) / 64];
static _Atomic bool freed_any; /* of malloc's blocks */

static void
doubt(unsigned class_id)
{
    atomic_fetch_or(&doubted[class_id / 64], UINT64_C(1) << class_id % 64);
}

bool
wr_doubt_has(unsigned class_id)
{
    return (atomic_load_explicit(&doubted[class_id / 64],
                                 memory_order_relaxed) >>
                class_id % 64 &
            1) != 0;
}

bool
wr_doubt_any(void)
{
    for (size_t i = 0; i < wr_countof(doubted); i++)
        if (atomic_load(&doubted[i]) != 0)
            return true;
    return false;
}

static bool
freed_again(unsigned class_id)
{
    if (!atomic_load(&freed_any))
        return false;
    doubt(class_id);
    return true;
}

void
wr_doubt_start(void)
{
    wr_events.suspect_used = doubt;
    wr_events.freed_again = freed_again;
    wr_collects_malloc = true;
}

/* Since the cycle it may have been freed, and be another block. */
static bool
is_dead(struct wr_span *s, unsigned block)
{
    if (block >= s->blocks)
        return false;
    if (wr_suspect_make(s, block) || wr_doubt_has(s->class_id)) {
        s->suspects = true;
        return false;
    }
    return wr_suspect_clear(s, block);
}

uint32_t
wr_doubt_sift(struct wr_span *s, uint16_t *block, uint32_t n)
{
    uint32_t dead = 0;

    for (uint32_t i = 0; i < n; i++)
        if (is_dead(s, block[i]))
            block[dead++] = block[i];
    if (dead > 0 && !atomic_load_explicit(&freed_any, memory_order_relaxed))
        atomic_store(&freed_any, true);
    return dead;
}

void
wr_doubt_trust(struct wr_span *s, const struct wr_marks *unreached)
{
    if (!s->suspects)
        return;
    s->suspects = false;
    for (unsigned i = 0; i < s->blocks; i++)
        if (wr_block_is_suspect(wr_block_state(s, i)) &&
            !wr_marks_has(unreached, s, i))
            (void)wr_suspect_clear(s, i);
}
