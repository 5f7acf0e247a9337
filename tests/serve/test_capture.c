/* Capture: threads of another program asked for their stacks. */
#include "serve/capture.h"

#include <pthread.h>
#include <stdatomic.h>
#include "analyse/symbol.h"
#include "serve/scratch.h"
#include "serve/scope.h"

#define COOKIE 0x1234567890abcdefu

static struct fake *shared; /* in the child that answers */

/* What a program's handler does, for its one thread. */
static void
handler(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    if (info->si_code != SI_QUEUE ||
        (uint64_t)(uintptr_t)info->si_value.sival_ptr != COOKIE)
        _exit(3);
    atomic_fetch_add(&shared->thread[0].capture_seq, 1);
    shared->thread[0].capture_frames = 1;
    shared->thread[0].capture_pc[0] = 4711;
    atomic_fetch_add(&shared->thread[0].capture_seq, 1);
}

/* A program with one thread that answers, if `answers`. */
static void
start(struct program *p, bool answers)
{
    p->region = shared =
        program_region(p->path, sizeof p->path, dir, "asked", 1);
    shared->header.capture_signal = SIGURG;
    shared->header.capture_cookie = COOKIE;
    shared->thread[1].state = WR_THREAD_ENDED;
    p->pid = fork();
    if (p->pid == 0) {
        struct sigaction act = {.sa_sigaction = handler,
                                .sa_flags = SA_SIGINFO};
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (answers)
            sigaction(SIGURG, &act, NULL);
        atomic_store(&shared->header.capture_ready, 1);
        for (;;)
            pause();
    }
    while (!atomic_load(&shared->header.capture_ready))
        usleep(1000);
    shared->header.pid = (uint32_t)p->pid;
    shared->header.start_mono_ns = wr_clock_ns(CLOCK_MONOTONIC) + 20000000;
    atomic_store(&shared->thread[0].tid, (uint32_t)p->pid);
}

static bool
capture(const struct program *p, struct wr_captured *c)
{
    struct wr_region_view v;
    char why[256];
    ck_assert_msg(wr_region_open(&v, p->path, why, sizeof why) == 0, "%s", why);
    bool asked = wr_capture_threads(&v, 50, c);
    wr_region_close(&v);
    return asked;
}

START_TEST(a_running_thread_stores_its_stack)
{
    struct program p;
    struct wr_captured c;
    start(&p, true);
    ck_assert(capture(&p, &c));
    ck_assert_uint_eq(c.asked, 1);
    ck_assert_uint_eq(c.answered, 1);
    ck_assert_uint_eq(p.region->thread[0].capture_pc[0], 4711);
    program_end(&p);
}
END_TEST

START_TEST(an_answer_comes_at_once_and_not_after_the_whole_wait)
{
    struct program p;
    struct wr_captured c;
    start(&p, true);
    uint64_t before = wr_clock_ns(CLOCK_MONOTONIC);
    for (int i = 0; i < 20; i++)
        ck_assert(capture(&p, &c) && c.answered == 1);
    ck_assert_uint_lt(wr_clock_ns(CLOCK_MONOTONIC) - before, 500000000u);
    program_end(&p);
}
END_TEST

START_TEST(a_stopped_program_is_waited_for_fifty_milliseconds)
{
    struct program p;
    struct wr_captured c;
    start(&p, true);
    kill(p.pid, SIGSTOP);
    uint64_t before = wr_clock_ns(CLOCK_MONOTONIC);
    ck_assert(capture(&p, &c));
    uint64_t took = wr_clock_ns(CLOCK_MONOTONIC) - before;
    ck_assert_uint_eq(c.asked, 1);
    ck_assert_uint_eq(c.answered, 0);
    ck_assert_uint_ge(took, 45000000u);
    ck_assert_uint_lt(took, 1000000000u);
    program_end(&p);
}
END_TEST

/* The innermost frame of the one thread, in a profile made now. */
static const char *
leaf(const struct program *p)
{
    struct wr_namer names = {.symboliser = wr_symboliser_new()};
    struct wr_scope s;
    struct wr_profile *made;
    static char name[64];
    char why[256];
    pthread_mutex_init(&names.lock, NULL);
    ck_assert_int_eq(wr_scope_open(&s, dir, WR_SCAN_HERE, (uint32_t)p->pid), 0);
    wr_scope_capture(&s);
    ck_assert_int_eq(wr_scope_profile(&s, &names, WR_PROFILE_GOROUTINE,
                                      WR_VALUES_RAW, &made, why, sizeof why),
                     0);
    ck_assert_uint_eq(made->sample_count, 1);
    const struct wr_location *l =
        &made->locations[made->frames[made->samples[0].first_frame]];
    snprintf(
        name, sizeof name, "%s",
        l->line_count
            ? made->strings[made->functions[made->lines[l->first_line].function]
                                .name]
            : "");
    wr_profile_free(made);
    wr_scope_close(&s);
    wr_symboliser_free(names.symboliser);
    return name;
}

START_TEST(a_thread_that_does_not_answer_is_not_shown_where_it_once_was)
{
    struct program p;
    start(&p, true);
    p.region->thread[0].capture_ns = wr_clock_ns(CLOCK_MONOTONIC);
    ck_assert_str_ne(leaf(&p), "[stack not captured]");
    kill(p.pid, SIGSTOP);
    p.region->thread[0].capture_ns -= 2 * UINT64_C(1000000000);
    ck_assert_str_eq(leaf(&p), "[stack not captured]");
    program_end(&p);
}
END_TEST

START_TEST(a_program_whose_handler_is_gone_is_not_signalled)
{
    struct program p;
    struct wr_captured c;
    start(&p, true);
    p.region->header.capture_ready = 0;
    ck_assert(!capture(&p, &c));
    ck_assert_uint_eq(p.region->thread[0].capture_seq, 0);
    program_end(&p);
}
END_TEST

START_TEST(a_region_without_a_capture_signal_cannot_be_asked)
{
    struct program p;
    struct wr_captured c;
    start(&p, true);
    p.region->header.capture_signal = 0;
    ck_assert(!capture(&p, &c));
    p.region->header.capture_signal = 4000;
    ck_assert(!capture(&p, &c));
    program_end(&p);
}
END_TEST

START_TEST(a_dead_program_is_not_signalled)
{
    struct program p;
    struct wr_captured c;
    start(&p, true);
    program_kill(&p);
    ck_assert(!capture(&p, &c));
    unlink(p.path);
}
END_TEST

START_TEST(the_signal_is_harmless_to_a_program_without_a_handler)
{
    struct program p;
    struct wr_captured c;
    start(&p, false);
    ck_assert(capture(&p, &c));
    ck_assert_uint_eq(c.answered, 0);
    ck_assert_int_eq(waitpid(p.pid, NULL, WNOHANG), 0);
    program_end(&p);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("capture");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_running_thread_stores_its_stack);
    tcase_add_test(t, an_answer_comes_at_once_and_not_after_the_whole_wait);
    tcase_add_test(t, a_stopped_program_is_waited_for_fifty_milliseconds);
    tcase_add_test(t, a_program_whose_handler_is_gone_is_not_signalled);
    tcase_add_test(t, a_region_without_a_capture_signal_cannot_be_asked);
    tcase_add_test(t, a_dead_program_is_not_signalled);
    tcase_add_test(t, the_signal_is_harmless_to_a_program_without_a_handler);
    tcase_add_test(
        t, a_thread_that_does_not_answer_is_not_shown_where_it_once_was);
    return run_case(t, "capture");
}
