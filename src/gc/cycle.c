/* Invariants
 * 1. Between stand_still and go_on only the calling thread runs, and it holds
 *    the heap's locks: nothing there allocates or waits for a thread.
 * 2. In a copy nothing shared is written but the set of the dead and the
 *    numbers of the cycle.
 * 3. `dead` holds only managed blocks that were live when the program stood
 *    still and had no mark then.
 */
#include "gc/cycle.h"

#include <stdatomic.h>

#include "base/base.h"
#include "gc/barrier.h"
#include "gc/doubt.h"
#include "gc/sweep.h"
#include "gc/tie.h"
#include "gc/track.h"
#include "gc/verify.h"
#include "gc/young.h"
#include "heap/heap.h"
#include "heap/mcache.h"
#include "heap/mheap.h"
#include "heap/tiny.h"
#include "leak/early.h"
#include "leak/known.h"
#include "leak/reach.h"
#include "leak/roots.h"
#include "limit/pacer.h"
#include "mark/helpers.h"
#include "mark/mark.h"
#include "mark/marks.h"
#include "os/kept.h"
#include "os/os.h"
#include "os/process.h"
#include "region/layout.h"
#include "world/background.h"
#include "world/stop.h"

#define PATIENCE_NS UINT64_C(1000000000) /* for threads to stand still */
#define LOOK_NS     UINT64_C(500000)
#define LEAVE_BYTES ((uint64_t)64 << 20)

struct work {
    struct wr_cycle *cycle;
    struct wr_marks *marks;
    struct wr_marker *marker;
    bool keeps; /* the marks, for a young cycle */
    struct wr_young_run old;
};

/* ---- standing still ---- */

static void
let_go(struct wr_stop *s)
{
    wr_stop_end(s);
    wr_early_forget();
    wr_heap_fork_after(false);
    wr_ties_unlock();
    wr_background_leave();
}

void
wr_cycle_go_on(struct wr_cycle *c, struct wr_stop *s)
{
    uint64_t ns;

    let_go(s);
    c->go_on_ns = wr_os_monotonic();
    ns = c->go_on_ns - c->stopped_ns;
    c->stops++;
    c->pause_ns += ns;
    c->longest_ns = wr_max(c->longest_ns, ns);
}

/* The helper that holds threads is there before anybody waits, once it is sure
 * that it has something to do. */
struct wr_stop *
wr_cycle_stand_still(struct wr_cycle *c)
{
    struct wr_stop *s = NULL;
    bool again = c->stops > 0;

    if (c->malloc)
        wr_os_kept_prepare();
    while (!wr_background_enter())
        if (!wr_background_pause(LOOK_NS))
            return NULL;
    if (again)
        wr_stop_prepare();
    wr_ties_lock();
    wr_heap_fork_before();
    c->stopped_ns = wr_os_monotonic();
    if (again || c->begun())
        s = wr_stop_begin(wr_background_tid(), PATIENCE_NS);
    c->stood_ns = wr_os_monotonic();
    if (s != NULL && s->answered == s->count) {
        wr_tiny_forget();
        return s;
    }
    let_go(s);
    return NULL;
}

/* ---- marking ---- */

static void
mark_root(uintptr_t from, uintptr_t end, void *work)
{
    struct work *w = work;

    wr_marker_scan(w->marker, (void *)from, (void *)end);
    w->cycle->roots += end - from;
}

bool
wr_cycle_keeps(const struct wr_cycle *c)
{
    return c->all || (c->malloc && wr_doubt_any());
}

void
wr_cycle_keep(const struct wr_cycle *c, struct wr_marker *m, struct wr_span *s)
{
    if (wr_span_state(s) < WR_SPAN_SMALL || wr_span_state(s) > WR_SPAN_LARGE ||
        wr_span_is_managed(s) || !(c->all || wr_doubt_has(s->class_id)))
        return;
    for (unsigned from = 0; from < s->blocks; from += 64)
        for (uint64_t bits = wr_span_live_blocks(s, from); bits != 0;
             bits &= bits - 1)
            (void)wr_marker_add(m, s, from + (unsigned)wr_cpu_lowest_bit(bits));
}

static void
keep(struct wr_span *s, void *work)
{
    struct work *w = work;

    wr_cycle_keep(w->cycle, w->marker, s);
}

static void
keep_all(struct work *w)
{
    if (wr_cycle_keeps(w->cycle))
        wr_mheap_each_span(keep, w);
}

static bool
is_beside(const struct wr_cycle *c)
{
    return c->way == WR_WAY_SNAPSHOT;
}

/* Blocks of malloc may be dead. */
static bool
mark_carefully(struct work *w, const struct wr_stop *s)
{
    uintptr_t from, end;

    for (unsigned i = 0; wr_os_lent(i, &from, &end); i++)
        wr_marker_scan(w->marker, (void *)from, (void *)end);
    keep_all(w);
    if (!wr_roots_each(s, mark_root, w))
        return false;
    w->cycle->roots += wr_known_mark(w->marker);
    w->cycle->proved = wr_reach_is_proved();
    return wr_ties_mark(w->marker, w->marks, is_beside(w->cycle));
}

static bool
mark_from_roots(struct work *w, const struct wr_stop *s)
{
    if (w->cycle->malloc)
        return mark_carefully(w, s);
    if (!wr_roots_own(s, NULL, mark_root, w))
        return false;
    w->cycle->roots += wr_known_mark(w->marker);
    keep_all(w);
    return wr_ties_mark(w->marker, w->marks, is_beside(w->cycle));
}

/* Of the processors, while the program runs. */
static unsigned
quarter(void)
{
    return wr_pacer_markers(wr_os_cpus()).whole;
}

/* With the last cycle's marks there is little to do. */
static bool
mark_young(struct work *w, const struct wr_stop *s)
{
    return wr_young_look_again(w->marker, w->marks) && mark_from_roots(w, s);
}

static bool
mark_all(struct work *w, const struct wr_stop *s)
{
    bool marked;

    (void)wr_helpers_begin(w->marker,
                           is_beside(w->cycle) ? quarter() : WR_MARKERS_MOST,
                           is_beside(w->cycle) ? 0 : wr_helpers_waiting());
    marked = mark_from_roots(w, s);
    wr_helpers_end(w->marker);
    return marked;
}

static bool
mark(struct work *w, const struct wr_stop *s)
{
    struct wr_cycle *c = w->cycle;
    bool marked;

    w->marks = c->young ? wr_young_begin() : wr_marks_new();
    if (w->marks != NULL)
        w->marker = wr_marker_new(w->marks, c->malloc ? w->marks : NULL);
    if (w->marker == NULL)
        return false;
    if (c->keep)
        w->marks->changing = true;
    marked = c->young ? mark_young(w, s) : mark_all(w, s);
    c->scanned = c->once = wr_marker_sums(w->marker)->scanned;
    return marked;
}

/* ---- what is white ---- */

static uint32_t
count_suspects(const struct wr_span *s, unsigned from, uint64_t blocks)
{
    uint32_t n = 0;

    for (; blocks != 0; blocks &= blocks - 1) {
        unsigned i = from + (unsigned)wr_cpu_lowest_bit(blocks);

        n += wr_block_is_suspect(wr_block_state(s, i));
    }
    return n;
}

/* Of the 64 blocks from there that live, those without a mark. Who makes one
 * live gives it its mark before: so states are looked at first. */
static uint64_t
white_of(const uint64_t *mark, unsigned from, uint64_t live)
{
    atomic_thread_fence(memory_order_acquire);
    return live &
           ~(mark != NULL ? __atomic_load_n(&mark[from / 64], __ATOMIC_RELAXED)
                          : 0);
}

void
wr_cycle_take_white(struct wr_cycle *c, struct wr_span *s,
                    const struct wr_marks *marks)
{
    const uint64_t *mark = wr_marks_line(marks, s);
    size_t bytes = wr_span_block_bytes(s);
    bool managed = wr_span_is_managed(s);
    uint32_t live = 0, white = 0, dead = 0;
    uint64_t *gone = NULL;

    if (!managed && !c->malloc)
        return;
    for (unsigned i = 0; i < s->blocks; i += 64) {
        uint64_t has = wr_span_live_blocks(s, i);
        uint64_t bits = white_of(mark, i, has);

        live += wr_cpu_count(has);
        if (bits == 0 || (!managed && !c->proved))
            continue;
        if (gone == NULL) {
            gone = wr_marks_make_line(c->dead, s);
            if (gone == NULL)
                return;
            *wr_marks_note(c->dead, s) = wr_sweep_note(s);
        }
        gone[i / 64] = bits;
        white += wr_cpu_count(bits);
        dead += managed ? wr_cpu_count(bits) : count_suspects(s, i, bits);
    }
    c->live += (live - white) * bytes;
    c->live_blocks += live - white;
    c->dead_bytes += dead * bytes;
    c->dead_blocks += dead;
    c->suspect_bytes += (white - dead) * bytes;
}

/* Nothing in it is dead. What the program has freed there counts, until
 * somebody allocates from it. */
static void
take_old(struct wr_cycle *c, const struct wr_span *s)
{
    if (!wr_span_is_managed(s))
        return;
    c->live += s->blocks * wr_span_block_bytes(s);
    c->live_blocks += s->blocks;
}

static void
keep_span(struct wr_span *s, void *work)
{
    struct work *w = work;

    if (!w->cycle->young || !wr_span_is_old(s))
        wr_young_keep_span(&w->old, s, w->marks);
}

/* The verifier wants to know what was old before. */
static void
take_white(struct wr_span *s, void *work)
{
    struct work *w = work;

    if (w->cycle->young && wr_span_is_old(s)) {
        take_old(w->cycle, s);
        return;
    }
    wr_cycle_take_white(w->cycle, s, w->marks);
    if (w->keeps && !w->cycle->verify)
        wr_young_keep_span(&w->old, s, w->marks);
}

static bool
find_dead(struct work *w)
{
    wr_mheap_each_span(take_white, w);
    return !w->cycle->dead->failed;
}

bool
wr_cycle_is_true(struct wr_cycle *c, const struct wr_stop *s,
                 const struct wr_marks *marks)
{
    struct wr_verify v = {.marks = marks,
                          .dead = c->dead,
                          .stop = s,
                          .malloc = c->malloc,
                          .beside = c->way == WR_WAY_TRACKED,
                          .told = c->way == WR_WAY_BARRIER,
                          .young = c->young,
                          .under_way = (uint32_t)s->count};

    return wr_verify(&v, &c->wrong);
}

/* ---- two of the ways ---- */

static void
keep_or_free(struct work *w)
{
    if (!w->cycle->done || !w->keeps) {
        wr_marks_free(w->marks);
        return;
    }
    if (w->cycle->verify)
        wr_mheap_each_span(keep_span, w);
    wr_young_keep(&w->old, w->marks);
}

/* As of now: everything but the caller stands still, or this is a copy. */
static void
look(struct wr_cycle *c, const struct wr_stop *s)
{
    struct work w = {.cycle = c};

    c->done = mark(&w, s);
    c->marked_ns = wr_os_monotonic();
    w.keeps = c->done && c->keep && wr_young_may_keep();
    c->done = c->done && find_dead(&w) &&
              (!c->verify || wr_cycle_is_true(c, s, w.marks));
    wr_marker_free(w.marker);
    keep_or_free(&w);
}

static void
look_stopped(struct wr_cycle *c, struct wr_stop *s)
{
    c->young = c->young && wr_young_can();
    if (!c->young)
        wr_young_forget();
    c->dead = wr_marks_new();
    if (c->dead != NULL)
        look(c, s);
    wr_cycle_go_on(c, s);
}

/* May the program write all it has while the copy is there? */
static bool
is_room(void)
{
    struct wr_os_usage now;
    uint64_t wanted;

    wr_os_usage(&now, true);
    wanted = now.rss + LEAVE_BYTES;
    return wr_os_memory_left(wanted) >= wanted;
}

/* Its exit status; not 0: it found nothing out. */
static int
wait_for(long copy)
{
    bool told_to_stop = false;
    int status;

    while ((status = wr_os_copy_ended(copy)) == -2) {
        if (!told_to_stop && !wr_background_pause(LOOK_NS)) {
            told_to_stop = true;
            wr_os_copy_kill(copy);
        }
    }
    return status;
}

/* The set and the numbers are shared with the copy. false: there was none; and
 * all stand still yet. */
static bool
look_beside(struct wr_cycle *c, struct wr_stop *s)
{
    struct wr_cycle *shared = wr_os_map_shared(sizeof *shared);
    long copy = -1;

    c->dead = shared != NULL ? wr_marks_new_shared() : NULL;
    if (c->dead != NULL) {
        *shared = *c;
        copy = wr_os_copy();
    }
    if (copy == 0) {
        look(shared, s);
        wr_os_end(shared->done ? 0 : 1);
    }
    if (copy > 0) {
        wr_cycle_go_on(shared, s);
        if (wait_for(copy) != 0)
            shared->done = false;
        *c = *shared;
    } else {
        wr_marks_free(c->dead);
        c->dead = NULL;
    }
    if (shared != NULL)
        wr_os_unmap(shared, sizeof *shared);
    return copy > 0;
}

/* In a copy, if that can be, or while the program stands still. */
static void
look_as_of_now(struct wr_cycle *c)
{
    struct wr_stop *s;

    if (is_beside(c) && !is_room())
        c->way = WR_WAY_STOPPED;
    s = wr_cycle_stand_still(c);
    if (s == NULL)
        return;
    if (c->malloc)
        wr_early_read();
    c->triggered = c->reached = wr_managed_grown();
    if (is_beside(c) && wr_ties_allow_copy()) {
        wr_young_forget();
        if (look_beside(c, s))
            return;
    }
    c->way = WR_WAY_STOPPED;
    look_stopped(c, s);
}

/* By the first of the ways that can be had. */
static void
look_somehow(struct wr_cycle *c)
{
    if (c->way == WR_WAY_BARRIER && wr_barrier_run(c))
        return;
    if (c->way == WR_WAY_BARRIER)
        c->way = WR_WAY_TRACKED;
    if (c->way == WR_WAY_TRACKED && wr_track_run(c))
        return;
    if (c->way == WR_WAY_TRACKED)
        c->way = WR_WAY_SNAPSHOT;
    look_as_of_now(c);
}

void
wr_cycle_run(struct wr_cycle *c)
{
    look_somehow(c);
    c->ended_ns = wr_os_monotonic();
    if (c->done && is_beside(c))
        wr_ties_bury(c->dead);
    if (c->done) {
        wr_ties_wake();
        return;
    }
    wr_marks_free(c->dead);
    c->dead = NULL;
}
