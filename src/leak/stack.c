/* Invariants
 * 1. An entry of `begun` tells of the last thread that began on the stack at
 *    its lo; entries are never taken out.
 * 2. A stack is free only if no thread stands on it and libc's description of
 *    a thread is still at `self`: who mapped other memory there has none.
 */
#include "leak/stack.h"

#include <stdatomic.h>
#include <stddef.h>
#include <sys/auxv.h>

#include "base/base.h"
#include "os/process.h"
#include "os/regs.h"
#include "profile/unwind_full.h"
#include "world/stop.h"

enum { FRAMES = 4096, START_BYTES = 64, STACKS = 1024 };

static _Atomic uintptr_t start_pc;

static struct {
    _Atomic uintptr_t lo, hi, self;
} begun[STACKS];

/* ---- the thread's side ---- */

void
wr_stack_begin(uintptr_t return_address)
{
    atomic_store_explicit(&start_pc, return_address, memory_order_relaxed);
}

/* Threads of one stack follow each other. Where there is no room it is not
 * known to be free later, which does no harm. */
void
wr_stack_note(uintptr_t lo, uintptr_t hi, uintptr_t self)
{
    size_t first = lo / 4096 * 0x9e3779b1u % STACKS;

    for (size_t i = 0; i < STACKS; i++) {
        size_t at = (first + i) % STACKS;
        uintptr_t none = 0;

        if (atomic_load(&begun[at].lo) != lo &&
            !atomic_compare_exchange_strong(&begun[at].lo, &none, lo) &&
            none != lo)
            continue;
        atomic_store(&begun[at].hi, hi);
        atomic_store(&begun[at].self, self);
        return;
    }
}

/* ---- in use ---- */

static bool
is_start(uintptr_t pc, bool main)
{
    if (main)
        return pc - getauxval(AT_ENTRY) < START_BYTES;
    return pc == atomic_load(&start_pc);
}

bool
wr_stack_is_plain(const struct wr_stopped *t, bool main)
{
    static struct wr_unwind_frame frame[FRAMES];
    struct wr_regs regs;
    size_t n;

    if (t->answered == WR_HELD)
        wr_regs_from_held(&regs, (const uintptr_t *)t->frame);
    else if (t->answered == WR_STOOD)
        wr_regs_from_context(&regs, (const ucontext_t *)t->frame);
    else
        return false;
    n = wr_unwind_frames(&regs, frame, FRAMES);
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && frame[i].sp < frame[i - 1].sp)
            return false;
        if (is_start(frame[i].pc, main))
            return true;
    }
    return false;
}

/* ---- not in use any more ---- */

static bool
somebody_stands_on(const struct wr_stop *stop, uintptr_t lo, uintptr_t hi)
{
    for (size_t i = 0; i < stop->count; i++) {
        const struct wr_stopped *t = &stop->thread[i];

        if (t->stack_lo == lo || (lo <= t->sp && t->sp < hi))
            return true;
    }
    return false;
}

static bool
is_free(const struct wr_stop *stop, size_t i)
{
    uintptr_t lo = begun[i].lo, self = begun[i].self, word[3];

    return lo != 0 && lo < self && self < begun[i].hi &&
           wr_os_peek(self, word, sizeof word) == sizeof word &&
           wr_regs_is_thread(word, self) &&
           !somebody_stands_on(stop, lo, begun[i].hi);
}

bool
wr_stack_find_ended(const struct wr_stop *stop, uintptr_t *from, uintptr_t *end)
{
    uintptr_t first = *end, first_end = *end;

    if (stop == NULL || stop->answered < stop->count)
        return false;
    for (size_t i = 0; i < STACKS; i++) {
        uintptr_t lo = wr_max(begun[i].lo, *from);

        if (begun[i].self > *from && lo < first && is_free(stop, i)) {
            first = lo;
            first_end = wr_min(begun[i].self, *end);
        }
    }
    *from = first;
    *end = first_end;
    return first < first_end;
}
