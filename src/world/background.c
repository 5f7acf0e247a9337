/* Invariants
 * 1. wr_background_state is ABSENT, WORKING or STOPPING. Only begin() leaves
 *    ABSENT, only stop() leaves WORKING for STOPPING, only the thread (or who
 *    could not start it) returns to ABSENT.
 * 2. While `stops` is not 0 no thread is started: begin() looks after it has
 *    left ABSENT, stop() counts before it looks at the state.
 * 3. The thread touches no thread-local storage; it calls only what says that
 *    it needs none.
 * 4. Between two ticks it looks at the limit, as often as that wants; told to
 *    hurry, at once, but not before HURRY_NS after it looked last.
 * 5. `bell` changes only before the thread sleeps by it for the first time;
 *    from then till the thread leaves THERE is set in it.
 * 6. The thread is in the heap only between in_heap being set and cleared, and
 *    only if it saw nobody who keeps it out after it had set it.
 */
#include "world/background.h"

#include "heap/scavenge.h"
#include "os/os.h"
#include "region/event.h"
#include "region/history_write.h"
#include "region/region.h"
#include "world/pulse.h"

enum { ABSENT, WORKING, STOPPING };
enum { QUIET_TICKS = 3, STOP_WAITS = 1000 };

#define TICK_NS  UINT64_C(1000000000)
#define HURRY_NS UINT64_C(2000000)
#define ABOUT_NS UINT64_C(10000000) /* so old may the clock at hand be */

_Atomic uint32_t wr_background_state WR_AT_FORK;
_Atomic uint32_t wr_background_tells WR_AT_FORK;
static _Atomic uint32_t stops WR_AT_FORK;
static _Atomic uint32_t keeping_out WR_AT_FORK;
static struct wr_os_thread thread WR_AT_FORK;
static _Atomic bool in_heap;
static _Atomic bool enabled, writes_history;
static _Atomic bool memory_idle; /* told since the last tick */
static _Atomic bool asked;
static _Atomic bool watching; /* the limit is looked at */
static _Atomic bool hurried;  /* told to look at once */
static _Atomic uint32_t turn; /* of threads there were */
static uint64_t due;          /* the next tick; the thread's own */

/* Rung after any of these, or the state, changed: what the thread sleeps by.
 * The region's, where there is one: other processes ring that without changing
 * it. */
static _Atomic uint32_t own_bell;
static _Atomic(_Atomic uint32_t *) bell = &own_bell;

enum { THERE = 1, RING = 2 };

static void
ring(void)
{
    _Atomic uint32_t *b = atomic_load(&bell);

    atomic_fetch_add(b, RING);
    wr_os_wake_shared(b, 1);
}

/* ---- the thread ---- */

bool
wr_background_enter(void)
{
    atomic_store(&in_heap, true);
    if (atomic_load(&keeping_out) == 0)
        return true;
    atomic_store(&in_heap, false);
    return false;
}

void
wr_background_leave(void)
{
    atomic_store(&in_heap, false);
}

static bool
scavenge(void)
{
    bool more = true; /* kept out: later */

    if (wr_background_enter()) {
        more = wr_scavenge();
        wr_background_leave();
    }
    return more;
}

static bool
pulse(void)
{
    return atomic_load(&writes_history) && wr_pulse();
}

/* A job's tick: done while it is wanted and QUIET_TICKS more after it last
 * found something. */
struct job {
    unsigned left;
};

static bool
go_on(struct job *job, bool wanted)
{
    if (wanted)
        job->left = QUIET_TICKS;
    else if (job->left > 0)
        job->left--;
    return job->left > 0;
}

static bool
tick(struct job *scavenger, struct job *history)
{
    bool more = atomic_load(&watching);

    if (atomic_exchange(&asked, false) && wr_events.asked != NULL)
        wr_events.asked();
    if (wr_os_monotonic() < due)
        return true; /* it was only asked */
    due = wr_os_monotonic() + TICK_NS;
    if (go_on(scavenger, atomic_exchange(&memory_idle, false)) && scavenge())
        scavenger->left = QUIET_TICKS + 1;
    if (go_on(history, pulse()))
        more = true;
    if (wr_events.tick != NULL && wr_events.tick(wr_os_monotonic()))
        more = true;
    return more || scavenger->left > 0;
}

/* Look at the limit: when is the next time? */
static uint64_t
watch(void)
{
    uint64_t ns = 0;

    if (!atomic_load(&watching))
        return UINT64_MAX;
    atomic_store(&hurried, false);
    if (wr_events.watch != NULL)
        ns = wr_events.watch(thread.apart);
    if (ns == 0)
        atomic_store(&watching, false);
    return ns == 0 ? UINT64_MAX : wr_os_monotonic() + wr_max(ns, HURRY_NS);
}

static bool
is_called(void)
{
    return atomic_load(&asked) || atomic_load(&wr_background_state) != WORKING;
}

/* Sleep, unless the bell has been rung since it was `rung`. */
static void
sleep_until(uint64_t moment, uint32_t rung)
{
    _Atomic uint32_t *b = atomic_load(&bell);
    uint64_t now = wr_os_monotonic();

    if (now >= moment)
        return;
    wr_os_wait_shared(b, rung, moment - now);
    if (atomic_load(b) == rung && wr_os_monotonic() < moment)
        atomic_store(&asked, true); /* by another process, it seems */
}

/* Until a tick is due, or the thread is asked or stopped. */
static void
wait_for_tick(void)
{
    uint64_t look, seen;
    uint32_t rung;

    do {
        look = watch();
        seen = wr_os_monotonic();
        rung = atomic_load(atomic_load(&bell));
        if (!atomic_load(&hurried) && !is_called())
            sleep_until(wr_min(due, look), rung);
        rung = atomic_load(atomic_load(&bell));
        if (atomic_load(&hurried) && !is_called())
            sleep_until(wr_min(due, seen + HURRY_NS), rung);
    } while (wr_os_monotonic() < due && !is_called());
}

static void
hang_bell(void)
{
    if (wr_region != NULL)
        atomic_store(&bell, &wr_region->bell);
    atomic_fetch_or(atomic_load(&bell), THERE);
}

static void
work(void *arg)
{
    struct job scavenger = {0}, history = {QUIET_TICKS};

    (void)arg;
    atomic_fetch_add(&turn, 1);
    hang_bell();
    due = wr_os_monotonic() + TICK_NS;
    wr_pulse_begin(thread.apart);
    (void)pulse();
    do {
        if (!atomic_load(&asked))
            wait_for_tick();
    } while (atomic_load(&wr_background_state) == WORKING &&
             tick(&scavenger, &history));
    atomic_fetch_and(atomic_load(&bell), ~(uint32_t)THERE);
    atomic_store(&wr_background_state, ABSENT);
}

/* ---- starting it ---- */

/* The state has just left ABSENT for us. */
static void
start(void)
{
    /* A vfork child has our memory; a thread of its would die with it. */
    bool may = atomic_load(&stops) == 0 && atomic_load(&thread.alive) == 0 &&
               wr_os_at_home();

    if (may && wr_os_thread_start(&thread, work, NULL))
        return;
    if (may)
        atomic_store(&enabled, false); /* not to be had: do not try again */
    atomic_store(&wr_background_state, ABSENT);
}

static void
begin(void)
{
    uint32_t absent = ABSENT;

    if (atomic_load_explicit(&enabled, memory_order_relaxed) &&
        atomic_compare_exchange_strong(&wr_background_state, &absent, WORKING))
        start();
}

void
wr_background_tell_absent(void)
{
    if (wr_region != NULL &&
        atomic_load_explicit(&enabled, memory_order_relaxed) &&
        (atomic_load_explicit(&writes_history, memory_order_relaxed) ||
         atomic_load_explicit(&watching, memory_order_relaxed)) &&
        wr_os_monotonic_about() + ABOUT_NS >=
            wr_region->start_mono_ns + WR_PULSE_AGE_NS)
        begin();
}

static void
memory_is_idle(void)
{
    if (!atomic_load_explicit(&memory_idle, memory_order_relaxed))
        atomic_store(&memory_idle, true);
    if (atomic_load_explicit(&wr_background_state, memory_order_relaxed) ==
        ABSENT)
        begin();
}

void
wr_background_ask(void)
{
    atomic_store(&asked, true);
    begin();
    ring();
}

void
wr_background_watch(bool now)
{
    atomic_store(&watching, true);
    if (atomic_load_explicit(&enabled, memory_order_relaxed))
        wr_events.memory_taken = wr_background_tell;
    if (!now || (atomic_exchange(&hurried, true) &&
                 atomic_load(&wr_background_state) != ABSENT))
        return;
    begin();
    ring();
}

bool
wr_background_is_wanted(void)
{
    return atomic_load(&wr_background_state) == WORKING;
}

bool
wr_background_pause(uint64_t ns)
{
    wr_os_wait(&wr_background_state, WORKING, ns);
    return wr_background_is_wanted();
}

uint32_t
wr_background_tid(void)
{
    return atomic_load(&thread.alive);
}

uint32_t
wr_background_turn(void)
{
    return atomic_load(&turn);
}

bool
wr_background_is_apart(void)
{
    return thread.apart;
}

void
wr_background_enable(bool on, bool history)
{
    wr_os_home_set();
    wr_events.memory_idle = on ? memory_is_idle : NULL;
    wr_events.memory_taken = on && history ? wr_background_tell : NULL;
    atomic_store(&writes_history, history);
    atomic_store(&enabled, on);
}

/* ---- holding it back ---- */

void
wr_background_stop(void)
{
    uint32_t working = WORKING;

    atomic_fetch_add(&stops, 1);
    if (atomic_compare_exchange_strong(&wr_background_state, &working,
                                       STOPPING)) {
        ring();
        wr_os_wake(&wr_background_state, 1); /* in a pause */
    }
    for (unsigned i = 0; atomic_load(&wr_background_state) != ABSENT; i++) {
        if (i == STOP_WAITS)
            return;
        wr_os_wait(&wr_background_state, STOPPING, TICK_NS / STOP_WAITS);
    }
    wr_os_thread_join(&thread);
}

void
wr_background_go(void)
{
    WR_ASSERT(atomic_load(&stops) > 0);
    atomic_fetch_sub(&stops, 1);
}

bool
wr_background_keep_out(void)
{
    atomic_fetch_add(&keeping_out, 1);
    if (!atomic_load(&in_heap))
        return true;
    wr_background_let_in();
    return false;
}

void
wr_background_let_in(void)
{
    WR_ASSERT(atomic_load(&keeping_out) > 0);
    atomic_fetch_sub(&keeping_out, 1);
}

void
wr_background_fork_child(void)
{
    atomic_store(&wr_background_state, ABSENT);
    atomic_store(&stops, 0);
    atomic_store(&thread.alive, 0);
    atomic_store(&bell, &own_bell); /* the other is the parent's */
    if (atomic_load(&asked))
        atomic_store(&asked, false); /* it was the parent that was asked */
    if (atomic_load(&hurried))
        atomic_store(&hurried, false);
    if (atomic_load(&in_heap))
        atomic_store(&in_heap, false);
}
