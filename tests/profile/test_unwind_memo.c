/* Stacks by the memory of the walk before: never what was, always what is.
 * both.h compares each with a new walk and with libgcc's. */
#include <alloca.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "profile/both.h"
#include "profile/machine.h"
#include "profile/module.h"
#include "unit.h"

#define NOINLINE __attribute__((noinline))

typedef void next_fn(void);

static struct both both;
static volatile int sink;
static unsigned captures, remembered;

static void
setup(void)
{
    both_start();
    both_know_stack();
    wr_unwind_init();
}

/* The same with many walks remembered. */
static void
setup_many(void)
{
    setup();
    both_memo.mask = WR_UNWIND_WALKS - 1;
}

/* Compares, and counts what the memory was good for. */
static NOINLINE void
capture(void)
{
    both_capture(&both);
    both_expect_same(&both);
    captures++;
    remembered += both.again_n != 0;
    sink++;
}

static NOINLINE void
recurse(int depth, next_fn *next)
{
    if (depth == 0)
        next();
    else
        recurse(depth - 1, next);
    sink++;
}

/* ---- what it is for ---- */

/* From now on walks end at every call site of this stack. */
static void
poison_sites(const struct both *known)
{
    wr_unwind_word word = (wr_unwind_word)WR_UNWIND_OUTERMOST
                          << WR_UNWIND_KIND_SHIFT;

    for (size_t i = 1; i < known->n; i++)
        wr_unwind_cache_put(known->ours[i] - 1, word);
}

static NOINLINE void
capture_poisoned(void)
{
    static struct both first;

    for (int i = 0; i < 3; i++) {
        both_capture(&both);
        if (i == 0) {
            both_expect_same(&both);
            first = both;
            poison_sites(&both);
        } else {
            ck_assert_uint_lt(both.n, 4); /* a new walk believes it */
            ck_assert_uint_eq(both.again_n, first.n);
            ck_assert_mem_eq(both.again + 2, first.again + 2,
                             (first.n - 2) * sizeof(uintptr_t));
        }
    }
    sink++;
}

START_TEST(frames_that_stayed_are_not_walked_again)
{
    recurse(20, capture_poisoned);
}
END_TEST

START_TEST(when_all_is_forgotten_nothing_is_remembered)
{
    recurse(20, capture_poisoned);
    wr_unwind_cache_clear();
    recurse(20, capture);
    ck_assert_uint_eq(remembered, 1);
}
END_TEST

/* ---- frames that changed ---- */

/* Two call sites, one place on the stack. */
static NOINLINE void
by_one_of_two_calls(int which, int depth)
{
    if (which == 0) {
        recurse(depth, capture);
        sink += 2;
    } else {
        recurse(depth, capture);
        sink += 3;
    }
}

START_TEST(a_return_address_that_changed_is_seen)
{
    for (int i = 0; i < 40; i++)
        by_one_of_two_calls(i % 3 == 0, i % 2 * 5 + 3);
    ck_assert_uint_eq(remembered, captures);
}
END_TEST

static NOINLINE void
outer(int i, int depth)
{
    by_one_of_two_calls(i & 1, depth);
    sink++;
}

START_TEST(several_changes_in_one_stack_are_seen)
{
    for (int i = 0; i < 64; i++) {
        if (i & 2)
            outer(i, i & 4);
        else if (i & 8)
            outer(i / 16, 4);
        else
            by_one_of_two_calls(i & 1, i & 4);
    }
    ck_assert_uint_eq(remembered, captures);
}
END_TEST

START_TEST(recursion_of_any_depth_is_seen)
{
    for (int i = 0; i < 200; i++)
        recurse(i * 37 % 50, capture);
    ck_assert_uint_eq(remembered, captures);
}
END_TEST

/* More frames than are kept: the innermost count. */
START_TEST(deep_recursion_keeps_its_inner_frames)
{
    for (int i = 0; i < 30; i++) {
        recurse(110 + i * 13 % 40, capture);
        recurse(500 + i * 13 % 40, capture);
        ck_assert_uint_eq(both.again_n, WR_STACK_FRAMES);
    }
    ck_assert_uint_eq(remembered, captures);
}
END_TEST

static uintptr_t inner_place;

static NOINLINE void
capture_at_place(void)
{
    inner_place = (uintptr_t)__builtin_frame_address(0);
    capture();
}

static NOINLINE void
through_variable(int bytes)
{
    volatile char *p = alloca((size_t)bytes);

    p[0] = 1;
    capture_at_place();
    sink += p[0];
}

/* Its frame is `bytes` long and more, and found by the frame pointer, which
 * the function it calls saves. */
static NOINLINE void
shifted(int bytes)
{
    volatile char *p = alloca((size_t)bytes);

    p[0] = 1;
    through_variable(64);
    sink += p[0];
}

static NOINLINE void
leave_frame_pointer_alone(void)
{
    through_variable(64);
    sink++;
}

/* Or the one that is called by that. */
static NOINLINE void
shifted_further_out(int bytes)
{
    volatile char *p = alloca((size_t)bytes);

    p[0] = 1;
    leave_frame_pointer_alone();
    sink += p[0];
}

/* Takes so much of the stack, untouched, and calls from one of two places. */
static NOINLINE void
shift(int bytes, int which, void (*next)(int), int rest)
{
    volatile char *p = alloca((size_t)bytes + 16);

    if (which == 0) {
        next(rest);
        sink += 2;
    } else {
        next(rest);
        sink += 3;
    }
    p[bytes + 15] = 1;
}

/* The inner frames stay where they are while an outer one moves: only the
 * saved frame pointer tells. What it left behind still looks right. */
START_TEST(a_frame_that_moved_under_others_that_stayed_is_seen)
{
    void (*moving)(int) = _i == 0 ? shifted : shifted_further_out;
    unsigned meetings = 0;
    uintptr_t last = 0;

    for (int i = 0; i < 64; i++) {
        int moved = i * 7 % 8 * 16;

        shift(moved, i & 1, moving, 1024 - moved);
        meetings += inner_place == last;
        last = inner_place;
    }
    ck_assert_uint_gt(meetings, 10);
    ck_assert_uint_eq(remembered, captures);
}
END_TEST

static NOINLINE void
realigned(int n)
{
    _Alignas(128) volatile char aligned[128];
    volatile char array[n];

    aligned[0] = array[n - 1] = 1;
    capture_at_place();
    sink += aligned[0] + array[n - 1];
}

/* The same by alignment: where the frame begins is rounded away. */
START_TEST(a_realigned_frame_that_moved_is_seen)
{
    unsigned meetings = 0;
    uintptr_t last = 0;

    for (int i = 0; i < 64; i++) {
        shift(i * 3 % 8 * 16, i & 1, realigned, 32);
        meetings += inner_place == last;
        last = inner_place;
    }
    ck_assert_uint_gt(meetings, 10);
    ck_assert_uint_eq(remembered, captures);
}
END_TEST

static jmp_buf back;

static NOINLINE void
capture_and_leave(void)
{
    capture();
    longjmp(back, 1);
}

START_TEST(frames_left_by_longjmp_are_gone)
{
    for (volatile int i = 0; i < 50; i++) {
        if (setjmp(back) == 0)
            recurse(i % 20, capture_and_leave);
        by_one_of_two_calls(i & 1, i % 7);
    }
    ck_assert_uint_eq(remembered, captures);
}
END_TEST

/* ---- stacks at random ---- */

static uint64_t chance;
static int budget;

static NOINLINE void wander(void);

static int
wander_and_compare(const void *a, const void *b)
{
    wander();
    return *(const int *)a - *(const int *)b;
}

static NOINLINE void
wander_variable(int n)
{
    volatile char array[n];

    array[0] = 1;
    wander();
    sink += array[0];
}

static NOINLINE void
wander_realigned(int n)
{
    _Alignas(64) volatile char aligned[64];
    volatile char array[n];

    aligned[0] = array[0] = 1;
    wander();
    sink += aligned[0] + array[0];
}

static NOINLINE void
wander_large(void)
{
    volatile char array[30000];

    array[0] = 1;
    wander();
    sink += array[0];
}

static void
wander_one_step(unsigned choice)
{
    int numbers[] = {2, 1};

    switch (choice % 16) {
    case 0:
    case 1:
        wander_variable(16 + (int)unit_below(&chance, 200));
        break;
    case 2:
        wander_realigned(16 + (int)unit_below(&chance, 200));
        break;
    case 3:
        qsort(numbers, 2, sizeof(int), wander_and_compare);
        break;
    case 4:
        wander_large();
        break;
    case 5:
        if (unit_below(&chance, 8) == 0)
            through_other(capture);
        break;
    case 6:
    case 7:
        recurse((int)unit_below(&chance, 12), wander);
        break;
    default:
        capture();
        budget--;
    }
}

/* Several steps from each frame, so that stacks have frames in common. */
static NOINLINE void
wander(void)
{
    static int depth;

    depth++;
    for (int i = 0; i < 4 && budget > 0 && depth < 30; i++)
        wander_one_step((unsigned)unit_below(&chance, 1 << 16));
    depth--;
}

START_TEST(stacks_at_random_are_what_libgcc_sees)
{
    chance = unit_seed("stacks at random");
    budget = UNIT_TSAN ? 2000 : 20000;
    while (budget > 0)
        wander();
    ck_assert_uint_gt(remembered, captures / 2);
}
END_TEST

/* ---- the caller's number ---- */

/* The number kept with this stack; it becomes `next`. */
static NOINLINE uint32_t
number_here(uint32_t next)
{
    struct wr_unwind_seen seen;
    uint32_t number;

    ck_assert(wr_unwind_again(&both_memo, &seen));
    number = *seen.number;
    *seen.number = next;
    wr_unwind_seen_done(&both_memo);
    return number;
}

static NOINLINE uint32_t
number_by_one_of_two_calls(int which, uint32_t next)
{
    uint32_t number;

    if (which == 0) {
        number = number_here(next);
        sink += 2;
    } else {
        number = number_here(next);
        sink += 3;
    }
    return number;
}

START_TEST(a_number_stays_with_its_stack_and_with_no_other)
{
    static const int calls[] = {0, 0, 0, 1, 1, 1};

    for (volatile int i = 0; i < 6; i++) {
        uint32_t number =
            number_by_one_of_two_calls(calls[i], 7 + (uint32_t)calls[i]);

        if (i % 3 == 0)
            ck_assert_uint_eq(number, 0);
        else
            ck_assert_uint_eq(number, 7 + (uint32_t)calls[i]);
    }
    recurse(3, capture);
    wr_unwind_cache_clear();
    ck_assert_uint_eq(number_by_one_of_two_calls(1, 9), 0);
}
END_TEST

/* ---- whose stack it is ---- */

START_TEST(a_stack_it_was_not_told_of_is_refused)
{
    struct wr_unwind_seen seen;

    wr_unwind_set_stack(0, 0);
    ck_assert(!wr_unwind_again(&both_memo, &seen));
}
END_TEST

static NOINLINE void
within_bounds(void)
{
    struct wr_unwind_seen seen;
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);

    capture();
    wr_unwind_set_stack(here - 65536, here + 512);
    ck_assert(!wr_unwind_again(&both_memo, &seen));
    both_know_stack();
    capture();
}

START_TEST(what_lies_outside_the_stack_is_not_believed)
{
    recurse(40, within_bounds);
    ck_assert_uint_eq(remembered, 2);
}
END_TEST

START_TEST(a_stack_that_needs_all_registers_is_refused)
{
    for (int i = 0; i < 4; i++) {
        recurse(3, capture);
        through_other(capture);
        ck_assert_uint_eq(both.again_n, 0);
    }
    ck_assert_uint_eq(remembered, 4);
}
END_TEST

static struct wr_unwind_memo handed_on;

/* As both_capture, with the memory of whichever thread had it before. */
static void *
capture_with_what_another_left(void *arg)
{
    struct wr_unwind_seen seen;

    both_know_stack();
    for (int i = 0; i < 2; i++) {
        both_capture(&both);
        ck_assert(wr_unwind_again(&handed_on, &seen));
        ck_assert_uint_eq(seen.n, both.n - 1);
        ck_assert_mem_eq(seen.pc + 1, both.ours + 2,
                         (both.n - 2) * sizeof(uintptr_t));
        wr_unwind_seen_done(&handed_on);
    }
    return arg;
}

START_TEST(the_memory_of_another_thread_does_no_harm)
{
    pthread_t thread;

    for (int i = 0; i < 6; i++) {
        capture_with_what_another_left(NULL);
        pthread_create(&thread, NULL, capture_with_what_another_left, NULL);
        pthread_join(thread, NULL);
    }
}
END_TEST

/* ---- Weir's own frames ---- */

#define OURS __attribute__((section("weir_code"), noinline))

extern char __start_weir_code[], __stop_weir_code[];

static OURS void
our_end(void)
{
    both_capture(&both);
    sink++;
}

static OURS void
our_malloc(next_fn *next)
{
    next();
    sink++;
}

static OURS void
our_realloc(next_fn *next)
{
    volatile char array[100];

    array[0] = 1;
    next();
    sink += array[0];
}

static bool
is_ours(uintptr_t pc)
{
    return pc - (uintptr_t)__start_weir_code <
           (uintptr_t)(__stop_weir_code - __start_weir_code);
}

/* The stack just captured, without what is in Weir and without its first
 * entry, which differs. */
static void
expect_without_ours(void)
{
    size_t n = 1;

    ck_assert_uint_gt(both.again_n, 1);
    for (size_t i = 1; i < both.n; i++)
        if (!is_ours(both.ours[i] - 1))
            ck_assert_uint_eq(both.again[n++], both.ours[i]);
    ck_assert_uint_eq(both.again_n, n);
    ck_assert_uint_eq(both.again_hash, wr_stack_hash(both.again, n));
}

static NOINLINE void
allocate(void)
{
    for (int i = 0; i < 12; i++) {
        if (i % 3 == 0)
            our_realloc(our_end);
        else
            our_malloc(our_end);
        expect_without_ours();
    }
}

static NOINLINE void
allocate_deeper(void)
{
    recurse(2, allocate);
    allocate();
    sink++;
}

START_TEST(frames_of_weir_are_left_out_wherever_they_are)
{
    wr_module_weir_start = (uintptr_t)__start_weir_code;
    wr_module_weir_end = (uintptr_t)__stop_weir_code;
    allocate();
    recurse(5, allocate);
    our_realloc(allocate_deeper);
    our_malloc(allocate);
}
END_TEST

static struct wr_unwind_memo way_memo;
static uintptr_t seen_pc[WR_STACK_FRAMES];
static size_t seen_n;

static OURS void
our_walk(void)
{
    struct wr_unwind_seen seen;

    seen_n = 0;
    if (wr_unwind_again(&way_memo, &seen)) {
        seen_n = seen.n;
        memcpy(seen_pc, seen.pc, seen.n * sizeof(*seen.pc));
        wr_unwind_seen_done(&way_memo);
    }
    sink++;
}

/* Inside Weir by one of two ways, from a frame that hangs on the frame
 * pointer. What is seen begins here. */
static NOINLINE void
enter(int which, int bytes)
{
    volatile char *p = alloca((size_t)bytes);

    if (which == 0)
        our_malloc(our_walk);
    else
        our_realloc(our_walk);
    p[0] = 1;
    both_capture(&both);
    ck_assert_uint_eq(seen_n, both.n - 1);
    ck_assert_uint_ge(seen_pc[0], (uintptr_t)enter);
    ck_assert_uint_lt(seen_pc[0], (uintptr_t)enter + 1024);
    ck_assert_mem_eq(seen_pc + 1, both.ours + 2,
                     (seen_n - 1) * sizeof(uintptr_t));
}

START_TEST(the_ways_into_weir_are_told_apart)
{
    wr_module_weir_start = (uintptr_t)__start_weir_code;
    wr_module_weir_end = (uintptr_t)__stop_weir_code;
    for (int i = 0; i < 40; i++)
        enter(i % 3 == 0, 16 + i * 48 % 160);
    if (way_memo.way[0].steps + way_memo.way[1].steps == 0)
        unit_skip("this build's frames hang on the frame pointer");
    for (int i = 0; i < WR_UNWIND_WAYS; i++)
        ck_assert(way_memo.way[i].steps == 0 || way_memo.way[i].steps == 3);
}
END_TEST

/* ---- signals ---- */

static NOINLINE void
nested(void)
{
    struct wr_unwind_seen seen;

    ck_assert(!wr_unwind_again(&both_memo, &seen));
    sink++;
}

START_TEST(a_walk_inside_the_use_of_another_is_refused)
{
    static uintptr_t copy[WR_STACK_FRAMES];
    struct wr_unwind_seen seen;

    ck_assert(wr_unwind_again(&both_memo, &seen));
    memcpy(copy, seen.pc, seen.n * sizeof(uintptr_t));
    recurse(10, nested);
    ck_assert_mem_eq(copy, seen.pc, seen.n * sizeof(uintptr_t));
    wr_unwind_seen_done(&both_memo);
    capture();
    ck_assert_uint_eq(remembered, 1);
}
END_TEST

static NOINLINE void
walk_and_leave(void)
{
    struct wr_unwind_seen seen;

    ck_assert(wr_unwind_again(&both_memo, &seen));
    longjmp(back, 1);
}

START_TEST(a_walk_left_in_the_middle_is_noticed_further_out)
{
    capture();
    ck_assert_uint_eq(remembered, 1);
    if (setjmp(back) == 0)
        recurse(10, walk_and_leave);
    recurse(20, capture);
    ck_assert_uint_eq(remembered, 1);
    /* as if it had been left between two writes */
    for (int i = 0; i < WR_UNWIND_WALKS; i++)
        memset(both_memo.past[i].program, 1, sizeof(both_memo.past[i].program));
    capture();
    ck_assert_uint_eq(remembered, 2);
    recurse(20, capture);
    ck_assert_uint_eq(remembered, 3);
}
END_TEST

static _Atomic unsigned signals, different;

static void
compare_in_handler(int number)
{
    static struct both mine;

    (void)number;
    both_capture(&mine);
    different += !both_same(&mine);
    signals++;
}

static void
arm_timer(long ns)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL,
                             .sigev_signo = SIGUSR1};
    struct itimerspec every = {{0, ns}, {0, ns}};
    timer_t timer;

    ck_assert_ptr_ne(signal(SIGUSR1, compare_in_handler), SIG_ERR);
    ck_assert_int_eq(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    ck_assert_int_eq(timer_settime(timer, 0, &every, NULL), 0);
}

START_TEST(signals_in_the_middle_of_walks_leave_them_right)
{
    arm_timer(100000);
    for (int i = 0; signals < 5000; i++) {
        by_one_of_two_calls(i % 3 == 0, i % 29);
        shift(i % 4 * 16, i & 1, shifted, 1024);
    }
    ck_assert_uint_eq(different, 0);
    ck_assert_uint_gt(remembered, captures / 2);
}
END_TEST

static TCase *
tests_of(const char *name, void (*before)(void))
{
    TCase *t = tcase_create(name);

    tcase_add_checked_fixture(t, before, NULL);
    tcase_add_test(t, frames_that_stayed_are_not_walked_again);
    tcase_add_test(t, when_all_is_forgotten_nothing_is_remembered);
    tcase_add_test(t, a_return_address_that_changed_is_seen);
    tcase_add_test(t, several_changes_in_one_stack_are_seen);
    tcase_add_test(t, recursion_of_any_depth_is_seen);
    tcase_add_test(t, deep_recursion_keeps_its_inner_frames);
    tcase_add_loop_test(t, a_frame_that_moved_under_others_that_stayed_is_seen,
                        0, 2);
    tcase_add_test(t, a_realigned_frame_that_moved_is_seen);
    tcase_add_test(t, frames_left_by_longjmp_are_gone);
    tcase_add_test(t, stacks_at_random_are_what_libgcc_sees);
    tcase_add_test(t, a_stack_it_was_not_told_of_is_refused);
    tcase_add_test(t, what_lies_outside_the_stack_is_not_believed);
    tcase_add_test(t, a_stack_that_needs_all_registers_is_refused);
    tcase_add_test(t, the_memory_of_another_thread_does_no_harm);
    tcase_add_test(t, frames_of_weir_are_left_out_wherever_they_are);
    tcase_add_test(t, the_ways_into_weir_are_told_apart);
    tcase_add_test(t, a_walk_inside_the_use_of_another_is_refused);
    tcase_add_test(t, a_walk_left_in_the_middle_is_noticed_further_out);
    tcase_add_test(t, signals_in_the_middle_of_walks_leave_them_right);
    tcase_add_test(t, a_number_stays_with_its_stack_and_with_no_other);
    tcase_set_timeout(t, 60);
    return t;
}

static Suite *
suite(void)
{
    Suite *s = suite_create("stacks by memory");

    suite_add_tcase(s, tests_of("the last walk", setup));
    suite_add_tcase(s, tests_of("many walks", setup_many));
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
