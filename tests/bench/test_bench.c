/* Benchmarks: how often the work is done, what counts, what is printed. */
#include "unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>
#include "bench/bench.h"

#define MS UINT64_C(1000000)

/* A clock that is sure to move: work until 2 us have passed. */
static void
spend(void)
{
    uint64_t from = wr_bench_count(false).ns;

    while (wr_bench_count(false).ns < from + 2000)
        ;
}

static uint64_t done; /* iterations of all calls */

static void
count_to_n(weir_bench *b, void *arg)
{
    (void)arg;
    for (uint64_t i = 0; i < weir_bench_n(b); i++, done++)
        spend();
}

static void
loop(weir_bench *b, void *calls)
{
    ++*(unsigned *)calls;
    while (weir_bench_loop(b)) {
        spend();
        done++;
    }
}

START_TEST(the_next_try_comes_to_the_goal)
{
    ck_assert_uint_eq(wr_bench_plan(1000 * MS, 100, MS), 10000);
    ck_assert_uint_eq(wr_bench_plan(1000 * MS, 1000, 500 * MS), 2400);
    ck_assert_uint_eq(wr_bench_plan(1000 * MS, 7, 999 * MS), 8);
    ck_assert_uint_eq(wr_bench_plan(1000 * MS, 7, 5000 * MS), 8);
    ck_assert_uint_eq(wr_bench_plan(1000 * MS, 1, 0), 100);
    ck_assert_uint_eq(wr_bench_plan(UINT64_MAX, WR_BENCH_MOST / 2, 1),
                      WR_BENCH_MOST);
}
END_TEST

START_TEST(a_function_that_counts_is_called_until_it_took_long_enough)
{
    struct weir_bench_result r;

    ck_assert_int_eq(weir_bench_measure(count_to_n, NULL, MS, &r), WEIR_OK);
    ck_assert_uint_ge(r.ns, MS);
    ck_assert_uint_ge(r.ns, r.n * 2000);
    ck_assert_double_eq(r.ns_per_op, (double)r.ns / (double)r.n);
}
END_TEST

START_TEST(a_loop_is_entered_once_and_does_all_its_iterations)
{
    struct weir_bench_result r;
    unsigned calls = 0;

    done = 0;
    ck_assert_int_eq(weir_bench_measure(loop, &calls, MS, &r), WEIR_OK);
    ck_assert_uint_eq(calls, 1);
    ck_assert_uint_eq(r.n, done);
    ck_assert_uint_ge(r.ns, MS);
}
END_TEST

START_TEST(no_time_at_all_is_one_iteration)
{
    struct weir_bench_result r;
    unsigned calls = 0;

    done = 0;
    ck_assert_int_eq(weir_bench_measure(count_to_n, NULL, 0, &r), WEIR_OK);
    ck_assert_uint_eq(r.n, 1);
    ck_assert_int_eq(weir_bench_measure(loop, &calls, 0, &r), WEIR_OK);
    ck_assert_uint_eq(r.n, 1);
    ck_assert_uint_eq(done, 2);
}
END_TEST

static void
slow_start(weir_bench *b, void *arg)
{
    (void)arg;
    usleep(200000);
    while (weir_bench_loop(b))
        ;
    usleep(200000);
}

static void
stops_its_clock(weir_bench *b, void *arg)
{
    (void)arg;
    for (uint64_t i = 0; i < weir_bench_n(b); i++) {
        weir_bench_stop(b);
        usleep(200000);
        weir_bench_start(b);
    }
}

static void
resets_its_clock(weir_bench *b, void *arg)
{
    (void)arg;
    usleep(200000);
    weir_bench_report(b, 3, "early");
    weir_bench_reset(b);
}

START_TEST(what_is_outside_the_clock_is_not_measured)
{
    struct weir_bench_result r;

    /* Whatever the machine does: a sleep cannot be shorter than it was told,
     * and three tries are not all slow. */
    weir_bench_fn fn[] = {slow_start, stops_its_clock, resets_its_clock};
    for (unsigned i = 0; i < 3; i++) {
        uint64_t best = UINT64_MAX;
        for (int try = 0; try < 20 && best >= 200 * MS; try++) {
            ck_assert_int_eq(weir_bench_measure(fn[i], NULL, 0, &r), WEIR_OK);
            best = r.ns < best ? r.ns : best;
        }
        ck_assert_uint_lt(best, 200 * MS);
    }
}
END_TEST

static void
takes(weir_bench_share *share, void *taken)
{
    uint64_t n = 0;

    while (weir_bench_next(share))
        n++;
    atomic_fetch_add((_Atomic uint64_t *)taken, n);
}

struct together {
    _Atomic uint64_t taken;
    uint64_t asked;
};

static void
in_parallel(weir_bench *b, void *arg)
{
    struct together *t = arg;

    t->asked += weir_bench_n(b);
    weir_bench_parallel(b, takes, (void *)&t->taken);
}

START_TEST(each_iteration_is_taken_by_one_thread)
{
    struct together t = {0, 0};
    struct wr_bench_suite suite = {.options = {.times = 100003}};

    for (unsigned procs = 1; procs <= 8; procs *= 2) {
        struct weir_bench_state s = {.suite = &suite, .procs = procs};
        wr_bench_call(&s, 1, in_parallel, &t);
        wr_bench_repeat(&s, in_parallel, &t);
        ck_assert_int_eq(s.end, WR_BENCH_WELL);
        ck_assert_uint_eq(s.n, 100003);
    }
    ck_assert_uint_eq(t.asked, 4 * 100004);
    ck_assert_uint_eq(atomic_load(&t.taken), t.asked);
}
END_TEST

static void
fails(weir_bench *b, void *arg)
{
    (void)arg;
    while (weir_bench_loop(b)) {
        weir_bench_skip(b, "first");
        weir_bench_fail(b, "broken");
        weir_bench_skip(b, "later");
    }
}

static void
leaves_its_loop(weir_bench *b, void *arg)
{
    (void)arg;
    while (weir_bench_loop(b))
        return;
}

static void
bad_unit(weir_bench *b, void *unit)
{
    weir_bench_report(b, 1, unit);
}

static void
many_units(weir_bench *b, void *arg)
{
    char unit[8];

    (void)arg;
    for (int i = 0; i < 9; i++) {
        snprintf(unit, sizeof unit, "u%d", i);
        weir_bench_report(b, 1, unit);
    }
}

static const char *
why_of(weir_bench_fn fn, void *arg)
{
    static struct weir_bench_state s;
    struct wr_bench_suite suite = {.options = {.times = 1}};

    s = (struct weir_bench_state){.suite = &suite, .procs = 1};
    wr_bench_call(&s, 1, fn, arg);
    ck_assert_int_eq(s.end, WR_BENCH_FAILED);
    return s.why;
}

START_TEST(a_failure_says_why)
{
    struct weir_bench_result r;

    ck_assert_str_eq(why_of(fails, NULL), "broken");
    ck_assert_str_eq(why_of(leaves_its_loop, NULL),
                     "it left its loop before weir_bench_loop said so");
    ck_assert_ptr_nonnull(strstr(why_of(bad_unit, "two words"), "a word"));
    ck_assert_ptr_nonnull(strstr(why_of(bad_unit, ""), "a word"));
    ck_assert_ptr_nonnull(strstr(why_of(many_units, NULL), "8 units"));
    ck_assert_int_eq(weir_bench_measure(fails, NULL, MS, &r), WEIR_EBUSY);
    ck_assert_int_eq(weir_bench_measure(NULL, NULL, MS, &r), WEIR_EINVAL);
    ck_assert_int_eq(weir_bench_measure(fails, NULL, MS, NULL), WEIR_EINVAL);
}
END_TEST

static void
has_parts(weir_bench *b, void *arg)
{
    weir_bench_run(b, "part", count_to_n, arg);
}

START_TEST(a_benchmark_of_parts_has_no_result_of_its_own)
{
    struct weir_bench_result r;

    ck_assert_int_eq(weir_bench_measure(has_parts, NULL, MS, &r), WEIR_EINVAL);
}
END_TEST

static void
reports(weir_bench *b, void *arg)
{
    (void)arg;
    weir_bench_report(b, 1, "hits/op");
    weir_bench_report(b, 2, "hits/op");
    weir_bench_bytes(b, 1000);
}

/* The line of a state, as it is printed. */
static void
line_of(struct weir_bench_state *s, char *line, size_t room)
{
    char *text = NULL;
    size_t bytes = 0;

    s->suite->out = open_memstream(&text, &bytes);
    s->suite->headed = true;
    wr_bench_print(s->suite, s);
    fclose(s->suite->out);
    snprintf(line, room, "%s", text);
    free(text);
}

START_TEST(a_line_has_its_numbers_in_the_format_of_go)
{
    struct wr_bench_suite suite = {
        .options = {.times = 1, .memory = true, .live = true},
        .counted = true,
        .width = 20};
    struct weir_bench_state s = {.suite = &suite, .procs = 4, .name = "Cut/a"};
    char line[256];

    wr_bench_call(&s, 1, reports, NULL);
    s.n = 4;
    s.clock.sum = (struct wr_bench_count){.ns = 5000,
                                          .bytes = 67,
                                          .allocs = 7,
                                          .live_blocks = (uint64_t)-2,
                                          .live_bytes = 96};
    line_of(&s, line, sizeof line);
    ck_assert_str_eq(line,
                     "BenchmarkCut/a-4    \t       4\t      1250 ns/op"
                     "\t 800.00 MB/s\t         2.000 hits/op\t      16 B/op"
                     "\t       1 allocs/op\t      96 live-bytes"
                     "\t      -2 live-blocks\n");
    suite.counted = false;
    s.procs = 1;
    s.units = 0;
    s.op_bytes = 0;
    line_of(&s, line, sizeof line);
    ck_assert_str_eq(line,
                     "BenchmarkCut/a      \t       4\t      1250 ns/op\n");
}
END_TEST

START_TEST(numbers_have_four_digits_that_count)
{
    static const struct {
        double x;
        const char *text;
    } cases[] = {{0, "         0 u"},           {123456, "    123456 u"},
                 {999.96, "      1000 u"},      {999.94, "       999.9 u"},
                 {99.994, "        99.99 u"},   {1.2345, "         1.234 u"},
                 {.12345, "         0.1235 u"}, {-12.3, "       -12.30 u"},
                 {1e-5, "         0.0000100 u"}};
    char text[64];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        wr_bench_number(text, sizeof text, cases[i].x, "u");
        ck_assert_str_eq(text, cases[i].text);
    }
}
END_TEST

START_TEST(another_malloc_is_not_counted)
{
    struct weir_bench_use use;
    struct weir_bench_result r;
    void *p;

    weir_bench_use_begin(&use);
    p = malloc(100);
    weir_bench_keep(p);
    weir_bench_use_end(&use);
    free(p);
    ck_assert_int_eq(use.counted, 0);
    ck_assert_uint_eq(use.allocs, 0);
    ck_assert_int_eq(weir_bench_measure(count_to_n, NULL, 0, &r), WEIR_OK);
    ck_assert_int_eq(r.counted, 0);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("bench");
    TCase *t = tcase_create("all");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, the_next_try_comes_to_the_goal);
    tcase_add_test(t,
                   a_function_that_counts_is_called_until_it_took_long_enough);
    tcase_add_test(t, a_loop_is_entered_once_and_does_all_its_iterations);
    tcase_add_test(t, no_time_at_all_is_one_iteration);
    tcase_add_test(t, what_is_outside_the_clock_is_not_measured);
    tcase_add_test(t, each_iteration_is_taken_by_one_thread);
    tcase_add_test(t, a_failure_says_why);
    tcase_add_test(t, a_benchmark_of_parts_has_no_result_of_its_own);
    tcase_add_test(t, a_line_has_its_numbers_in_the_format_of_go);
    tcase_add_test(t, numbers_have_four_digits_that_count);
    tcase_add_test(t, another_malloc_is_not_counted);
    suite_add_tcase(s, t);
    return unit_main(s);
}
