/* Places: directories of runs, and who answers there. */
#include "weir/place.h"

#include <errno.h>
#include "serve/scratch.h"

static char path[600], text[600], why[400];

START_TEST(a_name_that_does_not_fit_is_not_cut)
{
    char small[8];
    ck_assert_int_eq(wr_place_join(small, sizeof small, "/a", "bcd"), 0);
    ck_assert_str_eq(small, "/a/bcd");
    ck_assert_int_eq(wr_place_join(small, sizeof small, "/a", "bcdef"), -1);
}
END_TEST

START_TEST(a_directory_is_made_with_its_parents_as_umask_says)
{
    struct stat st;
    umask(027);
    snprintf(path, sizeof path, "%s/a/b//c", dir);
    ck_assert_int_eq(wr_place_make(path), 0);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0750);
    ck_assert_int_eq(wr_place_make(path), 0); /* it is there already */
}
END_TEST

START_TEST(a_file_in_the_way_of_a_directory_is_an_error)
{
    snprintf(path, sizeof path, "%s/file", dir);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    ck_assert_int_eq(wr_place_make(path), -1);
    snprintf(path, sizeof path, "%s/file/below", dir);
    ck_assert_int_eq(wr_place_make(path), -1);
    ck_assert_int_eq(errno, ENOTDIR);
    ck_assert_int_eq(wr_place_make(""), -1);
}
END_TEST

START_TEST(every_run_has_a_directory_of_its_own)
{
    char first[600];
    struct stat st;
    setenv("XDG_RUNTIME_DIR", dir, 1);
    ck_assert_int_eq(wr_place_run(first, sizeof first, NULL, why, sizeof why),
                     0);
    ck_assert_int_eq(wr_place_run(path, sizeof path, NULL, why, sizeof why), 0);
    ck_assert_str_ne(first, path);
    ck_assert_int_eq(strncmp(path, dir, strlen(dir)), 0);
    snprintf(text, sizeof text, "/weir/run-%d-", (int)getpid());
    ck_assert_ptr_nonnull(strstr(path, text));
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0700);
}
END_TEST

START_TEST(an_address_is_told_to_others_while_its_writer_lives)
{
    wr_place_set_address(dir, "127.0.0.1:6060");
    wr_place_address(dir, text, sizeof text);
    ck_assert_str_eq(text, "127.0.0.1:6060");
    wr_place_set_address(dir, "unix:/a b/c"); /* a later one counts */
    wr_place_address(dir, text, sizeof text);
    ck_assert_str_eq(text, "unix:/a b/c");
    pid_t pid = fork();
    if (pid == 0) {
        wr_place_set_address(dir, "127.0.0.1:1");
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    wr_place_address(dir, text, sizeof text);
    ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(a_damaged_address_is_none)
{
    static const char *const bad[] = {"",  "\n",     "x\n",  "1\n",
                                      "1", "-1 a\n", "0 a\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        scratch_file("address", bad[i]);
        wr_place_address(dir, text, sizeof text);
        ck_assert_str_eq(text, "");
    }
    wr_place_address("/nowhere/at/all", text, sizeof text);
    ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(an_address_is_cut_to_the_room_there_is)
{
    char small[5];
    wr_place_set_address(dir, "127.0.0.1:6060");
    wr_place_address(dir, small, sizeof small);
    ck_assert_str_eq(small, "127.");
}
END_TEST

START_TEST(a_library_that_is_not_there_is_not_found)
{
    ck_assert_int_eq(wr_place_library(path, sizeof path, "libnone.so.7"), -1);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("place");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_name_that_does_not_fit_is_not_cut);
    tcase_add_test(t, a_directory_is_made_with_its_parents_as_umask_says);
    tcase_add_test(t, a_file_in_the_way_of_a_directory_is_an_error);
    tcase_add_test(t, every_run_has_a_directory_of_its_own);
    tcase_add_test(t, an_address_is_told_to_others_while_its_writer_lives);
    tcase_add_test(t, a_damaged_address_is_none);
    tcase_add_test(t, an_address_is_cut_to_the_room_there_is);
    tcase_add_test(t, a_library_that_is_not_there_is_not_found);
    return run_case(t, "place");
}
