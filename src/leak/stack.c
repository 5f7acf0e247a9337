/* Invariants
 * 1. An entry of `begun` tells of the last thread that began on the stack at
 *    its lo; entries are never taken out.
 * 2. A stack is free only if no thread stands on it and libc's description of
 *    a thread is still at `self`: who mapped other memory there has none.
 * 3. `ending` is the calling thread's from its tid on until that is 0 again.
 *    What it says holds only if the thread's frames lead through it.
 */
#include "leak/stack.h"

#include <stdatomic.h>
#include <stddef.h>
#include <sys/auxv.h>

#include "base/base.h"
#include "leak/wide.h"
#include "os/process.h"
#include "os/regs.h"
#include "os/os.h"
#include "profile/unwind_full.h"
#include "profile/unwind_module.h"
#include "world/joinable.h"
#include "world/stop.h"

enum { FRAMES = 4096, START_BYTES = 64, STACKS = 1024 };

static _Atomic uintptr_t start_pc;

static struct {
    _Atomic uintptr_t lo, hi, self;
    _Atomic bool recorded;
} begun[STACKS];

static struct {
    _Atomic uint32_t tid;
    uintptr_t frame;
    uintptr_t libc, libc_end; /* where exit() is; 0, 0: not known */
} ending;

/* ---- the thread's side ---- */

void
wr_stack_begin(uintptr_t return_address)
{
    atomic_store_explicit(&start_pc, return_address, memory_order_relaxed);
}

/* Threads of one stack follow each other. Where there is no room it is not
 * known to be free later, which does no harm. */
void
wr_stack_note(uintptr_t lo, uintptr_t hi, uintptr_t self, bool recorded)
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
        atomic_store(&begun[at].recorded, recorded);
        return;
    }
}

/* Its threads are no others'; what was recorded of them is not in its region.
 */
void
wr_stack_fork_child(void)
{
    for (size_t i = 0; i < STACKS; i++)
        if (atomic_load(&begun[i].recorded))
            atomic_store(&begun[i].recorded, false);
}

/* Of a program that has libc in itself it is not known which frames are whose.
 */
static void
find_libc(uintptr_t caller)
{
    struct wr_unwind_module m;

    ending.libc = ending.libc_end = 0;
    if (caller == 0 || !wr_unwind_module_find(caller, &m) ||
        getauxval(AT_ENTRY) - m.cfi.start < m.cfi.end - m.cfi.start)
        return;
    ending.libc = m.cfi.start;
    ending.libc_end = m.cfi.end;
}

bool
wr_stack_ends(uintptr_t frame, uintptr_t caller)
{
    static _Atomic bool taken;

    if (atomic_exchange(&taken, true))
        return false;
    ending.frame = frame;
    find_libc(caller);
    atomic_store(&ending.tid, wr_os_tid());
    return true;
}

void
wr_stack_ends_not(void)
{
    atomic_store(&ending.tid, 0);
}

/* ---- in use ---- */

static bool
is_start(uintptr_t pc, bool main)
{
    if (main)
        return pc - getauxval(AT_ENTRY) < START_BYTES;
    return pc == atomic_load(&start_pc);
}

static bool
take_registers(const struct wr_stopped *t, struct wr_regs *regs)
{
    if (t->answered == WR_HELD)
        wr_regs_from_held(regs, (const uintptr_t *)t->frame);
    else if (t->answered == WR_STOOD)
        wr_regs_from_context(regs, (const ucontext_t *)t->frame);
    else
        return false;
    return true;
}

static bool
is_plain(const struct wr_regs *regs, bool main)
{
    static struct wr_unwind_frame frame[FRAMES];
    size_t n = wr_unwind_frames(regs, frame, FRAMES);

    for (size_t i = 0; i < n; i++) {
        if (i > 0 && frame[i].sp < frame[i - 1].sp)
            return false;
        if (is_start(frame[i].pc, main))
            return true;
    }
    return false;
}

static bool
is_of_the_end(const struct wr_unwind_frame *f, void *in_handler)
{
    if (f->interrupted)
        *(bool *)in_handler = true;
    return !f->interrupted &&
           (f->sp <= ending.frame ||
            f->pc - ending.libc < ending.libc_end - ending.libc);
}

/* From where it waits to whoever called exit(), unless a signal's handler runs
 * there. */
static bool
go_up_to_caller(struct wr_regs *regs)
{
    bool in_handler = false;

    wr_unwind_up(regs, is_of_the_end, &in_handler);
    wr_regs_behind_call(regs);
    return !in_handler && regs->r[WR_REG_SP] > ending.frame;
}

void
wr_stack_look(const struct wr_stopped *t, bool main, struct wr_stack_use *use)
{
    static struct wr_regs at_exit;
    struct wr_regs regs;

    *use = (struct wr_stack_use){.low = t->sp, .wide = true};
    if (!take_registers(t, &regs))
        return;
    use->wide = wr_wide_may_be_used(t, &regs);
    if (!is_plain(&regs, main))
        return;
    use->plain = true;
    if (t->tid != atomic_load(&ending.tid) || !go_up_to_caller(&regs))
        return;
    at_exit = regs;
    use->low = regs.r[WR_REG_SP];
    use->regs = &at_exit;
    use->wide = WR_REGS_WIDE_KEPT;
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

/* Is [lo, hi) unused, and earlier than the first such part behind `from`? */
static void
take_earlier(uintptr_t lo, uintptr_t hi, uintptr_t from, uintptr_t *first,
             uintptr_t *first_end)
{
    lo = wr_max(lo, from);
    if (lo >= hi || lo >= *first)
        return;
    *first_end = wr_min(hi, *first_end);
    *first = lo;
}

/* What libc has of the thread counts as long as somebody may ask for its
 * result. */
static uintptr_t
kept_end(size_t i)
{
    if (!begun[i].recorded || wr_joinable_has((pthread_t)begun[i].self))
        return begun[i].hi;
    return wr_regs_thread_kept_end(begun[i].self, begun[i].hi);
}

bool
wr_stack_find_ended(const struct wr_stop *stop, uintptr_t *from, uintptr_t *end)
{
    uintptr_t first = *end, first_end = *end;

    if (stop == NULL || stop->answered < stop->count)
        return false;
    for (size_t i = 0; i < STACKS; i++) {
        if (begun[i].hi <= *from || begun[i].lo >= first || !is_free(stop, i))
            continue;
        take_earlier(begun[i].lo, begun[i].self, *from, &first, &first_end);
        take_earlier(kept_end(i), begun[i].hi, *from, &first, &first_end);
    }
    *from = first;
    *end = first_end;
    return first < first_end;
}
