/* Invariants
 * 1. weir_store_tells and wr_going_told are set from stop 1 to the last stop 3,
 *    all the while records of spans are kept, and change while all stand still.
 * 2. A place of a ring is 0, or a word that is to be read. Places before `read`
 *    were read, but for those of who came late: a word there is of a store that
 *    a stop has seen in a register.
 */
#include "gc/barrier.h"

#include <string.h>
#include <weir/store.h>

#include "base/base.h"
#include "gc/cycle.h"
#include "gc/judge.h"
#include "gc/tie.h"
#include "gc/young.h"
#include "heap/caches.h"
#include "heap/mcache.h"
#include "heap/mheap.h"
#include "leak/known.h"
#include "leak/roots.h"
#include "mark/mark.h"
#include "mark/marks.h"
#include "os/os.h"
#include "region/event.h"
#include "region/layout.h"
#include "world/background.h"

#define TURN_NS     UINT64_C(1000000) /* between looks whether it is wanted */
#define STOP_NS     UINT64_C(500000)  /* to blacken what a stop 3 finds */
#define PATIENCE_NS UINT64_C(100000)  /* of who tells, at once */
#define NEVER       UINT64_MAX

enum {
    RINGS = 16,
    RING = 1 << 18, /* words */
    TRIES = 8,      /* to find a place */
    WAITS = 1000,   /* for one */
    FEW = 1024,     /* words that a stop is soon done with */
    STOPS = 200,    /* then it stands still for as long as it takes */
    MOVED = 32,     /* words at once */
    SPANS = 64      /* looked at under one lock */
};

/* ---- what is told ---- */

struct ring {
    _Alignas(64) _Atomic uint64_t next; /* place to be taken */
    _Alignas(64) _Atomic uint64_t read; /* written by Weir's thread */
    _Atomic uintptr_t word[RING];
};

WR_EXPORT unsigned char weir_store_tells;
static struct ring *_Atomic rings; /* NULL: nothing is promised */
static _Atomic bool lost;          /* a word found no place in this cycle */

static bool
tells(void)
{
    return __atomic_load_n(&weir_store_tells, __ATOMIC_RELAXED) != 0;
}

static bool
put(struct ring *r, uintptr_t word)
{
    for (int i = 0; i < TRIES; i++) {
        uint64_t read = atomic_load(&r->read), at = atomic_load(&r->next);
        uintptr_t none = 0;

        if (at - read >= RING)
            return false;
        at = atomic_fetch_add(&r->next, 1);
        if (atomic_compare_exchange_strong(&r->word[at % RING], &none, word))
            return true;
    }
    return false;
}

static struct ring *
own_ring(void)
{
    uintptr_t hash =
        (wr_cpu_thread() >> 6) * (uintptr_t)UINT64_C(0x9e3779b97f4a7c15);

    return atomic_load(&rings) + (hash >> 60) % RINGS;
}

static WR_COLD void
put_later(struct ring *r, uintptr_t word)
{
    const uint32_t never = 0;

    for (int i = 0; i < WAITS && tells(); i++) {
        wr_os_wait(&never, 0, PATIENCE_NS);
        if (put(r, word))
            return;
    }
    atomic_store(&lost, true);
}

/* The heap has all its blocks in windows that it knows. */
static inline void
tell(uintptr_t word)
{
    struct ring *r;

    if (wr_span_of((void *)word) == NULL)
        return;
    r = own_ring();
    if (wr_unlikely(!put(r, word)))
        put_later(r, word);
}

WR_EXPORT void
weir_store_tell(const void *was)
{
    if (was != NULL && tells())
        tell((uintptr_t)was);
}

WR_EXPORT void
weir_reveal(const void *p)
{
    weir_store_tell(p);
}

WR_READS_ANY static void
going(uintptr_t from, uintptr_t end)
{
    for (const uintptr_t *at = (const uintptr_t *)from;
         (uintptr_t)(at + 1) <= end && tells(); at++)
        if (*at != 0)
            tell(*at);
}

/* ---- many words at once ---- */

/* What is there stands on the stack until it is told of. */
static void
move_some(weir_word *to, const weir_word *from, size_t n)
{
    void *is[MOVED], *was[MOVED];

    for (size_t i = 0; i < n; i++) {
        is[i] =
            from != NULL ? __atomic_load_n(&from[i], __ATOMIC_RELAXED) : NULL;
        was[i] = __atomic_load_n(&to[i], __ATOMIC_RELAXED);
    }
    atomic_thread_fence(memory_order_release);
    for (size_t i = 0; i < n; i++)
        __atomic_store_n(&to[i], is[i], __ATOMIC_RELAXED);
    atomic_signal_fence(memory_order_seq_cst);
    for (size_t i = 0; i < n && tells(); i++)
        weir_store_tell(was[i]);
}

WR_EXPORT void
weir_move(void *to, const void *from, size_t bytes)
{
    size_t words = bytes / sizeof(weir_word), done = 0, n;
    weir_word *t = to;
    const weir_word *f = from;

    if ((uintptr_t)to <= (uintptr_t)from) {
        for (; done < words; done += n) {
            n = wr_min(words - done, (size_t)MOVED);
            move_some(t + done, f + done, n);
        }
        memmove(t + words, f + words, bytes % sizeof *t);
        return;
    }
    memmove(t + words, f + words, bytes % sizeof *t);
    for (; words > 0; words -= n) {
        n = wr_min(words, (size_t)MOVED);
        move_some(t + words - n, f + words - n, n);
    }
}

WR_EXPORT void
weir_clear(void *at, size_t bytes)
{
    size_t words = bytes / sizeof(weir_word);
    weir_word *t = at;

    for (size_t n; words > 0; words -= n, t += n) {
        n = wr_min(words, (size_t)MOVED);
        move_some(t, NULL, n);
    }
    memset(t, 0, bytes % sizeof *t);
}

/* ---- the promise ---- */

bool
wr_barrier_is_used(void)
{
    return atomic_load(&rings) != NULL;
}

WR_EXPORT weir_err
weir_gc_use_barrier(void)
{
    struct ring *none = NULL, *made;

    if (wr_barrier_is_used())
        return WEIR_OK;
    made = wr_os_map(RINGS * sizeof *made);
    if (made == NULL)
        return WEIR_ENOMEM;
    if (!atomic_compare_exchange_strong(&rings, &none, made))
        wr_os_unmap(made, RINGS * sizeof *made);
    return WEIR_OK;
}

/* ---- beside the program ---- */

struct barrier {
    struct wr_cycle *cycle;
    struct wr_marks *marks;
    struct wr_marker *marker;
    bool lost_grey; /* in a stop: marked blocks have to be looked at again */
};

/* The words of a ring; at a stop all of them, else as far as they stand side by
 * side: how many. */
static uint64_t
read_ring(struct barrier *b, struct ring *r, bool stopped)
{
    uint64_t next = atomic_load(&r->next), read = atomic_load(&r->read), n = 0;

    for (; read < next; read++) {
        uintptr_t word = atomic_exchange(&r->word[read % RING], 0);

        if (word == 0 && !stopped)
            break;
        if (word != 0)
            wr_marker_word(b->marker, word);
        n++;
        atomic_store(&r->read, read + 1);
    }
    return n;
}

static uint64_t
read_rings(struct barrier *b, bool stopped)
{
    struct ring *r = atomic_load(&rings);
    uint64_t n = 0;

    for (int i = 0; i < RINGS; i++)
        n += read_ring(b, &r[i], stopped);
    return n;
}

static bool
is_hopeless(void)
{
    return atomic_load(&lost) || !wr_background_is_wanted();
}

/* Until nothing is grey and little was told of since. */
static bool
mark(struct barrier *b)
{
    bool black = false;

    while (!black) {
        black = wr_marker_go_on(b->marker, wr_os_monotonic() + TURN_NS);
        if (read_rings(b, false) > FEW)
            black = false;
        if (b->cycle->verify)
            (void)wr_background_pause(TURN_NS);
        if (is_hopeless())
            return false;
    }
    return true;
}

/* The next spans: where they are. How many; SIZE_MAX: it is not wanted. */
static size_t
next_spans(uintptr_t *at, uintptr_t from[SPANS], uintptr_t end[SPANS])
{
    struct wr_span *s;
    size_t n = 0;

    if (!wr_judge_lock())
        return SIZE_MAX;
    while (n < SPANS && (s = wr_mheap_next(at)) != NULL)
        if (s->blocks > 0 && s->kind != WR_KIND_NOSCAN) {
            from[n] = s->base;
            end[n++] = s->base + wr_span_bytes(s);
        }
    wr_judge_unlock();
    return n;
}

/* What found no room among the grey blocks is found again. */
static bool
look_again(struct barrier *b)
{
    uintptr_t from[SPANS], end[SPANS], at = 0;
    size_t n;

    do {
        n = next_spans(&at, from, end);
        for (size_t i = 0; i < n && n != SIZE_MAX; i++)
            wr_marker_again(b->marker, from[i], end[i]);
        if (n == SIZE_MAX || !mark(b))
            return false;
    } while (n == SPANS);
    return true;
}

static bool
mark_all(struct barrier *b)
{
    bool whole = mark(b);

    while (whole && (wr_marker_lost_some(b->marker) || b->lost_grey)) {
        b->lost_grey = false;
        whole = look_again(b);
    }
    return whole;
}

/* What ties hold need not wait for the end. */
static void
mark_ties(struct barrier *b)
{
    wr_ties_lock();
    wr_ties_mark_early(b->marker, b->marks);
    wr_ties_unlock();
}

/* ---- while it stands still ---- */

static void
set_told(bool on)
{
    atomic_store(&wr_going_told, on);
    __atomic_store_n(&weir_store_tells, on, __ATOMIC_SEQ_CST);
}

/* Blocks that were freed since have the new number. Where all is verified what
 * any free block holds is told of: else blocks that are taken would seem to
 * lead to dead ones, with what nobody has written over yet. */
static void
begin_round(bool verify)
{
    static uint8_t round;

    round = round == UINT8_MAX ? 1 : (uint8_t)(round + 1);
    atomic_store(&wr_free_round, verify ? 0 : round);
    atomic_store(&lost, false);
}

static void
note_free(struct wr_marker *m, const struct wr_span *s)
{
    for (unsigned i = 0; i < s->blocks; i++) {
        uintptr_t base = s->base + i * wr_span_block_bytes(s);

        if (!wr_block_is_live(wr_block_state(s, i)))
            wr_marker_note(m, (void *)base,
                           (void *)(base + wr_span_block_bytes(s)));
    }
}

/* The same of those that threads have in hand. */
static void
note_current(struct wr_marker *m)
{
    for (struct wr_mcache *mc = wr_caches_first(); mc != NULL; mc = mc->next)
        for (unsigned i = 1; i < mc->slots; i++) {
            const struct wr_span *s = mc->slot[i].span;

            if (s != NULL && s->kind != WR_KIND_NOSCAN)
                note_free(m, s);
        }
}

static void
note_root(uintptr_t from, uintptr_t end, void *barrier)
{
    struct barrier *b = barrier;

    wr_marker_note(b->marker, (void *)from, (void *)end);
    b->cycle->roots += end - from;
}

static bool
note_roots(struct barrier *b, const struct wr_stop *s)
{
    b->cycle->roots = 0;
    if (!wr_roots_own(s, NULL, note_root, b))
        return false;
    b->cycle->roots += wr_known_mark(b->marker);
    return true;
}

static bool
begin(struct barrier *b)
{
    struct wr_stop *s = wr_cycle_stand_still(b->cycle);
    bool begun;

    if (s == NULL)
        return false;
    b->cycle->triggered = wr_managed_grown();
    wr_young_forget();
    wr_judge_keep_records(b->marks);
    begin_round(b->cycle->verify);
    begun = wr_judge_begin(b->marks) && note_roots(b, s);
    if (b->cycle->verify)
        note_current(b->marker);
    set_told(begun);
    wr_cycle_go_on(b->cycle, s);
    return begun;
}

enum state { DONE, MORE, FAILED };

/* Nothing more is told from here on. */
static enum state
end(struct barrier *b, const struct wr_stop *s)
{
    struct wr_cycle *c = b->cycle;
    bool whole;

    set_told(false);
    whole = !atomic_load(&lost) && wr_ties_mark(b->marker, b->marks, false) &&
            wr_marks_hold_all(b->marks);
    wr_mheap_keep_records(false);
    if (!whole)
        return FAILED;
    return !c->verify || wr_judge_stopped(c, s, b->marks) ? DONE : FAILED;
}

/* A stop 3. */
static enum state
look_stopped(struct barrier *b, const struct wr_stop *s, uint64_t until)
{
    (void)read_rings(b, true);
    if (!note_roots(b, s))
        return FAILED;
    if (!wr_marker_go_on(b->marker, until))
        return MORE;
    b->lost_grey = wr_marker_lost_some(b->marker);
    return b->lost_grey ? MORE : end(b, s);
}

static enum state
stop(struct barrier *b, bool last)
{
    struct wr_stop *s = wr_cycle_stand_still(b->cycle);
    enum state state;

    if (s == NULL)
        return FAILED;
    state = look_stopped(b, s, last ? NEVER : wr_os_monotonic() + STOP_NS);
    wr_cycle_go_on(b->cycle, s);
    return state;
}

/* ---- all of it ---- */

/* Where it failed before the end. */
static void
give_up(void)
{
    set_told(false);
    if (!wr_judge_lock())
        return; /* it goes on with the next cycle, or in the child */
    wr_mheap_keep_records(false);
    wr_judge_unlock();
}

static bool
run(struct barrier *b)
{
    struct wr_cycle *c = b->cycle, first;
    enum state state = MORE;

    if (!begin(b))
        return false;
    first = *c;
    mark_ties(b);
    for (int i = 0; state == MORE; i++)
        state = mark_all(b) ? stop(b, i >= STOPS) : FAILED;
    c->marked_ns = c->stopped_ns;
    c->stopped_ns = first.stopped_ns;
    c->stood_ns = first.stood_ns;
    c->go_on_ns = first.go_on_ns;
    c->scanned = wr_marker_sums(b->marker)->scanned;
    return state == DONE;
}

/* The program runs, and goes on to. */
static bool
prepare(struct barrier *b)
{
    if (!wr_judge_lock())
        return false;
    b->marks = wr_marks_new_wide();
    b->cycle->dead = wr_marks_new_wide();
    if (b->marks != NULL) {
        b->marks->from_birth = true;
        if (wr_marks_make_all(b->marks))
            b->marker = wr_marker_new(b->marks, NULL);
    }
    wr_judge_unlock();
    return b->marker != NULL && b->cycle->dead != NULL;
}

bool
wr_barrier_run(struct wr_cycle *c)
{
    struct barrier b = {.cycle = c};

    if (c->all || c->malloc || !wr_barrier_is_used())
        return false;
    c->done = prepare(&b) && run(&b);
    if (!c->done)
        give_up();
    c->done = c->done && (c->verify || wr_judge(c, b.marks));
    wr_judge_end();
    wr_marker_free(b.marker);
    wr_marks_free(b.marks);
    return true;
}

void
wr_barrier_start(void)
{
    wr_events.going = going;
}

void
wr_barrier_fork_child(void)
{
    if (tells())
        set_told(false);
}
