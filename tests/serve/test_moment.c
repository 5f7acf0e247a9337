/* Moments as people and links name them. */
#include "serve/moment.h"

#include "region/layout.h"
#include "serve/request.h"
#include "unit.h"

#define S   UINT64_C(1000000000)
#define NOW (UINT64_C(1800000000) * S)

static uint64_t
moment(const char *text)
{
    uint64_t ns = 0;
    ck_assert_msg(wr_moment_parse(&ns, text, NOW) == 0, "%s", text);
    return ns;
}

START_TEST(a_minus_is_so_long_ago)
{
    ck_assert_uint_eq(moment("-90s"), NOW - 90 * S);
    ck_assert_uint_eq(moment("-90"), NOW - 90 * S);
    ck_assert_uint_eq(moment("-10m"), NOW - 600 * S);
    ck_assert_uint_eq(moment("-2h"), NOW - 7200 * S);
    ck_assert_uint_eq(moment("-1d"), NOW - 86400 * S);
}
END_TEST

START_TEST(a_number_is_milliseconds_since_1970)
{
    ck_assert_uint_eq(moment("1700000000123"),
                      UINT64_C(1700000000123) * 1000000);
}
END_TEST

START_TEST(now_and_what_is_to_come_are_now)
{
    ck_assert_uint_eq(moment("now"), WR_MOMENT_NOW);
    ck_assert_uint_eq(moment("1900000000000"), WR_MOMENT_NOW);
    ck_assert_uint_eq(moment("-0s"), WR_MOMENT_NOW);
}
END_TEST

START_TEST(what_is_no_moment_is_refused)
{
    static const char *const bad[] = {"",
                                      "-",
                                      "x",
                                      "10m",
                                      "-10x",
                                      "-1.5h",
                                      "--1",
                                      "-1m ",
                                      "+5s",
                                      " -5s",
                                      "12 34",
                                      "-99999999999999999999s",
                                      "-99999999999999d",
                                      "99999999999999999999999"};
    uint64_t ns;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(wr_moment_parse(&ns, bad[i], NOW) == -1, "'%s'", bad[i]);
}
END_TEST

static char why[256];

static int
ask(struct wr_moments *m, const char *target)
{
    struct wr_request q;
    ck_assert_int_eq(wr_request_parse(&q, "GET", target), 0);
    int rc = wr_moments_of(m, &q, NOW, why, sizeof why);
    wr_request_fini(&q);
    return rc;
}

START_TEST(a_request_without_moments_is_about_now)
{
    struct wr_moments m;
    ck_assert_int_eq(ask(&m, "/x?type=y&at=&from="), 0);
    ck_assert(!m.between);
    ck_assert_uint_eq(m.at, WR_MOMENT_NOW);
    ck_assert_int_eq(ask(&m, "/x?at=-1m"), 0);
    ck_assert(!m.between);
    ck_assert_uint_eq(m.at, NOW - 60 * S);
}
END_TEST

START_TEST(a_difference_ends_at_the_note_after_it_or_now)
{
    struct wr_moments m;
    ck_assert_int_eq(ask(&m, "/x?from=-10m&to=-5m"), 0);
    ck_assert(m.between);
    ck_assert_uint_eq(m.from, NOW - 600 * S);
    ck_assert_uint_eq(m.at, NOW - 300 * S + WR_PAST_FINE_NS);
    ck_assert_int_eq(ask(&m, "/x?from=-10m"), 0);
    ck_assert_uint_eq(m.at, WR_MOMENT_NOW);
    ck_assert_int_eq(ask(&m, "/x?from=-10m&to=-3s"), 0);
    ck_assert_uint_eq(m.at, WR_MOMENT_NOW);
}
END_TEST

START_TEST(wrong_moments_are_named)
{
    struct wr_moments m;
    ck_assert_int_eq(ask(&m, "/x?from=yesterday"), -1);
    ck_assert_ptr_nonnull(strstr(why, "from=yesterday is not a moment"));
    ck_assert_int_eq(ask(&m, "/x?from=-1m&to=-2m"), -1);
    ck_assert_ptr_nonnull(strstr(why, "not before"));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("moment");
    TCase *t = tcase_create("moment");
    tcase_add_test(t, a_minus_is_so_long_ago);
    tcase_add_test(t, a_number_is_milliseconds_since_1970);
    tcase_add_test(t, now_and_what_is_to_come_are_now);
    tcase_add_test(t, what_is_no_moment_is_refused);
    tcase_add_test(t, a_request_without_moments_is_about_now);
    tcase_add_test(t, a_difference_ends_at_the_note_after_it_or_now);
    tcase_add_test(t, wrong_moments_are_named);
    suite_add_tcase(suite, t);
    return unit_main(suite);
}
