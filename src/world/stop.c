/* Invariants
 * 1. `going` is odd while a stop lasts. A thread waits while it is what it was
 *    when the thread began to wait.
 * 2. A word is answered only if it is the address of an entry of the stop that
 *    lasts, and the entry's thread is the caller.
 */
#include "world/stop.h"

#include "base/base.h"
#include "heap/caches.h"
#include "os/os.h"
#include "os/process.h"
#include "os/regs.h"
#include "region/layout.h"
#include "world/hold.h"
#include "world/stand.h"

enum { THREADS_MOST = 1 << 16, WAIT_NS = 200000, LOOK_NS = 2000000 };

static _Atomic uint32_t going;
static _Atomic uint32_t answers;
static _Atomic(struct wr_stop *) last;
static size_t room; /* entries of `last` */
static _Atomic int signal_number;

void
wr_stop_signal(int number)
{
    atomic_store(&signal_number, number);
}

/* ---- the threads' side ---- */

static struct wr_stopped *
entry_at(uintptr_t word)
{
    struct wr_stop *s = atomic_load(&last);

    if (s == NULL || word < (uintptr_t)s->thread ||
        word >= (uintptr_t)(s->thread + s->count))
        return NULL;
    return (struct wr_stopped *)word;
}

bool
wr_stop_here(uintptr_t word, const ucontext_t *context)
{
    uint32_t now = atomic_load(&going);
    struct wr_stopped *t = entry_at(word);

    if (t == NULL)
        return false;
    if (now % 2 == 0 || t->tid != wr_os_tid())
        return true; /* too late */
    wr_regs_saved(context, &t->frame, &t->frame_end);
    t->wide = t->signals = t->frame_end;
    t->sp = wr_regs_stack(context);
    atomic_store_explicit(&t->answered, WR_STOOD, memory_order_release);
    atomic_fetch_add(&answers, 1);
    wr_os_wake(&answers, 1);
    while (atomic_load(&going) == now)
        wr_os_wait(&going, now, 0);
    return true;
}

void
wr_stop_fork_child(void)
{
    if (atomic_load(&going) % 2 != 0)
        atomic_fetch_add(&going, 1);
    wr_hold_fork_child();
    wr_stand_fork_child();
}

/* ---- the stopping side ---- */

static bool
is_known(const struct wr_stop *s, uint32_t tid)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->thread[i].tid == tid)
            return true;
    return false;
}

static struct wr_stop *
make_room(size_t threads)
{
    struct wr_stop *s = atomic_load(&last), *bigger;

    if (threads <= room)
        return s;
    bigger = wr_os_map(sizeof *s + threads * sizeof *s->thread);
    if (bigger == NULL)
        return NULL;
    atomic_store(&last, bigger);
    if (s != NULL)
        wr_os_unmap(s, sizeof *s + room * sizeof *s->thread);
    room = threads;
    return bigger;
}

/* The threads that are not known yet: how many. */
static size_t
find_new(struct wr_stop *s, uint32_t *tid, size_t most, uint32_t self)
{
    size_t n = wr_min(wr_os_threads(tid, most), most), before = s->count;

    for (size_t i = 0; i < n && s->count < room; i++)
        if (tid[i] != self && !is_known(s, tid[i]))
            s->thread[s->count++] = (struct wr_stopped){.tid = tid[i]};
    return s->count - before;
}

static void
signal_rest(struct wr_stopped *t, size_t n)
{
    for (; n > 0; n--, t++)
        if (atomic_load(&t->answered) == 0 &&
            !wr_os_signal(t->tid, atomic_load(&signal_number), (uintptr_t)t)) {
            atomic_store(&t->answered, WR_GONE);
            atomic_fetch_add(&answers, 1);
        }
}

/* May any that has not answered still do so? One that ended answers nothing,
 * and needs not. */
static bool
may_answer(struct wr_stop *s)
{
    bool may = false;

    for (size_t i = 0; i < s->count; i++) {
        struct wr_stopped *t = &s->thread[i];
        int blocks;

        if (atomic_load(&t->answered))
            continue;
        blocks = wr_os_blocks(t->tid, atomic_load(&signal_number));
        may |= blocks == 0;
        if (blocks < 0) {
            atomic_store(&t->answered, WR_GONE);
            atomic_fetch_add(&answers, 1);
        }
    }
    return may;
}

static void
wait_answers(struct wr_stop *s, uint64_t until)
{
    uint64_t look = wr_os_monotonic() + LOOK_NS;
    uint32_t now;

    while ((now = atomic_load(&answers)) < s->count) {
        uint64_t time = wr_os_monotonic();

        if (time >= until || (time >= look && !may_answer(s)))
            return;
        if (time >= look)
            look = time + LOOK_NS;
        wr_os_wait(&answers, now, WAIT_NS);
    }
}

static void
take_bounds(struct wr_stopped *t)
{
    for (struct wr_mcache *mc = wr_caches_first(); mc != NULL; mc = mc->next) {
        const struct wr_thread_slot *slot = mc->region_slot;

        if (slot == NULL || !mc->attached ||
            atomic_load(&slot->tid) != t->tid ||
            atomic_load(&slot->state) != WR_THREAD_RUNNING)
            continue;
        t->stack_lo = atomic_load(&slot->stack_lo);
        t->stack_hi = atomic_load(&slot->stack_hi);
    }
}

/* Those that stand already are taken, the others held by the helper, and who
 * it may not hold stopped by the signal. */
static void
stop_some(struct wr_stop *s, struct wr_stopped *first, size_t n)
{
    uint64_t until = s->began_ns + s->patience_ns;
    size_t stand = wr_stand_take(first, n);

    atomic_fetch_add(&answers, (uint32_t)stand);
    if (stand == n)
        return;
    if (wr_hold_begin())
        atomic_fetch_add(&answers, (uint32_t)wr_hold(first, n, until));
    signal_rest(first, n);
    wait_answers(s, until);
}

/* Those that run on meanwhile may make new ones. */
static void
stop_all(struct wr_stop *s, uint32_t *tid, size_t threads, uint32_t self)
{
    size_t n;

    while ((n = find_new(s, tid, threads, self)) > 0)
        stop_some(s, &s->thread[s->count - n], n);
    for (size_t i = 0; i < s->count; i++) {
        s->answered += atomic_load(&s->thread[i].answered) != 0;
        take_bounds(&s->thread[i]);
    }
}

void
wr_stop_prepare(void)
{
    wr_os_be_quick();
    (void)wr_hold_begin();
}

static void
give_up(void)
{
    (void)wr_hold_let_go();
    wr_hold_end();
}

struct wr_stop *
wr_stop_begin(uint32_t self, uint64_t patience_ns)
{
    size_t threads = wr_os_threads(NULL, 0) + 64;
    struct wr_stop *s;
    uint32_t *tid;

    if (threads == 64 || threads > THREADS_MOST ||
        atomic_load(&signal_number) == 0) {
        give_up();
        return NULL;
    }
    tid = wr_os_map(threads * sizeof *tid);
    s = tid != NULL ? make_room(threads) : NULL;
    if (s != NULL) {
        s->count = s->answered = 0;
        s->began_ns = wr_os_monotonic();
        s->patience_ns = patience_ns;
        atomic_store(&answers, 0);
        atomic_fetch_add(&going, 1);
        stop_all(s, tid, threads, self);
    }
    if (tid != NULL)
        wr_os_unmap(tid, threads * sizeof *tid);
    if (s == NULL)
        give_up();
    return s;
}

void
wr_stop_end(struct wr_stop *s)
{
    if (s == NULL)
        return;
    atomic_fetch_add(&going, 1);
    wr_os_wake(&going, INT32_MAX);
    wr_stand_let_go();
    s->ended_ns = wr_hold_let_go();
    wr_hold_end();
}
