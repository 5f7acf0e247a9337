/* Filters: which samples count, and which of their frames show. */
#include "analyse/filter.h"
#include "analyse/labels.h"
#include "analyse/maker.h"

static struct wr_profile *p;
static unsigned unmatched;
static char why[WR_WHY];

static void
label(const char *stack, const struct wr_label *labels, uint32_t count)
{
    int64_t values[4] = {1, 100, 1, 100};
    uint32_t frame = maker_location(p, STACK(stack));
    wr_profile_sample(p, &frame, 1, values, labels, count);
}

static struct wr_label
text_label(const char *key, const char *value)
{
    return (struct wr_label){.key = wr_profile_string(p, key),
                             .str = wr_profile_string(p, value)};
}

static struct wr_label
number_label(const char *key, int64_t value, const char *unit)
{
    return (struct wr_label){.key = wr_profile_string(p, key),
                             .num = value,
                             .unit = wr_profile_string(p, unit)};
}

static void
setup(void)
{
    p = maker_heap();
    maker_sample(p, STACK("leaf", "middle", "main"), 1, 100);
    maker_sample(p, STACK("other", "main"), 1, 20);
    maker_sample(p, STACK("leaf", "other", "init"), 1, 3);
}

static void
teardown(void)
{
    wr_profile_free(p);
}

static int
filter(struct wr_filter f)
{
    uint32_t *units = wr_label_units(p);
    int status = wr_filter_apply(p, &f, units, &unmatched, why, sizeof why);
    free(units);
    ck_assert(wr_profile_check(p));
    return status;
}

#define FILTER(...) filter((struct wr_filter){__VA_ARGS__})

/* Stacks as text, "leaf<middle<main; other<main". */
static const char *
stacks(void)
{
    static char text[400];
    text[0] = '\0';
    for (uint32_t i = 0; i < p->sample_count; i++) {
        strcat(text, i ? "; " : "");
        for (uint32_t n = 0; n < p->samples[i].depth; n++) {
            strcat(text, n ? "<" : "");
            strcat(text, maker_frame(p, i, n));
        }
    }
    return text;
}

static const struct {
    struct wr_filter filter;
    const char *left;
    unsigned unmatched;
} names[] = {
    {{.focus = "middle"}, "leaf<middle<main", 0},
    {{.focus = "i(nit|ddle)$"}, "leaf<middle<main; leaf<other<init", 0},
    {{.focus = "init|middle"}, "leaf<middle<main; leaf<other<init", 0},
    {{.focus = "prog\\.c"}, "leaf<middle<main; other<main; leaf<other<init", 0},
    {{.focus = "/bin/prog"},
     "leaf<middle<main; other<main; leaf<other<init",
     0},
    {{.ignore = "leaf"}, "other<main", 0},
    {{.ignore = "nobody"},
     "leaf<middle<main; other<main; leaf<other<init",
     WR_FILTER_IGNORE},
    {{.focus = "main", .ignore = "other"}, "leaf<middle<main", 0},
    {{.hide = "other|middle"}, "leaf<main; main; leaf<init", 0},
    {{.hide = "leaf|other|middle|init"}, "main; main", 0},
    {{.show = "leaf|main"}, "leaf<main; main; leaf", 0},
    {{.show = "main", .hide = "main"}, "", WR_FILTER_SHOW},
    {{.show_from = "middle|other"}, "leaf<middle; other; leaf<other", 0},
    {{.show_from = "init"}, "leaf<other<init", 0},
    {{.show_from = "nobody"}, "", WR_FILTER_SHOW_FROM},
    {{.focus = "", .show = NULL},
     "leaf<middle<main; other<main; leaf<other<init",
     0},
};

START_TEST(names_decide_which_frames_and_stacks_stay)
{
    ck_assert_int_eq(filter(names[_i].filter), 0);
    ck_assert_str_eq(stacks(), names[_i].left);
    ck_assert_uint_eq(unmatched, names[_i].unmatched);
}
END_TEST

START_TEST(a_filter_that_matches_nothing_is_told)
{
    ck_assert_int_eq(FILTER(.focus = "nobody", .ignore = "leaf"), 0);
    ck_assert_uint_eq(unmatched, WR_FILTER_FOCUS);
    ck_assert_str_eq(stacks(), "");
}
END_TEST

START_TEST(values_stay_with_their_samples)
{
    ck_assert_int_eq(FILTER(.focus = "init"), 0);
    ck_assert_int_eq(maker_value(p, 0, 3), 3);
    ck_assert_int_eq(wr_profile_total(p, 3), 3);
}
END_TEST

START_TEST(lines_of_inlined_functions_are_hidden_one_by_one)
{
    uint32_t frame = maker_location(p, STACK("inner", "outer"));
    int64_t values[4] = {1, 7, 1, 7};
    wr_profile_sample(p, &frame, 1, values, NULL, 0);
    ck_assert_int_eq(FILTER(.hide = "inner", .focus = "outer"), 0);
    ck_assert_str_eq(stacks(), "outer");
    ck_assert_uint_eq(p->locations[frame].line_count, 1);
}
END_TEST

START_TEST(show_from_cuts_inside_inlined_functions)
{
    uint32_t frame = maker_location(p, STACK("inner", "outer"));
    int64_t values[4] = {1, 7, 1, 7};
    wr_profile_sample(p, &frame, 1, values, NULL, 0);
    ck_assert_int_eq(FILTER(.show_from = "inner"), 0);
    ck_assert_str_eq(stacks(), "inner");
    ck_assert_uint_eq(p->locations[frame].line_count, 1);
}
END_TEST

START_TEST(a_wrong_pattern_changes_nothing)
{
    ck_assert_int_eq(FILTER(.focus = "middle", .taghide = "("), -1);
    ck_assert_ptr_nonnull(strstr(why, "the pattern ( is wrong"));
    ck_assert_uint_eq(p->sample_count, 3);
    ck_assert_int_eq(FILTER(.focus = "middle", .tagfocus = "["), -1);
    ck_assert_int_eq(FILTER(.tagignore = "99999999999999999999:"), -1);
    ck_assert_ptr_nonnull(strstr(why, "is too large"));
    ck_assert_uint_eq(p->sample_count, 3);
}
END_TEST

/* --- Labels ------------------------------------------------------------- */

static const struct {
    const char *filter, *left;
} tags[] = {
    {"red", "a"},
    {"color:red", "a"},
    {"color=re.", "a"},
    {"shape=red", ""},
    {"red,round", "a"},
    {"blue,round", ""},
    {"color=red,blue", "a; b"},
    {"shape", "a"},
    {"64", ""}, /* 64 of no unit */
    {"64b", "a"},
    {"4kb", "b; d"},
    {"1kb:", "b; d"},
    {":1kb", "a"},
    {"1b:4096b", "a; b; d"},
    {"bytes=1kb:", "b"},
    {"size=4kb", "d"},
    {"-5:5", ""},
    {"5ms", ""},
    {"x5", ""},
};

START_TEST(labels_decide_which_samples_stay)
{
    struct wr_label a[] = {text_label("color", "red"),
                           text_label("shape", "round"),
                           number_label("bytes", 64, "bytes")};
    struct wr_label b[] = {text_label("color", "blue"),
                           number_label("bytes", 4096, "")};
    struct wr_label d = number_label("size", 4, "kilobytes");
    ck_assert_int_eq(FILTER(.focus = "nobody"), 0); /* none is left */
    label("a", a, 3);
    label("b", b, 2);
    label("c", NULL, 0);
    label("d", &d, 1);
    ck_assert_int_eq(FILTER(.tagfocus = tags[_i].filter), 0);
    ck_assert_str_eq(stacks(), tags[_i].left);
    ck_assert_uint_eq(unmatched,
                      *tags[_i].left ? 0 : (unsigned)WR_FILTER_TAGFOCUS);
}
END_TEST

START_TEST(tagignore_is_the_opposite_of_tagfocus)
{
    struct wr_label red = text_label("color", "red");
    label("a", &red, 1);
    ck_assert_int_eq(FILTER(.tagignore = "red"), 0);
    ck_assert_uint_eq(p->sample_count, 3);
}
END_TEST

START_TEST(labels_are_hidden_by_their_keys)
{
    struct wr_label two[] = {text_label("color", "red"),
                             number_label("size", 4, "")};
    label("a", two, 2);
    ck_assert_int_eq(FILTER(.taghide = "^col"), 0);
    ck_assert_uint_eq(p->samples[3].label_count, 1);
    ck_assert_int_eq(p->labels[p->samples[3].first_label].num, 4);
    ck_assert_int_eq(FILTER(.tagshow = "none"), 0);
    ck_assert_uint_eq(unmatched, WR_FILTER_TAGSHOW);
    ck_assert_uint_eq(p->samples[3].label_count, 0);
}
END_TEST

START_TEST(a_number_has_the_unit_of_its_key)
{
    struct wr_label numbers[] = {
        number_label("time", 1, ""), number_label("time", 2, "ms"),
        number_label("request", 3, ""), number_label("plain", 4, "")};
    label("a", numbers, 4);
    uint32_t *units = wr_label_units(p);
    ck_assert_str_eq(p->strings[units[numbers[0].key]], "ms");
    ck_assert_str_eq(p->strings[units[numbers[2].key]], "bytes");
    ck_assert_str_eq(p->strings[units[numbers[3].key]], "plain");
    free(units);
}
END_TEST

/* --- drop_frames -------------------------------------------------------- */

START_TEST(pruning_is_done_once)
{
    p->drop_frames = wr_profile_string(p, "leaf|middle");
    wr_filter_prune(p);
    ck_assert_str_eq(stacks(), "main; other<main; other<init");
    ck_assert_uint_eq(p->drop_frames, 0);
    wr_filter_prune(p);
    ck_assert_str_eq(stacks(), "main; other<main; other<init");
    ck_assert(wr_profile_check(p));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("analyse/filter");
    TCase *tests = tcase_create("filter");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, names_decide_which_frames_and_stacks_stay, 0,
                        sizeof names / sizeof *names);
    tcase_add_test(tests, a_filter_that_matches_nothing_is_told);
    tcase_add_test(tests, values_stay_with_their_samples);
    tcase_add_test(tests, lines_of_inlined_functions_are_hidden_one_by_one);
    tcase_add_test(tests, show_from_cuts_inside_inlined_functions);
    tcase_add_test(tests, a_wrong_pattern_changes_nothing);
    tcase_add_loop_test(tests, labels_decide_which_samples_stay, 0,
                        sizeof tags / sizeof *tags);
    tcase_add_test(tests, tagignore_is_the_opposite_of_tagfocus);
    tcase_add_test(tests, labels_are_hidden_by_their_keys);
    tcase_add_test(tests, a_number_has_the_unit_of_its_key);
    tcase_add_test(tests, pruning_is_done_once);
    suite_add_tcase(suite, tests);
    return unit_main(suite);
}
