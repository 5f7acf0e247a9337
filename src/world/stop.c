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
#include "os/syscall.h"
#include "region/layout.h"

enum { THREADS_MOST = 1 << 16, WAIT_NS = 200000, LOOK_NS = 2000000 };

/* How a thread answered. */
enum { STOOD = 1, HELD_STILL, GONE };

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
    t->sp = wr_regs_stack(context);
    atomic_store_explicit(&t->answered, STOOD, memory_order_release);
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

/* Signal the threads that are not known yet: how many. */
static size_t
signal_new(struct wr_stop *s, uint32_t *tid, size_t most, uint32_t self)
{
    size_t n = wr_min(wr_os_threads(tid, most), most), sent = 0;

    for (size_t i = 0; i < n && s->count < room; i++) {
        struct wr_stopped *t = &s->thread[s->count];

        if (tid[i] == self || is_known(s, tid[i]))
            continue;
        *t = (struct wr_stopped){.tid = tid[i]};
        s->count++;
        if (wr_os_signal(tid[i], atomic_load(&signal_number), (uintptr_t)t))
            sent++;
        else
            s->count--; /* it has gone */
    }
    return sent;
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
            atomic_store(&t->answered, GONE);
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

/* ---- threads that block the signal ---- */

/* A helper process that shares the memory holds them by the means of
 * debuggers, where the system lets it. */
enum { HELD_MOST = 64, WORDS_MOST = 1024 };

static uintptr_t held_words[HELD_MOST][WORDS_MOST];
static struct {
    struct wr_os_thread thread;
    struct wr_stop *stop;
    uint32_t pid;          /* 0: there is none */
    _Atomic uint32_t step; /* what it does */
} helper;

enum { WAIT, HOLD, HELD, LET_GO };

static void
hold_silent(struct wr_stop *s)
{
    size_t n = 0;

    for (size_t i = 0; i < s->count && n < HELD_MOST; i++) {
        struct wr_stopped *t = &s->thread[i];
        size_t words;

        if (atomic_load(&t->answered))
            continue;
        words = wr_os_hold(t->tid, held_words[n], WORDS_MOST, &t->sp);
        if (words == 0)
            continue;
        t->frame = (uintptr_t)held_words[n];
        t->frame_end = (uintptr_t)(held_words[n] + words);
        atomic_store(&t->answered, HELD_STILL);
        n++;
    }
}

static void
let_go(struct wr_stop *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (atomic_load(&s->thread[i].answered) == HELD_STILL)
            wr_os_let_go(s->thread[i].tid);
}

static void
help(void *unused)
{
    uint32_t step;

    (void)unused;
    while ((step = atomic_load(&helper.step)) == WAIT)
        wr_os_wait(&helper.step, step, 0);
    hold_silent(helper.stop);
    atomic_store(&helper.step, HELD);
    wr_os_wake(&helper.step, 1);
    while ((step = atomic_load(&helper.step)) == HELD)
        wr_os_wait(&helper.step, step, 0);
    let_go(helper.stop);
}

static void
start_helper(struct wr_stop *s)
{
    uint32_t step;

    helper.stop = s;
    atomic_store(&helper.step, WAIT);
    if (!wr_os_helper_start(&helper.thread, help, NULL))
        return;
    helper.pid = atomic_load(&helper.thread.alive);
    wr_os_be_held_by(helper.pid);
    atomic_store(&helper.step, HOLD);
    wr_os_wake(&helper.step, 1);
    while ((step = atomic_load(&helper.step)) == HOLD)
        wr_os_wait(&helper.step, step, 0);
}

static void
end_helper(void)
{
    if (helper.pid == 0)
        return;
    atomic_store(&helper.step, LET_GO);
    wr_os_wake(&helper.step, 1);
    wr_os_thread_join(&helper.thread);
    while (wr_os_copy_ended(helper.pid) == -2)
        wr_os_pause();
    wr_os_be_held_by(0);
    helper.pid = 0;
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

struct wr_stop *
wr_stop_begin(uint32_t self, uint64_t patience_ns)
{
    size_t threads = wr_os_threads(NULL, 0) + 64;
    uint64_t start = wr_os_monotonic();
    struct wr_stop *s;
    uint32_t *tid;

    if (threads == 64 || threads > THREADS_MOST ||
        atomic_load(&signal_number) == 0)
        return NULL;
    tid = wr_os_map(threads * sizeof *tid);
    s = tid != NULL ? make_room(threads) : NULL;
    if (s != NULL) {
        s->count = s->answered = 0;
        s->began_ns = start;
        atomic_store(&answers, 0);
        atomic_fetch_add(&going, 1);
        /* Those that run on meanwhile may make new ones. */
        while (signal_new(s, tid, threads, self) > 0)
            wait_answers(s, start + patience_ns);
        if (atomic_load(&answers) < s->count)
            start_helper(s);
        for (size_t i = 0; i < s->count; i++) {
            s->answered += atomic_load(&s->thread[i].answered) != 0;
            take_bounds(&s->thread[i]);
        }
    }
    if (tid != NULL)
        wr_os_unmap(tid, threads * sizeof *tid);
    return s;
}

void
wr_stop_end(struct wr_stop *s)
{
    if (s == NULL)
        return;
    end_helper();
    atomic_fetch_add(&going, 1);
    wr_os_wake(&going, INT32_MAX);
    s->ended_ns = wr_os_monotonic();
}
