/* Invariants
 * 1. Lock `lock` (a leaf) guards the list, what was posted and who runs. It is
 *    not held while the program is called.
 * 2. `running` says who is being called: who takes that one off the list waits
 *    until it is another, unless it is the thread itself.
 */
#include "limit/calls.h"

#include <string.h>

#include "base/base.h"
#include "heap/mcache.h"
#include "os/lock.h"
#include "os/os.h"
#include "os/process.h"
#include "region/counters.h"
#include "region/region.h"
#include "world/background.h"
#include "world/thread.h"

enum { SUBSCRIBERS = 16, NOBODY = 0, REPEATED = SUBSCRIBERS + 1 };

static struct wr_lock lock = WR_LOCK_INIT;
static struct wr_subscriber list[SUBSCRIBERS]; /* all 0: free */
static struct weir_pressure posted;
static bool is_posted;
static _Atomic bool busy;       /* from a post until all have been called */
static _Atomic uint64_t cycles; /* that ended, and nobody was told of */
static wr_calls_fn *repeated;
static bool repeats_now;         /* it is new */
static _Atomic uint32_t running; /* NOBODY, a place in the list and 1, ... */

static _Atomic uint32_t tid;  /* of the thread; 0: there is none */
static _Atomic uint32_t bell; /* rung when there is something to do */
static _Atomic bool starting;
static _Atomic uint64_t freed; /* count: bytes, by subscribers */

/* ---- calling ---- */

static void
begins(uint32_t who)
{
    atomic_store(&running, who);
}

static void
ends(void)
{
    atomic_store(&running, NOBODY);
    wr_os_wake(&running, INT32_MAX);
}

/* With the pressure; NULL: with so many cycles that have ended. */
static void
call(uint32_t i, const struct weir_pressure *p, uint64_t ended)
{
    struct wr_subscriber s;
    bool mine;

    wr_lock_take(&lock);
    s = list[i];
    mine = p != NULL ? s.pressure != NULL : s.cycle != NULL;
    if (mine)
        begins(i + 1);
    wr_lock_give(&lock);
    if (!mine)
        return;
    if (p != NULL) {
        s.pressure(p, s.arg);
        wr_count_add(limit_told, 1);
    } else {
        s.cycle(ended, s.arg);
    }
    ends();
}

static bool
take_posted(struct weir_pressure *p)
{
    bool is;

    wr_lock_take(&lock);
    *p = posted;
    is = is_posted;
    is_posted = false;
    atomic_store(&busy, is);
    wr_lock_give(&lock);
    return is;
}

/* Call what is to be called at *due, and set when again. */
static void
repeat(uint64_t *due)
{
    wr_calls_fn *fn;
    uint64_t ns = 0;

    wr_lock_take(&lock);
    fn = repeated;
    if (repeats_now)
        *due = 0;
    repeats_now = false;
    if (fn != NULL && *due <= wr_os_monotonic())
        begins(REPEATED);
    else if (fn != NULL)
        fn = NULL;
    else
        *due = UINT64_MAX;
    wr_lock_give(&lock);
    if (fn == NULL)
        return;
    ns = fn();
    ends();
    *due = ns == 0 ? UINT64_MAX : wr_os_monotonic() + ns;
}

static uint64_t
own_freed(void)
{
    struct wr_mcache *mc = wr_mcache_get();

    return mc == NULL ? 0 : wr_mcache_turnover(mc, false).freed;
}

static void
call_all(const struct weir_pressure *p)
{
    uint64_t before = own_freed();

    for (uint32_t i = 0; i < SUBSCRIBERS; i++)
        call(i, p, 0);
    atomic_fetch_add(&freed, own_freed() - before);
    wr_background_watch(true); /* what they freed can go back */
}

static void
call_after(uint64_t ended)
{
    for (uint32_t i = 0; i < SUBSCRIBERS && ended > 0; i++)
        call(i, NULL, ended);
}

bool
wr_calls_are_busy(void)
{
    return atomic_load(&busy);
}

uint64_t
wr_calls_freed(void)
{
    return atomic_load(&freed);
}

static void *
work(void *arg)
{
    struct weir_pressure p;
    uint64_t due = UINT64_MAX, now;
    uint32_t rung;

    (void)arg;
    atomic_store(&tid, wr_os_tid());
    for (;;) {
        rung = atomic_load(&bell);
        while (take_posted(&p))
            call_all(&p);
        call_after(atomic_exchange(&cycles, 0));
        repeat(&due);
        now = wr_os_monotonic();
        if (due > now)
            wr_os_wait(&bell, rung, due == UINT64_MAX ? 0 : due - now);
    }
    return NULL;
}

/* ---- the thread ---- */

bool
wr_calls_start(void)
{
    if (atomic_exchange(&starting, true))
        return true;
    if (wr_thread_start(work))
        return true;
    atomic_store(&starting, false);
    return false;
}

bool
wr_calls_is_here(void)
{
    return atomic_load(&tid) == wr_os_tid();
}

static void
ring(void)
{
    atomic_fetch_add(&bell, 1);
    wr_os_wake(&bell, 1);
}

/* Who was taken off is not called when this returns. */
static void
wait_for(uint32_t who)
{
    while (atomic_load(&running) == who && !wr_calls_is_here())
        wr_os_wait(&running, who, 0);
}

void
wr_calls_post(const struct weir_pressure *p)
{
    if (!atomic_load(&starting))
        return;
    wr_lock_take(&lock);
    posted = *p;
    is_posted = true;
    atomic_store(&busy, true);
    wr_lock_give(&lock);
    ring();
}

void
wr_calls_cycle_ended(void)
{
    if (!atomic_load(&starting))
        return;
    atomic_fetch_add(&cycles, 1);
    ring();
}

void
wr_calls_repeat(wr_calls_fn *fn)
{
    wr_lock_take(&lock);
    repeated = fn;
    repeats_now = true;
    wr_lock_give(&lock);
    ring();
    if (fn == NULL)
        wait_for(REPEATED);
}

void
wr_calls_fork_child(void)
{
    if (!atomic_load(&starting))
        return;
    lock = (struct wr_lock)WR_LOCK_INIT;
    memset(list, 0, sizeof list);
    is_posted = false;
    atomic_store(&busy, false);
    atomic_store(&cycles, 0);
    repeated = NULL;
    atomic_store(&running, NOBODY);
    atomic_store(&tid, 0);
    atomic_store(&starting, false);
}

/* ---- subscribers ---- */

/* The place of such a subscriber, of a free one for none; SUBSCRIBERS: there
 * is none. Lock held. */
static uint32_t
find(struct wr_subscriber s)
{
    uint32_t i = 0;

    while (i < SUBSCRIBERS &&
           (list[i].pressure != s.pressure || list[i].cycle != s.cycle ||
            list[i].arg != s.arg))
        i++;
    return i;
}

weir_err
wr_calls_add(struct wr_subscriber s)
{
    uint32_t i;

    if (s.pressure == NULL && s.cycle == NULL)
        return WEIR_EINVAL;
    if (!wr_calls_start())
        return WEIR_ENOMEM;
    wr_os_note_lent(list, sizeof list);
    wr_lock_take(&lock);
    i = find((struct wr_subscriber){0});
    if (i < SUBSCRIBERS)
        list[i] = s;
    wr_lock_give(&lock);
    return i < SUBSCRIBERS ? WEIR_OK : WEIR_EBUSY;
}

weir_err
wr_calls_remove(struct wr_subscriber s)
{
    uint32_t i;

    if (s.pressure == NULL && s.cycle == NULL)
        return WEIR_EINVAL;
    wr_lock_take(&lock);
    i = find(s);
    if (i < SUBSCRIBERS)
        list[i] = (struct wr_subscriber){0};
    wr_lock_give(&lock);
    if (i == SUBSCRIBERS)
        return WEIR_ENOENT;
    wait_for(i + 1);
    return WEIR_OK;
}

WR_EXPORT weir_err
weir_pressure_subscribe(weir_pressure_fn fn, void *arg)
{
    return wr_calls_add((struct wr_subscriber){.pressure = fn, .arg = arg});
}

WR_EXPORT weir_err
weir_pressure_unsubscribe(weir_pressure_fn fn, void *arg)
{
    return wr_calls_remove((struct wr_subscriber){.pressure = fn, .arg = arg});
}
