/* Stacks captured in signal handlers, and captures interrupted by them. */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#include "profile/both.h"
#include "profile/machine.h"
#include "profile/unwind.h"
#include "profile/unwind_cache.h"
#include "unit.h"

#define NOINLINE __attribute__((noinline))

static struct both both;
static uintptr_t context_pc[BOTH_MAX];
static size_t context_n;
static uintptr_t interrupted;
static volatile int sink;
static sigjmp_buf back;

static uintptr_t
context_address(const ucontext_t *uc)
{
    struct wr_regs regs;

    wr_regs_from_context(&regs, uc);
    return regs.pc;
}

static void
capture_in_handler(int signal, siginfo_t *info, void *context)
{
    (void)info;
    interrupted = context_address(context);
    context_n = wr_unwind_context(context, context_pc, BOTH_MAX);
    both_capture(&both);
    if (signal == SIGSEGV)
        siglongjmp(back, 1);
}

static void
handle(int signal, void (*handler)(int, siginfo_t *, void *), int flags)
{
    struct sigaction action = {.sa_sigaction = handler,
                               .sa_flags = SA_SIGINFO | flags};

    ck_assert_int_eq(sigaction(signal, &action, NULL), 0);
}

static void
setup(void)
{
    both_start();
    signal(SIGPROF, SIG_DFL);
}

static void
use_other_stack(void)
{
    static char memory[64 << 10];
    stack_t stack = {.ss_sp = memory, .ss_size = sizeof(memory)};

    ck_assert_int_eq(sigaltstack(&stack, NULL), 0);
}

/* Raises the signal at the bottom of a few frames. */
static NOINLINE void
raise_below(int depth, int signal)
{
    if (depth == 0)
        raise(signal);
    else
        raise_below(depth - 1, signal);
    sink++;
}

/* What the context gave must be the outer part of the handler's own stack. */
static void
expect_context_in_stack(void)
{
    ck_assert_uint_ge(context_n, 2);
    ck_assert_uint_gt(both.n, context_n);
    ck_assert_uint_eq(context_pc[0], interrupted + 1);
    ck_assert_mem_eq(context_pc, both.ours + both.n - context_n,
                     context_n * sizeof(uintptr_t));
}

START_TEST(a_handler_sees_through_to_what_it_interrupted)
{
    handle(SIGUSR1, capture_in_handler, 0);
    for (int known = 0; known < 2; known++) {
        raise_below(5, SIGUSR1);
        both_expect_same(&both);
        ck_assert_uint_gt(both.n, 10);
        expect_context_in_stack();
        both_know_stack();
    }
}
END_TEST

START_TEST(a_handler_on_another_stack_sees_through_too)
{
    use_other_stack();
    handle(SIGUSR1, capture_in_handler, SA_ONSTACK);
    for (int known = 0; known < 2; known++) {
        raise_below(5, SIGUSR1);
        both_expect_same(&both);
        expect_context_in_stack();
        both_know_stack();
    }
}
END_TEST

static void
raise_another(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)info;
    (void)context;
    raise_below(2, SIGUSR1);
}

START_TEST(a_handler_inside_a_handler_sees_through_both)
{
    use_other_stack();
    handle(SIGUSR1, capture_in_handler, 0);
    handle(SIGUSR2, raise_another, SA_ONSTACK);
    raise_below(3, SIGUSR2);
    both_expect_same(&both);
    if (!UNIT_TSAN) /* which calls handlers later, with a kept context */
        expect_context_in_stack();
    ck_assert_uint_gt(both.n, 15);
}
END_TEST

/* A leaf: on some machines it has neither frame nor saved return address. */
static NOINLINE int
touch(const volatile int *p)
{
    return *p;
}

static NOINLINE void
touch_what_is_not_there(void)
{
    int *gone = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    sink += touch(gone);
    sink++;
}

START_TEST(the_exact_instruction_of_a_fault_comes_first)
{
    handle(SIGSEGV, capture_in_handler, SA_NODEFER);
    if (sigsetjmp(back, 1) == 0)
        touch_what_is_not_there();
    both_expect_same(&both);
    expect_context_in_stack();
    ck_assert_uint_ge(context_pc[0] - 1, (uintptr_t)touch);
    ck_assert_uint_lt(context_pc[0] - 1, (uintptr_t)touch + 64);
}
END_TEST

START_TEST(a_call_of_nothing_ends_the_stack)
{
    void (*volatile nothing)(void) = NULL;

    handle(SIGSEGV, capture_in_handler, SA_NODEFER);
    if (sigsetjmp(back, 1) == 0)
        nothing();
    both_expect_same(&both);
    ck_assert_uint_eq(interrupted, 0);
    ck_assert_uint_eq(context_n, 1);
    ck_assert_uint_eq(context_pc[0], 1);
}
END_TEST

START_TEST(no_more_entries_than_asked_for_are_written)
{
    struct wr_regs regs;
    ucontext_t uc;
    uintptr_t pc[2] = {0};

    getcontext(&uc);
    wr_regs_from_context(&regs, &uc);
    ck_assert_uint_eq(wr_unwind_context(&uc, pc, 0), 0);
    ck_assert_uint_eq(pc[0], 0);
    ck_assert_uint_eq(wr_unwind_context(&uc, pc, 1), 1);
    ck_assert_uint_eq(pc[0], regs.pc + 1);
    ck_assert_uint_eq(pc[1], 0);
}
END_TEST

#if HAS_RESTORER

/* As the kernel wants it, past libc. */
struct kernel_action {
    void (*handler)(int, siginfo_t *, void *);
    unsigned long flags;
    void (*restorer)(void);
    unsigned long mask;
};

enum { KERNEL_RESTORER = 0x04000000 };

START_TEST(a_way_back_that_nobody_described_is_recognised)
{
    struct kernel_action action = {
        capture_in_handler, SA_SIGINFO | KERNEL_RESTORER, bare_restorer, 0};

    ck_assert_int_eq(syscall(SYS_rt_sigaction, SIGUSR1, &action, NULL, 8), 0);
    raise_below(3, SIGUSR1);
    both_expect_same(&both);
    expect_context_in_stack();
}
END_TEST

#endif

static _Atomic unsigned captures, different;

/* The handler's own view, compared on the spot. */
static void
compare_in_handler(int signal, siginfo_t *info, void *context)
{
    static _Thread_local struct both mine;
    int saved = errno;

    (void)signal;
    (void)info;
    (void)context;
    both_capture(&mine);
    captures++;
    if (!both_same(&mine))
        different++;
    errno = saved;
}

static uint64_t
now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static _Atomic bool over;
static pthread_t target;

/* Signals the target 5000 times a second. */
static void *
bombard(void *arg)
{
    uint64_t tick = now();

    while (!over) {
        struct timespec t;

        tick += 200000;
        t.tv_sec = (time_t)(tick / 1000000000);
        t.tv_nsec = (long)(tick % 1000000000);
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
        pthread_kill(target, SIGUSR1);
    }
    return arg;
}

static NOINLINE void
recurse(int depth, void (*last)(void))
{
    if (depth == 0)
        last();
    else
        recurse(depth - 1, last);
    sink++;
}

static uintptr_t reference[BOTH_MAX];
static size_t reference_n;

/* Equal to the first one taken, from the caller on. */
static void
compare_with_reference(void)
{
    static uintptr_t pc[BOTH_MAX];
    size_t n = wr_unwind_here(pc, BOTH_MAX);

    if (reference_n == 0) {
        memcpy(reference, pc, sizeof(pc));
        reference_n = n;
    }
    if (n != reference_n || memcmp(pc, reference, n * sizeof(pc[0])) != 0)
        different++;
}

START_TEST(captures_interrupted_by_captures_are_right)
{
    uint64_t end = now() + 1500000000;
    pthread_t thread;

    target = pthread_self();
    handle(SIGUSR1, compare_in_handler, SA_RESTART);
    pthread_create(&thread, NULL, bombard, NULL);
    while (now() < end) {
        wr_unwind_cache_clear();
        for (int i = 0; i < 100; i++)
            recurse(30, compare_with_reference);
    }
    over = true;
    pthread_join(thread, NULL);
    ck_assert_uint_gt(captures, 10);
    ck_assert_uint_eq(different, 0);
}
END_TEST

START_TEST(signals_during_loading_and_unloading_are_survived)
{
    static const char *const names[] = {"libz.so.1", "libresolv.so.2",
                                        "libutil.so.1"};
    uint64_t end = now() + 1500000000;
    unsigned loads = 0;
    pthread_t thread;

    target = pthread_self();
    handle(SIGUSR1, compare_in_handler, SA_RESTART);
    pthread_create(&thread, NULL, bombard, NULL);
    while (now() < end) {
        void *library = dlopen(names[loads % 3], RTLD_NOW);

        if (library)
            dlclose(library);
        wr_unwind_flush();
        loads++;
    }
    over = true;
    pthread_join(thread, NULL);
    ck_assert_uint_gt(loads, 10);
    ck_assert_uint_gt(captures, 10);
    ck_assert_uint_eq(different, 0);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("stacks and signals");
    TCase *t = tcase_create("signals");

    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, a_handler_sees_through_to_what_it_interrupted);
    tcase_add_test(t, a_handler_on_another_stack_sees_through_too);
    tcase_add_test(t, a_handler_inside_a_handler_sees_through_both);
    tcase_add_test(t, the_exact_instruction_of_a_fault_comes_first);
    tcase_add_test(t, a_call_of_nothing_ends_the_stack);
    tcase_add_test(t, no_more_entries_than_asked_for_are_written);
#if HAS_RESTORER
    tcase_add_test(t, a_way_back_that_nobody_described_is_recognised);
#endif
    tcase_add_test(t, captures_interrupted_by_captures_are_right);
    tcase_add_test(t, signals_during_loading_and_unloading_are_survived);
    tcase_set_timeout(t, 60);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
