/* Invariants
 * 1. Who takes `stage` from IDLE to RUNNING has `now`, and takes the sweeper's
 *    set away. From when it is not `wanted` any more these are Weir's thread's,
 *    which gives the sweeper a new set, and the stage back, by way of ENDED to
 *    who waits for the result. Where the verifier found something wrong it
 *    stays BROKEN, until a thread of the program comes and says what.
 * 2. The trigger is WR_PACER_NEVER while the collector is off.
 * 3. `last` changes while its writer leads, or is told of a new percent: a torn
 *    one begins a cycle early or late.
 */
#include <weir/gc.h>

#include "base/base.h"
#include "base/die.h"
#include "gc/barrier.h"
#include "gc/cycle.h"
#include "gc/debt.h"
#include "gc/doubt.h"
#include "gc/gc.h"
#include "gc/judge.h"
#include "gc/peak.h"
#include "gc/sweep.h"
#include "gc/tie.h"
#include "gc/track.h"
#include "gc/verify.h"
#include "gc/young.h"
#include "heap/heap.h"
#include "limit/calls.h"
#include "limit/pacer.h"
#include "limit/policy.h"
#include "mark/assists.h"
#include "mark/helpers.h"
#include "mark/marks.h"
#include "os/os.h"
#include "os/process.h"
#include "region/collector.h"
#include "region/counters.h"
#include "region/event.h"
#include "world/background.h"
#include "world/stand.h"
#include "world/thread.h"

enum { IDLE, RUNNING, ENDED, BROKEN };
/* A cycle: the heap has grown, a call asked for it, it is one of each so many
 * blocks, there has been none for long. */
enum why { DUE, ASKED, STRESS, TIME };
enum { LOOK_NS = 10000000, PATIENCE = 300 };
/* Of who has run too far ahead, at once; and who would help, but cannot. */
enum { NAP_NS = 1000000, SHORT_NAP_NS = 200000 };
/* Of a cycle beside the program, and how many are not tried so then. */
enum { STOPS_MANY = 100, SCATTERED_CYCLES = 8 };
enum {
    AGAIN = 64 << 20,      /* bytes, before the next is tried after a failure */
    AHEAD_BYTES = 1 << 20, /* see line */
    BESIDE_BYTES = 32 << 20, /* a heap that is worth marking beside it; */
    YOUNG_BYTES = 64 << 20,  /* where most cycles are young */
    BARRIER_BYTES = 1 << 20, /* where the program tells of its stores */
};
#define LONGEST_NS UINT64_C(120000000000) /* without a cycle, as in Go */

_Atomic uint64_t wr_gc_trigger = WR_PACER_NEVER;
uint32_t wr_gc_every;
static bool verifies;
static uint32_t young_ones; /* enum wr_gc_young; all constant after start */
static struct wr_cycle now;
static _Atomic uint32_t stage;
static _Atomic bool wanted; /* and not begun */
/* The one that runs lets nobody else run: who comes by waits for its end. */
static _Atomic bool stopping;
static void (*asked_before)(void);
static unsigned scattered;                /* cycles yet, guard: as last */
static uint32_t wished_way = WR_WAY_NONE; /* to mark; NONE: as fits */
static _Atomic int percent = -1;
static _Atomic unsigned disabled;
static _Atomic bool malloc_is_root;
static _Atomic uint64_t dead_bytes, failures;
static _Thread_local bool inside;

/* What cycles may cost where it is the limit that wants them. */
static struct {
    struct wr_pacer_toll bucket;
    uint64_t until_ns; /* it is filled to; 0: not made */
} toll;

/* Held by the process, and neither blocks of ours nor idle: as of the last look
 * at the limit. */
static _Atomic uint64_t others;

/* What the last cycle found, and the plan made of it. */
static struct {
    uint64_t live, dead, suspects, roots;
    uint64_t reached; /* wr_managed_grown() then */
    uint64_t goal;
    uint64_t work; /* bytes that the next is likely to scan */
    uint64_t tail; /* and that are allocated between that and its end */
    struct wr_pacer_age age;
    bool unkept; /* the marks of the last that was to keep them */
    struct wr_pacer_rates rates;
    bool limited;
} last;

/* ---- when ---- */

/* More was freed than allocated? Then 0. */
static uint64_t
grown_since(uint64_t reached)
{
    int64_t more = (int64_t)(wr_managed_grown() - reached);

    return more > 0 ? (uint64_t)more : 0;
}

/* Bytes that managed blocks take up, with the dead ones that are not swept. */
static uint64_t
taken(void)
{
    return last.live + last.suspects +
           wr_max(grown_since(last.reached), last.dead);
}

static uint64_t
idle(void)
{
    uint64_t released = wr_count_get(heap_released);
    uint64_t all = wr_count_get(heap_idle);

    return all - wr_min(released, all);
}

/* What the memory limit knows. */
static struct wr_pacer_room
room(void)
{
    uint64_t limit = wr_count_get(limit), ours = taken(), free = idle();

    return (struct wr_pacer_room){.limit = limit != 0 ? limit : WR_LIMIT_NONE,
                                  .held = atomic_load(&others) + ours + free,
                                  .blocks = ours,
                                  .idle = free};
}

/* Is the heap so large? What was allocated far beyond the goal, where there was
 * no cycle, may be alive, all of it. */
static bool
has(uint64_t bytes)
{
    uint64_t blocks = taken();
    bool far = last.goal == WR_PACER_NEVER || blocks / 2 > last.goal;

    return (far ? blocks : last.live) >= bytes;
}

static void
set_trigger(uint64_t at)
{
    bool always = wr_gc_every != 0 && at != WR_PACER_NEVER;

    atomic_store(&wr_gc_trigger, always ? 0 : at);
}

/* Young cycles are short, and there are none beside the program: so where most
 * are young, more is marked while it stands still. */
static bool
is_for_beside(void)
{
    return has(YOUNG_BYTES) ||
           (has(BESIDE_BYTES) &&
            (last.age.work == 0 || last.age.wait > 0 || last.unkept));
}

/* How is it to be marked? A program that writes all over its heap is copied. */
static uint32_t
first_way(void)
{
    if (wished_way != WR_WAY_NONE)
        return wished_way;
    if (wr_barrier_is_used() && has(BARRIER_BYTES))
        return WR_WAY_BARRIER;
    if (!is_for_beside())
        return WR_WAY_STOPPED;
    return scattered > 0 ? WR_WAY_SNAPSHOT : WR_WAY_TRACKED;
}

/* It came to no end for long: it is tried again after some cycles. */
static void
note_scattered(const struct wr_cycle *c)
{
    if (c->way == WR_WAY_TRACKED && c->stops > STOPS_MANY)
        scattered = SCATTERED_CYCLES;
    else if (scattered > 0)
        scattered--;
}

/* When the next cycle begins: at its goal, if the program stands still for it,
 * else so early that it has ended then. */
static void
choose_trigger(void)
{
    struct wr_pacer_heap h = {.percent = atomic_load(&percent),
                              .marked = last.age.full,
                              .scanned = last.work,
                              .globals = last.roots,
                              .cons_mark = last.rates.now,
                              .room = room()};
    struct wr_pacer_plan plan = wr_pacer_plan(&h);
    uint64_t at = first_way() != WR_WAY_STOPPED ? plan.trigger : plan.goal;
    bool never = plan.goal == WR_PACER_NEVER || atomic_load(&disabled) > 0;
    uint64_t more = at > last.live ? at - last.live : 0;

    last.goal = never ? WR_PACER_NEVER : plan.goal;
    last.limited = plan.limited;
    if (plan.limited && wr_pacer_is_limiting(toll.bucket))
        more = wr_max(more, wr_max(last.live, WR_PACER_HEAP_MIN));
    set_trigger(never ? WR_PACER_NEVER : last.reached + more);
    if (wr_collector_self() != NULL)
        wr_collector_set(goal, last.goal);
}

/* The limit, or what is held, is another. */
static void
limit_moved(void)
{
    uint64_t held = wr_count_get(limit_held), known = taken() + idle();

    atomic_store(&others, held - wr_min(held, known));
    choose_trigger();
}

static uint64_t
scaled(uint64_t n, uint64_t to, uint64_t from)
{
    return from == 0 ? n : (uint64_t)((double)n * (double)to / (double)from);
}

/* Who allocates helps to mark, so that the rest of the cycle, in which nobody
 * can, ends at the goal: as if all that there will be were alive, since what
 * comes too early is not too much. */
static struct wr_pacer_progress
pace(void)
{
    uint64_t all = scaled(last.work, last.goal, last.live);
    uint64_t ahead = last.goal - wr_min(last.live, last.goal);
    uint64_t tail = wr_min(last.tail, ahead / 2);

    return (struct wr_pacer_progress){.percent = atomic_load(&percent),
                                      .goal = last.goal - tail,
                                      .expected = all,
                                      .most = all};
}

/* ---- what was done ---- */

/* While it stands still all of the program's time is the collector's; beside
 * it, that of one processor. */
static void
pay(const struct wr_cycle *c)
{
    unsigned processors = wr_os_cpus();
    uint64_t stopped = c->pause_ns;
    uint64_t beside = c->ended_ns - c->stopped_ns - stopped;
    uint64_t since = toll.until_ns == 0 ? 0 : c->stopped_ns - toll.until_ns;

    if (toll.until_ns == 0)
        toll.bucket = wr_pacer_toll(processors);
    toll.bucket = wr_pacer_pour(toll.bucket, stopped * processors + beside,
                                since * processors + beside * (processors - 1));
    toll.until_ns = c->ended_ns;
}

/* From one that ran beside the program, from `before` to `after`. */
static void
learn(const struct wr_cycle *c, uint64_t before, uint64_t after)
{
    uint64_t tail = c->way == WR_WAY_TRACKED ? wr_managed_grown() - c->grew : 0;

    last.tail = wr_max(tail, last.tail / 4 * 3);
    last.rates = wr_pacer_learn(
        last.rates,
        &(struct wr_pacer_cycle){.triggered = before,
                                 .reached = after,
                                 .work = c->once,
                                 .mark_ns = c->ended_ns - c->stood_ns,
                                 .assist_ns = wr_debt_ns(),
                                 .processors = wr_os_cpus()});
}

static void
account(const struct wr_cycle *c)
{
    bool beside = c->way != WR_WAY_STOPPED;
    bool shared = c->way == WR_WAY_TRACKED || c->way == WR_WAY_BARRIER;
    uint64_t prepared = shared ? c->go_on_ns : c->stood_ns;
    uint64_t mark = c->marked_ns - prepared;
    uint64_t since_stop =
        c->way == WR_WAY_SNAPSHOT ? c->ended_ns - c->go_on_ns : 0;
    uint64_t before = last.live + last.suspects + (c->triggered - last.reached);
    uint64_t meanwhile = grown_since(c->reached);
    uint64_t after = before + grown_since(c->triggered);

    wr_collector_ended(
        &(struct wr_collection){.prepare_ns = prepared - c->stopped_ns,
                                .mark_ns = mark,
                                .end_ns = c->ended_ns - c->marked_ns,
                                .stopped_ns = c->pause_ns,
                                .longest_ns = c->longest_ns,
                                .stops = c->stops,
                                .since_stop_ns = since_stop,
                                .background_ns = beside ? mark : 0,
                                .heap_start = before,
                                .heap_end = after,
                                .live = c->live,
                                .goal = last.goal,
                                .globals = c->roots,
                                .processors = wr_os_cpus(),
                                .way = c->way,
                                .young = c->young,
                                .forced = c->forced,
                                .by_time = c->by_time,
                                .limited = last.limited});
    wr_collector_set(percent, atomic_load(&percent));
    pay(c);
    note_scattered(c);
    if (beside)
        learn(c, before, after);
    last.dead = c->dead_bytes;
    last.suspects = c->suspect_bytes;
    atomic_fetch_add(&dead_bytes, c->dead_bytes);
    if (c->keep)
        last.unkept = wr_young_bytes() == 0;
    /* What was allocated meanwhile counts as alive. */
    last.live = c->live + meanwhile;
    if (!c->young) {
        last.age.full = last.live;
        last.work = scaled(c->once, last.live, c->live);
    }
    last.age = wr_pacer_grow_older(last.age, c->young, c->scanned);
    last.roots = c->roots;
    last.reached = c->reached + meanwhile;
}

/* ---- Weir's thread ---- */

static bool
is_begun(void)
{
    return atomic_exchange(&wanted, false);
}

static void
set_stage(uint32_t to)
{
    atomic_store(&stopping, false);
    atomic_store(&stage, to);
    wr_os_wake(&stage, INT32_MAX);
    wr_helpers_ring();
}

/* Of address space: the dead, and what is kept. */
static void
set_sys(uint64_t dead)
{
    wr_collector_set(sys, dead + wr_young_bytes());
}

static void
fail(void)
{
    atomic_fetch_add(&failures, 1);
    if (wr_gc_every == 0)
        atomic_fetch_add(&wr_gc_trigger, AGAIN);
}

/* Who forced it takes the result away itself. */
static void
cycle(void)
{
    struct wr_cycle c = now;

    wr_cycle_run(&c);
    if (atomic_load(&stage) != RUNNING || atomic_load(&wanted))
        return; /* it was given up before it began */
    now = c;
    if (now.done) {
        account(&now);
        choose_trigger();
        set_sys(wr_marks_bytes(now.dead));
        if (!now.young) /* that calls alive what may be dead */
            wr_peak_look(&now);
        wr_sweep_begin(now.dead);
        wr_calls_cycle_ended();
    } else {
        fail();
    }
    if (now.wrong.len != 0)
        set_stage(BROKEN);
    else
        set_stage(now.forced ? ENDED : IDLE);
}

static void
asked(void)
{
    if (atomic_load(&wanted)) {
        cycle();
        wr_track_watch_no_more();
    }
    if (asked_before != NULL)
        asked_before();
}

/* ---- a cycle is asked for ---- */

/* May it keep its marks, and begin with those of the last? A cycle that
 * somebody has asked for is to find all that is dead, and so are rare ones. */
static bool
may_keep(uint32_t way)
{
    return young_ones != WR_GC_YOUNG_OFF && way == WR_WAY_STOPPED &&
           !atomic_load(&malloc_is_root) && !wr_collects_malloc;
}

static bool
may_be_young(enum why why)
{
    struct wr_pacer_age age = last.age;
    bool always = young_ones == WR_GC_YOUNG_ALWAYS;

    age.goal = last.goal;
    age.live = last.live;
    if (always)
        age.wait = 0;
    return (why == DUE || (why == STRESS && always)) && !last.limited &&
           wr_pacer_is_young(&age);
}

/* By who has taken the stage to RUNNING; nothing is being swept. */
static void
ask_for_cycle(enum why why)
{
    bool keep = may_keep(first_way());

    now = (struct wr_cycle){.forced = why == ASKED || why == STRESS,
                            .by_time = why == TIME,
                            .verify = verifies,
                            .all = atomic_load(&malloc_is_root),
                            .malloc = wr_collects_malloc,
                            .way = first_way(),
                            .keep = keep,
                            .young = keep && may_be_young(why),
                            .pace = pace(),
                            .base = last.reached - last.live - last.suspects,
                            .begun = is_begun};
    atomic_store(&stopping, now.way == WR_WAY_STOPPED);
    atomic_store(&wanted, true);
}

static bool
is_leader(void)
{
    uint32_t idle = IDLE;

    return atomic_compare_exchange_strong(&stage, &idle, RUNNING);
}

/* A program that allocates little holds what it does not need any more, and its
 * finalizers wait. What failed is not tried again at once. */
static bool
look_at_clock(uint64_t now_ns)
{
    static uint64_t tried_ns;
    uint64_t last_ns = wr_max(toll.until_ns, tried_ns); /* the end of one */

    if (toll.until_ns == 0 || atomic_load(&percent) < 0 ||
        atomic_load(&disabled) > 0)
        return false;
    if (now_ns <= last_ns + LONGEST_NS || !is_leader())
        return true;
    tried_ns = now_ns;
    if (wr_sweep_drop()) {
        ask_for_cycle(TIME);
        wr_background_ask();
    } else {
        set_stage(IDLE);
    }
    return true;
}

static bool
tick(uint64_t now_ns)
{
    bool writing = wr_peak_tick();

    return look_at_clock(now_ns) || writing;
}

/* ---- the program's threads ---- */

/* A cycle begins, soon. The caller has taken the stage to RUNNING. */
static bool
begin(enum why why)
{
    wr_collector_tell();
    if (!wr_sweep_finish()) {
        set_stage(IDLE);
        return false;
    }
    set_sys(0);
    ask_for_cycle(why);
    return true;
}

/* There is no thread that would do it, or it waits for what a thread has that
 * was interrupted in the heap. */
static bool
is_hopeless(unsigned looks)
{
    wr_background_ask();
    return atomic_load(&wr_background_state) == 0 || looks >= PATIENCE;
}

/* Who stands may help meanwhile: nobody holds it where the marker waits. */
static void
wait_for_stage(bool stands)
{
    if (stands)
        wr_helpers_come();
    if (atomic_load(&wanted))
        wr_background_ask();
    for (unsigned looks = 1;; looks++) {
        uint32_t rung = wr_helpers_rung();

        if (atomic_load(&stage) != RUNNING)
            break;
        if (!stands || !wr_helpers_take_part())
            wr_helpers_listen(rung, LOOK_NS);
        if (atomic_load(&wanted) && is_hopeless(looks) && is_begun()) {
            fail();
            set_stage(IDLE);
        }
    }
    if (stands)
        wr_helpers_go();
}

static void
wait_for_end(void)
{
    wr_stand(wait_for_stage);
    if (atomic_load(&stage) == BROKEN)
        wr_die(&now.wrong);
}

/* The stage has left IDLE: a cycle runs, or its end is being taken in. */
static void
wait_for_others(void)
{
    wait_for_end();
    if (atomic_load(&stage) == ENDED)
        wr_os_wait(&stage, ENDED, LOOK_NS);
}

static bool
take_in(void)
{
    bool done = atomic_load(&stage) == ENDED && now.done;

    if (done && wr_sweep_finish())
        set_sys(0);
    if (done && verifies)
        wr_verify_own();
    wr_collector_tell();
    wr_ties_run();
    if (atomic_load(&stage) == ENDED)
        set_stage(IDLE);
    return done;
}

/* To its end. */
static bool
collect(enum why why)
{
    bool done = false;

    if (inside || !wr_os_at_home() || !wr_world_region())
        return false;
    inside = true;
    while (!is_leader())
        wait_for_others();
    if (begin(why)) {
        wait_for_end();
        done = take_in();
    }
    inside = false;
    return done;
}

bool
wr_gc_collect(void)
{
    return collect(ASKED);
}

/* How far the program may run ahead of a cycle where it cannot help. */
static uint64_t
line(void)
{
    uint64_t ahead = last.goal > last.live ? last.goal - last.live : 0;

    return last.reached + ahead + ahead / 8 + AHEAD_BYTES;
}

static void
nap(uint64_t ns)
{
    uint64_t began_ns = wr_os_monotonic();

    wr_os_wait(&stage, RUNNING, ns);
    wr_debt_waited(wr_os_monotonic() - began_ns);
}

/* A cycle runs. */
static void
help(void)
{
    if (atomic_load(&wr_assists_are_open)) {
        if (!wr_debt_pay())
            nap(SHORT_NAP_NS);
    } else if (wr_gc_is_at(line()) || atomic_load(&wr_track_ends)) {
        nap(NAP_NS);
    }
}

static void
collect_at_every(uint32_t nth)
{
    static _Atomic uint32_t blocks;

    if (atomic_fetch_add(&blocks, 1) % nth == 0)
        (void)collect(STRESS);
}

void
wr_gc_make_room(void)
{
    if (wr_unlikely(wr_gc_every != 0)) {
        collect_at_every(wr_gc_every);
        return;
    }
    if (inside || !wr_os_at_home() || !wr_world_region())
        return;
    inside = true;
    if (is_leader()) {
        if (begin(DUE)) {
            if (atomic_load(&stopping))
                wait_for_end();
            else
                wr_background_ask();
        }
    } else if (atomic_load(&stage) == BROKEN || atomic_load(&stopping)) {
        wait_for_end();
    } else {
        help();
    }
    inside = false;
}

void
wr_gc_before_malloc(void)
{
    if (wr_gc_is_due())
        wr_gc_make_room();
    wr_sweep_some();
    wr_collector_tell();
}

/* ---- calls ---- */

WR_EXPORT weir_err
weir_gc_collect(void)
{
    return wr_gc_collect() ? WEIR_OK : WEIR_ENOTSUP;
}

WR_EXPORT weir_err
weir_gc_release(void)
{
    weir_err err = weir_gc_collect();

    (void)wr_heap_trim();
    return err;
}

WR_EXPORT int
weir_gc_set_percent(int wish)
{
    int old = atomic_exchange(&percent, wish < 0 ? -1 : wish);

    choose_trigger();
    return old;
}

WR_EXPORT void
weir_gc_disable(void)
{
    if (atomic_fetch_add(&disabled, 1) == 0)
        choose_trigger();
}

WR_EXPORT void
weir_gc_enable(void)
{
    unsigned n = atomic_load(&disabled);

    while (n > 0 && !atomic_compare_exchange_weak(&disabled, &n, n - 1))
        ;
    if (n == 1)
        choose_trigger();
}

/* Whoever marks has the ties' lock before the program stands still. */
WR_EXPORT void *
weir_gc_undisturbed(void *(*fn)(void *arg), void *arg)
{
    bool was_inside = inside;
    void *result;

    inside = true; /* to wait for a cycle here would be to wait for ever */
    wr_ties_lock();
    result = fn(arg);
    wr_ties_unlock();
    inside = was_inside;
    return result;
}

WR_EXPORT weir_err
weir_gc_subscribe(weir_gc_fn fn, void *arg)
{
    return wr_calls_add((struct wr_subscriber){.cycle = fn, .arg = arg});
}

WR_EXPORT weir_err
weir_gc_unsubscribe(weir_gc_fn fn, void *arg)
{
    return wr_calls_remove((struct wr_subscriber){.cycle = fn, .arg = arg});
}

WR_EXPORT void
weir_gc_scan_malloc(enum weir_gc_malloc which)
{
    atomic_store(&malloc_is_root, which == WEIR_GC_MALLOC_ALL);
}

WR_EXPORT weir_err
weir_gc_read(struct weir_gc *out)
{
    const struct wr_collector *c;

    if (out == NULL)
        return WEIR_EINVAL;
    *out = (struct weir_gc){.failed = atomic_load(&failures),
                            .live_bytes = last.live,
                            .next_bytes =
                                last.goal == WR_PACER_NEVER ? 0 : last.goal,
                            .dead_bytes = atomic_load(&dead_bytes),
                            .allocated_bytes = atomic_load(&wr_managed_bytes)};
    c = wr_collector_self();
    if (c == NULL)
        return WEIR_OK;
    out->cycles = atomic_load(&c->cycles);
    out->forced = atomic_load(&c->forced);
    out->pause_ns = atomic_load(&c->stopped_ns);
    out->longest_ns = atomic_load(&c->longest_ns);
    out->last_ns = atomic_load(&c->last_end_ns);
    return WEIR_OK;
}

/* ---- start ---- */

void
wr_gc_start(const struct wr_gc_options *o)
{
    wished_way = o->way;
    verifies = o->verify;
    young_ones = o->young;
    wr_gc_every = o->every;
    if (o->malloc)
        wr_doubt_start();
    asked_before = wr_events.asked;
    wr_events.asked = asked;
    wr_events.tick = tick;
    wr_events.limit_moved = limit_moved;
    wr_sweep_start(o->clobber);
    wr_peak_start(o->peaks);
    wr_judge_start();
    wr_barrier_start();
    (void)weir_gc_set_percent(o->percent);
}

void
wr_gc_fork_child(void)
{
    wr_sweep_fork_child();
    wr_peak_fork_child();
    wr_ties_fork_child();
    wr_judge_fork_child();
    wr_barrier_fork_child();
    wr_track_fork_child();
    wr_helpers_fork_child();
    wr_young_fork_child();
    if (atomic_load(&wanted))
        atomic_store(&wanted, false);
    if (atomic_load(&stopping))
        atomic_store(&stopping, false);
    if (atomic_load(&stage) != IDLE)
        atomic_store(&stage, IDLE);
}
