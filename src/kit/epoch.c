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

struct wr_kit_section wr_kit_section[WR_KIT_THREADS + 1]
    __attribute__((aligned(64)));
uint64_t wr_kit_epoch = 1;

static uint64_t nobodys; /* atomic: sections of threads without numbers */

void
wr_kit_epoch_start(void)
{
    wr_fence_start();
}

void
wr_kit_epoch_enter_nobody(void)
{
    __atomic_fetch_add(&nobodys, 1, __ATOMIC_SEQ_CST);
}

void
wr_kit_epoch_leave_nobody(void)
{
    __atomic_fetch_sub(&nobodys, 1, __ATOMIC_SEQ_CST);
}

_Noreturn WR_COLD void
wr_kit_epoch_die(void)
{
    struct wr_text t;

    wr_text_init(&t);
    wr_text_str(&t, "weir_cmap_leave: this thread has not entered");
    wr_die(&t);
}

uint64_t
wr_kit_epoch_next(void)
{
    return __atomic_add_fetch(&wr_kit_epoch, 1, __ATOMIC_ACQ_REL);
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
            __atomic_load_n(&wr_kit_section[i].entered, __ATOMIC_ACQUIRE);

        if (entered != 0 && entered < oldest)
            oldest = entered;
    }
    return oldest;
}
