/* Invariants
 * 1. `judged` is freed only when users is 0 after it was taken away.
 */
#include "gc/judge.h"

#include <stdatomic.h>

#include "base/base.h"
#include "gc/cycle.h"
#include "heap/caches.h"
#include "heap/mcache.h"
#include "heap/mheap.h"
#include "mark/marks.h"
#include "os/os.h"
#include "region/event.h"
#include "world/background.h"

#define LOOK_NS UINT64_C(500000)

enum { SPANS = 64 }; /* looked at under one lock */

bool
wr_judge_lock(void)
{
    while (!wr_background_enter())
        if (!wr_background_pause(LOOK_NS))
            return false;
    wr_lock_take(&wr_mheap_lock);
    return true;
}

void
wr_judge_unlock(void)
{
    wr_lock_give(&wr_mheap_lock);
    wr_background_leave();
}

/* ---- spans that go ---- */

static struct wr_marks *marked; /* guard: mheap's lock */

/* Its pages may have been met by the marker. */
static void
span_gone(uintptr_t base, size_t pages)
{
    wr_marks_forget(marked, base, pages);
}

void
wr_judge_keep_records(struct wr_marks *marks)
{
    marked = marks;
    wr_mheap_keep_records(true);
}

void
wr_judge_follow(struct wr_marks *marks)
{
    marked = marks;
    wr_mheap_tell_gone(marks != NULL);
}

/* ---- blocks that come ---- */

static _Atomic(struct wr_marks *) judged;
static _Atomic uint32_t users; /* threads that look at *judged */

static void
taking(struct wr_span *s, unsigned first, uint64_t bits)
{
    struct wr_marks *marks;

    atomic_fetch_add(&users, 1);
    marks = atomic_load(&judged);
    for (; marks != NULL && bits != 0; bits &= bits - 1)
        (void)wr_marks_add_shared(marks, s,
                                  first + (unsigned)wr_cpu_lowest_bit(bits));
    atomic_fetch_sub(&users, 1);
}

/* A thread may be about to have any block of these that is not live. */
static void
keep_current(struct wr_marks *marks, struct wr_mcache *mc)
{
    for (unsigned i = 1; i < mc->slots; i++)
        if (mc->slot[i].span != NULL)
            wr_marks_add_free(marks, mc->slot[i].span);
    if (mc->making != NULL)
        (void)wr_marks_add_shared(marks, mc->making, 0);
}

bool
wr_judge_begin(struct wr_marks *marks)
{
    if (!wr_marks_make_all(marks))
        return false;
    for (struct wr_mcache *mc = wr_caches_first(); mc != NULL; mc = mc->next)
        keep_current(marks, mc);
    atomic_store(&judged, marks);
    atomic_store(&wr_taking_told, true);
    return true;
}

void
wr_judge_end(void)
{
    if (atomic_load(&judged) == NULL)
        return;
    atomic_store(&wr_taking_told, false);
    atomic_store(&judged, NULL);
    for (uint32_t n; (n = atomic_load(&users)) != 0;)
        wr_os_wait(&users, n, LOOK_NS);
}

/* ---- what is white ---- */

/* Where the marks have no line all blocks are younger than the moment. */
static bool
judge_some(struct wr_cycle *c, const struct wr_marks *marks, uintptr_t *at)
{
    struct wr_span *s = NULL;

    for (int i = 0; i < SPANS && (s = wr_mheap_next(at)) != NULL; i++)
        if ((wr_span_state(s) == WR_SPAN_SMALL ||
             wr_span_state(s) == WR_SPAN_LARGE) &&
            wr_marks_line(marks, s) != NULL)
            wr_cycle_take_white(c, s, marks);
    return s != NULL;
}

static bool
is_whole(struct wr_cycle *c, const struct wr_marks *marks)
{
    c->reached = wr_managed_grown();
    return !marks->failed && !c->dead->failed;
}

bool
wr_judge(struct wr_cycle *c, const struct wr_marks *marks)
{
    uintptr_t at = 0;
    bool more = true;

    while (more) {
        if (!wr_judge_lock())
            return false;
        more = judge_some(c, marks, &at);
        wr_judge_unlock();
    }
    return is_whole(c, marks);
}

bool
wr_judge_stopped(struct wr_cycle *c, const struct wr_stop *s,
                 struct wr_marks *marks)
{
    uintptr_t at = 0;

    if (!wr_marks_make_all(marks))
        return false;
    while (judge_some(c, marks, &at))
        ;
    return is_whole(c, marks) && wr_cycle_is_true(c, s, marks);
}

/* ---- start ---- */

void
wr_judge_start(void)
{
    wr_events.taking = taking;
    wr_events.span_gone = span_gone;
}

void
wr_judge_fork_child(void)
{
    if (atomic_load(&wr_taking_told))
        atomic_store(&wr_taking_told, false);
    if (atomic_load(&judged) != NULL)
        atomic_store(&judged, NULL);
    if (atomic_load(&users) != 0)
        atomic_store(&users, 0);
}
