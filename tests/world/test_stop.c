/* Stopping all threads of the process. */
#include "unit.h"

#include <pthread.h>
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "base/base.h"
#include "os/os.h"
#include "os/process.h"
#include "world/stop.h"

enum { THREADS = 8 };
#define PATIENCE UINT64_C(2000000000)

static _Atomic bool over;
static _Atomic uint64_t beats[THREADS];
static pthread_t thread[THREADS];

static void
asked(int number, siginfo_t *info, void *context)
{
    (void)number;
    wr_stop_here((uintptr_t)info->si_value.sival_ptr, context);
}

static void
begin(void)
{
    struct sigaction action = {.sa_sigaction = asked,
                               .sa_flags = SA_SIGINFO | SA_RESTART};

    sigaction(SIGURG, &action, NULL);
    wr_stop_signal(SIGURG);
    atomic_store(&over, false);
}

static void *
beat(void *number)
{
    while (!atomic_load(&over))
        atomic_fetch_add(&beats[(uintptr_t)number], 1);
    return NULL;
}

static void
start(void *(*function)(void *))
{
    for (uintptr_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, function, (void *)i),
                         0);
}

static void
finish(void)
{
    atomic_store(&over, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
}

static uint64_t
all_beats(void)
{
    uint64_t n = 0;

    for (int i = 0; i < THREADS; i++)
        n += atomic_load(&beats[i]);
    return n;
}

static void
stop_all_once(bool prepared)
{
    struct wr_stop *s;

    if (prepared)
        wr_stop_prepare();
    s = wr_stop_begin(wr_os_tid(), PATIENCE);
    ck_assert_ptr_nonnull(s);
    ck_assert_uint_eq(s->answered, s->count);
    wr_stop_end(s);
    ck_assert_uint_ge(s->ended_ns, s->began_ns);
}

START_TEST(every_thread_stands_still_and_then_goes_on)
{
    start(beat);
    for (int round = 0; round < 20; round++) {
        struct wr_stop *s = wr_stop_begin(wr_os_tid(), PATIENCE);
        uint64_t before = all_beats();

        ck_assert_ptr_nonnull(s);
        ck_assert_uint_eq(s->count, THREADS);
        ck_assert_uint_eq(s->answered, THREADS);
        usleep(5000);
        ck_assert_uint_eq(all_beats(), before);
        wr_stop_end(s);
        while (all_beats() == before)
            sched_yield();
    }
    finish();
}
END_TEST

static void *
hold(void *number)
{
    uintptr_t value = UINT64_C(0x1234567800000000) + (uintptr_t)number;

    atomic_fetch_add(&beats[(uintptr_t)number], 1);
    while (!atomic_load(&over))
        __asm__ volatile("" : "+r"(value));
    return NULL;
}

/* Is the word in the registers that were saved, or on the stack in use? */
static bool
holds(const struct wr_stopped *t, uintptr_t word)
{
    for (uintptr_t at = t->frame; at + sizeof at <= t->frame_end;
         at += sizeof at)
        if (*(uintptr_t *)at == word)
            return true;
    return false;
}

START_TEST(registers_are_in_the_frame_of_a_stopped_thread)
{
    struct wr_stop *s;

    memset(beats, 0, sizeof beats);
    start(hold);
    while (all_beats() < THREADS)
        sched_yield();
    usleep(20000);
    s = wr_stop_begin(wr_os_tid(), PATIENCE);
    ck_assert_ptr_nonnull(s);
    ck_assert_uint_eq(s->answered, THREADS);
    for (uintptr_t n = 0; n < THREADS; n++) {
        unsigned found = 0;

        for (size_t i = 0; i < s->count; i++)
            found += holds(&s->thread[i], UINT64_C(0x1234567800000000) + n);
        ck_assert_uint_eq(found, 1);
    }
    for (size_t i = 0; i < s->count; i++)
        ck_assert_uint_ne(s->thread[i].sp, 0);
    wr_stop_end(s);
    finish();
}
END_TEST

static void *
beat_unasked(void *number)
{
    sigset_t all;

    sigfillset(&all);
    if ((uintptr_t)number == 3)
        pthread_sigmask(SIG_BLOCK, &all, NULL);
    return beat(number);
}

/* As a debugger would do it; where the system forbids that, it is told. */
START_TEST(who_blocks_the_signal_is_held)
{
    uint64_t since = wr_os_monotonic(), before;
    struct wr_stop *s;

    memset(beats, 0, sizeof beats);
    start(beat_unasked);
    for (int i = 0; i < THREADS; i++)
        while (atomic_load(&beats[i]) == 0)
            sched_yield();
    s = wr_stop_begin(wr_os_tid(), UINT64_C(10000000000));
    before = all_beats();
    ck_assert_ptr_nonnull(s);
    ck_assert_uint_eq(s->count, THREADS);
    ck_assert_uint_ge(s->answered, THREADS - 1);
    usleep(5000);
    ck_assert((all_beats() == before) == (s->answered == THREADS));
    for (size_t i = 0; i < s->count; i++)
        ck_assert((s->thread[i].answered != 0) ==
                  (s->thread[i].frame < s->thread[i].frame_end));
    wr_stop_end(s);
    ck_assert_uint_lt(s->ended_ns - since, UINT64_C(9000000000));
    while (all_beats() == before)
        sched_yield();
    finish();
}
END_TEST

static void *
be_born(void *unused)
{
    (void)unused;
    return NULL;
}

static void *
bear(void *unused)
{
    (void)unused;
    while (!atomic_load(&over)) {
        pthread_t child;

        if (pthread_create(&child, NULL, be_born, NULL) == 0)
            pthread_join(child, NULL);
    }
    return NULL;
}

START_TEST(threads_that_come_and_go_are_no_obstacle)
{
    start(bear);
    for (int round = 0; round < 200; round++) {
        struct wr_stop *s = wr_stop_begin(wr_os_tid(), PATIENCE);

        ck_assert_ptr_nonnull(s);
        ck_assert_uint_ge(s->count, THREADS);
        wr_stop_end(s);
    }
    finish();
}
END_TEST

START_TEST(without_a_signal_nobody_is_stopped)
{
    wr_stop_signal(0);
    ck_assert_ptr_null(wr_stop_begin(wr_os_tid(), PATIENCE));
    wr_stop_prepare();
    ck_assert_ptr_null(wr_stop_begin(wr_os_tid(), PATIENCE));
    wr_stop_signal(SIGURG);
    stop_all_once(true);
}
END_TEST

/* --- Before a stop ------------------------------------------------------- */

START_TEST(what_is_prepared_stops_nobody_and_serves_one_stop)
{
    uint64_t before;

    start(beat);
    wr_stop_prepare();
    before = all_beats();
    while (all_beats() == before)
        sched_yield();
    stop_all_once(false);
    stop_all_once(false);
    stop_all_once(true);
    finish();
}
END_TEST

static void
stop_in_child(void *unused)
{
    (void)unused;
    alarm(60); /* it would wait for the parent's helper */
    wr_stop_fork_child();
    stop_all_once(true);
}

START_TEST(a_child_of_one_that_prepared_has_a_helper_of_its_own)
{
    struct unit_end end;

    if (UNIT_SHADOW) {
        unit_skip("the parent's helper has left its frames in the shadow of "
                  "the stack that the child's begins on");
        return;
    }
    wr_stop_prepare();
    end = unit_end_of(stop_in_child, NULL);
    ck_assert_int_eq(end.signal, 0);
    ck_assert_int_eq(end.status, 0);
    stop_all_once(false);
}
END_TEST

START_TEST(other_words_are_not_answered)
{
    ucontext_t uc = {0};
    struct wr_stop *s;
    int other;

    ck_assert(!wr_stop_here((uintptr_t)&other, &uc));
    s = wr_stop_begin(wr_os_tid(), PATIENCE);
    wr_stop_end(s);
    ck_assert(!wr_stop_here((uintptr_t)&other, &uc));
    ck_assert(!wr_stop_here(0, &uc));
}
END_TEST

/* --- The process --------------------------------------------------------- */

START_TEST(a_copy_sees_what_was_and_the_program_does_not_see_it)
{
    volatile int shared_once = 1;
    long copy = wr_os_copy();
    int status;

    if (copy == 0) {
        usleep(20000);
        wr_os_end(shared_once == 1 ? 7 : 8);
    }
    ck_assert_int_gt(copy, 0);
    shared_once = 2;
    ck_assert_int_eq(waitpid(-1, &status, 0), -1);
    ck_assert_int_eq(errno, ECHILD);
    while ((status = wr_os_copy_ended(copy)) == -2)
        usleep(1000);
    ck_assert_int_eq(status, 7);
}
END_TEST

START_TEST(mappings_are_told_as_they_are)
{
    static struct wr_os_mappings list;
    struct wr_os_mapping m;
    char local, *shared = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    unsigned stacks = 0, found = 0;

    ck_assert(wr_os_mappings_open(&list));
    while (wr_os_mappings_next(&list, &m)) {
        ck_assert_uint_lt(m.from, m.end);
        if (m.main_stack) {
            stacks++;
            ck_assert_uint_le(m.from, (uintptr_t)&local);
            ck_assert_uint_gt(m.end, (uintptr_t)&local);
            ck_assert(m.readable && m.writable && !m.shared && !m.file);
        }
        if (m.from <= (uintptr_t)shared && (uintptr_t)shared < m.end) {
            found++;
            ck_assert(m.readable && m.writable && m.shared);
        }
        if (m.from <= (uintptr_t)&beats && (uintptr_t)&beats < m.end)
            ck_assert(m.writable && !m.shared);
    }
    wr_os_mappings_close(&list);
    ck_assert_uint_eq(stacks, 1);
    ck_assert_uint_eq(found, 1);
}
END_TEST

START_TEST(what_weir_mapped_is_cut_out)
{
    size_t page = wr_os_page_bytes();
    char *first = wr_os_map(4 * page);
    uintptr_t from = (uintptr_t)first - page, end;

    ck_assert_ptr_nonnull(first);
    ck_assert(wr_os_not_ours(&from, &end, (uintptr_t)first + page));
    ck_assert_uint_eq(end, (uintptr_t)first);
    from = (uintptr_t)first + page;
    ck_assert(!wr_os_not_ours(&from, &end, (uintptr_t)first + 3 * page));
    wr_os_unmap(first, 2 * page);
    from = (uintptr_t)first;
    ck_assert(wr_os_not_ours(&from, &end, (uintptr_t)first + 4 * page));
    ck_assert_uint_eq(end, (uintptr_t)first + 2 * page);
    wr_os_unmap(first + 2 * page, 2 * page);
    from = (uintptr_t)first + 2 * page;
    ck_assert(wr_os_not_ours(&from, &end, (uintptr_t)first + 4 * page));
}
END_TEST

START_TEST(peeking_stops_where_nothing_can_be_read)
{
    size_t page = wr_os_page_bytes();
    char copy[64], *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    memset(p, 'x', page);
    munmap(p + page, page);
    ck_assert_uint_eq(wr_os_peek((uintptr_t)p + page - 10, copy, 64), 10);
    ck_assert_int_eq(copy[9], 'x');
    ck_assert_uint_eq(wr_os_peek((uintptr_t)p + page, copy, 64), 0);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("world/stop");
    TCase *t = tcase_create("stop");

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, begin, NULL);
    if (UNIT_TSAN) {
        unit_skip("code made for ThreadSanitizer needs libc's threads");
    } else {
        tcase_add_test(t, every_thread_stands_still_and_then_goes_on);
        tcase_add_test(t, registers_are_in_the_frame_of_a_stopped_thread);
        tcase_add_test(t, who_blocks_the_signal_is_held);
        tcase_add_test(t, threads_that_come_and_go_are_no_obstacle);
        tcase_add_test(t, without_a_signal_nobody_is_stopped);
        tcase_add_test(t, what_is_prepared_stops_nobody_and_serves_one_stop);
        tcase_add_test(t, a_child_of_one_that_prepared_has_a_helper_of_its_own);
        tcase_add_test(t, other_words_are_not_answered);
        tcase_add_test(t, a_copy_sees_what_was_and_the_program_does_not_see_it);
    }
    tcase_add_test(t, mappings_are_told_as_they_are);
    tcase_add_test(t, what_weir_mapped_is_cut_out);
    tcase_add_test(t, peeking_stops_where_nothing_can_be_read);
    suite_add_tcase(s, t);
    return unit_main(s);
}
