/* Invariants
 * 1. tie[1 .. used) are all there are; each is free (NONE, in the list of free
 *    ones), ready (in the queue), or in the chain of its key.
 * 2. All changes are made under the lock. The collector has it from before
 *    the program stands still, so nobody is in the middle of one.
 * 3. count[k] is the number of ties of kind k, but for NONE.
 */
#include "gc/tie.h"

#include <stdatomic.h>
#include <string.h>
#include <weir/store.h>

#include "base/base.h"
#include "heap/heap.h"
#include "heap/span.h"
#include "mark/mark.h"
#include "mark/marks.h"
#include "os/lock.h"
#include "os/os.h"
#include "region/region.h"
#include "world/thread.h"

enum { RESERVE = 256 << 20, STEP = 1 << 20, CHAINS = 1 << 10 };

struct tie {
    uintptr_t key, arg;
    void (*fn)(void);
    uint32_t next; /* in its list; 0: the last */
    uint8_t kind;
    bool looked; /* step 4: it had no mark */
};

static struct wr_lock lock = WR_LOCK_INIT; /* before the heap's */
/* Guard of all: lock. */
static struct tie *tie;
static uint32_t used = 1, room, free_first, queue_first, queue_last;
static uint32_t *chain, chains;
static uint32_t count[WR_TIE_READY_FINALIZER + 1];
static _Atomic uint32_t queued; /* as many are ready */
static _Atomic bool any;        /* there was a tie once */

/* ---- the table ---- */

static uint32_t *
chain_of(uintptr_t key)
{
    return &chain[(key / 16 * UINT64_C(0x9e3779b97f4a7c15) >> 32) &
                  (chains - 1)];
}

static void
enchain(uint32_t i)
{
    uint32_t *first = chain_of(tie[i].key);

    tie[i].next = *first;
    *first = i;
}

static bool
is_chained(const struct tie *t)
{
    return t->kind != WR_TIE_NONE && t->kind < WR_TIE_READY_CLEANUP;
}

/* As many chains as ties. */
static bool
make_chains(uint32_t n)
{
    uint32_t *old = chain, before = chains;
    uint32_t *bigger = wr_os_map(n * sizeof *bigger);

    if (bigger == NULL)
        return false;
    chain = bigger;
    chains = n;
    for (uint32_t i = 1; i < used; i++)
        if (is_chained(&tie[i]))
            enchain(i);
    if (old != NULL)
        wr_os_unmap(old, before * sizeof *old);
    return true;
}

static bool
make_room(void)
{
    if (tie == NULL)
        tie = wr_os_reserve(RESERVE);
    if (tie == NULL || (chains == 0 && !make_chains(CHAINS)) ||
        (size_t)room * sizeof *tie + STEP > RESERVE ||
        !wr_os_commit((char *)tie + (size_t)room / (STEP / sizeof *tie) * STEP,
                      STEP))
        return false;
    room += STEP / sizeof *tie;
    if (used > chains)
        (void)make_chains(chains * 2); /* else they are longer */
    return true;
}

static uint32_t
take_free(void)
{
    uint32_t i = free_first;

    if (i != 0) {
        free_first = tie[i].next;
        return i;
    }
    if (used >= room && !make_room())
        return 0;
    return used++;
}

static void
set_kind(uint32_t i, enum wr_tie kind)
{
    count[tie[i].kind]--;
    tie[i].kind = (uint8_t)kind;
    count[kind]++;
}

static void
give_back(uint32_t i)
{
    set_kind(i, WR_TIE_NONE);
    tie[i] = (struct tie){.next = free_first};
    free_first = i;
}

static void
unchain(uint32_t i)
{
    uint32_t *at = chain_of(tie[i].key);

    while (*at != i)
        at = &tie[*at].next;
    *at = tie[i].next;
}

/* What the tie kept is in use from now on, perhaps. */
static void
reveal(const struct tie *t)
{
    if (t->kind == WR_TIE_LINK)
        return;
    weir_reveal((void *)t->key);
    weir_reveal((void *)t->arg);
}

static void
drop(uint32_t i)
{
    reveal(&tie[i]);
    unchain(i);
    give_back(i);
}

bool
wr_tie_add(enum wr_tie kind, uintptr_t key, uintptr_t arg, void (*fn)(void))
{
    uint32_t i;

    wr_lock_take(&lock);
    i = take_free();
    if (i != 0) {
        tie[i] = (struct tie){.key = key, .arg = arg, .fn = fn};
        set_kind(i, kind);
        enchain(i);
        atomic_store(&any, true);
    }
    wr_lock_give(&lock);
    return i != 0;
}

bool
wr_tie_remove(enum wr_tie kind, uintptr_t key)
{
    bool found = false;
    uint32_t next;

    if (!atomic_load(&any))
        return false;
    wr_lock_take(&lock);
    for (uint32_t i = chains != 0 ? *chain_of(key) : 0; i != 0; i = next) {
        next = tie[i].next;
        if (tie[i].key != key || (kind != WR_TIE_NONE && tie[i].kind != kind))
            continue;
        drop(i);
        found = true;
        if (kind != WR_TIE_NONE)
            break;
    }
    wr_lock_give(&lock);
    return found;
}

/* 0: there is none. Lock held. */
static uint32_t
find(enum wr_tie kind, uintptr_t key)
{
    uint32_t i = chains != 0 ? *chain_of(key) : 0;

    while (i != 0 && (tie[i].key != key || tie[i].kind != kind))
        i = tie[i].next;
    return i;
}

bool
wr_tie_find(enum wr_tie kind, uintptr_t key, uintptr_t *arg, void (**fn)(void))
{
    uint32_t i;

    wr_lock_take(&lock);
    i = find(kind, key);
    if (i != 0) {
        *arg = tie[i].arg;
        *fn = tie[i].fn;
    }
    wr_lock_give(&lock);
    return i != 0;
}

bool
wr_tie_move(enum wr_tie kind, uintptr_t from, uintptr_t to)
{
    uint32_t i, old;

    wr_lock_take(&lock);
    i = find(kind, from);
    if (i != 0) {
        unchain(i);
        old = find(kind, to);
        if (old != 0)
            drop(old);
        tie[i].key = to;
        enchain(i);
    }
    wr_lock_give(&lock);
    return i != 0;
}

/* ---- a cycle's side ---- */

void
wr_ties_lock(void)
{
    wr_lock_take(&lock);
}

void
wr_ties_unlock(void)
{
    wr_lock_give(&lock);
}

bool
wr_ties_allow_copy(void)
{
    return count[WR_TIE_LINK] == 0 && count[WR_TIE_FINALIZER] == 0 &&
           count[WR_TIE_UNORDERED] == 0;
}

static void
make_ready(uint32_t i, enum wr_tie kind)
{
    unchain(i);
    set_kind(i, kind);
    tie[i].next = 0;
    if (queue_first == 0)
        queue_first = i;
    else
        tie[queue_last].next = i;
    queue_last = i;
    atomic_fetch_add(&queued, 1);
}

static void
mark_roots(struct wr_marker *m)
{
    for (uint32_t i = 1; i < used; i++)
        switch (tie[i].kind) {
        case WR_TIE_PIN:
        case WR_TIE_READY_FINALIZER:
            wr_marker_word(m, tie[i].key);
            wr_marker_word(m, tie[i].arg);
            break;
        case WR_TIE_CLEANUP:
        case WR_TIE_FINALIZER:
        case WR_TIE_UNORDERED:
        case WR_TIE_READY_CLEANUP:
            wr_marker_word(m, tie[i].arg);
            break;
        default:
            break;
        }
}

/* Of the keys that have a mark. A value that has its own already adds nothing.
 */
static void
note_values(struct wr_marker *m, const struct wr_marks *marks)
{
    for (uint32_t i = 1; i < used; i++)
        if (tie[i].kind == WR_TIE_EPHEMERON &&
            wr_marks_has_at(marks, tie[i].key))
            wr_marker_word(m, tie[i].arg);
}

static bool
mark_values(struct wr_marker *m, const struct wr_marks *marks)
{
    uint64_t before;

    do {
        before = wr_marker_sums(m)->blocks;
        note_values(m, marks);
        if (!wr_marker_finish(m))
            return false;
    } while (wr_marker_sums(m)->blocks > before);
    return true;
}

/* A word in a managed block goes with that. */
static bool
is_gone(const struct wr_marks *marks, uintptr_t at)
{
    size_t bytes;
    bool live = false;
    uintptr_t base = (uintptr_t)wr_block_of((void *)at, &bytes, &live);

    return base != 0 && wr_span_is_managed(wr_span_of((void *)base)) &&
           (!live || !wr_marks_has_at(marks, base));
}

static void
cut_links(const struct wr_marks *marks)
{
    for (uint32_t i = 1; i < used; i++) {
        if (tie[i].kind != WR_TIE_LINK)
            continue;
        if (is_gone(marks, tie[i].key)) {
            drop(i);
        } else if (!wr_marks_has_at(marks, tie[i].arg)) {
            *(uintptr_t *)tie[i].key = 0;
            drop(i);
        }
    }
}

static void
scan_body(struct wr_marker *m, uintptr_t base)
{
    struct wr_span *s = wr_span_of((void *)base);
    uintptr_t end = base + wr_span_block_bytes(s);

    wr_marker_ignore(m, base, end); /* not by itself */
    wr_marker_scan_block(m, s, (unsigned)((base - s->base) / (end - base)));
    wr_marker_ignore(m, 0, 0);
}

static bool
is_finalizer(const struct tie *t)
{
    return t->kind == WR_TIE_FINALIZER || t->kind == WR_TIE_UNORDERED;
}

static bool
find_ready(struct wr_marker *m, const struct wr_marks *marks)
{
    for (uint32_t i = 1; i < used; i++)
        tie[i].looked =
            is_finalizer(&tie[i]) && !wr_marks_has_at(marks, tie[i].key);
    for (uint32_t i = 1; i < used; i++)
        if (tie[i].looked && tie[i].kind == WR_TIE_FINALIZER)
            scan_body(m, tie[i].key);
    if (!wr_marker_finish(m))
        return false;
    for (uint32_t i = 1; i < used; i++)
        if (tie[i].looked && !wr_marks_has_at(marks, tie[i].key))
            make_ready(i, WR_TIE_READY_FINALIZER);
    for (uint32_t i = queue_first; i != 0; i = tie[i].next)
        wr_marker_word(m, tie[i].key);
    return wr_marker_finish(m);
}

static void
find_dead(const struct wr_marks *set, bool of_dead)
{
    for (uint32_t i = 1; i < used; i++) {
        if ((tie[i].kind != WR_TIE_CLEANUP &&
             tie[i].kind != WR_TIE_EPHEMERON) ||
            wr_marks_has_at(set, tie[i].key) != of_dead)
            continue;
        if (tie[i].kind == WR_TIE_EPHEMERON) {
            drop(i);
            continue;
        }
        make_ready(i, WR_TIE_READY_CLEANUP);
        tie[i].key = 0;
    }
}

bool
wr_ties_mark(struct wr_marker *m, const struct wr_marks *marks, bool in_copy)
{
    if (!atomic_load(&any))
        return wr_marker_finish(m);
    mark_roots(m);
    if (!wr_marker_finish(m) || !mark_values(m, marks))
        return false;
    if (in_copy)
        return true;
    cut_links(marks);
    if (!find_ready(m, marks) || !mark_values(m, marks))
        return false;
    find_dead(marks, false);
    return true;
}

void
wr_ties_mark_early(struct wr_marker *m, const struct wr_marks *marks)
{
    if (!atomic_load(&any))
        return;
    mark_roots(m);
    note_values(m, marks);
}

void
wr_ties_bury(const struct wr_marks *dead)
{
    if (!atomic_load(&any))
        return;
    wr_lock_take(&lock);
    find_dead(dead, true);
    wr_lock_give(&lock);
}

/* ---- who calls ---- */

static _Atomic uint32_t bell;
static _Atomic bool started;    /* the thread is there */
static _Atomic bool by_program; /* it is to call nobody */

/* The first that is ready; false: there is none. */
static bool
take_ready(struct tie *out)
{
    uint32_t i;

    wr_lock_take(&lock);
    i = queue_first;
    if (i != 0) {
        *out = tie[i];
        reveal(out);
        queue_first = tie[i].next;
        if (queue_first == 0)
            queue_last = 0;
        atomic_fetch_sub(&queued, 1);
        give_back(i);
    }
    wr_lock_give(&lock);
    return i != 0;
}

static void
call_ready(const struct tie *t)
{
    if (t->kind == WR_TIE_READY_FINALIZER)
        ((void (*)(void *, void *))t->fn)((void *)t->key, (void *)t->arg);
    else
        ((void (*)(void *))t->fn)((void *)t->arg);
}

static bool
call_next(void)
{
    struct tie t;
    if (!take_ready(&t))
        return false;
    call_ready(&t);
    memset(&t, 0, sizeof t); /* it holds nothing any more */
    return true;
}

static void *
work(void *arg)
{
    uint32_t rung;

    (void)arg;
    for (;;) {
        rung = atomic_load(&bell);
        while (!atomic_load(&by_program) && call_next())
            ;
        wr_os_wait(&bell, rung, 0);
    }
    return NULL;
}

unsigned
wr_ties_ready(void)
{
    return atomic_load_explicit(&queued, memory_order_relaxed);
}

unsigned
wr_ties_call_ready(void)
{
    unsigned n = 0;

    while (wr_ties_ready() > 0 && call_next())
        n++;
    return n;
}

void
wr_ties_by_program(bool on)
{
    atomic_store(&by_program, on);
    if (!on)
        wr_ties_wake();
}

void
wr_ties_wake(void)
{
    if (!atomic_load(&any))
        return;
    atomic_fetch_add(&bell, 1);
    wr_os_wake(&bell, 1);
}

void
wr_ties_run(void)
{
    if (wr_likely(!atomic_load_explicit(&any, memory_order_relaxed)) ||
        wr_likely(atomic_load_explicit(&started, memory_order_relaxed)) ||
        atomic_load(&by_program) || atomic_load(&bell) == 0 ||
        atomic_exchange(&started, true))
        return;
    if (!wr_thread_start(work))
        atomic_store(&started, false); /* another time */
}

void
wr_ties_fork_child(void)
{
    if (atomic_load(&started))
        atomic_store(&started, false);
}
