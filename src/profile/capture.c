/* Invariants
 * 1. A slot's capture fields are written by its own thread only, inside a
 *    pair of steps that make capture_seq odd, then even.
 * 2. The handler answers nobody who does not know a word that only who may
 *    read the region can know.
 */
#include "profile/capture.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "base/base.h"
#include "heap/mcache.h"
#include "os/os.h"
#include "os/process.h"
#include "profile/module.h"
#include "profile/unwind.h"
#include "region/ask.h"
#include "region/counters.h"
#include "region/event.h"
#include "region/region.h"
#include "world/stop.h"
#include "world/thread.h"

enum { SIGNAL = SIGURG };
#define SECOND_NS UINT64_C(1000000000)

static _Atomic bool ours;

static bool
same_stack(const struct wr_thread_slot *slot, const uintptr_t *pc, size_t n)
{
    if (n != slot->capture_frames)
        return false;
    for (size_t i = 0; i < n; i++)
        if (slot->capture_pc[i] != pc[i])
            return false;
    return true;
}

/* A thread that sleeps is woken by a capture, and goes to sleep once more. Who
 * does not ask how long it was still (seconds 0) pays no system call. */
static void
note_stillness(struct wr_thread_slot *slot, bool same, uint64_t seconds)
{
    uint64_t switches = slot->still_switches + 1, now;

    if (seconds > 0) {
        switches = wr_os_switches();
        same = same && switches == slot->still_switches + 1;
    }
    now = wr_os_monotonic();
    if (!same || slot->still_ns == 0)
        slot->still_ns = now - wr_min(seconds * SECOND_NS, now - 1);
    slot->still_switches = switches;
}

static void
store_stack(struct wr_thread_slot *slot, const ucontext_t *uc,
            uint64_t still_seconds)
{
    uint64_t seq =
        atomic_load_explicit(&slot->capture_seq, memory_order_relaxed);
    uintptr_t pc[WR_STACK_FRAMES];
    size_t n = wr_unwind_context(uc, pc, wr_countof(pc)), kept = 0;

    for (size_t i = 0; i < n; i++)
        if (!wr_module_is_weir(pc[i] - 1))
            pc[kept++] = pc[i];
    atomic_store_explicit(&slot->capture_seq, seq + 1, memory_order_release);
    atomic_thread_fence(memory_order_seq_cst);
    note_stillness(slot, same_stack(slot, pc, kept), still_seconds);
    for (size_t i = 0; i < kept; i++)
        __atomic_store_n(&slot->capture_pc[i], pc[i], __ATOMIC_RELAXED);
    __atomic_store_n(&slot->capture_frames, (uint32_t)kept, __ATOMIC_RELAXED);
    __atomic_store_n(&slot->capture_unloads, (uint32_t)wr_count_get(unloads),
                     __ATOMIC_RELAXED);
    atomic_store_explicit(&slot->capture_ns, wr_os_monotonic(),
                          memory_order_relaxed);
    wr_module_try_note(pc, kept);
    atomic_store_explicit(&slot->capture_seq, seq + 2, memory_order_release);
}

/* The cookie was taken off. */
static bool
wants_stack(uint64_t word)
{
    return word == 0 || (word % 256 == WR_ASK_STILL(0) &&
                         word <= WR_ASK_STILL(WR_ASK_STILL_MOST));
}

/* What a reader knows of a program's region: the cookie in it; or, when that
 * is still its parent's, where it is mapped. */
static void
answer(uintptr_t word, const ucontext_t *uc)
{
    struct wr_mcache *mc = wr_self;

    if (wr_region == NULL) {
        if (word != 0 && word == (uintptr_t)wr_region_lent())
            (void)wr_world_region();
        return;
    }
    if (word == wr_region->capture_cookie + WR_ASK_FILE &&
        wr_events.answer_wanted != NULL)
        wr_events.answer_wanted();
    word -= wr_region->capture_cookie;
    if (mc->region_slot != NULL && wants_stack(word)) {
        wr_thread_publish(mc);
        store_stack(mc->region_slot, uc, word / 256);
    }
}

static void
asked(int number, siginfo_t *info, void *context)
{
    int saved = errno;

    (void)number;
    if (info->si_code == SI_QUEUE &&
        !wr_stop_here((uintptr_t)info->si_value.sival_ptr, context))
        answer((uintptr_t)info->si_value.sival_ptr, context);
    errno = saved;
}

void
wr_capture_start(void)
{
    struct sigaction action, old;

    if (wr_region == NULL || sigaction(SIGNAL, NULL, &old) != 0 ||
        old.sa_handler != SIG_DFL)
        return;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = asked;
    action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
    if (sigaction(SIGNAL, &action, NULL) != 0)
        return;
    atomic_store(&ours, true);
    wr_stop_signal(SIGNAL);
    wr_region->capture_signal = SIGNAL;
    atomic_store_explicit(&wr_region->capture_ready, 1, memory_order_release);
}

bool
wr_capture_owns(int number)
{
    return number == SIGNAL && atomic_load(&ours);
}

void
wr_capture_stop(void)
{
    if (!wr_os_at_home())
        return; /* a vfork child: the memory is its parent's */
    atomic_store(&ours, false);
    wr_stop_signal(0);
    if (wr_world_region())
        atomic_store_explicit(&wr_region->capture_ready, 0,
                              memory_order_release);
}

int
wr_capture_pretend(struct sigaction *action)
{
    if (action != NULL) {
        memset(action, 0, sizeof *action);
        action->sa_handler = SIG_DFL;
    }
    return 0;
}
