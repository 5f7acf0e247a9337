/* Epochs.
 *
 * 1. A section is entered by storing the epoch, then looking. Whoever asks for
 *    the oldest runs a fence on all processors between its own changes and
 *    looking at the sections: so a section that it does not see began after
 *    those changes.
 * 2. A section's epoch is read before it is stored, so it may be older than
 *    the truth, never newer.
 * 3. Threads beyond those with numbers are counted together, and nothing is
 *    known of the oldest while one is inside.
 */
#include "kit/epoch.h"

#include "base/die.h"
#include "kit/thread.h"
#include "os/fence.h"

struct section {
    uint64_t entered; /* atomic; the epoch, 0: outside */
    uint64_t depth;   /* of its thread alone */
    char rest[48];
};

static struct section section[WR_KIT_THREADS] __attribute__((aligned(64)));
static uint64_t epoch = 1; /* atomic */
static uint64_t nobodys;   /* atomic: sections of threads without numbers */

void
wr_kit_epoch_start(void)
{
    wr_fence_start();
}

void
wr_kit_epoch_enter(void)
{
    unsigned number = wr_kit_thread();
    struct section *s = &section[number];

    if (wr_unlikely(number == WR_KIT_NOBODY)) {
        __atomic_fetch_add(&nobodys, 1, __ATOMIC_SEQ_CST);
        return;
    }
    if (s->depth++ != 0)
        return;
    /* Release: who sees this one sees the section before it left. */
    __atomic_store_n(&s->entered, __atomic_load_n(&epoch, __ATOMIC_ACQUIRE),
                     __ATOMIC_RELEASE);
    wr_fence_light();
}

static WR_COLD _Noreturn void
die_outside(void)
{
    struct wr_text t;

    wr_text_init(&t);
    wr_text_str(&t, "weir_cmap_leave: this thread has not entered");
    wr_die(&t);
}

void
wr_kit_epoch_leave(void)
{
    unsigned number = wr_kit_thread();
    struct section *s = &section[number];

    if (wr_unlikely(number == WR_KIT_NOBODY)) {
        __atomic_fetch_sub(&nobodys, 1, __ATOMIC_SEQ_CST);
        return;
    }
    if (wr_unlikely(s->depth == 0))
        die_outside();
    if (--s->depth == 0) /* what was looked at was looked at before */
        __atomic_store_n(&s->entered, 0, __ATOMIC_RELEASE);
}

uint64_t
wr_kit_epoch_next(void)
{
    return __atomic_add_fetch(&epoch, 1, __ATOMIC_ACQ_REL);
}

uint64_t
wr_kit_epoch_oldest(void)
{
    uint64_t oldest = UINT64_MAX;
    unsigned threads;

    if (!wr_fence_heavy() || __atomic_load_n(&nobodys, __ATOMIC_SEQ_CST) != 0)
        return 0;
    threads = wr_kit_threads();
    for (unsigned i = 0; i < threads; i++) {
        uint64_t entered =
            __atomic_load_n(&section[i].entered, __ATOMIC_ACQUIRE);

        if (entered != 0 && entered < oldest)
            oldest = entered;
    }
    return oldest;
}
