/* Maps of code made at run time: this process has one. */
#include "analyse/perf_map.h"
#include "unit.h"

#include <fcntl.h>
#include <sys/stat.h>

static char path[64];
static struct wr_perf_map *m;

static void
setup(void)
{
    snprintf(path, sizeof path, "/tmp/perf-%d.map", (int)getpid());
    unlink(path);
    m = NULL;
}

static void
teardown(void)
{
    wr_perf_map_free(m);
    unlink(path);
}

static void
map_is(const char *text)
{
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
    wr_perf_map_free(m);
    m = wr_perf_map_open((int)getpid());
    ck_assert_ptr_nonnull(m);
}

START_TEST(a_function_has_its_first_to_its_last_byte)
{
    map_is("7f0000001000 20 add\n"
           "7f0000002000 100 LazyCompile:~sum /srv/app.js:10:5\n");
    ck_assert_str_eq(wr_perf_map_name(m, 0x7f0000001000), "add");
    ck_assert_str_eq(wr_perf_map_name(m, 0x7f000000101f), "add");
    ck_assert_ptr_null(wr_perf_map_name(m, 0x7f0000001020));
    ck_assert_ptr_null(wr_perf_map_name(m, 0x7f0000000fff));
    ck_assert_ptr_null(wr_perf_map_name(m, 0));
    ck_assert_ptr_null(wr_perf_map_name(m, UINT64_MAX));
    ck_assert_str_eq(wr_perf_map_name(m, 0x7f0000002010),
                     "LazyCompile:~sum /srv/app.js:10:5");
}
END_TEST

START_TEST(what_was_compiled_last_is_there)
{
    map_is("3000 100 first\n1000 3000 wide\n3000 80 second\n3010 8 third\n");
    ck_assert_str_eq(wr_perf_map_name(m, 0x3000), "second");
    ck_assert_str_eq(wr_perf_map_name(m, 0x3012), "third");
    ck_assert_str_eq(wr_perf_map_name(m, 0x3020), "second");
    ck_assert_str_eq(wr_perf_map_name(m, 0x3090), "wide");
    ck_assert_str_eq(wr_perf_map_name(m, 0x3f00), "wide");
}
END_TEST

START_TEST(lines_that_are_none_are_passed_over)
{
    map_is("\n# a remark\n1000\n1000 \n1000 20\n1000 20 \nzz 20 bad\n"
           "1000 0 empty\nffffffffffffffff 20 around\n1000 -1 back\n"
           "0x1000 0x20 good\n2000 20 unfinished");
    ck_assert_str_eq(wr_perf_map_name(m, 0x1008), "good");
    ck_assert_ptr_null(wr_perf_map_name(m, 0x2008));
    ck_assert_ptr_null(wr_perf_map_name(m, 5));
    map_is("");
    ck_assert_ptr_null(wr_perf_map_name(m, 0x1008));
}
END_TEST

START_TEST(many_functions_are_all_found)
{
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    for (unsigned i = 100000; i-- > 0;)
        fprintf(f, "%x 10 f%u\n", 0x100000 + 16 * i, i);
    fclose(f);
    m = wr_perf_map_open((int)getpid());
    for (unsigned i = 0; i < 100000; i += 77) {
        char name[16];
        snprintf(name, sizeof name, "f%u", i);
        ck_assert_str_eq(wr_perf_map_name(m, 0x100000 + 16 * i + 15), name);
    }
}
END_TEST

START_TEST(a_map_is_current_until_the_file_changes)
{
    map_is("1000 20 mine\n");
    ck_assert(wr_perf_map_is_current(m));
    FILE *f = fopen(path, "a");
    fputs("2000 20 more\n", f);
    fclose(f);
    ck_assert(!wr_perf_map_is_current(m));
    unlink(path);
    ck_assert(!wr_perf_map_is_current(m));
}
END_TEST

START_TEST(what_is_no_file_is_not_opened)
{
    ck_assert_ptr_null(wr_perf_map_open((int)getpid()));
    ck_assert_int_eq(symlink("/etc/passwd", path), 0);
    ck_assert_ptr_null(wr_perf_map_open((int)getpid()));
    unlink(path);
    ck_assert_int_eq(mkfifo(path, 0600), 0); /* must not wait */
    ck_assert_ptr_null(wr_perf_map_open((int)getpid()));
    unlink(path);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_ptr_null(wr_perf_map_open((int)getpid()));
    rmdir(path);
    ck_assert_ptr_null(wr_perf_map_open(-1));
}
END_TEST

START_TEST(a_strangers_file_is_not_believed)
{
    map_is("1000 20 mine\n");
    if (geteuid() != 0 || chown(path, 4711, 4711) != 0)
        return; /* only root can make it a stranger's */
    ck_assert_ptr_null(wr_perf_map_open((int)getpid()));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("analyse/perf_map");
    TCase *tests = tcase_create("perf_map");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_function_has_its_first_to_its_last_byte);
    tcase_add_test(tests, what_was_compiled_last_is_there);
    tcase_add_test(tests, lines_that_are_none_are_passed_over);
    tcase_add_test(tests, many_functions_are_all_found);
    tcase_add_test(tests, a_map_is_current_until_the_file_changes);
    tcase_add_test(tests, what_is_no_file_is_not_opened);
    tcase_add_test(tests, a_strangers_file_is_not_believed);
    suite_add_tcase(suite, tests);
    return unit_main(suite);
}
