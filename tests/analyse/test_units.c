/* Units: values as pprof prints them. */
#include "unit.h"

#include "analyse/units.h"

static const struct {
    int64_t value;
    const char *unit, *text;
} formats[] = {
    {0, "bytes", "0"},
    {1, "bytes", "1B"},
    {1023, "bytes", "1023B"},
    {1024, "bytes", "1kB"},
    {1536, "bytes", "1.50kB"},
    {-3 * (1 << 20), "bytes", "-3MB"},
    {INT64_C(5) << 30, "byte", "5GB"},
    {2, "kilobyte", "2kB"},
    {3, "MBytes", "3MB"},
    {INT64_MAX, "bytes", "8192PB"},
    {1500000, "nanoseconds", "1.50ms"},
    {90, "s", "90s"},
    {7200, "seconds", "2hrs"},
    {42, "count", "42"},
    {42, "apples", "42apples"},
    {999, "us", "999us"},
    {5, "milligcu", "5m*GCU"},
};

START_TEST(values_are_shown_in_the_largest_unit_that_fits)
{
    char text[64];
    wr_value_format(text, sizeof text, formats[_i].value, formats[_i].unit);
    ck_assert_str_eq(text, formats[_i].text);
}
END_TEST

static const struct {
    int64_t value;
    const char *from, *to, *text;
} labels[] = {
    {1536, "bytes", "auto", "1.50kB"},
    {1536, "bytes", "mb", "0"},
    {1 << 20, "bytes", "kb", "1024kB"},
    {1 << 20, "bytes", "apples", "1048576B"},
    {1500, "ms", "nanoseconds", "1500000000ns"},
    {1500, "ms", "weeks", "1.50s"},
    {0, "ms", "auto", "0"},
    {7, "apples", "auto", "7"},
    {7, "apples", "pears", "7pears"},
    {7, "count", "count", "7"},
    {INT64_MIN, "bytes", "auto", "-9223372036854775808B"},
};

START_TEST(a_value_is_shown_in_the_unit_that_is_asked_for)
{
    char text[WR_VALUE_ROOM];
    wr_value_label(text, labels[_i].value, labels[_i].from, labels[_i].to);
    ck_assert_str_eq(text, labels[_i].text);
}
END_TEST

static const struct {
    int64_t value, total;
    const char *text;
} shares[] = {
    {1, 2, "50.00%"},    {1, 1, "  100%"},          {-1, 3, "33.33%"},
    {1, 1000, "  0.1%"}, {1, 0, "    0%"},          {0, 5, "    0%"},
    {3, 2, "150.00%"},   {99951, 100000, "  100%"}, {1, 30000, "0.0033%"},
};

START_TEST(a_share_is_a_percentage_of_six_characters)
{
    char text[WR_VALUE_ROOM];
    wr_value_percent(text, shares[_i].value, shares[_i].total);
    ck_assert_str_eq(text, shares[_i].text);
}
END_TEST

START_TEST(units_of_one_family_convert)
{
    const char *unit;
    ck_assert_double_eq(wr_unit_scale(3, "ms", "ns", &unit), 3e6);
    ck_assert_str_eq(unit, "ns");
    ck_assert_double_eq(wr_unit_scale(-3, "kb", "b", &unit), -3072);
    ck_assert_str_eq(unit, "B");
}
END_TEST

static const struct {
    double seconds;
    const char *text;
} ages[] = {{0, "0 s"},           {119, "119 s"},      {120, "2 min"},
            {7199, "120 min"},    {7200, "2.0 h"},     {172799, "48.0 h"},
            {172800, "2.0 days"}, {864e3, "10.0 days"}};

START_TEST(an_age_is_told_in_a_unit_of_which_there_are_a_few)
{
    char text[WR_AGE_ROOM];
    wr_age_text(text, (uint64_t)(ages[_i].seconds * 1e9));
    ck_assert_str_eq(text, ages[_i].text);
}
END_TEST

START_TEST(only_one_is_no_plural)
{
    ck_assert_str_eq(wr_plural(0), "s");
    ck_assert_str_eq(wr_plural(1), "");
    ck_assert_str_eq(wr_plural(2), "s");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("analyse/units");
    TCase *tests = tcase_create("units");
    tcase_add_loop_test(tests, values_are_shown_in_the_largest_unit_that_fits,
                        0, sizeof formats / sizeof *formats);
    tcase_add_loop_test(tests, a_value_is_shown_in_the_unit_that_is_asked_for,
                        0, sizeof labels / sizeof *labels);
    tcase_add_loop_test(tests, a_share_is_a_percentage_of_six_characters, 0,
                        sizeof shares / sizeof *shares);
    tcase_add_test(tests, units_of_one_family_convert);
    tcase_add_loop_test(tests,
                        an_age_is_told_in_a_unit_of_which_there_are_a_few, 0,
                        sizeof ages / sizeof *ages);
    tcase_add_test(tests, only_one_is_no_plural);
    suite_add_tcase(suite, tests);
    return unit_main(suite);
}
