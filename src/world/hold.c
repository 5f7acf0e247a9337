/* Invariants
 * 1. `step` goes from one side to the other: at START, HOLD and END it is the
 *    helper's turn, at WAIT and LEFT ours.
 * 2. held[i] is the thread whose registers are words[i].
 */
#include "world/hold.h"

#include <stdatomic.h>
#include <stdint.h>

#include "base/base.h"
#include "os/os.h"
#include "os/process.h"
#include "os/syscall.h"
#include "world/stop.h"

enum { START, WAIT, HOLD, END, LEFT };
enum { MOST = 512, WORDS = 512, LOOK_NS = 10000000 };

static struct {
    struct wr_os_thread thread;
    uint32_t pid; /* 0: there is none */
    bool allowed; /* the system was told that it may */
    _Atomic uint32_t step;
    struct wr_stopped *list; /* what it is to hold */
    size_t count;
    uint64_t until;
    uint64_t ended_ns; /* when it had let all go */
} helper;

static uintptr_t words[MOST][WORDS];
static uint32_t held[MOST];
static size_t used;

/* ---- the helper's side ---- */

static void
hold_one(struct wr_stopped *t)
{
    struct wr_os_held_words n;

    if (used == MOST || atomic_load(&t->answered) != 0 ||
        !wr_os_hold(t->tid, helper.until, words[used], WORDS, &n))
        return;
    t->sp = n.sp;
    t->frame = (uintptr_t)words[used];
    t->wide = (uintptr_t)(words[used] + n.wide);
    t->signals = (uintptr_t)(words[used] + n.signals);
    t->frame_end = (uintptr_t)(words[used] + n.all);
    atomic_store(&t->answered, WR_HELD);
    held[used++] = t->tid;
}

static uint32_t
wait_while(uint32_t step)
{
    uint32_t now;

    while ((now = atomic_load(&helper.step)) == step)
        wr_os_wait(&helper.step, step, 0);
    return now;
}

/* The same of ours: a helper that was killed has let all go. */
static void
wait_helper(uint32_t step)
{
    while (atomic_load(&helper.step) == step &&
           atomic_load(&helper.thread.alive) != 0)
        wr_os_wait(&helper.step, step, LOOK_NS);
}

static void
pass_on(uint32_t step)
{
    atomic_store(&helper.step, step);
    wr_os_wake(&helper.step, 1);
}

static void
help(void *unused)
{
    (void)unused;
    wr_os_be_quick();
    pass_on(WAIT);
    while (wait_while(WAIT) == HOLD) {
        for (size_t i = 0; i < helper.count; i++)
            hold_one(&helper.list[i]);
        pass_on(WAIT);
    }
    for (size_t i = 0; i < used; i++)
        wr_os_let_go(held[i]);
    helper.ended_ns = wr_os_monotonic();
    pass_on(LEFT);
}

/* ---- ours ---- */

bool
wr_hold_begin(void)
{
    if (helper.pid != 0)
        return true;
    used = 0;
    atomic_store(&helper.step, START);
    if (!wr_os_helper_start(&helper.thread, help, NULL))
        return false;
    helper.pid = atomic_load(&helper.thread.alive);
    wait_helper(START);
    return helper.pid != 0;
}

static void
have_held(struct wr_stopped *list, size_t n, uint64_t until)
{
    helper.list = list;
    helper.count = n;
    helper.until = until;
    pass_on(HOLD);
    wait_helper(HOLD);
}

size_t
wr_hold(struct wr_stopped *list, size_t n, uint64_t until)
{
    size_t before = used;

    have_held(list, n, until);
    if (used == 0 && !helper.allowed) {
        /* Systems with Yama let nobody but a parent, unless they are told. */
        wr_os_be_held_by(helper.pid);
        helper.allowed = true;
        have_held(list, n, until);
    }
    return used - before;
}

uint64_t
wr_hold_let_go(void)
{
    if (helper.pid == 0)
        return wr_os_monotonic();
    pass_on(END);
    wait_helper(END);
    return atomic_load(&helper.step) == LEFT ? helper.ended_ns
                                             : wr_os_monotonic();
}

void
wr_hold_end(void)
{
    if (helper.pid == 0)
        return;
    wr_os_thread_join(&helper.thread);
    while (wr_os_copy_ended((long)helper.pid) == -2)
        wr_os_pause();
    if (helper.allowed)
        wr_os_be_held_by(0);
    helper.allowed = false;
    helper.pid = 0;
}

void
wr_hold_fork_child(void)
{
    helper.pid = 0;
    helper.allowed = false;
    atomic_store(&helper.thread.alive, 0);
}
