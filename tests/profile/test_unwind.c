/* Stacks of the running thread. */
#include "unit.h"

#include <alloca.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "profile/both.h"
#include "profile/machine.h"
#include "profile/unwind.h"
#include "profile/unwind_cache.h"

#define NOINLINE __attribute__((noinline))

static struct both both;
static _Thread_local volatile int sink;

static void
setup(void)
{
    both_start();
}

static NOINLINE void
capture(void)
{
    both_capture(&both);
    sink++;
}

static uintptr_t frames[64];
static size_t frame_count;

static NOINLINE void
capture_ours(void)
{
    frame_count = wr_unwind_here(frames, 64);
    sink++;
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

static NOINLINE void
with_variable_frame(int n, void (*next)(void))
{
    volatile char array[n];

    array[n - 1] = 1;
    next();
    sink += array[n - 1];
}

static NOINLINE void
with_alloca(int n, void (*next)(void))
{
    volatile char *p = alloca((size_t)n);

    p[0] = 1;
    next();
    sink += p[0];
}

/* Aligned and of variable size: the compiler realigns the stack and keeps
 * the way back on it. */
static NOINLINE void
with_realigned_stack(int n, void (*next)(void))
{
    _Alignas(64) volatile char aligned[128];
    volatile char array[n];

    aligned[n] = 1;
    array[n - 1] = 1;
    ck_assert_uint_eq((uintptr_t)aligned % 64, 0);
    next();
    sink += aligned[n] + array[n - 1];
}

static NOINLINE void
with_large_frame(int n, void (*next)(void))
{
    volatile char array[200000];

    array[n] = 1;
    next();
    sink += array[n];
}

START_TEST(the_first_entry_is_where_the_capture_was_asked_for)
{
    uintptr_t pc[2];

    ck_assert_uint_eq(wr_unwind_here(pc, 2), 2);
    ck_assert_uint_eq(pc[1], (uintptr_t)__builtin_return_address(0));
}
END_TEST

START_TEST(deep_recursion_is_seen_whole)
{
    recurse(500, capture);
    both_expect_same(&both);
    ck_assert_uint_gt(both.n, 500);
    for (size_t i = 0; i < both.n; i++)
        ck_assert_uint_ne(both.ours[i], 0);
}
END_TEST

START_TEST(no_more_entries_than_asked_for_are_written)
{
    uintptr_t pc[8] = {0};

    ck_assert_uint_eq(wr_unwind_here(pc, 3), 3);
    ck_assert_uint_ne(pc[2], 0);
    ck_assert_uint_eq(pc[3], 0);
    ck_assert_uint_eq(wr_unwind_here(pc, 0), 0);
}
END_TEST

static void
variable_then_capture(void)
{
    with_variable_frame(3000, capture);
}

START_TEST(frames_of_variable_size_are_passed)
{
    with_alloca(100, variable_then_capture);
    both_expect_same(&both);
}
END_TEST

static void
realigned_then_capture(void)
{
    with_realigned_stack(50, variable_then_capture);
}

START_TEST(realigned_frames_are_passed)
{
    with_realigned_stack(100, realigned_then_capture);
    both_expect_same(&both);
    ck_assert_uint_gt(both.n, 6);
}
END_TEST

START_TEST(very_large_frames_are_passed)
{
    with_large_frame(100, capture);
    both_expect_same(&both);
}
END_TEST

static int
capture_and_compare(const void *a, const void *b)
{
    capture();
    return *(const int *)a - *(const int *)b;
}

START_TEST(callbacks_of_libc_are_seen)
{
    int numbers[] = {3, 2, 1};

    qsort(numbers, 3, sizeof(int), capture_and_compare);
    both_expect_same(&both);
}
END_TEST

static jmp_buf back;

static NOINLINE _Noreturn void
capture_and_leave(void)
{
    capture();
    longjmp(back, 1);
}

/* Its call is its last instruction: the return address is another
 * function's. */
static NOINLINE void
ends_in_a_call(void)
{
    sink++;
    capture_and_leave();
}

START_TEST(a_call_that_never_returns_is_its_callers)
{
    if (setjmp(back) == 0)
        ends_in_a_call();
    both_expect_same(&both);
}
END_TEST

static void *
capture_in_thread(void *known)
{
    if (known)
        both_know_stack();
    recurse(5, capture);
    return NULL;
}

START_TEST(a_thread_is_seen_to_its_start)
{
    pthread_t thread;

    for (int known = 0; known < 2; known++) {
        ck_assert_int_eq(pthread_create(&thread, NULL, capture_in_thread,
                                        known ? &known : NULL),
                         0);
        pthread_join(thread, NULL);
        both_expect_same(&both);
    }
}
END_TEST

START_TEST(knowing_the_bounds_of_the_stack_changes_nothing)
{
    static uintptr_t without[BOTH_MAX];

    wr_unwind_set_stack(0, 0);
    for (int i = 0; i < 2; i++) {
        recurse(20, capture);
        both_expect_same(&both);
        if (i == 0)
            memcpy(without, both.ours, sizeof(without));
        both_know_stack();
    }
    ck_assert_mem_eq(without, both.ours, 20 * sizeof(uintptr_t));
}
END_TEST

START_TEST(a_walk_stays_inside_the_bounds_it_was_told)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);

    wr_unwind_set_stack(here - 65536, here);
    recurse(20, capture_ours);
    ck_assert_uint_ge(frame_count, 20);
    ck_assert_uint_lt(frame_count, 24);
}
END_TEST

START_TEST(bounds_of_another_stack_do_not_matter)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);

    wr_unwind_set_stack(4096, 8192);
    recurse(20, capture);
    both_expect_same(&both);
    wr_unwind_set_stack(here + 4096, here + 8192);
    recurse(20, capture);
    both_expect_same(&both);
}
END_TEST

START_TEST(permanent_modules_change_nothing)
{
    recurse(20, capture);
    both_expect_same(&both);
    wr_unwind_init();
    wr_unwind_init();
    for (int i = 0; i < 3; i++) {
        recurse(20, capture);
        both_expect_same(&both);
    }
    wr_unwind_flush();
    recurse(20, capture);
    both_expect_same(&both);
}
END_TEST

START_TEST(forgetting_everything_changes_nothing)
{
    for (int i = 0; i < 3; i++) {
        recurse(20, capture);
        both_expect_same(&both);
        wr_unwind_cache_clear();
    }
}
END_TEST

START_TEST(a_frame_that_hangs_on_another_register_is_passed)
{
    for (int i = 0; i < 2; i++) {
        through_other(capture);
        both_expect_same(&both);
        ck_assert_uint_gt(both.n, 5);
    }
}
END_TEST

static void
again_through_other(void)
{
    through_other(capture);
    sink++;
}

START_TEST(two_such_frames_are_passed)
{
    through_other(again_through_other);
    both_expect_same(&both);
}
END_TEST

START_TEST(code_without_description_ends_the_stack)
{
    without_description(capture);
    both_expect_same(&both);
    ck_assert_uint_eq(both.n, 3);
    ck_assert_uint_gt(both.ours[2], (uintptr_t)without_description);
    ck_assert_uint_lt(both.ours[2], (uintptr_t)without_description + 16);
}
END_TEST

static void
ours_through_other(void)
{
    through_other(capture_ours);
    sink++;
}

START_TEST(a_wrong_frame_pointer_ends_the_stack_and_nothing_else)
{
    static uintptr_t words[4];
    void *gone =
        mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uintptr_t wrong[] = {
        0,
        1,
        8,
        UINTPTR_MAX,
        (uintptr_t)-8,
        (uintptr_t)-16,
        4096,
        65537,
        (uintptr_t)gone,
        (uintptr_t)gone - 8,
        1ul << 47,
        (1ul << 47) - 8,
        UINT64_C(0xffff800000000000),
        (uintptr_t)words,
    };

    for (size_t known = 0; known < 2; known++) {
        for (size_t i = 0; i < wr_countof(wrong); i++) {
            with_frame_pointer(capture_ours, wrong[i]);
            ck_assert_uint_ge(frame_count, 2);
            with_frame_pointer(ours_through_other, wrong[i]);
            ck_assert_uint_ge(frame_count, 4);
        }
        both_know_stack();
    }
}
END_TEST

START_TEST(a_frame_pointer_that_goes_back_ends_the_stack)
{
    /* below every stack, and good to read: fp, return address */
    static uintptr_t words[2];

    words[0] = (uintptr_t)words;
    words[1] = (uintptr_t)recurse + 1;
    for (int known = 0; known < 2; known++) {
        with_frame_pointer(capture_ours, (uintptr_t)words);
        ck_assert_uint_eq(frame_count, 2);
        with_frame_pointer(ours_through_other, (uintptr_t)words);
        ck_assert_uint_eq(frame_count, 4);
        both_know_stack();
    }
}
END_TEST

/* Registers as a signal might have found them, if anything went wrong. */
START_TEST(no_registers_make_a_walk_fail)
{
    static const uintptr_t steps[] = {0, 1, 7, 8, 64, 4096};
    uintptr_t pc[64], sp = (uintptr_t)__builtin_frame_address(0);
    uintptr_t codes[4] = {(uintptr_t)recurse, (uintptr_t)with_alloca,
                          (uintptr_t)with_realigned_stack, (uintptr_t)qsort};
    struct wr_regs regs;

    srandom(4);
    for (int i = 0; i < 20000; i++) {
        uintptr_t noise = (uintptr_t)random() << 17 ^ (uintptr_t)random();

        memset(&regs, 0, sizeof(regs));
        regs.pc = codes[i % 4] + (uintptr_t)random() % 64;
        for (size_t r = 0; r < WR_REGS_COUNT; r++)
            regs.r[r] = sp + steps[random() % 6] * (uintptr_t)random() % 8192;
        if (i % 3)
            regs.r[i % 3 == 1 ? WR_REG_FP : WR_REG_SP] = noise;
        ck_assert_uint_le(wr_unwind_from(&regs, pc, 64), 64);
    }
}
END_TEST

START_TEST(errno_is_left_alone)
{
    wr_unwind_cache_clear();
    wr_unwind_set_stack(0, 0);
    errno = 77;
    capture_ours();
    with_frame_pointer(capture_ours, 8);
    ck_assert_int_eq(errno, 77);
}
END_TEST

static ucontext_t outside, inside;

static void
in_coroutine(void)
{
    recurse(3, capture);
    swapcontext(&inside, &outside);
}

START_TEST(a_stack_somebody_made_is_walked_to_its_start)
{
    size_t bytes = 256 << 10;
    char *stack = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    both_know_stack();
    getcontext(&inside);
    inside.uc_stack.ss_sp = stack;
    inside.uc_stack.ss_size = bytes;
    inside.uc_link = NULL;
    makecontext(&inside, in_coroutine, 0);
    swapcontext(&outside, &inside);
    munmap(stack, bytes);
    both_expect_same(&both);
    ck_assert_uint_ge(both.n, 5);
}
END_TEST

static _Atomic bool over;
static _Atomic unsigned different;

/* Captures at changing depths, each thread on its own. */
static void
compare_here(void)
{
    static _Thread_local struct both mine;

    both_capture(&mine);
    if (!both_same(&mine))
        different++;
}

static void *
compare_until_over(void *arg)
{
    for (int i = 0; !over; i++)
        recurse(i % 40, compare_here);
    return arg;
}

START_TEST(threads_capture_while_all_is_forgotten)
{
    pthread_t threads[3];

    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, compare_until_over, NULL);
    for (int i = 0; i < 300; i++) {
        struct timespec tick = {0, 1000000};

        wr_unwind_flush();
        if (i % 4 == 0)
            wr_unwind_cache_clear();
        nanosleep(&tick, NULL);
    }
    over = true;
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_eq(different, 0);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("stacks of the running thread");
    TCase *t = tcase_create("unwind");

    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, the_first_entry_is_where_the_capture_was_asked_for);
    tcase_add_test(t, deep_recursion_is_seen_whole);
    tcase_add_test(t, no_more_entries_than_asked_for_are_written);
    tcase_add_test(t, frames_of_variable_size_are_passed);
    tcase_add_test(t, realigned_frames_are_passed);
    tcase_add_test(t, very_large_frames_are_passed);
    tcase_add_test(t, callbacks_of_libc_are_seen);
    tcase_add_test(t, a_call_that_never_returns_is_its_callers);
    tcase_add_test(t, a_thread_is_seen_to_its_start);
    tcase_add_test(t, knowing_the_bounds_of_the_stack_changes_nothing);
    tcase_add_test(t, a_walk_stays_inside_the_bounds_it_was_told);
    tcase_add_test(t, bounds_of_another_stack_do_not_matter);
    tcase_add_test(t, permanent_modules_change_nothing);
    tcase_add_test(t, forgetting_everything_changes_nothing);
    tcase_add_test(t, a_frame_that_hangs_on_another_register_is_passed);
    tcase_add_test(t, two_such_frames_are_passed);
    tcase_add_test(t, code_without_description_ends_the_stack);
    tcase_add_test(t, a_wrong_frame_pointer_ends_the_stack_and_nothing_else);
    tcase_add_test(t, a_frame_pointer_that_goes_back_ends_the_stack);
    tcase_add_test(t, no_registers_make_a_walk_fail);
    tcase_add_test(t, errno_is_left_alone);
    tcase_add_test(t, a_stack_somebody_made_is_walked_to_its_start);
    tcase_add_test(t, threads_capture_while_all_is_forgotten);
    tcase_set_timeout(t, 60);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
