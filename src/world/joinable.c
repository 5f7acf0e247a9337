/* Invariants
 * 1. A slot's `thread` is 0 (free), a token (odd, never twice), or a pthread_t
 *    (even). Who turns the token into the pthread_t, its maker or the thread
 *    itself, is the first of the two; the other finds no token any more. So a
 *    slot that was given back in between stays so.
 * 2. A slot's tid is that of its thread, or 0 before that has begun.
 */
#include "world/joinable.h"

#include "base/base.h"
#include "os/os.h"
#include "region/region.h"

static _Atomic uint64_t tokens = 1;
static _Thread_local struct wr_join mine;

static struct wr_joinable *
slot_at(uint64_t i)
{
    return wr_region_entry(WR_TABLE_JOINABLE, i);
}

/* Slots are counted as they are first taken; none is ever taken off. */
static void
count_slot(uint64_t i)
{
    wr_lock_take(&wr_region_lock);
    if (wr_region_used(WR_TABLE_JOINABLE) <= i)
        wr_region_publish(WR_TABLE_JOINABLE, i + 1);
    wr_lock_give(&wr_region_lock);
}

static bool
take(uint64_t i, uint64_t token, uint32_t create_stack)
{
    struct wr_joinable *s = slot_at(i);
    uint64_t nobody = 0;

    if (!atomic_compare_exchange_strong(&s->thread, &nobody, token))
        return false;
    atomic_store(&s->tid, 0);
    atomic_store(&s->ended_ns, 0);
    atomic_store(&s->create_stack, create_stack);
    if (wr_region_used(WR_TABLE_JOINABLE) <= i)
        count_slot(i);
    return true;
}

struct wr_join
wr_joinable_begin(uint32_t create_stack)
{
    struct wr_join none = {0, 0};
    uint64_t token;

    if (wr_region == NULL)
        return none;
    token = atomic_fetch_add(&tokens, 2);
    for (uint32_t i = 0; i < WR_JOINABLE_MOST; i++) {
        if (!wr_region_touch(slot_at(i), sizeof *slot_at(i)))
            return none;
        if (atomic_load_explicit(&slot_at(i)->thread, memory_order_relaxed) ==
                0 &&
            take(i, token, create_stack))
            return (struct wr_join){token, i};
    }
    return none;
}

static void
settle(struct wr_join join, uint64_t thread)
{
    uint64_t token = join.token;

    if (token != 0 && wr_region != NULL)
        (void)atomic_compare_exchange_strong(&slot_at(join.slot)->thread,
                                             &token, thread);
}

void
wr_joinable_made(struct wr_join join, pthread_t thread)
{
    settle(join, (uint64_t)thread);
}

void
wr_joinable_cancel(struct wr_join join)
{
    settle(join, 0);
}

void
wr_joinable_is_here(struct wr_join join)
{
    mine = join;
    if (join.token == 0 || wr_region == NULL)
        return;
    settle(join, (uint64_t)pthread_self());
    if (atomic_load(&slot_at(join.slot)->thread) == (uint64_t)pthread_self())
        atomic_store(&slot_at(join.slot)->tid, wr_os_tid());
}

void
wr_joinable_ends(void)
{
    struct wr_joinable *s;

    if (mine.token == 0 || wr_region == NULL)
        return;
    s = slot_at(mine.slot);
    mine.token = 0;
    if (atomic_load(&s->tid) == wr_os_tid())
        atomic_store(&s->ended_ns, wr_os_monotonic());
}

/* The one that ended: after it is joined, its number may be a new thread's. */
static bool
give_back(uint64_t id, bool ended)
{
    uint64_t used = wr_region_used(WR_TABLE_JOINABLE);

    for (uint64_t i = 0; i < used; i++) {
        struct wr_joinable *s = slot_at(i);
        uint64_t expected = id;

        if (atomic_load_explicit(&s->thread, memory_order_relaxed) == id &&
            (atomic_load(&s->ended_ns) != 0) == ended &&
            atomic_compare_exchange_strong(&s->thread, &expected, 0))
            return true;
    }
    return false;
}

void
wr_joinable_over(pthread_t thread)
{
    if (wr_region == NULL)
        return;
    if (!give_back((uint64_t)thread, true))
        (void)give_back((uint64_t)thread, false);
    if (pthread_equal(thread, pthread_self()))
        mine.token = 0;
}

bool
wr_joinable_has(pthread_t thread)
{
    uint64_t used = wr_region != NULL ? wr_region_used(WR_TABLE_JOINABLE) : 0;

    for (uint64_t i = 0; i < used; i++)
        if (atomic_load(&slot_at(i)->thread) == (uint64_t)thread)
            return true;
    return wr_region == NULL;
}
