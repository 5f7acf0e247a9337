/* Invariants
 * 1. The marker marks between begin and the end of the last stop; all the while
 *    records of spans are kept.
 * 2. `at` in stretch `next` is how far a round has come; 0, 0 at its beginning.
 *    What lies before it was asked about in this round.
 */
#include "gc/track.h"

#include <stdatomic.h>

#include "base/base.h"
#include "gc/cycle.h"
#include "gc/debt.h"
#include "gc/judge.h"
#include "gc/tie.h"
#include "gc/tracts.h"
#include "gc/young.h"
#include "heap/mcache.h"
#include "heap/mheap.h"
#include "heap/stretches.h"
#include "leak/known.h"
#include "leak/reach.h"
#include "leak/roots.h"
#include "limit/pacer.h"
#include "mark/assists.h"
#include "mark/helpers.h"
#include "mark/mark.h"
#include "mark/marks.h"
#include "os/os.h"
#include "os/process.h"
#include "os/watch.h"
#include "world/background.h"

#define TURN_NS  UINT64_C(1000000) /* between looks whether it is wanted */
#define SLICE_NS UINT64_C(4000000) /* the program stands still, at most */
#define MORE_NS  UINT64_C(1000000) /* for what hangs off the roots */
#define RUN_NS   UINT64_C(1000000) /* and then runs, at least */
#define NEVER    UINT64_MAX

enum {
    BATCH = 64,      /* stretches of written pages that are asked for at once */
    ROUNDS = 10,     /* at most, beside the program */
    FEW_PAGES = 512, /* that a slice is sure to be done with */
    SLICES = 2000,   /* then it stands still for as long as it takes */
    SPANS = 64,      /* looked at under one lock */
    AGAIN = 256 << 10,     /* of the heap, looked at at once */
    FILES_MOST = 64 << 20, /* bytes */
};

struct track {
    struct wr_cycle *cycle;
    struct wr_marks *marks;
    struct wr_marker *marker;
    size_t next; /* of the stretches; */
    uintptr_t at;
    uint64_t written;  /* pages, in this round */
    uint64_t slice_ns; /* how long it may stand still at the end, by now */
    bool spilled;      /* grey blocks found no room in a stop: see find_lost */
    bool lost;         /* somebody else marks yet, and nobody knows how long */
};

static struct wr_stretch stretch[WR_STRETCHES];
static size_t stretches;
static struct wr_os_watch watch; /* of those, while it is open */
static bool is_open;

/* ---- rounds ---- */

/* Lock held. false: where the heap is cannot be known. */
static bool
find_stretches(void)
{
    stretches = wr_stretches_get(stretch);
    return stretches != SIZE_MAX;
}

static bool
is_over(uint64_t until)
{
    return until != NEVER && wr_os_monotonic() >= until;
}

static void
look_again(struct track *t, const struct wr_os_stretch *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        wr_marker_again(t->marker, s[i].from, s[i].end);
        t->written += (s[i].end - s[i].from) / wr_os_page_bytes();
    }
}

enum state { DONE, TIME_OVER, FAILED };

/* The rest of a round. DONE: it is whole, nothing is grey, and the next one
 * begins. */
static enum state
go_round(struct track *t, uint64_t until)
{
    struct wr_os_stretch found[BATCH];
    size_t n;

    for (; t->next < stretches; t->next++, t->at = 0) {
        const struct wr_stretch *s = &stretch[t->next];

        for (t->at = wr_max(t->at, s->from); t->at < s->end;) {
            if (is_over(until))
                return TIME_OVER;
            n = wr_os_watch_take(&watch, &t->at, s->end, found, BATCH);
            if (n == SIZE_MAX)
                return FAILED;
            look_again(t, found, n);
            if (!wr_marker_go_on(t->marker, until))
                return TIME_OVER;
        }
    }
    if (!wr_tracts_go_round(&watch, t->marker, until, &t->written))
        return TIME_OVER;
    t->next = 0;
    t->at = 0;
    return DONE;
}

/* ---- beside the program ---- */

/* To the end, or until Weir's thread has to stop. */
static bool
blacken_all(struct track *t)
{
    while (!wr_marker_go_on(t->marker, wr_os_monotonic() + TURN_NS))
        if (!wr_background_is_wanted())
            return false;
    return true;
}

/* What found no room among the grey blocks is found again. */
static bool
find_lost(struct track *t)
{
    while (wr_marker_lost_some(t->marker) || t->spilled) {
        t->spilled = false;
        for (size_t i = 0; i < stretches; i++)
            for (uintptr_t at = stretch[i].from; at < stretch[i].end;
                 at += AGAIN) {
                wr_marker_again(t->marker, at,
                                wr_min(at + AGAIN, stretch[i].end));
                if (!blacken_all(t))
                    return false;
            }
    }
    return true;
}

/* ---- blocks that are kept whoever has them ---- */

static bool
keep_some(struct track *t, uintptr_t *at)
{
    struct wr_span *s = NULL;

    for (int i = 0; i < SPANS && (s = wr_mheap_next(at)) != NULL; i++)
        wr_cycle_keep(t->cycle, t->marker, s);
    return s != NULL;
}

static bool
keep(struct track *t)
{
    uintptr_t at = 0;
    bool more = wr_cycle_keeps(t->cycle);

    while (more) {
        if (!wr_judge_lock())
            return false;
        more = keep_some(t, &at);
        wr_judge_unlock();
        if (!blacken_all(t))
            return false;
    }
    return true;
}

/* The program stands still. */
static void
keep_rest(struct track *t)
{
    uintptr_t at = 0;
    bool more = wr_cycle_keeps(t->cycle);

    while (more)
        more = keep_some(t, &at);
}

/* ---- beside the program, all of it ---- */
static void
ask_for_assists(struct track *t)
{
    struct wr_cycle *c = t->cycle;

    c->pace.triggered = c->triggered - c->base;
    wr_debt_begin(&c->pace, c->triggered);
    (void)wr_assists_begin(t->marker);
}

/* With helpers and who allocates: to where nothing is grey. */
static bool
mark_together(struct track *t)
{
    bool helped = wr_helpers_begin(t->marker,
                                   wr_pacer_markers(wr_os_cpus()).whole, 0) > 1;
    bool marked;

    do {
        wr_assists_open();
        marked = helped ? wr_marker_go_on(t->marker, 0) : blacken_all(t);
        t->lost = !wr_assists_close();
    } while (marked && !t->lost && wr_assists_take_over());
    wr_helpers_end(t->marker);
    return marked && !t->lost;
}

/* All that can be reached from what is grey. */
static bool
mark(struct track *t)
{
    bool marked;

    ask_for_assists(t);
    marked = mark_together(t);
    wr_assists_end();
    marked = marked && keep(t);
    t->cycle->once = wr_marker_sums(t->marker)->scanned;
    t->cycle->grew = wr_managed_grown();
    return marked && find_lost(t);
}

/* What ties hold need not wait for the end. */
static void
mark_ties(struct track *t)
{
    wr_ties_lock();
    wr_ties_mark_early(t->marker, t->marks);
    wr_ties_unlock();
}

static bool
run_round(struct track *t)
{
    enum state s;

    if (!wr_judge_lock())
        return false;
    s = find_stretches() ? TIME_OVER : FAILED;
    wr_judge_unlock();
    if (s == FAILED)
        return false;
    mark_ties(t);
    t->written = 0;
    while ((s = go_round(t, wr_os_monotonic() + TURN_NS)) == TIME_OVER)
        if (!wr_background_is_wanted())
            return false;
    return s == DONE && blacken_all(t) && find_lost(t);
}

/* As long as each is shorter than the one before by a quarter. */
static bool
run_rounds(struct track *t)
{
    uint64_t before = UINT64_MAX;

    for (int i = 0; i < ROUNDS; i++) {
        if (!run_round(t))
            return false;
        if (t->written <= FEW_PAGES || t->written > before / 4 * 3)
            break;
        before = t->written;
    }
    return true;
}

/* ---- while it stands still ---- */

static void
note_root(uintptr_t from, uintptr_t end, void *track)
{
    struct track *t = track;

    wr_marker_note(t->marker, (void *)from, (void *)end);
    t->cycle->roots += end - from;
}

/* But the tracts. */
static bool
note_roots(struct track *t, const struct wr_stop *s)
{
    t->cycle->roots = wr_tracts_bytes();
    if (!wr_roots_own(s, wr_tracts_seen(), note_root, t))
        return false;
    t->cycle->roots += wr_known_mark(t->marker);
    return true;
}

/* The same, with all that could lead to a block of malloc's. */
static bool
note_carefully(struct track *t, const struct wr_stop *s)
{
    uintptr_t from, end;

    t->cycle->roots = wr_tracts_bytes();
    for (unsigned i = 0; wr_os_lent(i, &from, &end); i++)
        wr_marker_note(t->marker, (void *)from, (void *)end);
    if (!wr_roots_rest(s, wr_tracts_seen(), note_root, t))
        return false;
    t->cycle->roots += wr_known_mark(t->marker);
    t->cycle->proved = wr_reach_is_proved();
    return true;
}

/* The first stop. */
static bool
begin(struct track *t)
{
    struct wr_stop *s = wr_cycle_stand_still(t->cycle);
    bool seen;

    if (s == NULL)
        return false;
    wr_judge_keep_records(t->marks);
    wr_tracts_begin(&watch, s);
    seen = note_roots(t, s);
    wr_cycle_go_on(t->cycle, s);
    return seen;
}

/* Who has come so far is not to begin again for a little. */
static uint64_t
and_more(uint64_t until)
{
    return wr_max(until, wr_os_monotonic() + MORE_NS);
}

/* A round that begins and ends in this stop, the roots, and all that hangs off
 * them: then this is the moment of the cycle. */
static enum state
look_stopped(struct track *t, const struct wr_stop *s, uint64_t until)
{
    bool whole = t->next == 0 && t->at == 0;
    enum state state = find_stretches() ? go_round(t, until) : FAILED;

    if (state == DONE && !whole)
        state = go_round(t, until);
    if (state != DONE)
        return state;
    if (!(t->cycle->malloc ? note_carefully(t, s) : note_roots(t, s)))
        return FAILED;
    keep_rest(t);
    if (!wr_marker_go_on(t->marker, and_more(until)))
        return TIME_OVER;
    t->spilled = wr_marker_lost_some(t->marker);
    if (t->spilled)
        return TIME_OVER;
    if (!wr_ties_mark(t->marker, t->marks, false) ||
        !wr_marks_hold_all(t->marks))
        return FAILED;
    return DONE;
}

/* ---- the end ---- */

/* Between two slices. */
static bool
run_on(struct track *t)
{
    uint64_t until = wr_os_monotonic() + RUN_NS;
    enum state s =
        wr_marker_go_on(t->marker, until) ? go_round(t, until) : TIME_OVER;
    uint64_t now = wr_os_monotonic();

    if (s == DONE && now < until)
        (void)wr_background_pause(until - now);
    return s != FAILED && wr_background_is_wanted() && find_lost(t);
}

/* Nearly all of a slice went for asking what was written, so that none will
 * ever be enough: the heap is many gigabytes large. */
static bool
only_asked(const struct track *t, uint64_t scanned_before)
{
    uint64_t scanned = wr_marker_sums(t->marker)->scanned - scanned_before;

    return (t->next > 0 || t->at > 0) &&
           scanned < FEW_PAGES * wr_os_page_bytes();
}

static enum state
slice(struct track *t, bool last)
{
    struct wr_stop *s = wr_cycle_stand_still(t->cycle);
    uint64_t scanned = wr_marker_sums(t->marker)->scanned;
    enum state state;

    if (s == NULL)
        return FAILED;
    state =
        look_stopped(t, s, last ? NEVER : t->cycle->stopped_ns + t->slice_ns);
    if (state == TIME_OVER && only_asked(t, scanned))
        t->slice_ns += SLICE_NS;
    if (state == DONE &&
        !(t->cycle->verify ? wr_judge_stopped(t->cycle, s, t->marks)
                           : wr_judge_begin(t->marks)))
        state = FAILED;
    if (state != TIME_OVER)
        wr_mheap_keep_records(false);
    wr_cycle_go_on(t->cycle, s);
    return state;
}

_Atomic bool wr_track_ends;

static bool
run_slices(struct track *t)
{
    enum state s = TIME_OVER;

    t->slice_ns = SLICE_NS;
    atomic_store(&wr_track_ends, true);
    for (int i = 0; s == TIME_OVER; i++) {
        s = slice(t, i >= SLICES);
        if (s == TIME_OVER && !run_on(t))
            s = FAILED;
    }
    atomic_store(&wr_track_ends, false);
    return s == DONE;
}

/* ---- all of it ---- */

static bool
watch_all(struct track *t)
{
    struct wr_os_stretch found[BATCH];

    if (!wr_judge_lock())
        return false;
    wr_young_unwatch();
    t->marks = wr_marks_new_wide();
    t->cycle->dead = wr_marks_new_wide();
    if (!find_stretches())
        stretches = 0;
    wr_judge_unlock();
    for (size_t i = 0; i < stretches; i++)
        for (uintptr_t at = stretch[i].from; at < stretch[i].end;)
            if (wr_os_watch_take(&watch, &at, stretch[i].end, found, BATCH) ==
                SIZE_MAX)
                return false;
    return stretches > 0 && t->marks != NULL && t->cycle->dead != NULL;
}

void
wr_track_watch_no_more(void)
{
    if (!is_open)
        return;
    for (size_t i = 0; i < stretches; i++)
        wr_os_watch_drop(&watch, stretch[i].from, stretch[i].end);
    wr_tracts_end(&watch);
    wr_os_watch_close(&watch);
    is_open = false;
}

/* Where it failed before the last stop. */
static void
forget_records(void)
{
    if (!wr_judge_lock())
        return; /* it goes on with the next cycle, or in the child */
    wr_mheap_keep_records(false);
    wr_judge_unlock();
}

static bool
run(struct track *t)
{
    struct wr_cycle *c = t->cycle;
    uint64_t first_ns, stood_ns, go_on_ns;
    bool whole;

    if (!begin(t))
        return false;
    first_ns = c->stopped_ns;
    stood_ns = c->stood_ns;
    go_on_ns = c->go_on_ns;
    whole = mark(t) && run_rounds(t);
    c->marked_ns = wr_os_monotonic();
    whole = whole && run_slices(t);
    c->stopped_ns = first_ns;
    c->stood_ns = stood_ns;
    c->go_on_ns = go_on_ns;
    c->scanned = wr_marker_sums(t->marker)->scanned;
    return whole;
}

/* Files cannot be watched, and where blocks of malloc may be dead they are read
 * in the last stop. */
static bool
is_fit(const struct wr_cycle *c)
{
    uint64_t bytes;

    return !c->malloc || (wr_roots_files(&bytes) && bytes <= FILES_MOST);
}

bool
wr_track_run(struct wr_cycle *c)
{
    struct track t = {.cycle = c};

    if (!is_fit(c) || !wr_os_watch_open(&watch))
        return false;
    is_open = true;
    c->triggered = wr_managed_grown();
    if (watch_all(&t))
        t.marker = wr_marker_new(t.marks, c->malloc ? t.marks : NULL);
    c->done = t.marker != NULL && run(&t);
    if (!c->done && t.marker != NULL)
        forget_records();
    c->done = c->done && (c->verify || wr_judge(c, t.marks));
    wr_judge_end();
    if (t.lost)
        return true; /* what they use cannot be freed */
    wr_marker_free(t.marker);
    wr_marks_free(t.marks);
    return true;
}

void
wr_track_fork_child(void)
{
    if (is_open)
        is_open = false; /* the parent's descriptors */
    wr_assists_fork_child();
    if (atomic_load(&wr_track_ends))
        atomic_store(&wr_track_ends, false);
}
