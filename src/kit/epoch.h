/* Epochs: when nobody can look any more at what was taken out of a structure.
 *
 *     reader:  wr_kit_epoch_enter(); ... look ... wr_kit_epoch_leave();
 *     writer:  take it out; then, now and then:
 *              e = wr_kit_epoch_next();        begins a new epoch
 *              if (wr_kit_epoch_oldest() >= e) free what was out before next()
 *
 * Entering costs two stores: the writer pays for the fence (os/fence.h), which
 * wr_kit_epoch_start readies. Sections nest.
 * Threads: any; not in signal handlers.
 */
#ifndef WR_KIT_EPOCH_H
#define WR_KIT_EPOCH_H

#include <stdint.h>

#include "kit/thread.h"
#include "os/fence.h"

void wr_kit_epoch_start(void);

/* A thread's, by its number. Those without a number share the last, in which
 * nothing is done. */
struct wr_kit_section {
    uint64_t entered; /* atomic; the epoch, 0: outside */
    uint64_t depth;   /* of its thread alone */
    char rest[48];
};

extern struct wr_kit_section wr_kit_section[WR_KIT_THREADS + 1];
extern uint64_t wr_kit_epoch; /* atomic */

void wr_kit_epoch_enter_nobody(void);
void wr_kit_epoch_leave_nobody(void);
_Noreturn void wr_kit_epoch_die(void);

static inline void
wr_kit_epoch_enter(void)
{
    unsigned number = wr_kit_thread();
    struct wr_kit_section *s = &wr_kit_section[number];

    if (wr_unlikely(number == WR_KIT_NOBODY)) {
        wr_kit_epoch_enter_nobody();
    } else if (s->depth++ == 0) {
        /* Release: who sees this one sees the section before it left. */
        __atomic_store_n(&s->entered,
                         __atomic_load_n(&wr_kit_epoch, __ATOMIC_ACQUIRE),
                         __ATOMIC_RELEASE);
        wr_fence_light();
    }
}

static inline void
wr_kit_epoch_leave(void)
{
    unsigned number = wr_kit_thread();
    struct wr_kit_section *s = &wr_kit_section[number];

    if (wr_unlikely(number == WR_KIT_NOBODY))
        wr_kit_epoch_leave_nobody();
    else if (wr_unlikely(s->depth == 0))
        wr_kit_epoch_die();
    else if (--s->depth == 0) /* what was looked at was looked at before */
        __atomic_store_n(&s->entered, 0, __ATOMIC_RELEASE);
}

uint64_t wr_kit_epoch_next(void);
/* The epoch in which the oldest section was entered that is not left yet;
 * UINT64_MAX: there is none; 0: not known now. */
uint64_t wr_kit_epoch_oldest(void);

#endif
