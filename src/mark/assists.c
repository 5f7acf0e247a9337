/* Invariants
 * 1. Who is counted in `users` and then saw that it is open may be in a slot.
 *    A slot is used by who set `taken`; while it is closed and users is 0, by
 *    the leader.
 * 2. Between begin and end the leader, its helpers and the slots write the
 *    marks in atomic steps, whether anybody assists or not.
 */
#include "mark/assists.h"

#include <stddef.h>

#include "base/base.h"
#include "mark/crew.h"
#include "mark/mark.h"
#include "mark/marker.h"
#include "mark/marks.h"
#include "os/os.h"
#include "os/process.h"

enum { SLOTS = 8, WIPED_BYTES = 2048 };
#define PATIENCE_NS UINT64_C(5000000000)
#define LOOK_NS     UINT64_C(100000)

struct slot {
    struct wr_marker *m;
    _Atomic bool taken;
};

static struct wr_marker *leader;
static struct slot slot[SLOTS];
static unsigned slots;
static uint64_t scanned_before; /* by the leader */
static _Atomic uint32_t users;

_Atomic bool wr_assists_are_open;

/* ---- the leader's side ---- */

static void
free_slots(void)
{
    for (unsigned i = 0; i < slots; i++)
        wr_marker_free(slot[i].m);
    slots = 0;
    wr_crew_free(leader->pool);
    leader->pool = NULL;
    leader->together = false;
    leader = NULL;
}

static bool
make_slots(struct wr_marker *m, unsigned n)
{
    m->pool = wr_crew_new(n + 1);
    if (m->pool == NULL || !wr_marker_can_take_chunks(m) ||
        !wr_marks_make_all(m->marks))
        return false;
    for (slots = 0; slots < n; slots++) {
        slot[slots].m = wr_marker_beside(m, n);
        if (slot[slots].m == NULL)
            return false;
        slot[slots].m->number = WR_MARKERS_MOST + slots;
        atomic_store(&slot[slots].taken, false);
    }
    return true;
}

bool
wr_assists_begin(struct wr_marker *m)
{
    WR_ASSERT(leader == NULL && m->crew == NULL);
    if (atomic_load(&users) != 0)
        return false;
    leader = m;
    m->together = true;
    scanned_before = m->sums.scanned;
    if (make_slots(m, wr_min(wr_os_cpus(), (unsigned)SLOTS)))
        return true;
    free_slots();
    return false;
}

void
wr_assists_open(void)
{
    if (leader != NULL)
        atomic_store(&wr_assists_are_open, true);
}

bool
wr_assists_close(void)
{
    uint64_t until;

    if (!atomic_load(&wr_assists_are_open))
        return true;
    atomic_store(&wr_assists_are_open, false);
    until = wr_os_monotonic() + PATIENCE_NS;
    for (uint32_t n; (n = atomic_load(&users)) != 0;) {
        if (wr_os_monotonic() >= until) {
            leader = NULL; /* who is in has all the rest yet */
            return false;
        }
        wr_os_wait(&users, n, LOOK_NS);
    }
    return true;
}

bool
wr_assists_take_over(void)
{
    if (leader == NULL)
        return false;
    WR_ASSERT(wr_marker_is_done(leader) && atomic_load(&users) == 0);
    if (wr_marker_take_chunk(leader))
        return true;
    for (unsigned i = 0; i < slots; i++)
        if (!wr_marker_is_done(slot[i].m)) {
            wr_marker_exchange(leader, slot[i].m);
            return true;
        }
    return false;
}

void
wr_assists_end(void)
{
    if (leader == NULL)
        return;
    for (unsigned i = 0; i < slots; i++)
        wr_marker_take_counts(leader, slot[i].m);
    free_slots();
}

/* ---- who assists ---- */

bool
wr_assists_enter(uint64_t *kept)
{
    if (!atomic_load_explicit(&wr_assists_are_open, memory_order_relaxed))
        return false;
    *kept = wr_os_signals_hold();
    atomic_fetch_add(&users, 1);
    if (atomic_load(&wr_assists_are_open))
        return true;
    wr_assists_leave(*kept);
    return false;
}

void
wr_assists_leave(uint64_t kept)
{
    if (atomic_fetch_sub(&users, 1) == 1 && !atomic_load(&wr_assists_are_open))
        wr_os_wake(&users, 1);
    wr_os_signals_let_go(kept);
}

uint64_t
wr_assists_beside(void)
{
    return wr_marker_scanned(leader) - scanned_before;
}

/* One that has something to do, if there is one. */
static struct slot *
take_slot(void)
{
    struct slot *found = NULL;

    for (unsigned i = 0; i < slots; i++) {
        if (atomic_exchange(&slot[i].taken, true))
            continue;
        if (found != NULL)
            atomic_store(&found->taken, false);
        found = &slot[i];
        if (!wr_marker_is_done(found->m))
            break;
    }
    return found;
}

/* Of what is large it is known to the leader which pages were never touched:
 * it gets it. */
static bool
has_work(struct wr_marker *m)
{
    while (!wr_marker_is_done(m) || wr_marker_take_chunk(m)) {
        if (!wr_marker_is_at_large(m))
            return true;
        if (!wr_marker_give_last(m))
            return false;
    }
    return false;
}

static __attribute__((noinline)) uint64_t
mark_in_slot(uint64_t bytes)
{
    struct slot *s = take_slot();
    uint64_t before, scanned = 0;

    if (s == NULL)
        return 0;
    for (before = s->m->sums.scanned; scanned < bytes && has_work(s->m);
         scanned = s->m->sums.scanned - before) {
        wr_marker_step(s->m);
        wr_marker_give(s->m);
    }
    atomic_store(&s->taken, false);
    return scanned;
}

/* What marking left behind on the caller's stack are addresses of blocks, dead
 * ones soon, which would live on by that. */
static __attribute__((noinline)) void
wipe_stack(void)
{
    uintptr_t word[WIPED_BYTES / sizeof(uintptr_t)];

    for (size_t i = 0; i < wr_countof(word); i++)
        *(volatile uintptr_t *)&word[i] = 0;
}

uint64_t
wr_assist(uint64_t bytes)
{
    uint64_t scanned = mark_in_slot(bytes);

    wipe_stack();
    return scanned;
}

void
wr_assists_fork_child(void)
{
    if (atomic_load(&wr_assists_are_open))
        atomic_store(&wr_assists_are_open, false);
    if (atomic_load(&users) != 0)
        atomic_store(&users, 0);
    if (leader != NULL)
        leader = NULL;
}
