/* Lists of leaks: reading, sharing among sites, suppressing, printing. */
#include "unit.h"

#include "analyse/leak_report.h"
#include "analyse/leak_site.h"
#include "analyse/leaks.h"
#include "analyse/profile.h"
#include "analyse/suppress.h"
#include "serve/scratch.h"

static char why[WR_WHY];
static struct {
    struct wr_leaks_header header;
    struct wr_leak records[8];
} file;

static void
begin(void)
{
    setup();
    memset(&file, 0, sizeof file);
    file.header.about.magic = WR_LEAKS_MAGIC;
    file.header.about.version = WR_LEAKS_VERSION;
    file.header.about.header_bytes = sizeof file.header;
    file.header.about.record_bytes = sizeof file.records[0];
    file.header.about.trust = WR_TRUST_PROVED;
    file.header.about.pid = 42;
}

static FILE *
list_file(size_t records, size_t cut)
{
    FILE *f = tmpfile();

    ck_assert_ptr_nonnull(f);
    file.header.records = records;
    fwrite(&file, sizeof file.header + records * sizeof file.records[0] - cut,
           1, f);
    rewind(f);
    return f;
}

static int
read_list(struct wr_leaks *l, FILE *in)
{
    int rc = wr_leaks_read(l, in, why, sizeof why);

    fclose(in);
    return rc;
}

static void
refuse(FILE *in, const char *sentence)
{
    struct wr_leaks l;

    ck_assert_int_eq(read_list(&l, in), -1);
    ck_assert_msg(strstr(why, sentence) != NULL, "%s", why);
}

START_TEST(a_list_is_read_as_it_was_written)
{
    struct wr_leaks l;

    file.header.direct = (struct wr_leaks_count){2, 96};
    file.header.indirect = (struct wr_leaks_count){1, 64};
    file.records[1] = (struct wr_leak){.address = 0x1000, .bytes = 32};
    ck_assert_int_eq(read_list(&l, list_file(2, 0)), 0);
    ck_assert_uint_eq(l.header.about.pid, 42);
    ck_assert_uint_eq(l.records[1].address, 0x1000);
    ck_assert_uint_eq(wr_leaks_total(&l).blocks, 3);
    ck_assert_uint_eq(wr_leaks_total(&l).bytes, 160);
    wr_leaks_fini(&l);
}
END_TEST

START_TEST(damaged_lists_are_refused_with_a_sentence)
{
    refuse(list_file(2, 8), "cut off");
    refuse(list_file(0, 8), "too short");
    file.header.about.magic++;
    refuse(list_file(1, 0), "no list of leaks");
    file.header.about.magic--;
    file.header.about.version++;
    refuse(list_file(1, 0), "another version");
    file.header.about.version--;
    file.header.about.record_bytes++;
    refuse(list_file(1, 0), "another version");
    file.header.about.record_bytes--;
    FILE *many = list_file(1, 0);
    file.header.records = WR_LEAKS_MOST + 1;
    fwrite(&file.header, sizeof file.header, 1, many);
    rewind(many);
    refuse(many, "damaged");
}
END_TEST

/* --- Suppressions -------------------------------------------------------- */

static struct wr_suppressions known;

static void
read_suppressions(const char *text)
{
    char path[200];

    scratch_file("supp", text);
    snprintf(path, sizeof path, "%s/supp", dir);
    ck_assert_msg(wr_suppress_read(&known, path, why, sizeof why) == 0, "%s",
                  why);
}

/* Does a leak with that function, file and module stay? */
static bool
stays(const char *function, const char *file_name, const char *module)
{
    struct wr_profile *p = wr_profile_new();
    struct wr_mapping m = {.file = wr_profile_string(p, module)};
    struct wr_function f = {.name = wr_profile_string(p, function),
                            .file = wr_profile_string(p, file_name)};
    struct wr_line line = {.line = 1};
    int64_t values[2] = {3, 48};

    wr_profile_add_type(p, "leaked_objects", "count");
    wr_profile_add_type(p, "leaked_space", "bytes");
    line.function = wr_profile_function(p, &f);
    uint32_t at =
        wr_profile_location(p, wr_profile_mapping(p, &m), 0, &line, 1);
    wr_profile_sample(p, &at, 1, values, NULL, 0);
    ck_assert_int_eq(wr_suppress_apply(&known, p, why, sizeof why), 0);
    bool there = p->sample_count == 1;
    ck_assert_int_eq(wr_profile_total(p, 0), there ? 3 : 0);
    wr_profile_free(p);
    return there;
}

START_TEST(suppressions_are_parts_of_names_with_stars_and_ends)
{
    read_suppressions("# known\n"
                      "leak:gtk_\n"
                      "  leak:^main$ \n"
                      "\n"
                      "leak:lib*.so.1\n"
                      "leak:operator[]\n");
    ck_assert(!stays("my_gtk_init", "a.c", "prog"));
    ck_assert(!stays("main", "a.c", "prog"));
    ck_assert(stays("main2", "a.c", "prog"));
    ck_assert(!stays("f", "a.c", "/usr/lib/libx.so.1"));
    ck_assert(stays("f", "a.c", "/usr/lib/libxyso1"));
    ck_assert(!stays("f", "src/gtk_tree.c", "prog"));
    ck_assert(!stays("T::operator[](int)", "", "prog"));
    ck_assert(stays("known", "", ""));
    wr_suppress_fini(&known);
}
END_TEST

START_TEST(what_is_suppressed_counts_for_the_first_that_matches)
{
    read_suppressions("leak:one\nleak:two\n");
    ck_assert(!stays("two", "one.c", ""));
    ck_assert(!stays("two", "", ""));
    ck_assert(!stays("two", "", ""));
    ck_assert(stays("three", "", ""));
    ck_assert_str_eq(known.list[0].text, "one");
    ck_assert_uint_eq(known.list[0].blocks, 3);
    ck_assert_uint_eq(known.list[1].blocks, 6);
    ck_assert_uint_eq(known.list[1].bytes, 96);
    wr_suppress_fini(&known);
}
END_TEST

START_TEST(a_file_without_suppressions_suppresses_nothing)
{
    read_suppressions("# none\n\n");
    ck_assert_uint_eq(known.count, 0);
    ck_assert(stays("none", "none", "none"));
    wr_suppress_fini(&known);
}
END_TEST

START_TEST(other_lines_are_refused_with_their_number)
{
    char path[200];

    scratch_file("supp", "leak:x\nrace:y\n");
    snprintf(path, sizeof path, "%s/supp", dir);
    ck_assert_int_eq(wr_suppress_read(&known, path, why, sizeof why), -1);
    ck_assert_ptr_nonnull(strstr(why, "supp:2: a suppression is like"));
    scratch_file("supp", "leak:\n");
    ck_assert_int_eq(wr_suppress_read(&known, path, why, sizeof why), -1);
    ck_assert_int_eq(wr_suppress_read(&known, "/nowhere/supp", why, sizeof why),
                     -1);
    ck_assert_uint_eq(known.count, 0);
}
END_TEST

/* --- Guesses and JUnit --------------------------------------------------- */

/* A sample of blocks of that size by a function. */
static void
add_blocks(struct wr_profile *p, const char *name, int64_t blocks,
           int64_t bytes)
{
    struct wr_function f = {.name = wr_profile_string(p, name)};
    struct wr_line line = {.function = wr_profile_function(p, &f)};
    struct wr_label label = {.key = wr_profile_string(p, "bytes"),
                             .num = bytes};
    int64_t values[2] = {blocks, blocks * bytes};
    uint32_t at = wr_profile_location(p, WR_NONE, line.function, &line, 1);

    wr_profile_sample(p, &at, 1, values, &label, 1);
}

static struct wr_profile *
new_profile(const char *objects, const char *space)
{
    struct wr_profile *p = wr_profile_new();

    wr_profile_add_type(p, objects, "count");
    wr_profile_add_type(p, space, "bytes");
    return p;
}

static const char *
innermost(const struct wr_profile *p, const struct wr_leak_site *s)
{
    uint32_t at = p->frames[p->samples[s->sample].first_frame];

    return p->strings
        [p->functions[p->lines[p->locations[at].first_line].function].name];
}

START_TEST(a_guess_is_who_has_most_blocks_of_the_size)
{
    struct wr_profile *p = new_profile("inuse_objects", "inuse_space");
    struct wr_leak_guess g[2];

    add_blocks(p, "few", 10, 64);
    add_blocks(p, "most", 60, 64);
    add_blocks(p, "none left", 0, 64);
    add_blocks(p, "of another size", 1000, 80);
    add_blocks(p, "many", 30, 64);
    ck_assert_uint_eq(wr_leak_guess(p, 64, g, 2), 2);
    ck_assert_str_eq(innermost(p, &g[0].site), "most");
    ck_assert_str_eq(innermost(p, &g[1].site), "many");
    ck_assert_double_eq_tol(g[0].share, 0.6, 1e-9);
    ck_assert_double_eq_tol(g[1].share, 0.3, 1e-9);
    ck_assert_uint_eq(wr_leak_guess(p, 96, g, 2), 0);
    wr_profile_free(p);
}
END_TEST

START_TEST(only_a_site_that_says_so_is_unsampled)
{
    struct wr_profile *p = new_profile("leaked_objects", "leaked_space");

    add_blocks(p, "parse", 1, 64);
    ck_assert(!wr_leak_any_unsampled(p));
    add_blocks(p, "[not sampled: 80-byte blocks]", 1, 80);
    ck_assert(wr_leak_any_unsampled(p));
    ck_assert(!wr_leak_is_unsampled(p, &(struct wr_leak_site){.sample = 0}));
    ck_assert_int_eq(
        wr_leak_block_bytes(p, &(struct wr_leak_site){.sample = 1}), 80);
    wr_profile_free(p);
}
END_TEST

static char *
junit_of(const struct wr_profile *p, uint32_t trust)
{
    struct wr_leaks l = {.header = file.header};
    struct wr_leak_report r = {.leaks = &l, .profile = p, .program = "a<b>"};
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);

    l.header.about.trust = trust;
    ck_assert_int_eq(wr_leak_reports_junit(&r, 1, out), 0);
    fclose(out);
    return text;
}

START_TEST(junit_has_a_failed_test_for_each_site)
{
    struct wr_profile *p = new_profile("leaked_objects", "leaked_space");
    char *text = junit_of(p, WR_TRUST_PROVED);

    ck_assert_ptr_nonnull(
        strstr(text, "tests=\"1\" failures=\"0\" errors=\"0\""));
    ck_assert_ptr_nonnull(
        strstr(text, "classname=\"weir.leaks.a&lt;b&gt;\" name=\"no leak\"/>"));
    free(text);
    text = junit_of(p, WR_TRUST_BLIND);
    ck_assert_ptr_nonnull(strstr(text, "errors=\"1\""));
    ck_assert_ptr_nonnull(strstr(text, "<error message="));
    free(text);
    add_blocks(p, "operator<", 2, 64);
    add_blocks(p, "parse", 3, 80);
    text = junit_of(p, WR_TRUST_PROVED);
    ck_assert_ptr_nonnull(strstr(text, "tests=\"2\" failures=\"2\""));
    ck_assert_ptr_nonnull(
        strstr(text, "name=\"operator&lt;: 64-byte blocks\""));
    ck_assert_ptr_nonnull(strstr(text, "240B leaked in 3 blocks"));
    free(text);
    wr_profile_free(p);
}
END_TEST

START_TEST(ages_are_told_where_they_are_known)
{
    struct wr_leaks l = {.header = file.header};
    struct wr_leak_report r = {.leaks = &l, .start_ns = 1000};
    struct wr_leak leak = {.born_ns = 300};

    l.header.about.taken_ns = 5000;
    ck_assert_uint_eq(wr_leak_age(&r, &leak), 3700);
    leak.born_ns = 0;
    ck_assert_uint_eq(wr_leak_age(&r, &leak), 0);
    leak.born_ns = 300;
    l.header.about.taken_ns = 1200; /* the clock was set back */
    ck_assert_uint_eq(wr_leak_age(&r, &leak), 0);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("analyse/leaks");
    TCase *t = tcase_create("leaks");

    tcase_add_checked_fixture(t, begin, teardown);
    tcase_add_test(t, a_list_is_read_as_it_was_written);
    tcase_add_test(t, damaged_lists_are_refused_with_a_sentence);
    tcase_add_test(t, suppressions_are_parts_of_names_with_stars_and_ends);
    tcase_add_test(t, what_is_suppressed_counts_for_the_first_that_matches);
    tcase_add_test(t, a_guess_is_who_has_most_blocks_of_the_size);
    tcase_add_test(t, only_a_site_that_says_so_is_unsampled);
    tcase_add_test(t, junit_has_a_failed_test_for_each_site);
    tcase_add_test(t, ages_are_told_where_they_are_known);
    tcase_add_test(t, a_file_without_suppressions_suppresses_nothing);
    tcase_add_test(t, other_lines_are_refused_with_their_number);
    suite_add_tcase(s, t);
    return unit_main(s);
}
