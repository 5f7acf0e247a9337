/* Two profiles side by side, and conditions on what changed. */
#include "analyse/maker.h"

#include "analyse/condition.h"
#include "analyse/diff.h"
#include "analyse/graph.h"
#include "analyse/top.h"

static struct wr_profile *before, *after;
static struct wr_diff diff;
static struct wr_graph_options how;
static const char *unit;
static char *text;
static size_t length;
static char why[WR_WHY];

static void
setup(void)
{
    before = maker_heap();
    after = maker_heap();
    diff = (struct wr_diff){0};
    how = (struct wr_graph_options){.type = 3};
    unit = "auto";
}

static void
teardown(void)
{
    wr_diff_fini(&diff);
    wr_profile_free(before);
    wr_profile_free(after);
    free(text);
    text = NULL;
}

static void
make(void)
{
    wr_diff_fini(&diff);
    ck_assert_int_eq(wr_diff_make(&diff, before, after, &how, why, sizeof why),
                     0);
}

static const char *
printed(size_t limit)
{
    free(text);
    FILE *out = open_memstream(&text, &length);
    wr_diff_print(&diff, limit, unit, out);
    fclose(out);
    return text;
}

/* Sites of every kind. */
static void
fill(void)
{
    maker_sample(before, STACK("grown", "main"), 1, 1 << 20);
    maker_sample(before, STACK("shrunk", "main"), 1, 4096);
    maker_sample(before, STACK("gone", "main"), 1, 2048);
    maker_sample(before, STACK("same", "main"), 1, 512);
    maker_sample(after, STACK("grown", "main"), 1, 3 << 20);
    maker_sample(after, STACK("shrunk", "main"), 1, 1024);
    maker_sample(after, STACK("new", "main"), 1, 1024);
    maker_sample(after, STACK("same", "main"), 1, 512);
    make();
}

/* --- Tables ------------------------------------------------------------- */

START_TEST(sites_are_new_gone_grown_or_shrunk)
{
    fill();
    ck_assert_str_eq(
        printed(0),
        "inuse_space: 1.01MB before, 3MB after, +2MB (+198.35%)\n"
        "flat change      before       after  cum change          function\n"
        "       +2MB         1MB         3MB        +2MB  grown   grown\n"
        "       -3kB         4kB         1kB        -3kB  shrunk  shrunk\n"
        "       -2kB         2kB           0        -2kB  gone    gone\n"
        "       +1kB           0         1kB        +1kB  new     new\n"
        "callers of these: 1, see -cum\n");
}
END_TEST

START_TEST(a_limit_says_how_many_are_left_out)
{
    fill();
    printed(2);
    ck_assert_ptr_nonnull(strstr(text, "  shrunk\nand 2 that changed less\n"));
}
END_TEST

START_TEST(cum_order_puts_callers_first)
{
    fill();
    maker_sample(after, STACK("other", "main"), 1, 10240);
    make();
    wr_diff_sort_cum(&diff);
    ck_assert_str_eq(diff.rows[0].name, "main");
    ck_assert_str_eq(diff.rows[1].name, "grown");
    printed(1);
    ck_assert_ptr_nonnull(strstr(
        text,
        " cum change      before       after flat change          function\n"
        "    +2.01MB      1.01MB      3.01MB           0  grown   main\n"));
}
END_TEST

START_TEST(equal_profiles_have_no_rows)
{
    maker_sample(before, STACK("same", "main"), 1, 512);
    maker_sample(after, STACK("same", "main"), 1, 512);
    make();
    ck_assert_str_eq(printed(0), "inuse_space: 512B before, 512B after, 0\n");
}
END_TEST

START_TEST(what_comes_from_nothing_has_no_percentage)
{
    maker_sample(after, STACK("main"), 1, 512);
    make();
    printed(0);
    ck_assert_ptr_nonnull(
        strstr(text, "inuse_space: 0 before, 512B after, +512B\n"));
}
END_TEST

START_TEST(a_file_and_a_function_of_its_name_are_two)
{
    uint32_t m = maker_mapping_at(before, 0x9000000, "/lib/x", "");
    uint32_t frame = wr_profile_location(before, m, 0x9000010, NULL, 0);
    wr_profile_sample(before, &frame, 1, (int64_t[]){1, 5, 1, 5}, NULL, 0);
    maker_sample(after, STACK("x"), 1, 5);
    make();
    ck_assert_uint_eq(diff.count, 2);
    printed(0);
    ck_assert_ptr_nonnull(strstr(text, "gone    [x]\n"));
    ck_assert_ptr_nonnull(strstr(text, "new     x\n"));
}
END_TEST

START_TEST(a_row_may_be_a_line_or_a_file)
{
    maker_sample(before, STACK("one", "main"), 1, 5);
    maker_sample(after, STACK("two", "main"), 1, 7);
    how.granularity = WR_BY_LINES;
    make();
    printed(0);
    ck_assert_ptr_nonnull(strstr(text, "two prog.c:10\n"));
    how.granularity = WR_BY_FILES;
    make();
    ck_assert_uint_eq(diff.count, 1);
    ck_assert_str_eq(diff.rows[0].name, "prog.c");
    ck_assert_int_eq(diff.rows[0].flat_after - diff.rows[0].flat_before, 2);
}
END_TEST

START_TEST(a_unit_is_that_of_all_values)
{
    fill();
    unit = "kb";
    printed(1);
    ck_assert_ptr_nonnull(strstr(text, "+2048kB      1024kB      3072kB"));
}
END_TEST

START_TEST(json_has_all_numbers)
{
    maker_sample(before, STACK("a\"b"), 1, 5);
    maker_sample(after, STACK("a\"b"), 1, 7);
    make();
    FILE *out = open_memstream(&text, &length);
    wr_diff_print_json(&diff, out);
    fclose(out);
    ck_assert_str_eq(text,
                     "\"type\":\"inuse_space\",\"unit\":\"bytes\","
                     "\"before\":5,\"after\":7,\"change\":2,\n"
                     "\"sites\":[{\"name\":\"a\\\"b\",\"status\":\"grown\","
                     "\"flat_before\":5,\"flat_after\":7,\"flat_change\":2,"
                     "\"cum_before\":5,\"cum_after\":7,\"cum_change\":2}]");
}
END_TEST

START_TEST(types_must_be_in_both)
{
    struct wr_profile *cpu = wr_profile_new();
    wr_profile_add_type(cpu, "cpu", "nanoseconds");
    ck_assert_int_eq(wr_diff_make(&diff, cpu, after, &how, why, sizeof why),
                     -1);
    ck_assert_str_eq(why, "the first profile has no sample type inuse_space");
    ck_assert_int_eq(wr_diff_make(&diff, before, after,
                                  &(struct wr_graph_options){.type = 4}, why,
                                  sizeof why),
                     -1);
    wr_profile_free(cpu);
}
END_TEST

/* The table is the one of the difference, which pprof makes. */
START_TEST(changes_are_those_of_the_subtracted_profile)
{
    uint64_t seed = (uint64_t)_i;
    struct wr_top top;
    for (int i = 0; i < 600; i++) {
        char name[8][8];
        const char *stack[9] = {NULL};
        uint32_t depth = maker_random(&seed) % 8;
        for (uint32_t n = 0; n <= depth; n++) {
            snprintf(name[n], sizeof name[n], "f%u", maker_random(&seed) % 20);
            stack[n] = name[n];
        }
        maker_sample(i % 2 ? before : after, stack, 1,
                     maker_random(&seed) % 1000);
    }
    make();
    ck_assert_int_eq(wr_profile_subtract(after, before, why, sizeof why), 0);
    ck_assert_int_eq(wr_top_make(&top, after, 3), 0);
    size_t found = 0;
    for (size_t i = 0; i < top.count; i++)
        for (size_t n = 0; n < diff.count; n++) {
            const struct wr_diff_row *r = &diff.rows[n];
            if (strcmp(r->name, top.rows[i].name) != 0)
                continue;
            found++;
            ck_assert_int_eq(r->flat_after - r->flat_before, top.rows[i].flat);
            ck_assert_int_eq(r->cum_after - r->cum_before, top.rows[i].cum);
        }
    ck_assert_uint_eq(found, diff.count);
    wr_top_fini(&top);
}
END_TEST

/* --- Conditions --------------------------------------------------------- */

/* in use: 10 MiB, then 12 MiB; objects: 100, then 90. */
static void
grow(void)
{
    maker_sample(before, STACK("main"), 100, 10 << 20);
    maker_sample(after, STACK("main"), 90, 12 << 20);
}

static int
test(const char *condition)
{
    struct wr_condition c;
    ck_assert_msg(wr_condition_parse(&c, condition, why, sizeof why) == 0, "%s",
                  why);
    return wr_condition_test(&c, before, after, 3, why, sizeof why);
}

static const struct {
    const char *condition;
    int holds;
} conditions[] = {
    {"inuse>+1MiB", 1},       {"inuse>+2MiB", 0},
    {"inuse>=+2MiB", 1},      {"inuse>=+2097153", 0},
    {"inuse_space>+1.9M", 1}, {">+1mb", 1},
    {"inuse>11M", 1},         {"inuse>12M", 0},
    {"inuse<12.5MiB", 1},     {"inuse<=12MiB", 1},
    {"inuse<12MiB", 0},       {"inuse>+19%", 1},
    {"inuse>+20%", 0},        {"inuse_objects<-9", 1},
    {"inuse_objects<-10", 0}, {"inuse_objects<=-10%", 1},
    {"inuse_objects>89", 1},  {"alloc>0.011GB", 1},
};

START_TEST(conditions_are_of_the_change_or_of_the_end)
{
    grow();
    ck_assert_msg(test(conditions[_i].condition) == conditions[_i].holds, "%s",
                  conditions[_i].condition);
}
END_TEST

START_TEST(a_condition_that_holds_tells_the_values)
{
    grow();
    ck_assert_int_eq(test("inuse>+1MiB"), 1);
    ck_assert_str_eq(why, "inuse>+1MiB holds: inuse_space was 10MB and is "
                          "12MB, +2MB");
    ck_assert_int_eq(test("inuse_objects<-1"), 1);
    ck_assert_str_eq(why, "inuse_objects<-1 holds: inuse_objects was 100 and "
                          "is 90, -10");
}
END_TEST

START_TEST(growth_from_nothing_is_more_than_any_percentage)
{
    maker_sample(after, STACK("main"), 1, 1);
    ck_assert_int_eq(test("inuse>+1000%"), 1);
}
END_TEST

START_TEST(times_have_their_units)
{
    struct wr_profile *p[2];
    struct wr_condition c;
    for (int i = 0; i < 2; i++) {
        p[i] = wr_profile_new();
        for (int n = 0; n < 4; n++)
            wr_profile_add_type(p[i], n == 3 ? "cpu" : "x", "nanoseconds");
        maker_sample(p[i], STACK("main"), 1, (i + 1) * 50000000);
    }
    wr_condition_parse(&c, "cpu>+49ms", why, sizeof why);
    ck_assert_int_eq(wr_condition_test(&c, p[0], p[1], 3, why, sizeof why), 1);
    wr_condition_parse(&c, "cpu>+0.051s", why, sizeof why);
    ck_assert_int_eq(wr_condition_test(&c, p[0], p[1], 3, why, sizeof why), 0);
    wr_condition_parse(&c, "cpu>+1MiB", why, sizeof why);
    ck_assert_int_eq(wr_condition_test(&c, p[0], p[1], 3, why, sizeof why), -1);
    ck_assert_str_eq(why, "cpu>+1MiB: cpu is in nanoseconds");
    wr_profile_free(p[0]);
    wr_profile_free(p[1]);
}
END_TEST

START_TEST(conditions_that_cannot_be_asked_say_why)
{
    grow();
    ck_assert_int_eq(test("nonsense>+1"), -1);
    ck_assert_ptr_nonnull(strstr(why, "no sample type nonsense"));
    ck_assert_int_eq(test("inuse_objects>+1MiB"), -1);
    ck_assert_ptr_nonnull(strstr(why, "inuse_objects is in count"));
}
END_TEST

static const char *const nonsense[] = {
    "",
    "inuse",
    "inuse=5",
    "inuse>",
    "inuse>+",
    "in>x5",
    "inuse>+1apple",
    "inuse>5%",
    "inuse>+1 M",
    "inuse>+1M1",
    "inuse>+nan",
    "inuse>++1",
    "inuse>+.",
    "inuse>+1e999",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa>1",
};

START_TEST(what_is_no_condition_is_refused)
{
    struct wr_condition c;
    ck_assert_msg(wr_condition_parse(&c, nonsense[_i], why, sizeof why) == -1,
                  "%s", nonsense[_i]);
    ck_assert_ptr_nonnull(strstr(why, "a condition is like"));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("analyse/diff");
    TCase *t = tcase_create("diff");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, sites_are_new_gone_grown_or_shrunk);
    tcase_add_test(t, a_limit_says_how_many_are_left_out);
    tcase_add_test(t, cum_order_puts_callers_first);
    tcase_add_test(t, equal_profiles_have_no_rows);
    tcase_add_test(t, what_comes_from_nothing_has_no_percentage);
    tcase_add_test(t, a_file_and_a_function_of_its_name_are_two);
    tcase_add_test(t, a_row_may_be_a_line_or_a_file);
    tcase_add_test(t, a_unit_is_that_of_all_values);
    tcase_add_test(t, json_has_all_numbers);
    tcase_add_test(t, types_must_be_in_both);
    tcase_add_loop_test(t, changes_are_those_of_the_subtracted_profile, 0, 10);
    tcase_add_loop_test(t, conditions_are_of_the_change_or_of_the_end, 0,
                        sizeof conditions / sizeof *conditions);
    tcase_add_test(t, a_condition_that_holds_tells_the_values);
    tcase_add_test(t, growth_from_nothing_is_more_than_any_percentage);
    tcase_add_test(t, times_have_their_units);
    tcase_add_test(t, conditions_that_cannot_be_asked_say_why);
    tcase_add_loop_test(t, what_is_no_condition_is_refused, 0,
                        sizeof nonsense / sizeof *nonsense);
    suite_add_tcase(suite, t);
    return unit_main(suite);
}
