/* The monitor: thresholds, pace, forecast. */
#include "unit.h"

#include <sys/mman.h>
#include <weir/limit.h>
#include <weir/monitor.h>

#include "region/collector.h"

#include "limit/start.h"

static _Atomic int rises, falls;
static _Atomic unsigned threshold;
static struct weir_monitor_report report; /* of the last rise */

static void
note(const struct weir_monitor_report *r, void *arg)
{
    ck_assert_ptr_eq(arg, &report);
    threshold = r->threshold;
    if (r->rising > 0) {
        report = *r;
        rises++;
    } else {
        falls++;
    }
}

static const struct weir_monitor usual = {.interval_ms = 10,
                                          .thresholds = 2,
                                          .threshold = {50, 80},
                                          .hysteresis = 10,
                                          .fn = note,
                                          .arg = &report};

static char *
mapped(size_t bytes)
{
    char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    ck_assert_ptr_ne(p, MAP_FAILED);
    return p;
}

START_TEST(monitors_that_make_no_sense_are_refused)
{
    struct weir_monitor m = usual;
    struct weir_monitor_report r;

    start();
    ck_assert_int_eq(weir_monitor_start(NULL), WEIR_EINVAL);
    m.interval_ms = 9;
    ck_assert_int_eq(weir_monitor_start(&m), WEIR_EINVAL);
    m = usual;
    m.threshold[1] = 50;
    ck_assert_int_eq(weir_monitor_start(&m), WEIR_EINVAL);
    m = usual;
    m.threshold[0] = 0;
    ck_assert_int_eq(weir_monitor_start(&m), WEIR_EINVAL);
    m = usual;
    m.hysteresis = 50;
    ck_assert_int_eq(weir_monitor_start(&m), WEIR_EINVAL);
    m = usual;
    m.thresholds = 9;
    ck_assert_int_eq(weir_monitor_start(&m), WEIR_EINVAL);
    ck_assert_int_eq(weir_monitor_read(&r), WEIR_ENOENT);
    ck_assert_int_eq(weir_monitor_read(NULL), WEIR_EINVAL);
    weir_monitor_stop();
}
END_TEST

START_TEST(thresholds_are_told_up_and_down)
{
    uint64_t limit = 256 * MIB;
    char *p;

    start();
    ck_assert_int_eq(weir_limit_set(limit, 0), WEIR_OK);
    ck_assert_int_eq(weir_monitor_start(&usual), WEIR_OK);
    ck_assert_int_eq(weir_monitor_start(&usual), WEIR_EBUSY);
    p = mapped(220 * MIB);
    memset(p, 1, 140 * MIB);
    wait_until(rises == 1);
    ck_assert_uint_eq(threshold, 50);
    ck_assert_uint_ge(report.percent, 50);
    ck_assert_uint_lt(report.percent, 80);
    ck_assert_uint_eq(report.limit, limit);
    ck_assert_int_gt(report.growth, 0);
    ck_assert_uint_lt(report.left_ns, UINT64_C(100000000000));
    memset(p, 1, 220 * MIB);
    wait_until(rises == 2);
    ck_assert_uint_eq(threshold, 80);
    madvise(p, 30 * MIB, MADV_DONTNEED); /* 190 of 256 are above 70% */
    usleep(100000);
    ck_assert_int_eq(falls, 0);
    madvise(p, 220 * MIB, MADV_DONTNEED);
    wait_until(threshold == 0);
    ck_assert_int_ge(falls, 1);
    ck_assert_int_eq(rises, 2);
}
END_TEST

START_TEST(without_a_limit_it_reports_but_passes_nothing)
{
    struct weir_monitor_report r;
    char *p;

    start();
    ck_assert_int_eq(weir_monitor_start(&usual), WEIR_OK);
    wait_until(weir_monitor_read(&r) == WEIR_OK);
    p = mapped(64 * MIB);
    memset(p, 1, 64 * MIB);
    wait_until(weir_monitor_read(&r) == WEIR_OK && r.held > 64 * MIB);
    ck_assert_uint_eq(r.limit, UINT64_MAX);
    ck_assert_uint_eq(r.percent, 0);
    ck_assert_uint_eq(r.left_ns, UINT64_MAX);
    ck_assert_int_eq(rises, 0);
}
END_TEST

START_TEST(steady_growth_is_measured_and_its_end_foretold)
{
    struct weir_monitor m = usual;
    struct weir_monitor_report r;
    char *p = mapped(256 * MIB);

    start();
    m.thresholds = 0;
    ck_assert_int_eq(weir_limit_set(1024 * MIB, 0), WEIR_OK);
    ck_assert_int_eq(weir_monitor_start(&m), WEIR_OK);
    for (size_t i = 0; i < 256; i++) { /* at most 50 MiB a second */
        memset(p + i * MIB, 1, MIB);
        usleep(20000);
    }
    ck_assert_int_eq(weir_monitor_read(&r), WEIR_OK);
    ck_assert_int_gt(r.growth, 0); /* a busy machine makes it less */
    ck_assert_int_lt(r.growth, (int64_t)(60 * MIB));
    ck_assert_double_eq_tol((double)r.left_ns * 1e-9 * (double)r.growth,
                            (double)(r.limit - r.held), MIB);
}
END_TEST

START_TEST(what_the_collector_takes_is_told)
{
    struct weir_monitor_report r;

    start();
    ck_assert_int_eq(weir_monitor_start(&usual), WEIR_OK);
    wait_until(weir_monitor_read(&r) == WEIR_OK);
    ck_assert_double_eq(r.collector, 0);
    wr_collector_set(share_millionths, 250000);
    wait_until(weir_monitor_read(&r) == WEIR_OK && r.collector == 0.25);
}
END_TEST

START_TEST(one_that_was_stopped_calls_no_more_and_another_may_begin)
{
    char *p;

    start();
    ck_assert_int_eq(weir_limit_set(64 * MIB, 0), WEIR_OK);
    ck_assert_int_eq(weir_monitor_start(&usual), WEIR_OK);
    weir_monitor_stop();
    p = mapped(60 * MIB);
    memset(p, 1, 60 * MIB);
    usleep(200000);
    ck_assert_int_eq(rises, 0);
    ck_assert_int_eq(weir_monitor_start(&usual), WEIR_OK);
    wait_until(rises == 1);
    weir_monitor_stop();
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("limit/monitor");
    TCase *t = tcase_create("monitor");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, monitors_that_make_no_sense_are_refused);
    tcase_add_test(t, thresholds_are_told_up_and_down);
    tcase_add_test(t, without_a_limit_it_reports_but_passes_nothing);
    tcase_add_test(t, steady_growth_is_measured_and_its_end_foretold);
    tcase_add_test(t, what_the_collector_takes_is_told);
    tcase_add_test(t, one_that_was_stopped_calls_no_more_and_another_may_begin);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    if (UNIT_TSAN) {
        unit_skip("Weir's own thread cannot run under TSan");
        return 77;
    }
    return unit_main(suite());
}
