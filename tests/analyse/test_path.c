/* Paths of source files. */
#include "unit.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "analyse/path.h"

static const struct {
    const char *path, *clean;
} paths[] = {
    {"a/b.c", "a/b.c"},
    {"a//b.c", "a/b.c"},
    {"./a.c", "a.c"},
    {"a/./b/../c.c", "a/c.c"},
    {"../a.c", "../a.c"},
    {"a/../../b", "../b"},
    {"../../x/..", "../.."},
    {"/a/../../b", "/b"},
    {"/", "/"},
    {"", "."},
    {".", "."},
    {"a/..", "."},
    {"/a/b/", "/a/b"},
    {"...", "..."},
    {"/..", "/"},
};

START_TEST(a_path_is_cleaned)
{
    char *clean = wr_path_clean(paths[_i].path);
    ck_assert_str_eq(clean, paths[_i].clean);
    free(clean);
}
END_TEST

static const struct {
    const char *path, *trim, *search, *rest;
} trims[] = {
    {"/build/x/a.c", NULL, NULL, "/build/x/a.c"},
    {"/build/x/a.c", "/build", NULL, "x/a.c"},
    {"/build/x/a.c", "/build/", NULL, "x/a.c"},
    {"/builder/a.c", "/build", NULL, "/builder/a.c"},
    {"/build/x/a.c", "/other:/build/x", NULL, "a.c"},
    {"/far/away/x/src/a.c", NULL, "/home/me/x", "src/a.c"},
    {"/far/away/x/src/a.c", NULL, "/home/y:/home/me/x/", "src/a.c"},
    {"/far/away/x/src/a.c", "/far", "/home/me/x", "away/x/src/a.c"},
    {"/proc/self/cwd/a.c", NULL, NULL, "a.c"},
    {"/proc/self/cwd/./a.c", NULL, NULL, "a.c"},
};

START_TEST(what_is_not_searched_for_is_cut_off)
{
    ck_assert_str_eq(
        wr_path_trim(trims[_i].path, trims[_i].trim, trims[_i].search),
        trims[_i].rest);
}
END_TEST

static char dir[] = "/tmp/weir-path-XXXXXX";

static void
setup(void)
{
    char path[80];
    strcpy(dir, "/tmp/weir-path-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/a/b", dir);
    ck_assert_int_eq(chdir(dir), 0);
    ck_assert_int_eq(mkdir("a", 0700), 0);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    fclose(fopen("a/x.c", "w"));
    ck_assert_int_eq(mkfifo("pipe.c", 0600), 0);
}

static void
teardown(void)
{
    unlink("a/x.c");
    unlink("pipe.c");
    rmdir("a/b");
    rmdir("a");
    rmdir(dir);
}

static bool
found(const char *path, const char *search, const char *trim)
{
    FILE *f = wr_path_open(path, search, trim);
    if (f)
        fclose(f);
    return f != NULL;
}

START_TEST(a_source_is_found_in_the_directories_and_above_them)
{
    char search[100];
    snprintf(search, sizeof search, "/nowhere:%s/a/b", dir);
    ck_assert(found("x.c", search, NULL));
    ck_assert(found("a/x.c", search, NULL));
    ck_assert(found("a/x.c", NULL, NULL));
    ck_assert(found("/made/elsewhere/a/x.c", dir, "/made/elsewhere"));
    ck_assert(!found("y.c", search, NULL));
    ck_assert_int_eq(errno, ENOENT);
}
END_TEST

START_TEST(an_absolute_path_is_taken_as_it_is)
{
    char path[100];
    snprintf(path, sizeof path, "%s/a/x.c", dir);
    ck_assert(found(path, NULL, NULL));
    ck_assert(found(path, "/nowhere", NULL));
    ck_assert(!found("/no/such/file.c", NULL, NULL));
}
END_TEST

START_TEST(what_is_no_plain_file_is_not_read)
{
    ck_assert(!found("/dev/zero", NULL, NULL));
    ck_assert(!found("pipe.c", dir, NULL)); /* nor waited for */
    ck_assert(!found("a", dir, NULL));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("analyse/path");
    TCase *tests = tcase_create("path");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, a_path_is_cleaned, 0,
                        sizeof paths / sizeof *paths);
    tcase_add_loop_test(tests, what_is_not_searched_for_is_cut_off, 0,
                        sizeof trims / sizeof *trims);
    tcase_add_test(tests, a_source_is_found_in_the_directories_and_above_them);
    tcase_add_test(tests, an_absolute_path_is_taken_as_it_is);
    tcase_add_test(tests, what_is_no_plain_file_is_not_read);
    suite_add_tcase(suite, tests);
    return unit_main(suite);
}
