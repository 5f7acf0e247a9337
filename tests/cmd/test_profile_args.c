/* Arguments of the commands that read profiles: how options are written, and
 * what is opened. */
#include "cmd/talk.h"

#include "analyse/maker.h"
#include "weir/profile_args.h"

static struct wr_profile_args a;
static struct wr_opened o;
static char why[WR_ARGS_WHY];
static const char *out_file;
static bool folded;

static const struct wr_own_option own[] = {
    {.name = "out_file", .letter = 'o', .text = &out_file},
    {.name = "folded", .flag = &folded},
    {.name = NULL}};

/* Parse the words, as many as there are up to NULL. */
static int
parse_all(const char *const *words)
{
    char *argv[20] = {(char *)"top"};
    int argc = 1;
    while (words[argc - 1]) {
        argv[argc] = (char *)words[argc - 1];
        argc++;
    }
    out_file = NULL;
    folded = false;
    return wr_profile_args_parse(&a, "top", own, argc, argv);
}

#define PARSE(...) parse_all((const char *const[]){__VA_ARGS__, NULL})

/* What it says on stderr does not matter here. */
static int
refused(const char *const *words)
{
    int kept = dup(STDERR_FILENO), nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, STDERR_FILENO);
    int status = parse_all(words);
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(nowhere);
    return status;
}

static const char *
save(const char *name, const char *site, int64_t bytes)
{
    struct wr_profile *p = maker_heap();
    unsigned char *encoded;
    size_t n;
    maker_sample(p, STACK(site, "main"), 1, bytes);
    ck_assert_int_eq(wr_profile_encode(p, true, &encoded, &n, why, sizeof why),
                     0);
    static char paths[4][128]; /* for calls with several in a row */
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s", write_scratch(name, encoded, n));
    free(encoded);
    wr_profile_free(p);
    return path;
}

/* --- Options ------------------------------------------------------------ */

START_TEST(an_option_may_be_written_in_pprofs_ways)
{
    const char *const ways[][3] = {{"-focus=x", NULL},
                                   {"--focus=x", NULL},
                                   {"-focus", "x", NULL},
                                   {"--focus", "x"},
                                   {"-focus=x", NULL}};
    ck_assert_int_eq(parse_all(ways[_i]), 0);
    ck_assert_str_eq(a.filter.focus, "x");
    ck_assert_uint_eq(a.word_count, 0);
}
END_TEST

START_TEST(names_may_have_either_dash)
{
    ck_assert_int_eq(PARSE("-sample-index=alloc_space", "--show_from", "f",
                           "-trim-path", "/a"),
                     0);
    ck_assert_str_eq(a.type, "alloc_space");
    ck_assert_str_eq(a.filter.show_from, "f");
    ck_assert_str_eq(a.options.trim_path, "/a");
}
END_TEST

START_TEST(words_and_options_may_be_mixed)
{
    ck_assert_int_eq(PARSE("one", "-cum", "two", "--", "-three", "-"), 0);
    ck_assert(a.options.cum);
    ck_assert_uint_eq(a.word_count, 4);
    ck_assert_str_eq(a.words[1], "two");
    ck_assert_str_eq(a.words[2], "-three");
}
END_TEST

START_TEST(switches_may_be_said_to_be_off)
{
    ck_assert_int_eq(PARSE("-cum", "-noinlines=true", "-trim=false"), 0);
    ck_assert(a.options.cum && a.options.no_inlines && a.options.untrimmed);
    ck_assert_int_eq(PARSE("-cum", "-cum=false", "-trim"), 0);
    ck_assert(!a.options.cum && !a.options.untrimmed);
    ck_assert_int_eq(PARSE("-cum", "-flat"), 0);
    ck_assert(!a.options.cum);
    ck_assert_int_eq(PARSE("-sort=cum", "-granularity=lines"), 0);
    ck_assert(a.options.cum);
    ck_assert_int_eq(a.options.granularity, WR_BY_LINES);
}
END_TEST

START_TEST(short_forms_stand_for_values)
{
    ck_assert_int_eq(PARSE("-alloc_space", "-files", "-n", "7", "-c"), 0);
    ck_assert_str_eq(a.type, "alloc_space");
    ck_assert_int_eq(a.options.granularity, WR_BY_FILES);
    ck_assert_int_eq(a.options.node_count, 7);
    ck_assert(a.options.cum);
}
END_TEST

START_TEST(unless_said_all_is_as_in_pprof)
{
    ck_assert_int_eq(PARSE("file"), 0);
    ck_assert_int_eq(a.options.node_count, -1);
    ck_assert_double_eq(a.options.node_fraction, 0.005);
    ck_assert_str_eq(a.options.unit, "minimum");
    ck_assert(a.symbolise && !a.options.cum && a.base_count == 0);
}
END_TEST

START_TEST(numbers_are_read)
{
    ck_assert_int_eq(PARSE("-nodefraction=0.25", "-divide_by", "1e3",
                           "-edgefraction=0", "-symbolize=none"),
                     0);
    ck_assert_double_eq(a.options.node_fraction, 0.25);
    ck_assert_double_eq(a.options.divide_by, 1000);
    ck_assert(!a.symbolise);
}
END_TEST

START_TEST(a_command_has_options_of_its_own)
{
    ck_assert_int_eq(PARSE("-o", "f", "--folded", "-focus=x"), 0);
    ck_assert_str_eq(out_file, "f");
    ck_assert(folded);
    ck_assert_int_eq(PARSE("--out-file=g", "-folded=false"), 0);
    ck_assert_str_eq(out_file, "g");
    ck_assert(!folded);
}
END_TEST

static const char *const wrong[][3] = {
    {"-focus"},           {"-nonsense"},       {"-n", "many"},
    {"-n=1.5"},           {"-n=-2"},           {"-n=99999999999"},
    {"-divide_by=0"},     {"-nodefraction=x"}, {"-nodefraction=-1"},
    {"-cum=perhaps"},     {"-sort=name"},      {"-granularity=words"},
    {"-lines=perhaps"},   {"-folded=perhaps"}, {"-o"},
    {"-nodefraction=nan"}};

START_TEST(wrong_options_are_wrong_usage)
{
    ck_assert_int_eq(refused(wrong[_i]), WR_EXIT_USAGE + 1);
}
END_TEST

/* --- Opening ------------------------------------------------------------ */

static int
open_all(void)
{
    return wr_profile_args_open(&a, a.words, a.word_count, &o, why, sizeof why);
}

START_TEST(several_profiles_are_added_up)
{
    PARSE(save("one", "site", 100), save("two", "site", 20));
    ck_assert_int_eq(open_all(), 0);
    ck_assert_int_eq(o.analysis.total, 120);
    ck_assert_uint_eq(o.profile->sample_count, 1);
    wr_opened_close(&o);
}
END_TEST

START_TEST(a_base_is_taken_off)
{
    PARSE("-base", save("before", "site", 100), save("after", "site", 130));
    ck_assert_int_eq(open_all(), 0);
    ck_assert_int_eq(wr_profile_total(o.profile, 3), 30);
    ck_assert_int_eq(o.analysis.total, 30);
    ck_assert_ptr_null(o.base);
    wr_opened_close(&o);
}
END_TEST

START_TEST(percentages_may_be_of_the_base)
{
    PARSE("-diff_base", save("before", "site", 100),
          save("after", "site", 130));
    ck_assert_int_eq(open_all(), 0);
    ck_assert_int_eq(o.analysis.total, 100);
    wr_opened_close(&o);
}
END_TEST

START_TEST(a_base_may_be_kept_by_itself)
{
    PARSE("-base", save("before", "site", 100), save("after", "other", 130),
          "-focus=site");
    a.keep_base = true;
    ck_assert_int_eq(open_all(), 0);
    ck_assert_int_eq(wr_profile_total(o.base, 3), 100);
    ck_assert_uint_eq(o.profile->sample_count, 0);
    wr_opened_close(&o);
}
END_TEST

START_TEST(filters_are_applied_after_the_total)
{
    PARSE("-focus=site", save("one", "site", 100), save("two", "other", 20));
    ck_assert_int_eq(open_all(), 0);
    ck_assert_int_eq(o.analysis.total, 120);
    ck_assert_int_eq(wr_profile_total(o.profile, 3), 100);
    wr_opened_close(&o);
}
END_TEST

START_TEST(what_cannot_be_opened_is_named)
{
    const char *good = save("one", "site", 100);
    PARSE(good, "/no/such/file");
    ck_assert_int_eq(open_all(), -1);
    ck_assert_ptr_nonnull(strstr(why, "/no/such/file"));
    PARSE("-base=/no/base", good);
    ck_assert_int_eq(open_all(), -1);
    ck_assert_ptr_nonnull(strstr(why, "/no/base"));
    PARSE("-focus=(", good);
    ck_assert_int_eq(open_all(), -1);
    ck_assert_ptr_nonnull(strstr(why, "a parenthesis is not closed"));
    PARSE("-i", "cpu", good);
    ck_assert_int_eq(open_all(), -1);
    ck_assert_ptr_nonnull(strstr(why, "no sample type \"cpu\""));
}
END_TEST

/* --- Commands ----------------------------------------------------------- */

static const struct {
    int (*run)(int argc, char **argv);
    const char *name, *pattern, *says;
} views[] = {
    {wr_cmd_top, "top", NULL, "100% of 100B total"},
    {wr_cmd_tree, "tree", NULL, "100B   100% |   main"},
    {wr_cmd_peek, "peek", "site", "| site"},
    {wr_cmd_list, "list", "site", "site in prog.c"},
    {wr_cmd_traces, "traces", NULL, "      100B   site\n             main\n"},
    {wr_cmd_tags, "tags", NULL, ""},
    {wr_cmd_raw, "raw", NULL, "1        100          1        100: 1 2"},
};

START_TEST(each_view_of_a_profile_is_printed)
{
    const char *path = save("profile", "site", 100);
    const char *first = views[_i].pattern ? views[_i].pattern : "-cum";
    ck_assert_int_eq(talk(views[_i].run, views[_i].name, first, path), 0);
    assert_out(views[_i].says);
    ck_assert_str_eq(said.err, "");
    ck_assert_int_eq(talk(views[_i].run, views[_i].name, first, "/no/file"), 1);
    assert_err("/no/file");
    ck_assert_str_eq(said.out, "");
}
END_TEST

START_TEST(top_is_printed_as_json)
{
    const char *path = save("profile", "say \"site\"", 100);
    ck_assert_int_eq(talk(wr_cmd_top, "top", "--json", "-lines", path), 0);
    ck_assert_str_eq(
        said.out,
        "{\"v\":1,\"type\":\"inuse_space\",\"unit\":\"bytes\",\"total\":100,"
        "\"sites\":2,\"rows\":[\n"
        "{\"name\":\"say \\\"site\\\" prog.c:10\",\"function\":\"say "
        "\\\"site\\\"\",\"file\":\"prog.c\",\"line\":10,\"inlined\":\"no\","
        "\"flat\":100,\"cum\":100},\n"
        "{\"name\":\"main prog.c:10\",\"function\":\"main\",\"file\":"
        "\"prog.c\",\"line\":10,\"inlined\":\"no\",\"flat\":0,\"cum\":100}\n"
        "]}\n");
    ck_assert_int_eq(talk(wr_cmd_tree, "tree", "--json", path), WR_EXIT_USAGE);
}
END_TEST

START_TEST(a_filter_that_matches_nothing_is_told_once)
{
    const char *path = save("profile", "site", 100);
    ck_assert_int_eq(talk(wr_cmd_top, "top", "-focus=nobody", path), 0);
    ck_assert_str_eq(said.err,
                     "weir: top: -focus matches nothing in this profile\n");
}
END_TEST

START_TEST(views_of_functions_need_a_pattern)
{
    ck_assert_int_eq(talk(wr_cmd_peek, "peek"), WR_EXIT_USAGE);
    assert_err("say which functions");
    const char *path = save("profile", "site", 100);
    ck_assert_int_eq(talk(wr_cmd_list, "list", "nobody", path), 1);
    assert_err("no function matches nobody");
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("profile_args");
    tcase_add_checked_fixture(t, talk_setup, talk_teardown);
    tcase_add_loop_test(t, an_option_may_be_written_in_pprofs_ways, 0, 5);
    tcase_add_test(t, names_may_have_either_dash);
    tcase_add_test(t, words_and_options_may_be_mixed);
    tcase_add_test(t, switches_may_be_said_to_be_off);
    tcase_add_test(t, short_forms_stand_for_values);
    tcase_add_test(t, unless_said_all_is_as_in_pprof);
    tcase_add_test(t, numbers_are_read);
    tcase_add_test(t, a_command_has_options_of_its_own);
    tcase_add_loop_test(t, wrong_options_are_wrong_usage, 0,
                        sizeof wrong / sizeof *wrong);
    tcase_add_test(t, several_profiles_are_added_up);
    tcase_add_test(t, a_base_is_taken_off);
    tcase_add_test(t, percentages_may_be_of_the_base);
    tcase_add_test(t, a_base_may_be_kept_by_itself);
    tcase_add_test(t, filters_are_applied_after_the_total);
    tcase_add_test(t, what_cannot_be_opened_is_named);
    tcase_add_loop_test(t, each_view_of_a_profile_is_printed, 0,
                        sizeof views / sizeof *views);
    tcase_add_test(t, top_is_printed_as_json);
    tcase_add_test(t, a_filter_that_matches_nothing_is_told_once);
    tcase_add_test(t, views_of_functions_need_a_pattern);
    Suite *s = suite_create("cmd/profile_args");
    suite_add_tcase(s, t);
    return unit_main(s);
}
