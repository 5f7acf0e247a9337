/* Invariants
 * 1. A place is FREE, or its thread's from when that took it until it leaves:
 *    only the thread makes it WAITS and FREE. Only the stop makes it TAKEN, of
 *    one that WAITS, and WAITS again.
 * 2. tid and context are the thread's own words, and whole while it WAITS or is
 *    TAKEN.
 */
#include "world/stand.h"

#include <stdatomic.h>
#include <stdint.h>
#include <ucontext.h>

#include "base/base.h"
#include "os/os.h"
#include "os/process.h"
#include "os/regs.h"
#include "world/stop.h"

enum { FREE, COMES, WAITS, TAKEN };
enum { PLACES = 64 };

static struct place {
    _Atomic uint32_t state;
    uint32_t tid;
    const ucontext_t *context;
} places[PLACES];

/* ---- the thread's side ---- */

static struct place *
find_place(void)
{
    for (size_t i = 0; i < PLACES; i++) {
        uint32_t is_free = FREE;

        if (atomic_load_explicit(&places[i].state, memory_order_relaxed) ==
                FREE &&
            atomic_compare_exchange_strong(&places[i].state, &is_free, COMES))
            return &places[i];
    }
    return NULL;
}

static void
leave(struct place *p)
{
    uint32_t waits = WAITS;

    while (!atomic_compare_exchange_strong(&p->state, &waits, FREE)) {
        wr_os_wait(&p->state, TAKEN, 0);
        waits = WAITS;
    }
}

/* What a call need not keep is on its stack by now, the rest in the context. */
static __attribute__((noinline)) void
stand_at(struct place *p, void (*wait)(bool stands))
{
    ucontext_t context = {.uc_flags = 0}; /* wide registers: none */

    if (getcontext(&context) != 0) {
        wait(false);
        atomic_store(&p->state, FREE);
        return;
    }
    p->tid = wr_os_tid();
    p->context = &context;
    atomic_store(&p->state, WAITS);
    wait(true);
    leave(p);
}

void
wr_stand(void (*wait)(bool stands))
{
    struct place *p = find_place();
    uint64_t signals;

    if (p == NULL) {
        wait(false);
        return;
    }
    signals = wr_os_signals_hold();
    stand_at(p, wait);
    wr_os_signals_let_go(signals);
}

/* ---- the stop's side ---- */

static bool
take(struct place *p, struct wr_stopped *t)
{
    uint32_t waits = WAITS;

    if (atomic_load(&p->state) != WAITS || p->tid != t->tid ||
        !atomic_compare_exchange_strong(&p->state, &waits, TAKEN))
        return false;
    wr_regs_saved(p->context, &t->frame, &t->frame_end);
    t->wide = t->signals = t->frame_end;
    t->sp = wr_regs_stack(p->context);
    atomic_store(&t->answered, WR_STOOD);
    return true;
}

size_t
wr_stand_take(struct wr_stopped *list, size_t n)
{
    size_t taken = 0;

    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < PLACES; k++)
            if (take(&places[k], &list[i])) {
                taken++;
                break;
            }
    return taken;
}

void
wr_stand_let_go(void)
{
    for (size_t k = 0; k < PLACES; k++)
        if (atomic_load(&places[k].state) == TAKEN) {
            atomic_store(&places[k].state, WAITS);
            wr_os_wake(&places[k].state, 1);
        }
}

void
wr_stand_fork_child(void)
{
    for (size_t k = 0; k < PLACES; k++)
        if (atomic_load(&places[k].state) != FREE)
            atomic_store(&places[k].state, FREE);
}
