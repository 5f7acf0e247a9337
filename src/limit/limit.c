/* Invariants
 * 1. What was wished for is in `wish`. What is in force is in the counters, in
 *    the heap's alarm and in its ceiling; apply() alone brings one to the
 *    other, under the lock.
 * 2. `look` is the background thread's.
 * 3. Work on the limit, by whatever thread, is done inside the toll.
 */
#include "limit/limit.h"

#include <string.h>

#include "base/base.h"
#include "base/text.h"
#include "heap/mcache.h"
#include "heap/mheap.h"
#include "heap/purge.h"
#include "limit/calls.h"
#include "limit/policy.h"
#include "os/os.h"
#include "region/counters.h"
#include "region/event.h"
#include "region/history_write.h"
#include "world/background.h"

#define GROUP_NS UINT64_C(5000000000)  /* between two looks at the group */
#define EMPTY_NS UINT64_C(100000000)   /* between two orders to empty caches */
#define MARK_NS  UINT64_C(10000000000) /* between two marks of one level */
#define WAIT_NS  UINT64_C(20000000)    /* for a look before a refusal */
#define SOON_NS  UINT64_C(5000000)

enum { PART = 4 << 20 }; /* given back between two looks at the toll */

static struct {
    _Atomic uint64_t bytes; /* WEIR_LIMIT_AUTO, WEIR_LIMIT_OFF, or a limit */
    _Atomic bool hard;
    _Atomic uint64_t group;    /* the system's limit, when last read; 0: none */
    _Atomic uint64_t every_ns; /* 0: nobody wants to see more often */
} wish = {WEIR_LIMIT_OFF, false, 0, 0};

static struct wr_lock lock = WR_LOCK_INIT; /* a leaf */
static struct {
    uint64_t held, heap; /* as of the last look */
    uint64_t rate;
} seen; /* guard: lock */

static struct {
    uint64_t ns, held; /* the last look */
    int64_t rate;
    uint64_t group_ns; /* when the group is to be read again */
    uint64_t empty_ns; /* when caches may be emptied again */
    uint64_t mark_ns;  /* when a level as marked may be marked again */
    uint64_t tell_ns;  /* when subscribers are to have done something, */
    uint64_t deadline_ns, freed; /* the time they had; freed before that */
    enum weir_pressure_level level, marked, told;
} look;

static _Atomic uint32_t looks; /* that were finished */
static struct wr_toll toll;
/* Raised when threads are to empty their caches: each does when it next takes
 * pages. */
static _Atomic uint32_t emptied;

/* ---- from a wish to a limit ---- */

static void
set_level(_Atomic uint64_t *counter, uint64_t value)
{
    atomic_store_explicit(counter, value, memory_order_relaxed);
}

static uint64_t
limit_wished(void)
{
    uint64_t bytes = atomic_load(&wish.bytes), group;

    if (bytes != WEIR_LIMIT_AUTO)
        return bytes;
    group = atomic_load(&wish.group);
    return group == 0 ? WR_LIMIT_NONE : wr_policy_headroom(group);
}

static uint64_t
flags(void)
{
    return (atomic_load(&wish.hard) ? WR_LIMIT_IS_HARD : 0) |
           (atomic_load(&wish.bytes) == WEIR_LIMIT_AUTO ? WR_LIMIT_IS_AUTO : 0);
}

/* Bring what is in force in line with the wish and with what was seen. Lock
 * held. *m: what it was made of. */
static struct wr_plan
apply(struct wr_moment *m)
{
    struct wr_plan p;

    *m = (struct wr_moment){
        .limit = limit_wished(),
        .hard = atomic_load(&wish.hard),
        .held = seen.held,
        .heap = seen.heap,
        .rate = seen.rate,
        .was = (enum weir_pressure_level)wr_count_get(limit_level)};
    p = wr_policy_plan(m);
    set_level(&wr_mheap_alarm, p.alarm);
    set_level(&wr_mheap_ceiling, p.ceiling);
    set_level(&wr_counters->limit, m->limit == WR_LIMIT_NONE ? 0 : m->limit);
    set_level(&wr_counters->limit_flags,
              m->limit == WR_LIMIT_NONE ? 0 : flags());
    set_level(&wr_counters->limit_held, m->held);
    set_level(&wr_counters->limit_level, p.level);
    return p;
}

/* The heap has so much just now, the process `held`. */
static struct wr_plan
apply_seen(uint64_t held, uint64_t heap, uint64_t rate, struct wr_moment *m)
{
    struct wr_plan p;

    wr_lock_take(&lock);
    seen.held = held;
    seen.heap = heap;
    seen.rate = rate;
    p = apply(m);
    wr_lock_give(&lock);
    return p;
}

/* ---- giving back, on the program's threads ---- */

static bool
has_idle(void)
{
    return wr_count_get(heap_idle) > wr_count_get(heap_released);
}

static bool
is_to_empty(void)
{
    return wr_self != &wr_mcache_none &&
           wr_self->emptied != atomic_load(&emptied);
}

static void
empty_own(void)
{
    if (!is_to_empty())
        return;
    wr_self->emptied = atomic_load(&emptied);
    wr_mcache_flush(wr_self);
}

static void
count_work(uint64_t given)
{
    wr_count_add(limit_given, given);
    wr_count_add(limit_work_ns, wr_toll_leave(&toll, wr_os_monotonic()));
}

static void
memory_near(size_t grown)
{
    wr_background_watch(true);
    if (!has_idle() && !is_to_empty())
        return;
    if (!wr_toll_enter(&toll, wr_os_monotonic()))
        return;
    empty_own();
    count_work(wr_mheap_scavenge(grown));
}

static bool
fits(size_t bytes)
{
    return wr_count_get(heap_inuse) + bytes <= atomic_load(&wr_mheap_ceiling);
}

/* Before it is refused: what the thread keeps is no use of memory, and what
 * is not the heap's may be less than when it was looked at. */
static bool
memory_over(size_t bytes)
{
    uint32_t before = atomic_load(&looks);

    if (wr_self != &wr_mcache_none)
        wr_mcache_flush(wr_self);
    if (fits(bytes))
        return true;
    wr_background_watch(true);
    wr_os_wait(&looks, before, WAIT_NS);
    if (fits(bytes))
        return true;
    wr_count_add(limit_refused, 1);
    wr_history_mark_refused(WR_MARK_REFUSED, bytes);
    return false;
}

/* ---- the background's look ---- */

static void
look_at_group(uint64_t now, bool may_open)
{
    if (!may_open || atomic_load(&wish.bytes) != WEIR_LIMIT_AUTO ||
        now < look.group_ns)
        return;
    atomic_store(&wish.group, wr_os_memory_limit());
    look.group_ns = now + GROUP_NS;
}

/* All that is known without asking the kernel. */
static uint64_t
own_bytes(uint64_t heap)
{
    return heap + wr_count_get(span_sys) + wr_count_get(cache_sys) +
           wr_count_get(profile_sys) + wr_count_get(other_sys);
}

static void
look_at_growth(uint64_t now, uint64_t held)
{
    if (look.ns != 0 && now > look.ns)
        look.rate = wr_policy_rate(look.rate, (int64_t)(held - look.held),
                                   now - look.ns);
    look.ns = now;
    look.held = held;
}

/* Pages of spans and of idle runs, as many as are wanted. */
static void
give_back(uint64_t wanted)
{
    uint64_t given, n = 1;

    if (!wr_toll_enter(&toll, wr_os_monotonic()))
        return;
    given = wr_purge(true);
    while (given < wanted && n > 0 &&
           wr_toll_allows(&toll, wr_os_monotonic())) {
        n = wr_mheap_scavenge(wr_min(PART, wanted - given));
        given += n;
    }
    count_work(given);
}

static void
mark_level(enum weir_pressure_level level, uint64_t now, uint64_t held)
{
    static const char *const says[] = {"below", "above 90%", "above 95%",
                                       "passed"};

    if (level <= look.marked && now < look.mark_ns)
        return;
    look.marked = level;
    look.mark_ns = now + MARK_NS;
    wr_history_mark(WR_MARK_LIMIT, 0, held, says[level]);
}

/* How long subscribers have now. Once the limit is passed there is no time. */
static uint64_t
deadline(const struct wr_plan *p, uint64_t freed)
{
    bool helped = p->level > look.told || freed != look.freed;

    return wr_policy_deadline(p->level == WEIR_PRESSURE_FULL ? 0 : p->left_ns,
                              helped ? 0 : look.deadline_ns);
}

static void
post(const struct wr_plan *p, const struct wr_moment *m, uint64_t now)
{
    uint64_t freed = wr_calls_freed();
    struct weir_pressure says = {.level = p->level,
                                 .wanted = p->wanted,
                                 .deadline_ns = deadline(p, freed),
                                 .held = m->held,
                                 .limit = m->limit};

    look.told = p->level;
    look.freed = freed;
    look.deadline_ns = says.deadline_ns;
    look.tell_ns = now + says.deadline_ns;
    wr_calls_post(&says);
}

/* Subscribers hear of a level, again when their time is up, or when all have
 * answered and one has freed something: it may know of more. And of its end. */
static void
tell(const struct wr_plan *p, const struct wr_moment *m, uint64_t now)
{
    bool answered = !wr_calls_are_busy() &&
                    (now >= look.tell_ns || wr_calls_freed() != look.freed);
    bool begins =
        p->level >= WEIR_PRESSURE_HIGH && (p->level > look.told || answered);
    bool ends =
        p->level == WEIR_PRESSURE_NONE && look.told != WEIR_PRESSURE_NONE;

    if (begins || ends)
        post(p, m, now);
}

static void
respond(const struct wr_plan *p, const struct wr_moment *m, uint64_t now)
{
    if (p->level > look.level) {
        wr_count_add(limit_raised, 1);
        mark_level(p->level, now, m->held);
    }
    look.level = p->level;
    if (p->level != WEIR_PRESSURE_NONE && now >= look.empty_ns) {
        atomic_fetch_add(&emptied, 1);
        look.empty_ns = now + EMPTY_NS;
    }
    if (p->wanted > 0 && wr_background_enter()) {
        give_back(p->wanted);
        wr_background_leave();
        if (wr_events.memory_wanted != NULL)
            wr_events.memory_wanted(p->wanted);
    }
    set_level(&wr_counters->limit_skipped, atomic_load(&toll.skipped));
    tell(p, m, now);
}

static void
tell_moved(void)
{
    if (wr_events.limit_moved != NULL)
        wr_events.limit_moved();
}

/* Somebody may be waiting to be refused. */
static void
finish_look(void)
{
    atomic_fetch_add(&looks, 1);
    wr_os_wake(&looks, INT32_MAX);
    tell_moved();
}

static uint64_t
next_look(const struct wr_plan *p)
{
    uint64_t every = atomic_load(&wish.every_ns);

    if (every == 0 && atomic_load(&wish.bytes) == WEIR_LIMIT_OFF)
        return 0;
    return every == 0 ? p->again_ns : wr_min(p->again_ns, every);
}

static uint64_t
watch(bool may_open)
{
    uint64_t now = wr_os_monotonic(), heap, held;
    struct wr_moment m;
    struct wr_plan p;

    if (!wr_background_enter())
        return SOON_NS;
    heap = wr_mheap_held();
    wr_background_leave();
    look_at_group(now, may_open);
    held = may_open ? wr_os_held() : 0;
    if (held == 0)
        held = own_bytes(heap);
    look_at_growth(now, held);
    p = apply_seen(held, heap, look.rate > 0 ? (uint64_t)look.rate : 0, &m);
    finish_look();
    respond(&p, &m, now);
    return next_look(&p);
}

/* ---- wishes ---- */

bool
wr_limit_set(uint64_t bytes, bool hard)
{
    struct wr_moment m;

    if (bytes != WEIR_LIMIT_AUTO && bytes < WR_LIMIT_MIN)
        return false;
    if (bytes == WEIR_LIMIT_AUTO)
        atomic_store(&wish.group, wr_os_memory_limit());
    wr_lock_take(&lock);
    atomic_store(&wish.hard, hard);
    atomic_store(&wish.bytes, bytes);
    (void)apply(&m);
    wr_lock_give(&lock);
    tell_moved();
    return true;
}

void
wr_limit_look_every(uint64_t ns)
{
    atomic_store(&wish.every_ns, ns);
    if (ns != 0)
        wr_background_watch(true);
}

void
wr_limit_start(void)
{
    wr_events.memory_near = memory_near;
    wr_events.memory_over = memory_over;
    wr_events.watch = watch;
}

/* The counters are a private copy of the parent's. */
void
wr_limit_fork_child(void)
{
    wr_calls_fork_child();
    wr_monitor_fork_child();
    if (atomic_load(&looks) == 0 && atomic_load(&wish.bytes) == WEIR_LIMIT_OFF)
        return;
    lock = (struct wr_lock)WR_LOCK_INIT;
    memset(&look, 0, sizeof look);
    memset(&toll, 0, sizeof toll);
    atomic_store(&looks, 0);
    atomic_store(&wish.every_ns, 0);
    for (_Atomic uint64_t *c = &wr_counters->limit_held;
         c <= &wr_counters->limit_told; c++)
        set_level(c, 0);
}
