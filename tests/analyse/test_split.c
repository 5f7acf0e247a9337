/* Names that two profiles share, and stacks split from the root on. */
#include "analyse/maker.h"

#include "analyse/split.h"

static struct wr_profile *p, *base;
static struct wr_split split;
static bool by_line;
static char *lines;
static size_t length;
static char why[WR_WHY];

static void
setup(void)
{
    p = maker_heap();
    base = maker_heap();
    split = (struct wr_split){0};
    by_line = false;
}

static void
teardown(void)
{
    wr_split_fini(&split);
    wr_profile_free(p);
    wr_profile_free(base);
    free(lines);
    lines = NULL;
}

static void
print_path(void *out, const struct wr_split *s, const uint32_t *functions,
           uint32_t depth, int64_t value, int64_t before)
{
    for (uint32_t i = 0; i < depth; i++)
        fprintf(out, "%s%s", i ? ";" : "",
                s->names.functions[functions[i]].name);
    fprintf(out, " %lld %lld\n", (long long)value, (long long)before);
}

/* All paths of inuse_space, each with both sums. */
static const char *
walked(const struct wr_profile *against)
{
    wr_split_fini(&split);
    const struct wr_split_input in = {p, against, 3, by_line};
    ck_assert_int_eq(wr_split_init(&split, &in, why, sizeof why), 0);
    free(lines);
    FILE *out = open_memstream(&lines, &length);
    ck_assert_int_eq(wr_split_walk(&split, print_path, out), 0);
    fclose(out);
    return lines;
}

START_TEST(stacks_are_told_from_the_root_and_equals_are_one)
{
    maker_sample(p, STACK("leaf", "middle", "main"), 1, 100);
    maker_sample(p, STACK("middle", "main"), 1, 20);
    maker_sample(p, STACK("other", "main"), 1, 70);
    struct wr_label label = {.key = wr_profile_string(p, "bytes"), .num = 16};
    uint32_t frames[] = {maker_location(p, STACK("other")),
                         maker_location(p, STACK("main"))};
    wr_profile_sample(p, frames, 2, (int64_t[]){1, 5, 1, 5}, &label, 1);
    ck_assert_str_eq(walked(NULL), "main;middle 20 0\n"
                                   "main;middle;leaf 100 0\n"
                                   "main;other 75 0\n");
    ck_assert(!split.has_base);
}
END_TEST

START_TEST(inlined_functions_are_steps_of_their_own)
{
    uint32_t frames[] = {maker_location(p, STACK("in", "out")),
                         maker_location(p, STACK("main"))};
    wr_profile_sample(p, frames, 2, (int64_t[]){1, 5, 1, 5}, NULL, 0);
    ck_assert_str_eq(walked(NULL), "main;out;in 5 0\n");
}
END_TEST

START_TEST(what_is_dropped_ends_the_path)
{
    uint32_t frames[] = {maker_location(p, STACK("arena", "malloc", "grow")),
                         maker_location(p, STACK("main"))};
    wr_profile_sample(p, frames, 2, (int64_t[]){1, 5, 1, 5}, NULL, 0);
    maker_sample(p, STACK("lock", "malloc", "grow", "main"), 1, 2);
    p->drop_frames = wr_profile_string(p, "malloc");
    ck_assert_str_eq(walked(NULL), "main;grow 7 0\n");
}
END_TEST

START_TEST(frames_without_a_name_are_called_by_their_module)
{
    uint32_t m = maker_mapping_at(p, 0x9000000, "/lib/libx.so", "");
    uint32_t frames[] = {wr_profile_location(p, m, 0x9000010, NULL, 0),
                         wr_profile_location(p, m, 0x9000020, NULL, 0),
                         wr_profile_location(p, WR_NONE, 0x77, NULL, 0)};
    wr_profile_sample(p, frames, 3, (int64_t[]){1, 5, 1, 5}, NULL, 0);
    ck_assert_str_eq(walked(NULL), "<unknown>;[libx.so];[libx.so] 5 0\n");
    ck_assert_uint_eq(split.names.count, 2);
}
END_TEST

START_TEST(a_stack_of_nothing_ends_at_the_root)
{
    wr_profile_sample(p, NULL, 0, (int64_t[]){1, 5, 1, 5}, NULL, 0);
    ck_assert_str_eq(walked(NULL), " 5 0\n");
}
END_TEST

START_TEST(functions_of_two_profiles_are_the_same_by_name_and_module)
{
    maker_string(base, wr_profile_string(base, "so that numbers differ"));
    maker_sample(base, STACK("gone", "main"), 1, 30);
    maker_sample(base, STACK("kept", "main"), 1, 40);
    maker_sample(p, STACK("kept", "main"), 1, 50);
    maker_sample(p, STACK("fresh", "main"), 1, 10);
    ck_assert_str_eq(walked(base), "main;kept 50 40\n"
                                   "main;fresh 10 0\n"
                                   "main;gone 0 30\n");
    ck_assert(split.has_base);
    ck_assert_int_eq(split.root.value, 60);
    ck_assert_int_eq(split.root.base, 70);
}
END_TEST

START_TEST(lines_may_be_steps)
{
    struct wr_line line[] = {{maker_function(p, "f"), 7, 0},
                             {maker_function(p, "main"), 9, 0},
                             {maker_function(p, "main"), 8, 0},
                             {maker_function(p, "old"), 0, 0}};
    for (int i = 1; i < 4; i++) {
        uint32_t frames[] = {
            wr_profile_location(p, WR_NONE, 0x10, &line[0], 1),
            wr_profile_location(p, WR_NONE, 0x20, &line[i], 1)};
        wr_profile_sample(p, frames, 2, (int64_t[]){1, 5, 1, 6 - i}, NULL, 0);
    }
    by_line = true;
    ck_assert_str_eq(walked(NULL), "main:9;f:7 5 0\n"
                                   "main:8;f:7 4 0\n"
                                   "old;f:7 3 0\n");
    ck_assert_uint_eq(split.names.count, 4);
    ck_assert_int_eq(split.names.functions[1].line, 9);
    by_line = false;
    ck_assert_str_eq(walked(NULL), "main;f 9 0\nold;f 3 0\n");
}
END_TEST

START_TEST(one_name_in_two_modules_is_two_functions)
{
    struct wr_line line = {maker_function(p, "init"), 1, 0};
    uint32_t a = maker_mapping_at(p, 0x1000000, "/lib/a.so", "");
    uint32_t b = maker_mapping_at(p, 0x2000000, "/lib/b.so", "");
    uint32_t frames[] = {wr_profile_location(p, a, 0x1000010, &line, 1),
                         wr_profile_location(p, b, 0x2000010, &line, 1)};
    wr_profile_sample(p, frames, 2, (int64_t[]){1, 5, 1, 5}, NULL, 0);
    walked(NULL);
    ck_assert_uint_eq(split.names.count, 2);
    ck_assert_str_eq(split.names.functions[0].module, "/lib/a.so");
}
END_TEST

START_TEST(what_was_lost_was_there_before)
{
    maker_sample(p, STACK("grew", "main"), 1, 100);
    maker_sample(p, STACK("shrank", "main"), -3, -300);
    maker_sample(p, STACK("least", "main"), 1, INT64_MIN);
    walked(NULL);
    ck_assert_ptr_nonnull(strstr(lines, "main;grew 100 0\n"));
    ck_assert_ptr_nonnull(strstr(lines, "main;shrank 0 300\n"));
    ck_assert_ptr_nonnull(strstr(lines, "main;least 0 9223372036854775807\n"));
    ck_assert(split.has_base);
}
END_TEST

START_TEST(a_base_without_the_type_is_refused)
{
    struct wr_profile *other = wr_profile_new();
    wr_profile_add_type(other, "cpu", "nanoseconds");
    ck_assert_int_eq(wr_split_init(&split,
                                   &(struct wr_split_input){p, other, 3, false},
                                   why, sizeof why),
                     -1);
    ck_assert_str_eq(why, "the base has no sample type inuse_space");
    ck_assert_int_eq(wr_split_init(&split,
                                   &(struct wr_split_input){.p = p, .type = 4},
                                   why, sizeof why),
                     -1);
    wr_profile_free(other);
}
END_TEST

/* Nobody recurses over the depth of a stack. */
START_TEST(a_stack_of_a_million_frames_is_walked)
{
    uint32_t n = 1000000, *frames = calloc(n, sizeof *frames);
    uint32_t f = maker_location(p, STACK("rec"));
    for (uint32_t i = 0; i < n; i++)
        frames[i] = f;
    wr_profile_sample(p, frames, n, (int64_t[]){1, 5, 1, 5}, NULL, 0);
    free(frames);
    walked(NULL);
    ck_assert_uint_eq(length, 4 * (size_t)n - 1 + strlen(" 5 0\n"));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("analyse/split");
    TCase *tests = tcase_create("split");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, stacks_are_told_from_the_root_and_equals_are_one);
    tcase_add_test(tests, inlined_functions_are_steps_of_their_own);
    tcase_add_test(tests, what_is_dropped_ends_the_path);
    tcase_add_test(tests, frames_without_a_name_are_called_by_their_module);
    tcase_add_test(tests, a_stack_of_nothing_ends_at_the_root);
    tcase_add_test(tests,
                   functions_of_two_profiles_are_the_same_by_name_and_module);
    tcase_add_test(tests, lines_may_be_steps);
    tcase_add_test(tests, one_name_in_two_modules_is_two_functions);
    tcase_add_test(tests, what_was_lost_was_there_before);
    tcase_add_test(tests, a_base_without_the_type_is_refused);
    tcase_add_test(tests, a_stack_of_a_million_frames_is_walked);
    suite_add_tcase(suite, tests);
    return unit_main(suite);
}
