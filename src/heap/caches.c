/* Invariants
 * 1. A cache is made once and never goes away: it is in `all`, and, while no
 *    thread uses it, in `spare`.
 */
#include "heap/caches.h"

#include "heap/mheap.h"
#include "heap/tiny.h"
#include "region/counters.h"

static _Atomic(struct wr_mcache *) all; /* only ever grows */
static struct wr_mcache *spare;         /* guard: mheap's lock */

static struct wr_mcache *
take_spare(void)
{
    struct wr_mcache *mc;

    wr_lock_take(&wr_mheap_lock);
    mc = spare;
    if (mc != NULL)
        spare = mc->spare_next;
    wr_lock_give(&wr_mheap_lock);
    return mc;
}

/* The first cache is that of the thread that forks, in most programs that do.
 * What fork writes of it is at its end; the linker puts what else fork writes
 * right behind that, on the same page. */
static struct wr_mcache *
new_cache(void)
{
    static struct wr_mcache first WR_AT_FORK __attribute__((aligned(4096)));
    static _Atomic bool taken;

    if (atomic_exchange(&taken, true))
        return wr_mheap_meta(sizeof first, &wr_counters->cache_sys);
    wr_count_add(cache_sys, sizeof first);
    return &first;
}

static struct wr_mcache *
make_cache(void)
{
    struct wr_mcache *mc = new_cache();

    if (mc == NULL)
        return NULL;
    for (unsigned i = 0; i < WR_CLASSES; i++)
        mc->slot[i].bytes = wr_class[i].bytes;
    for (unsigned i = 0; i < wr_countof(mc->by_16); i++)
        mc->by_16[i] = &mc->slot[wr_class_by_16[i]];
    mc->slots = WR_CLASSES;
    mc->tiny = WR_TINY_NONE;
    mc->inbox = 1; /* closed */
    mc->next = atomic_load(&all);
    while (!atomic_compare_exchange_weak(&all, &mc->next, mc))
        ;
    return mc;
}

struct wr_mcache *
wr_caches_take(void)
{
    struct wr_mcache *mc = take_spare();

    if (mc == NULL)
        mc = make_cache();
    if (mc != NULL)
        wr_count_add(cache_inuse, sizeof *mc);
    return mc;
}

void
wr_caches_give_locked(struct wr_mcache *mc)
{
    mc->attached = false;
    wr_count_sub(cache_inuse, sizeof *mc);
    mc->spare_next = spare;
    spare = mc;
}

void
wr_caches_give(struct wr_mcache *mc)
{
    wr_lock_take(&wr_mheap_lock);
    wr_caches_give_locked(mc);
    wr_lock_give(&wr_mheap_lock);
}

struct wr_mcache *
wr_caches_first(void)
{
    return atomic_load_explicit(&all, memory_order_acquire);
}
