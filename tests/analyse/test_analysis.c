/* Reports, as text. That they are pprof's is what reports.sh proves; here is
 * what they do where pprof has nothing to compare with. */
#include "analyse/analysis.h"
#include "analyse/maker.h"

static struct wr_profile *p;
static struct wr_analysis a;
static struct wr_analysis_options o;
static struct wr_filter filter;
static char why[WR_WHY], *text;

static void
setup(void)
{
    p = maker_heap();
    o = (struct wr_analysis_options)WR_ANALYSIS_DEFAULTS;
    filter = (struct wr_filter){.focus = NULL};
    text = NULL;
    maker_sample(p, STACK("leaf", "main"), 1, 3 << 20);
    maker_sample(p, STACK("small", "main"), 1, 1 << 14);
}

static void
teardown(void)
{
    free(text);
    wr_profile_free(p);
}

typedef int (*printer)(const struct wr_analysis *a, FILE *out, char *why,
                       size_t n);

static int
print(printer report)
{
    size_t n;
    free(text);
    FILE *f = open_memstream(&text, &n);
    ck_assert_int_eq(wr_analysis_begin(&a, p, 3, &filter, &o, why, sizeof why),
                     0);
    int status = report(&a, f, why, sizeof why);
    wr_analysis_end(&a);
    fclose(f);
    return status;
}

static void
assert_says(const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "no \"%s\" in:\n%s", part, text);
}

START_TEST(the_table_of_top_is_pprofs)
{
    ck_assert_int_eq(print(wr_analysis_top), 0);
    ck_assert_str_eq(
        text, "File: prog\n"
              "Build ID: ab\n"
              "Type: inuse_space\n"
              "Showing nodes accounting for 3.02MB, 100% of 3.02MB total\n"
              "      flat  flat%   sum%        cum   cum%\n"
              "       3MB 99.48% 99.48%        3MB 99.48%  leaf\n"
              "    0.02MB  0.52%   100%     0.02MB  0.52%  small\n"
              "         0     0%   100%     3.02MB   100%  main\n");
}
END_TEST

START_TEST(an_empty_profile_has_an_empty_table)
{
    wr_profile_free(p);
    p = maker_heap();
    ck_assert_int_eq(print(wr_analysis_top), 0);
    assert_says("Showing nodes accounting for 0, 0% of 0 total\n");
    ck_assert_int_eq(print(wr_analysis_traces), 0);
    ck_assert_int_eq(print(wr_analysis_tags), 0);
    ck_assert_str_eq(text, "");
    ck_assert_int_eq(print(wr_analysis_raw), 0);
    assert_says("Samples:\nalloc_objects/count ");
}
END_TEST

START_TEST(percentages_are_of_all_or_of_what_is_left)
{
    filter.focus = "small";
    ck_assert_int_eq(print(wr_analysis_top), 0);
    assert_says("Active filters:\n   focus=small\n");
    assert_says("0.52% of 3.02MB total");
    wr_profile_free(p);
    p = maker_heap();
    maker_sample(p, STACK("leaf", "main"), 1, 3 << 20);
    maker_sample(p, STACK("small", "main"), 1, 1 << 14);
    o.relative = true;
    ck_assert_int_eq(print(wr_analysis_top), 0);
    assert_says("100% of 16kB total");
}
END_TEST

START_TEST(a_comment_is_shown_unless_it_is_hidden)
{
    wr_profile_comment(p, "from the office");
    wr_profile_comment(p, "# for machines");
    p->doc_url = wr_profile_string(p, "https://example.org/doc");
    ck_assert_int_eq(print(wr_analysis_top), 0);
    assert_says("from the office\n");
    assert_says("Doc: https://example.org/doc\n");
    ck_assert_ptr_null(strstr(text, "for machines"));
}
END_TEST

/* --- Types -------------------------------------------------------------- */

static const struct {
    const char *name;
    uint32_t type;
} types[] = {{NULL, 3},          {"", 3},  {"alloc_space", 1},
             {"inuse_space", 3}, {"0", 0}, {"3", 3}};

START_TEST(a_type_is_named_or_numbered)
{
    uint32_t type;
    ck_assert_int_eq(
        wr_analysis_type(p, types[_i].name, &type, why, sizeof why), 0);
    ck_assert_uint_eq(type, types[_i].type);
}
END_TEST

START_TEST(inuse_is_understood_where_it_is_not_said)
{
    struct wr_profile *old = wr_profile_new();
    uint32_t type;
    wr_profile_add_type(old, "objects", "count");
    wr_profile_add_type(old, "space", "bytes");
    ck_assert_int_eq(
        wr_analysis_type(old, "inuse_objects", &type, why, sizeof why), 0);
    ck_assert_uint_eq(type, 0);
    wr_profile_free(old);
}
END_TEST

START_TEST(an_unknown_type_is_told_with_those_there_are)
{
    const char *const wrong[] = {"cpu", "4", "99999999999", "inuse_", "-1"};
    uint32_t type;
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(wr_analysis_type(p, wrong[i], &type, why, sizeof why),
                         -1);
        ck_assert_ptr_nonnull(strstr(why, wrong[i]));
        ck_assert_ptr_nonnull(strstr(why, "alloc_space inuse_objects"));
    }
}
END_TEST

/* --- Functions that match ----------------------------------------------- */

static const char *pattern;

static int
print_peek(const struct wr_analysis *x, FILE *out, char *reason, size_t n)
{
    return wr_analysis_tree(x, pattern, out, reason, n);
}

static int
print_list(const struct wr_analysis *x, FILE *out, char *reason, size_t n)
{
    return wr_analysis_list(x, pattern, out, reason, n);
}

START_TEST(peek_shows_a_small_function_with_its_callers)
{
    pattern = "^small$";
    o.node_fraction = 0.5;
    ck_assert_int_eq(print(print_peek), 0);
    assert_says("| small\n");
    assert_says("0.02MB   100% |   main\n");
    ck_assert_ptr_null(strstr(text, "leaf"));
}
END_TEST

START_TEST(nothing_that_matches_is_a_failure)
{
    pattern = "nobody";
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(print(i ? print_list : print_peek), -1);
        ck_assert_str_eq(why, "no function matches nobody");
        ck_assert_str_eq(text, "");
    }
    pattern = "(";
    ck_assert_int_eq(print(print_list), -1);
    ck_assert_ptr_nonnull(strstr(why, "is wrong"));
}
END_TEST

START_TEST(list_shows_lines_and_their_bytes)
{
    char dir[] = "/tmp/weir-list-XXXXXX", path[64];
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/prog.c", dir);
    FILE *f = fopen(path, "w");
    for (int i = 1; i <= 30; i++)
        fprintf(f, "line %d\r\n", i);
    fclose(f);
    pattern = "leaf|main";
    o.source_path = dir;
    ck_assert_int_eq(print(print_list), 0);
    assert_says("Total: 3.02MB\n"
                "ROUTINE ======================== leaf in prog.c\n"
                "       3MB        3MB (flat, cum) 99.48% of Total\n"
                "         .          .      5:line 5\n");
    assert_says("       3MB        3MB     10:line 10\n");
    assert_says("     15:line 15\nROUTINE ======================== main in");
    unlink(path);
    ck_assert_int_eq(print(print_list), 0);
    assert_says(" Error: cannot open prog.c: No such file or directory\n");
    rmdir(dir);
}
END_TEST

START_TEST(a_function_without_a_file_is_told)
{
    struct wr_function f = {.name = wr_profile_string(p, "lost")};
    struct wr_line l = {wr_profile_function(p, &f), 3, 0};
    uint32_t frame = wr_profile_location(p, WR_NONE, 1, &l, 1);
    wr_profile_sample(p, &frame, 1, (int64_t[]){1, 5, 1, 5}, NULL, 0);
    pattern = "lost";
    ck_assert_int_eq(print(print_list), 0);
    assert_says("No source information for lost\n");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("analyse/analysis");
    TCase *tests = tcase_create("analysis");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, the_table_of_top_is_pprofs);
    tcase_add_test(tests, an_empty_profile_has_an_empty_table);
    tcase_add_test(tests, percentages_are_of_all_or_of_what_is_left);
    tcase_add_test(tests, a_comment_is_shown_unless_it_is_hidden);
    tcase_add_loop_test(tests, a_type_is_named_or_numbered, 0,
                        sizeof types / sizeof *types);
    tcase_add_test(tests, inuse_is_understood_where_it_is_not_said);
    tcase_add_test(tests, an_unknown_type_is_told_with_those_there_are);
    tcase_add_test(tests, peek_shows_a_small_function_with_its_callers);
    tcase_add_test(tests, nothing_that_matches_is_a_failure);
    tcase_add_test(tests, list_shows_lines_and_their_bytes);
    tcase_add_test(tests, a_function_without_a_file_is_told);
    suite_add_tcase(suite, tests);
    return unit_main(suite);
}
