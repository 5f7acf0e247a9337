/* Stacks of running threads, on request. */
#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>

#include "heap/heap.h"
#include "heap/mcache.h"
#include "heap/sizeclass.h"
#include "os/os.h"
#include "profile/capture.h"
#include "profile/unwind.h"
#include "region/read.h"
#include "region/region.h"
#include "world/thread.h"

#define NOINLINE __attribute__((noinline))

static void
start_world(void)
{
    uint32_t class_bytes[WR_CLASSES] = {0};
    struct wr_region_options o = {.dir = "/nowhere/at/all",
                                  .class_bytes = class_bytes,
                                  .class_count = WR_CLASSES};

    wr_unwind_init();
    wr_region_start(&o);
    ck_assert_ptr_nonnull(wr_region);
    wr_world_start();
    wr_thread_begin(0);
}

static void
start(void)
{
    start_world();
    wr_capture_start();
    ck_assert_uint_eq(wr_region->capture_ready, 1);
}

static struct wr_thread_slot *
slot(uint64_t i)
{
    return wr_region_entry(WR_TABLE_THREADS, i);
}

/* As a reader of the region asks. */
static void
ask(uint32_t tid, uint64_t cookie)
{
    siginfo_t info;

    memset(&info, 0, sizeof info);
    info.si_code = SI_QUEUE;
    info.si_value.sival_ptr = (void *)(uintptr_t)cookie;
    ck_assert_int_eq(syscall(SYS_rt_tgsigqueueinfo, getpid(), tid,
                             wr_region->capture_signal, &info),
                     0);
}

/* A signal to itself is handled before the call returns. */
static struct wr_capture
ask_self(void)
{
    struct wr_capture c;

    ask(wr_os_tid(), wr_region->capture_cookie);
    ck_assert(wr_slot_capture(slot(0), &c));
    return c;
}

static NOINLINE int
ask_from_here(struct wr_capture *c)
{
    *c = ask_self();
    return (int)c->frames;
}

static bool
lies_in(uint64_t pc, const void *function)
{
    return pc - 1 - (uintptr_t)function < 400;
}

START_TEST(a_thread_that_is_asked_stores_its_stack)
{
    uint64_t before = wr_os_monotonic();
    struct wr_capture c;
    bool found = false;

    ck_assert(!wr_slot_capture(slot(0), &c));
    ck_assert_int_ge(ask_from_here(&c), 4);
    for (uint32_t i = 0; i < c.frames; i++)
        found |= lies_in(c.pc[i], (void *)ask_from_here);
    ck_assert(found);
    ck_assert_uint_eq(c.seq, 2);
    ck_assert_uint_eq(c.unloads, 0);
    ck_assert(before <= c.ns && c.ns <= wr_os_monotonic());
    c = ask_self();
    ck_assert_uint_eq(c.seq, 4);
}
END_TEST

START_TEST(the_modules_of_the_stack_are_noted)
{
    uint64_t n;

    (void)ask_self();
    n = wr_region_used(WR_TABLE_MODULES);
    ck_assert_uint_ge(n, 2); /* the program and libc */
    (void)ask_self();
    ck_assert_uint_eq(wr_region_used(WR_TABLE_MODULES), n);
}
END_TEST

/* The signal may come to a thread that holds the region's lock. */
START_TEST(a_holder_of_the_regions_lock_answers_too)
{
    struct wr_capture c;

    wr_lock_take(&wr_region_lock);
    c = ask_self();
    ck_assert_uint_gt(c.frames, 0);
    ck_assert_uint_eq(wr_region_used(WR_TABLE_MODULES), 0);
    wr_lock_give(&wr_region_lock);
    (void)ask_self();
    ck_assert_uint_ge(wr_region_used(WR_TABLE_MODULES), 2);
}
END_TEST

START_TEST(the_counts_are_published_with_it)
{
    const struct wr_class_count *count;

    for (int i = 0; i < 10; i++)
        wr_free(wr_malloc(100));
    count = &slot(0)->count[wr_class_of(100)];
    ck_assert_uint_eq(count->allocs, 0);
    (void)ask_self();
    ck_assert_uint_eq(count->allocs, 10);
    ck_assert_uint_eq(count->frees, 0); /* late until they are looked at */
    wr_mcache_settle(wr_self);
    (void)ask_self();
    ck_assert_uint_eq(count->frees, 10);
}
END_TEST

START_TEST(errno_is_as_it_was)
{
    errno = 77;
    (void)ask_self();
    ck_assert_int_eq(errno, 77);
}
END_TEST

START_TEST(who_does_not_know_the_cookie_gets_nothing)
{
    struct wr_capture c;

    ask(wr_os_tid(), wr_region->capture_cookie + 1);
    ask(wr_os_tid(), 0);
    ck_assert_int_eq(kill(getpid(), SIGURG), 0);
    ck_assert_int_eq(raise(SIGURG), 0);
    ck_assert(!wr_slot_capture(slot(0), &c));
}
END_TEST

static volatile int sink; /* work after the call keeps it from being a loop */

static NOINLINE void
recurse(int depth, struct wr_capture *c)
{
    if (depth == 0)
        *c = ask_self();
    else
        recurse(depth - 1, c);
    sink++;
}

START_TEST(a_deep_stack_is_cut_at_its_outer_end)
{
    struct wr_capture c;
    unsigned inside = 0;

    recurse(1000, &c);
    ck_assert_uint_eq(c.frames, WR_STACK_FRAMES);
    for (uint32_t i = 0; i < c.frames; i++)
        inside += lies_in(c.pc[i], (void *)recurse);
    ck_assert_uint_gt(inside, WR_STACK_FRAMES / 4);
}
END_TEST

/* ---- another thread ---- */

static _Atomic bool busy, enough;

static NOINLINE void *
work(void *arg)
{
    wr_thread_begin(0);
    busy = true;
    while (!enough)
        ;
    return arg;
}

START_TEST(a_busy_thread_answers_from_where_it_is)
{
    struct wr_capture c;
    bool found = false;
    pthread_t t;

    pthread_create(&t, NULL, work, NULL);
    while (!busy)
        sched_yield();
    for (uint64_t seq = 2; seq <= 20; seq += 2) {
        ask(slot(1)->tid, wr_region->capture_cookie);
        while (!wr_slot_capture(slot(1), &c) || c.seq < seq)
            sched_yield();
        ck_assert_uint_eq(c.seq, seq);
        for (uint32_t i = 0; i < c.frames; i++)
            found |= lies_in(c.pc[i], (void *)work);
    }
    ck_assert(found);
    ck_assert(!wr_slot_capture(slot(0), &c)); /* nobody asked it */
    enough = true;
    pthread_join(t, NULL);
}
END_TEST

static void *
wait_unknown(void *tid)
{
    *(_Atomic uint32_t *)tid = wr_os_tid();
    while (!enough)
        sched_yield();
    return NULL;
}

START_TEST(a_thread_without_a_slot_ignores_the_question)
{
    _Atomic uint32_t tid = 0;
    pthread_t t;

    pthread_create(&t, NULL, wait_unknown, &tid);
    while (tid == 0)
        sched_yield();
    ask(tid, wr_region->capture_cookie);
    enough = true;
    pthread_join(t, NULL);
    ck_assert_uint_eq(wr_region_used(WR_TABLE_THREADS), 1);
}
END_TEST

/* ---- whose signal it is ---- */

static void
handler(int number)
{
    (void)number;
}

START_TEST(a_program_that_uses_the_signal_keeps_it)
{
    struct sigaction now;

    signal(SIGURG, handler);
    wr_capture_start();
    ck_assert_int_eq(sigaction(SIGURG, NULL, &now), 0);
    ck_assert(now.sa_handler == handler);
    ck_assert_uint_eq(wr_region->capture_ready, 0);
    ck_assert_uint_eq(wr_region->capture_signal, 0);
    ck_assert(!wr_capture_owns(SIGURG));
}
END_TEST

START_TEST(a_program_that_ignores_the_signal_still_does)
{
    struct sigaction now;

    signal(SIGURG, SIG_IGN);
    wr_capture_start();
    ck_assert_int_eq(sigaction(SIGURG, NULL, &now), 0);
    ck_assert(now.sa_handler == SIG_IGN);
    ck_assert_uint_eq(wr_region->capture_ready, 0);
}
END_TEST

START_TEST(the_signal_can_be_taken_back)
{
    struct sigaction seen;

    ck_assert(wr_capture_owns(SIGURG));
    ck_assert(!wr_capture_owns(SIGUSR1));
    ck_assert_int_eq(wr_capture_pretend(&seen), 0);
    ck_assert(seen.sa_handler == SIG_DFL);
    ck_assert_int_eq(wr_capture_pretend(NULL), 0);
    wr_capture_stop();
    ck_assert(!wr_capture_owns(SIGURG));
    ck_assert_uint_eq(wr_region->capture_ready, 0);
}
END_TEST

/* Its handler is called on the alternate stack where the program has one,
 * and calls that it interrupts are restarted. */
START_TEST(the_handler_disturbs_as_little_as_it_can)
{
    struct sigaction now;

    ck_assert_int_eq(sigaction(SIGURG, NULL, &now), 0);
    ck_assert_int_eq(now.sa_flags & (SA_ONSTACK | SA_RESTART | SA_RESETHAND),
                     SA_ONSTACK | SA_RESTART);
}
END_TEST

START_TEST(without_a_region_the_signal_is_not_taken)
{
    struct sigaction now;

    wr_capture_start();
    ck_assert_int_eq(sigaction(SIGURG, NULL, &now), 0);
    ck_assert(now.sa_handler == SIG_DFL);
    wr_capture_stop();
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("profile/capture");
    TCase *t = tcase_create("capture"), *world = tcase_create("signal"),
          *bare = tcase_create("bare");

    tcase_add_checked_fixture(t, start, NULL);
    tcase_add_checked_fixture(world, start_world, NULL);
    tcase_set_timeout(t, 30);
    tcase_add_test(t, a_thread_that_is_asked_stores_its_stack);
    tcase_add_test(t, the_modules_of_the_stack_are_noted);
    tcase_add_test(t, a_holder_of_the_regions_lock_answers_too);
    tcase_add_test(t, the_counts_are_published_with_it);
    tcase_add_test(t, errno_is_as_it_was);
    tcase_add_test(t, who_does_not_know_the_cookie_gets_nothing);
    tcase_add_test(t, a_deep_stack_is_cut_at_its_outer_end);
    tcase_add_test(t, a_busy_thread_answers_from_where_it_is);
    tcase_add_test(t, a_thread_without_a_slot_ignores_the_question);
    tcase_add_test(t, the_signal_can_be_taken_back);
    tcase_add_test(t, the_handler_disturbs_as_little_as_it_can);
    tcase_add_test(world, a_program_that_uses_the_signal_keeps_it);
    tcase_add_test(world, a_program_that_ignores_the_signal_still_does);
    tcase_add_test(bare, without_a_region_the_signal_is_not_taken);
    suite_add_tcase(s, t);
    suite_add_tcase(s, world);
    suite_add_tcase(s, bare);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
