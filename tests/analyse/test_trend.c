/* Is a program growing? */
#include <math.h>
#include "analyse/trend.h"
#include "base/base.h"
#include "unit.h"

#define SECOND UINT64_C(1000000000)
#define MIB    ((uint64_t)1 << 20)

static struct wr_point p[700];
static size_t n;
static struct wr_trend t;

static void
add(uint64_t second, uint64_t live)
{
    p[n++] =
        (struct wr_point){.uptime_ns = second * SECOND, .live_bytes = live};
}

static void
make(uint64_t second, uint64_t live)
{
    wr_trend_make(&t, p, n, second * SECOND, live);
}

START_TEST(without_ten_seconds_of_history_nothing_is_known)
{
    make(100, MIB);
    ck_assert(!t.known);
    add(100, MIB);
    make(109, 2 * MIB);
    ck_assert(!t.known);
    make(110, 2 * MIB);
    ck_assert(t.known);
    ck_assert_int_eq(t.per_minute, (int64_t)(6 * MIB));
    ck_assert(!t.growing); /* too short to tell */
}
END_TEST

START_TEST(growth_is_of_the_last_minute)
{
    for (uint64_t s = 0; s <= 300; s++)
        add(s, s < 240 ? 50 * MIB : 50 * MIB + (s - 240) * MIB);
    make(300, 110 * MIB);
    ck_assert_int_eq(t.per_minute, (int64_t)(60 * MIB));
    make(600, 110 * MIB);
    ck_assert_int_eq(t.per_minute, 0); /* the last point held */
}
END_TEST

START_TEST(a_program_that_shrinks_has_negative_growth)
{
    add(0, 100 * MIB);
    add(30, 40 * MIB);
    make(60, 40 * MIB);
    ck_assert_int_eq(t.per_minute, -(int64_t)(60 * MIB));
    ck_assert(!t.growing);
}
END_TEST

START_TEST(a_floor_that_rises_is_growth_under_any_saw_tooth)
{
    for (uint64_t s = 0; s < 600; s++)
        add(s, 20 * MIB + s * MIB / 30 + s % 20 * MIB);
    make(600, 40 * MIB);
    ck_assert(t.growing);
}
END_TEST

START_TEST(a_saw_tooth_on_a_level_floor_is_none)
{
    for (uint64_t s = 0; s < 600; s++)
        add(s, 20 * MIB + s % 90 * MIB);
    make(600, 100 * MIB);
    ck_assert(!t.growing);
}
END_TEST

START_TEST(a_rise_that_is_small_beside_what_is_held_is_none)
{
    for (uint64_t s = 0; s < 600; s++)
        add(s, 1000 * MIB + s * MIB / 20);
    make(600, 1030 * MIB);
    ck_assert(!t.growing);
}
END_TEST

START_TEST(what_rose_long_ago_is_forgotten)
{
    for (uint64_t s = 0; s < 600; s++)
        add(s, 20 * MIB + s * MIB);
    make(600, 619 * MIB);
    ck_assert(t.growing);
    make(1300, 619 * MIB);
    ck_assert(!t.growing);
    ck_assert_int_eq(t.per_minute, 0);
}
END_TEST

static void
reset(void)
{
    n = 0;
}

int
main(void)
{
    Suite *s = suite_create("trend");
    TCase *c = tcase_create("trend");
    tcase_add_checked_fixture(c, reset, NULL);
    tcase_add_test(c, without_ten_seconds_of_history_nothing_is_known);
    tcase_add_test(c, growth_is_of_the_last_minute);
    tcase_add_test(c, a_program_that_shrinks_has_negative_growth);
    tcase_add_test(c, a_floor_that_rises_is_growth_under_any_saw_tooth);
    tcase_add_test(c, a_saw_tooth_on_a_level_floor_is_none);
    tcase_add_test(c, a_rise_that_is_small_beside_what_is_held_is_none);
    tcase_add_test(c, what_rose_long_ago_is_forgotten);
    suite_add_tcase(s, c);
    return unit_main(s);
}
