/* Invariants
 * 1. The handler runs once: it gives the signal back before it returns.
 * 2. On a signal stack of the program's, which may be small, only the address
 *    is noted; the walk is for stacks that have room for it.
 */
#include "profile/overflow.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/base.h"
#include "os/os.h"
#include "os/process.h"
#include "os/regs.h"
#include "os/syscall.h"
#include "profile/module.h"
#include "profile/unwind.h"
#include "profile/unwind_walk.h"
#include "region/counters.h"
#include "region/region.h"
#include "world/thread.h"

enum {
    STACK_BYTES = 65536,
    WALK_BYTES = 24576, /* a signal stack with that much is walked on */
    FRAMES_MOST = 1 << 24,
};
#define NEAR ((uintptr_t)1 << 20) /* of the stack pointer, and of the end */

static _Atomic bool ours;
static pthread_key_t key;
static _Thread_local void *mine; /* the calling thread's signal stack */
static _Alignas(64) char main_stack[STACK_BYTES];

/* ---- what happened ---- */

struct fault {
    struct wr_regs regs;
    uintptr_t address, hi;
    uint64_t limit;
    bool main_thread, may_walk;
};

/* The end of the calling thread's stack was passed there, not something else.
 */
static bool
is_overflow(struct fault *f)
{
    uintptr_t sp = f->regs.r[WR_REG_SP], lo;
    struct rlimit limit;

    if (!wr_unwind_own_stack(&lo, &f->hi) || f->address >= f->hi ||
        f->address + NEAR < sp || f->address > sp + STACK_BYTES)
        return false;
    f->main_thread = wr_os_tid() == wr_os_pid();
    f->limit = f->hi - lo;
    if (!f->main_thread)
        return f->address < lo + 4096 && f->address + NEAR >= lo;
    if (wr_syscall2(SYS_getrlimit, RLIMIT_STACK, &limit) == 0)
        f->limit = limit.rlim_cur;
    if (f->limit == RLIM_INFINITY)
        return f->hi - f->address >= NEAR;
    return f->hi - f->address + NEAR / 4 >= f->limit;
}

/* The frames of the whole stack: the first of them, and a ring of the last. */
static void
walk(struct wr_overflow *o, const struct wr_regs *start)
{
    struct wr_unwind_ground ground = {0};
    struct wr_unwind_walk at = {start->pc, start->r[WR_REG_SP],
                                start->r[WR_REG_FP]};
    uint64_t n = 0;

    wr_unwind_stack_enter(&ground.stack, at.sp);
    o->first[n++] = start->pc + 1;
    while (n < FRAMES_MOST) {
        wr_unwind_word word = wr_unwind_known(&ground, at.at);

        if (wr_unwind_word_kind(word) <= WR_UNWIND_FULL ||
            !wr_unwind_step(&at, &ground, word))
            break;
        if (n < WR_OVERFLOW_FIRST)
            o->first[n] = at.at + 1;
        else
            o->last[n % WR_OVERFLOW_LAST] = at.at + 1;
        n++;
    }
    o->frames = n;
}

static void
reverse(uint64_t *a, size_t n)
{
    for (size_t i = 0; i < n / 2; i++) {
        uint64_t t = a[i];

        a[i] = a[n - 1 - i];
        a[n - 1 - i] = t;
    }
}

/* Turn the ring so that it begins with its oldest. */
static void
unroll(struct wr_overflow *o)
{
    size_t rest = o->frames > WR_OVERFLOW_FIRST
                      ? (size_t)(o->frames - WR_OVERFLOW_FIRST)
                      : 0;
    size_t turn = o->frames % WR_OVERFLOW_LAST;

    o->first_count = (uint32_t)wr_min(o->frames, WR_OVERFLOW_FIRST);
    o->last_count = (uint32_t)wr_min(rest, WR_OVERFLOW_LAST);
    if (rest <= WR_OVERFLOW_LAST)
        return; /* it was filled from a multiple of its length on */
    reverse(o->last, turn);
    reverse(o->last + turn, WR_OVERFLOW_LAST - turn);
    reverse(o->last, WR_OVERFLOW_LAST);
}
_Static_assert(WR_OVERFLOW_FIRST % WR_OVERFLOW_LAST == 0, "see unroll");

static void
note_modules(const struct wr_overflow *o)
{
    wr_module_try_note((const uintptr_t *)o->first, o->first_count);
    wr_module_try_note((const uintptr_t *)o->last, o->last_count);
}

static void
record(const struct fault *f)
{
    struct wr_overflow *o;

    if (!wr_world_region())
        return;
    o = wr_region_entry(WR_TABLE_OVERFLOW, 0);
    if (!wr_region_touch(o, sizeof *o) || atomic_load(&o->when_ns) != 0)
        return;
    o->tid = wr_os_tid();
    o->main_thread = f->main_thread;
    (void)wr_syscall2(SYS_prctl, PR_GET_NAME, o->name);
    o->stack_hi = f->hi;
    o->limit = f->limit;
    o->used = f->hi - f->address;
    o->unloads = (uint32_t)wr_count_get(unloads);
    o->first[0] = f->regs.pc + 1;
    o->frames = 1;
    if (f->may_walk)
        walk(o, &f->regs);
    unroll(o);
    note_modules(o);
    atomic_store_explicit(&o->when_ns, wr_os_realtime(), memory_order_release);
    wr_region_publish(WR_TABLE_OVERFLOW, 1);
}

/* ---- the handler ---- */

static void
give_back(int number)
{
    struct sigaction plain;

    memset(&plain, 0, sizeof plain);
    plain.sa_handler = SIG_DFL;
    atomic_store(&ours, false);
    (void)sigaction(number, &plain, NULL);
}

static void
handler(int number, siginfo_t *info, void *context)
{
    const ucontext_t *uc = context;
    struct fault f = {.address = (uintptr_t)info->si_addr};
    int saved = errno;

    give_back(number);
    if (info->si_code > 0) { /* the processor's, which comes again */
        wr_regs_from_context(&f.regs, uc);
        f.may_walk = uc->uc_stack.ss_size >= WALK_BYTES;
        if (is_overflow(&f))
            record(&f);
    } else { /* somebody's: it is pending until we return */
        (void)wr_syscall2(SYS_tkill, wr_os_tid(), number);
    }
    errno = saved;
}

/* ---- signal stacks ---- */

/* Without libc's function, which is watched. false: it has one already. */
static bool
set_stack(void *base)
{
    stack_t old, stack;

    memset(&stack, 0, sizeof stack);
    stack.ss_sp = base;
    stack.ss_size = STACK_BYTES;
    if (wr_syscall2(SYS_sigaltstack, 0, &old) != 0 ||
        (old.ss_flags & SS_DISABLE) == 0 ||
        wr_syscall2(SYS_sigaltstack, &stack, 0) != 0)
        return false;
    mine = base;
    return true;
}

static void
thread_ends(void *base)
{
    stack_t now, none;

    memset(&none, 0, sizeof none);
    none.ss_flags = SS_DISABLE;
    if (wr_syscall2(SYS_sigaltstack, 0, &now) == 0 && now.ss_sp == base)
        (void)wr_syscall2(SYS_sigaltstack, &none, 0);
    mine = NULL;
    wr_os_unmap(base, STACK_BYTES);
}

void
wr_overflow_thread(void)
{
    void *base;

    if (!atomic_load_explicit(&ours, memory_order_relaxed))
        return;
    base = wr_os_map(STACK_BYTES);
    if (base == NULL)
        return;
    if (!set_stack(base) || pthread_setspecific(key, base) != 0)
        thread_ends(base);
}

bool
wr_overflow_is_stack(const stack_t *stack)
{
    return mine != NULL && stack->ss_sp == mine;
}

void
wr_overflow_start(void)
{
    struct sigaction action, old;

    if (sigaction(SIGSEGV, NULL, &old) != 0 || old.sa_handler != SIG_DFL ||
        pthread_key_create(&key, thread_ends) != 0 || !set_stack(main_stack))
        return;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    if (sigaction(SIGSEGV, &action, NULL) == 0)
        atomic_store(&ours, true);
}

bool
wr_overflow_owns(int number)
{
    return number == SIGSEGV && atomic_load(&ours);
}

void
wr_overflow_stop(void)
{
    if (wr_os_at_home())
        atomic_store(&ours, false);
}
