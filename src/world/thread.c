/* Invariants
 * 1. A cache keeps its region slot for ever; both count on when another
 *    thread takes them, so sums over slots never fall.
 * 2. The pthread key holds a thread's cache while it has one, so that its
 *    destructor gives the cache back. A later destructor of the same thread
 *    that allocates gets a new cache, and the key is set again: libc calls
 *    us again.
 * 3. While the region is lent (a forked child) nothing is written to a slot:
 *    they lie in the parent's.
 */
#include "world/thread.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include "heap/caches.h"
#include "heap/mcache.h"
#include "os/os.h"
#include "region/event.h"
#include "region/region.h"
#include "world/joinable.h"

/* Top of the main thread's stack, from the dynamic loader. */
extern void *__libc_stack_end;

static pthread_key_t key;
static bool have_key;

static void
begin_slot(struct wr_thread_slot *slot, uint32_t tid)
{
    atomic_store_explicit(&slot->tid, tid, memory_order_relaxed);
    atomic_store_explicit(&slot->start_ns, wr_os_realtime(),
                          memory_order_relaxed);
    atomic_store_explicit(&slot->create_stack, 0, memory_order_relaxed);
    atomic_store_explicit(&slot->stack_lo, 0, memory_order_relaxed);
    atomic_store_explicit(&slot->stack_hi, 0, memory_order_relaxed);
    atomic_fetch_add_explicit(&slot->threads, 1, memory_order_relaxed);
    atomic_store_explicit(&slot->state, WR_THREAD_RUNNING,
                          memory_order_release);
}

static void
attached(struct wr_mcache *mc)
{
    (void)wr_world_region();
    if (mc->region_slot == NULL)
        mc->region_slot = wr_region_new_thread();
    if (mc->region_slot != NULL)
        begin_slot(mc->region_slot, wr_os_tid());
    if (have_key)
        (void)pthread_setspecific(key, mc);
}

static void
detached(struct wr_mcache *mc)
{
    wr_thread_publish(mc);
    if (mc->region_slot != NULL && wr_region != NULL)
        atomic_store_explicit(&mc->region_slot->state, WR_THREAD_ENDED,
                              memory_order_release);
}

static void
thread_ends(void *mc)
{
    (void)mc;
    wr_joinable_ends();
    wr_mcache_detach();
}

void
wr_world_start(void)
{
    have_key = pthread_key_create(&key, thread_ends) == 0;
    wr_events.thread_attached = attached;
    wr_events.thread_detached = detached;
}

void
wr_thread_begin(uint32_t create_stack)
{
    struct wr_mcache *mc = wr_mcache_get();

    if (mc != NULL && mc->region_slot != NULL)
        atomic_store_explicit(&mc->region_slot->create_stack, create_stack,
                              memory_order_relaxed);
}

static void
store_counts(struct wr_thread_slot *slot, struct wr_mcache *mc)
{
    wr_word_store(&slot->count[0].allocs,
                  __atomic_load_n(&mc->tinies, __ATOMIC_RELAXED));
    for (unsigned i = 1; i < WR_CLASSES; i++) {
        wr_word_store(&slot->count[i].allocs, wr_mcache_allocs(mc, i));
        wr_word_store(&slot->count[i].frees, wr_mcache_frees(mc, i));
    }
}

void
wr_thread_publish(struct wr_mcache *mc)
{
    if (mc->region_slot != NULL && wr_world_region())
        store_counts(mc->region_slot, mc);
}

void
wr_world_publish(void)
{
    if (wr_self != &wr_mcache_none)
        wr_mcache_settle(wr_self);
    for (struct wr_mcache *mc = wr_caches_first(); mc != NULL; mc = mc->next)
        wr_thread_publish(mc);
}

/* The slots of a region that was the parent's until now: one thread goes on,
 * and the counts are those of the caches, not of what the parent did since. */
static void
take_over_slots(void)
{
    for (struct wr_mcache *mc = wr_caches_first(); mc != NULL; mc = mc->next) {
        if (wr_region == NULL)
            mc->region_slot = NULL;
        if (mc->region_slot == NULL)
            continue;
        wr_thread_publish(mc);
        if (mc == wr_self)
            begin_slot(mc->region_slot, wr_os_tid());
        else
            atomic_store_explicit(&mc->region_slot->state, WR_THREAD_ENDED,
                                  memory_order_release);
    }
}

static void
fill_slot(struct wr_thread_slot *to, const struct wr_thread_slot *at)
{
    for (struct wr_mcache *mc = wr_caches_first(); mc != NULL; mc = mc->next) {
        if (mc->region_slot != at)
            continue;
        store_counts(to, mc);
        if (mc == wr_self)
            begin_slot(to, wr_os_tid());
        else
            to->state = WR_THREAD_ENDED;
    }
}

bool
wr_world_leave(void)
{
    if (wr_region_lent() == NULL)
        return false;
    if (wr_self != &wr_mcache_none)
        wr_mcache_settle(wr_self);
    return wr_region_leave(fill_slot);
}

bool
wr_world_take_region(void)
{
    if (wr_region_lent() == NULL)
        return false;
    (void)wr_region_own();
    if (wr_region_lent() != NULL)
        return false; /* a vfork child: it may not */
    take_over_slots();
    return wr_region != NULL;
}

/* The main thread's: the kernel keeps the space below its top free, as far
 * as the limit at exec allowed. */
static bool
main_stack(uintptr_t *lo, uintptr_t *hi)
{
    struct rlimit limit;
    size_t bytes = 8 * WR_MIB;

    if (getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur < 64 * WR_MIB)
        bytes = limit.rlim_cur;
    *hi = wr_align_up((uintptr_t)__libc_stack_end, 4096);
    *lo = *hi - bytes;
    return true;
}

static bool
other_stack(uintptr_t *lo, uintptr_t *hi)
{
    pthread_attr_t attr;
    void *base;
    size_t bytes;
    bool known;

    if (pthread_getattr_np(pthread_self(), &attr) != 0)
        return false;
    known = pthread_attr_getstack(&attr, &base, &bytes) == 0;
    if (known) {
        *lo = (uintptr_t)base;
        *hi = *lo + bytes;
    }
    (void)pthread_attr_destroy(&attr);
    return known;
}

bool
wr_thread_stack(uintptr_t *lo, uintptr_t *hi)
{
    bool is_main = wr_os_tid() == wr_os_pid();
    struct wr_thread_slot *slot = wr_self->region_slot;

    if (!(is_main ? main_stack(lo, hi) : other_stack(lo, hi)))
        return false;
    if (slot != NULL) {
        atomic_store_explicit(&slot->stack_lo, *lo, memory_order_relaxed);
        atomic_store_explicit(&slot->stack_hi, *hi, memory_order_relaxed);
    }
    return true;
}

bool
wr_thread_start(void *(*work)(void *))
{
    sigset_t all, before;
    pthread_attr_t attr;
    pthread_t thread;
    bool ok;

    sigfillset(&all);
    if (wr_region != NULL && wr_region->capture_signal != 0)
        sigdelset(&all, (int)wr_region->capture_signal);
    if (pthread_attr_init(&attr) != 0)
        return false;
    (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    ok = pthread_create(&thread, &attr, work, NULL) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attr);
    return ok;
}
