/* Bases: what two profiles have in common, and what one has beyond another. */
#include "analyse/base.h"
#include "analyse/labels.h"
#include "analyse/maker.h"
#include "analyse/store.h"

static struct wr_profile *p, *base;
static char why[WR_WHY];

static struct wr_profile *
with_types(const char *const (*types)[2], uint32_t count)
{
    struct wr_profile *made = wr_profile_new();
    int64_t values[8];
    for (uint32_t i = 0; i < count; i++) {
        wr_profile_add_type(made, types[i][0], types[i][1]);
        values[i] = 10 * (i + 1);
    }
    uint32_t frame = maker_location(made, STACK("f"));
    wr_profile_sample(made, &frame, 1, values, NULL, 0);
    return made;
}

#define TYPES(...)                                                             \
    with_types((const char *const[][2]){__VA_ARGS__},                          \
               sizeof((const char *const[][2]){__VA_ARGS__}) /                 \
                   sizeof(const char *[2]))

static void
teardown(void)
{
    wr_profile_free(p);
    wr_profile_free(base);
    p = base = NULL;
}

static const char *
type_name(uint32_t i)
{
    return p->strings[p->types[i].type];
}

START_TEST(types_that_both_have_stay_in_the_first_ones_order)
{
    p = TYPES({"a", "count"}, {"b", "count"}, {"c", "count"});
    base = TYPES({"c", "count"}, {"x", "count"}, {"a", "count"});
    ck_assert_int_eq(wr_base_align(p, base, why, sizeof why), 0);
    ck_assert_uint_eq(p->type_count, 2);
    ck_assert_str_eq(type_name(0), "a");
    ck_assert_str_eq(type_name(1), "c");
    ck_assert_int_eq(maker_value(p, 0, 1), 30);
    ck_assert_int_eq(maker_value(base, 0, 0), 30);
    ck_assert_int_eq(maker_value(base, 0, 1), 10);
}
END_TEST

START_TEST(a_default_type_that_went_is_the_first_now)
{
    p = TYPES({"a", "count"}, {"b", "count"});
    base = TYPES({"a", "count"});
    p->default_type = wr_profile_string(p, "b");
    ck_assert_int_eq(wr_base_align(p, base, why, sizeof why), 0);
    ck_assert_str_eq(p->strings[p->default_type], "a");
}
END_TEST

START_TEST(profiles_without_a_common_type_are_refused)
{
    p = TYPES({"a", "count"});
    base = TYPES({"b", "count"});
    ck_assert_int_eq(wr_base_align(p, base, why, sizeof why), -1);
    ck_assert_str_eq(why, "the profiles count different things: a and b");
    ck_assert_uint_eq(p->type_count, 1);
}
END_TEST

START_TEST(both_get_the_finer_unit)
{
    p = TYPES({"cpu", "milliseconds"}, {"space", "bytes"});
    base = TYPES({"cpu", "nanoseconds"}, {"space", "kb"});
    ck_assert_int_eq(wr_base_align(p, base, why, sizeof why), 0);
    ck_assert_str_eq(p->strings[p->types[0].unit], "nanoseconds");
    ck_assert_int_eq(maker_value(p, 0, 0), 10000000);
    ck_assert_str_eq(base->strings[base->types[1].unit], "bytes");
    ck_assert_int_eq(maker_value(base, 0, 1), 20 * 1024);
}
END_TEST

START_TEST(units_that_do_not_convert_are_refused)
{
    p = TYPES({"a", "bytes"});
    base = TYPES({"a", "seconds"});
    ck_assert_int_eq(wr_base_align(p, base, why, sizeof why), -1);
    ck_assert_ptr_nonnull(strstr(why, "units that do not convert"));
}
END_TEST

/* --- Taking off --------------------------------------------------------- */

static void
setup_heaps(void)
{
    p = maker_heap();
    base = maker_heap();
    maker_sample(p, STACK("same", "main"), 2, 200);
    maker_sample(p, STACK("grew", "main"), 5, 500);
    maker_sample(base, STACK("same", "main"), 2, 200);
    maker_sample(base, STACK("grew", "main"), 4, 400);
    maker_sample(base, STACK("gone", "main"), 1, 30);
}

static int
take(bool mark, bool normalise)
{
    const struct wr_base_options how = {mark, normalise};
    int status = wr_base_take(p, base, &how, why, sizeof why);
    ck_assert(wr_profile_check(p));
    return status;
}

START_TEST(what_did_not_change_is_not_there)
{
    setup_heaps();
    ck_assert_int_eq(take(false, false), 0);
    ck_assert_uint_eq(p->sample_count, 2);
    ck_assert_str_eq(maker_frame(p, 0, 0), "grew");
    ck_assert_int_eq(maker_value(p, 0, 3), 100);
    ck_assert_str_eq(maker_frame(p, 1, 0), "gone");
    ck_assert_int_eq(maker_value(p, 1, 3), -30);
}
END_TEST

START_TEST(a_marked_base_stays_beside_the_profile)
{
    setup_heaps();
    ck_assert_int_eq(take(true, false), 0);
    ck_assert_uint_eq(p->sample_count, 5);
    ck_assert(!wr_label_is_base(p, &p->samples[0]));
    ck_assert(wr_label_is_base(p, &p->samples[2]));
    ck_assert_int_eq(wr_profile_total(p, 3), 70);
}
END_TEST

START_TEST(a_normalised_profile_has_the_totals_of_its_base)
{
    setup_heaps();
    ck_assert_int_eq(take(true, true), 0);
    ck_assert_int_le(llabs(wr_profile_total(p, 3)), 1);
    ck_assert_int_eq(maker_value(p, 0, 3), 180); /* 200 * 630 / 700 */
}
END_TEST

START_TEST(samples_that_a_profile_has_twice_are_added_up_first)
{
    p = maker_heap();
    base = maker_heap();
    uint32_t frame = maker_location(p, STACK("f"));
    int64_t values[4] = {1, 10, 1, 10};
    for (int i = 0; i < 2; i++)
        wr_profile_new_sample(p, &frame, 1, values, NULL, 0);
    maker_sample(base, STACK("f"), 2, 20);
    ck_assert_int_eq(take(false, false), 0);
    ck_assert_uint_eq(p->sample_count, 0);
}
END_TEST

START_TEST(profiles_add_up)
{
    setup_heaps();
    p->duration_ns = 3;
    base->duration_ns = 4;
    ck_assert_int_eq(wr_base_add(p, base, why, sizeof why), 0);
    ck_assert_uint_eq(p->sample_count, 3);
    ck_assert_int_eq(wr_profile_total(p, 3), 1330);
    ck_assert_int_eq(p->duration_ns, 7);
    ck_assert_str_eq(p->strings[p->period_type.unit], "bytes");
}
END_TEST

START_TEST(other_periods_are_refused_and_nothing_changes)
{
    setup_heaps();
    base->period_type.type = wr_profile_string(base, "cpu");
    ck_assert_int_eq(take(false, false), -1);
    ck_assert_ptr_nonnull(strstr(why, "period types"));
    ck_assert_int_eq(wr_profile_total(p, 3), 700);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("analyse/base");
    TCase *tests = tcase_create("base");
    tcase_add_checked_fixture(tests, NULL, teardown);
    tcase_add_test(tests, types_that_both_have_stay_in_the_first_ones_order);
    tcase_add_test(tests, a_default_type_that_went_is_the_first_now);
    tcase_add_test(tests, profiles_without_a_common_type_are_refused);
    tcase_add_test(tests, both_get_the_finer_unit);
    tcase_add_test(tests, units_that_do_not_convert_are_refused);
    tcase_add_test(tests, what_did_not_change_is_not_there);
    tcase_add_test(tests, a_marked_base_stays_beside_the_profile);
    tcase_add_test(tests, a_normalised_profile_has_the_totals_of_its_base);
    tcase_add_test(tests, samples_that_a_profile_has_twice_are_added_up_first);
    tcase_add_test(tests, profiles_add_up);
    tcase_add_test(tests, other_periods_are_refused_and_nothing_changes);
    suite_add_tcase(suite, tests);
    return unit_main(suite);
}
