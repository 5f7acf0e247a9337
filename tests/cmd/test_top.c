/* weir top: from a process, a file, an address; and what it says when there
 * is none. */
#include "cmd/talk.h"

#include "analyse/maker.h"

static const char *
pid_text(const struct program *p)
{
    static char text[16];
    snprintf(text, sizeof text, "%d", (int)p->pid);
    return text;
}

/* A profile of two sites, encoded. */
static const char *
save_profile(const char *name, bool gzip)
{
    struct wr_profile *p = maker_heap();
    unsigned char *bytes;
    size_t n;
    char why[WR_WHY];
    maker_sample(p, STACK("small_site", "main"), 1, 1000);
    maker_sample(p, STACK("big_site", "middle", "main"), 3, 9000);
    ck_assert_int_eq(wr_profile_encode(p, gzip, &bytes, &n, why, sizeof why),
                     0);
    const char *path = write_scratch(name, bytes, n);
    free(bytes);
    wr_profile_free(p);
    return path;
}

/* --- Processes ---------------------------------------------------------- */

START_TEST(a_process_is_shown_by_its_pid)
{
    ck_assert_int_eq(talk(wr_cmd_top, "top", pid_text(&one)), 0);
    assert_out("Type: inuse_space");
    assert_out("[first.so]");
    ck_assert_str_eq(said.err, "");
}
END_TEST

START_TEST(a_process_that_ended_is_shown_too)
{
    program_kill(&one);
    ck_assert_int_eq(talk(wr_cmd_top, "top", pid_text(&one)), 0);
    assert_out("Type: inuse_space");
    one.pid = fork(); /* for the teardown */
    if (one.pid == 0)
        for (;;)
            pause();
}
END_TEST

START_TEST(of_several_processes_one_must_be_said)
{
    struct program two;
    program_start(&two, region_dir, "other");
    ck_assert_int_eq(talk(wr_cmd_top, "top"), 1);
    assert_err("programs are running under Weir: say which pid");
    ck_assert_str_eq(said.out, "");
    program_end(&two);
}
END_TEST

START_TEST(a_pid_without_a_region_is_told)
{
    ck_assert_int_eq(talk(wr_cmd_top, "top", "2147483646"), 1);
    assert_err("process 2147483646 is not running under Weir");
    assert_err("weir ps");
}
END_TEST

START_TEST(a_file_whose_name_is_a_number_is_a_file)
{
    save_profile("77", true);
    ck_assert_int_eq(chdir(scratch), 0);
    ck_assert_int_eq(talk(wr_cmd_top, "top", "77"), 0);
    assert_out("big_site");
}
END_TEST

START_TEST(a_damaged_region_is_no_process)
{
    one.region->header.table[WR_TABLE_BUCKETS].offset = UINT64_MAX / 2;
    ck_assert_int_eq(talk(wr_cmd_top, "top", pid_text(&one)), 1);
    assert_err("is not running under Weir");
}
END_TEST

START_TEST(what_changes_in_seconds_is_shown_of_a_process)
{
    ck_assert_int_eq(talk(wr_cmd_top, "top", "-seconds=1", pid_text(&one)), 0);
    assert_out("of 0 total"); /* it stands still */
    ck_assert_int_eq(talk(wr_cmd_top, "top", "-seconds=1", "unix:/socket"), 1);
    assert_err("-seconds needs an address with a path");
    ck_assert_int_eq(talk(wr_cmd_top, "top", "-seconds=-1"), WR_EXIT_USAGE);
}
END_TEST

/* --- Files -------------------------------------------------------------- */

START_TEST(a_saved_profile_is_shown_biggest_first)
{
    ck_assert_int_eq(talk(wr_cmd_top, "top", save_profile("p", _i != 0)), 0);
    assert_out("Showing nodes accounting for 10000B, 100% of 10000B total");
    const char *big = strstr(said.out, "big_site");
    const char *small = strstr(said.out, "small_site");
    ck_assert(big && small && big < small);
}
END_TEST

START_TEST(rows_are_as_many_as_asked)
{
    const char *path = save_profile("p", true);
    ck_assert_int_eq(talk(wr_cmd_top, "top", "-n", "1", path), 0);
    assert_out("Showing top 1 nodes out of 4");
    ck_assert(!out_says("small_site"));
    ck_assert_int_eq(talk(wr_cmd_top, "top", "--number=0", path), 0);
    ck_assert(!out_says("nodes out of"));
    assert_out("main");
}
END_TEST

START_TEST(callers_come_first_when_sorted_by_cum)
{
    ck_assert_int_eq(talk(wr_cmd_top, "top", "-c", save_profile("p", true)), 0);
    const char *root = strstr(said.out, "main");
    const char *site = strstr(said.out, "big_site");
    ck_assert(root && site && root < site);
}
END_TEST

START_TEST(another_sample_type_is_shown_when_asked)
{
    const char *path = save_profile("p", true);
    ck_assert_int_eq(talk(wr_cmd_top, "top", "-i", "alloc_objects", path), 0);
    assert_out("Type: alloc_objects");
    assert_out("100% of 4 total");
}
END_TEST

START_TEST(a_sample_type_that_is_not_there_is_told_with_those_that_are)
{
    const char *path = save_profile("p", true);
    ck_assert_int_eq(talk(wr_cmd_top, "top", "-i", "cpu", path), 1);
    assert_err("no sample type \"cpu\"");
    assert_err("alloc_objects alloc_space inuse_objects inuse_space");
    ck_assert_str_eq(said.out, "");
}
END_TEST

START_TEST(the_text_form_is_read)
{
    static const char text[] = "heap profile: 1: 64 [2: 128] @ heap/2\n"
                               "1: 64 [2: 128] @ 0x10 0x20\n"
                               "#\t0xf\tgrow+0xf\t/a.c:3\n"
                               "#\t0x1f\tmain+0x1f\t/a.c:9\n\n";
    const char *path = write_scratch("text", text, sizeof text - 1);
    ck_assert_int_eq(talk(wr_cmd_top, "top", path), 0);
    assert_out("grow");
    assert_out("64B");
}
END_TEST

static const struct {
    const char *bytes, *sentence;
} no_profiles[] = {
    {"", "the profile is empty"},
    {"<html>", "this is not a profile"},
    {"\x1f\x8b\x08", "damaged or cut short"},
    {"heap profile: 1: 64 [2: 128] @ heap/2\nnonsense\n", "line 2"},
};

START_TEST(a_file_that_is_no_profile_is_named_with_what_is_wrong)
{
    const char *path = write_scratch("file", no_profiles[_i].bytes,
                                     strlen(no_profiles[_i].bytes));
    ck_assert_int_eq(talk(wr_cmd_top, "top", path), 1);
    assert_err(path);
    assert_err(no_profiles[_i].sentence);
    ck_assert_str_eq(said.out, "");
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_told)
{
    ck_assert_int_eq(talk(wr_cmd_top, "top", "/no/such/file"), 1);
    assert_err("No such file");
    ck_assert_int_eq(talk(wr_cmd_top, "top", scratch), 1);
    assert_err("cannot read");
}
END_TEST

/* --- Addresses and options ---------------------------------------------- */

START_TEST(an_address_where_nobody_answers_is_told)
{
    ck_assert_int_eq(talk(wr_cmd_top, "top", "unix:/no/such/socket"), 1);
    assert_err("/no/such/socket");
    ck_assert_int_eq(talk(wr_cmd_top, "top", "https://localhost/x"), 1);
    assert_err("plain http only");
    ck_assert_int_eq(talk(wr_cmd_top, "top", "http:///x"), 1);
    assert_err("has no host");
}
END_TEST

START_TEST(wrong_options_are_wrong_usage)
{
    ck_assert_int_eq(talk(wr_cmd_top, "top", "-n", "many"), WR_EXIT_USAGE);
    assert_err("many is not a whole number that fits");
    ck_assert_int_eq(talk(wr_cmd_top, "top", "-n", "10000000000"),
                     WR_EXIT_USAGE);
    ck_assert_int_eq(talk(wr_cmd_top, "top", "-n"), WR_EXIT_USAGE);
    assert_err("weir help top");
    ck_assert_int_eq(talk(wr_cmd_top, "top", "--bogus"), WR_EXIT_USAGE);
    assert_err("there is no option --bogus");
    ck_assert_int_eq(talk(wr_cmd_top, "top", "-divide_by=0"), WR_EXIT_USAGE);
    ck_assert_int_eq(talk(wr_cmd_top, "top", "-cum=maybe"), WR_EXIT_USAGE);
    assert_err("say true or false");
}
END_TEST

START_TEST(help_is_no_failure)
{
    ck_assert_int_eq(talk(wr_cmd_top, "top", "-h"), 0);
    assert_out("usage: weir top");
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("top");
    tcase_add_checked_fixture(t, talk_setup_one, talk_teardown_one);
    tcase_add_test(t, a_process_is_shown_by_its_pid);
    tcase_add_test(t, a_process_that_ended_is_shown_too);
    tcase_add_test(t, of_several_processes_one_must_be_said);
    tcase_add_test(t, a_pid_without_a_region_is_told);
    tcase_add_test(t, what_changes_in_seconds_is_shown_of_a_process);
    tcase_add_test(t, a_file_whose_name_is_a_number_is_a_file);
    tcase_add_test(t, a_damaged_region_is_no_process);
    tcase_add_loop_test(t, a_saved_profile_is_shown_biggest_first, 0, 2);
    tcase_add_test(t, rows_are_as_many_as_asked);
    tcase_add_test(t, callers_come_first_when_sorted_by_cum);
    tcase_add_test(t, another_sample_type_is_shown_when_asked);
    tcase_add_test(t,
                   a_sample_type_that_is_not_there_is_told_with_those_that_are);
    tcase_add_test(t, the_text_form_is_read);
    tcase_add_loop_test(t,
                        a_file_that_is_no_profile_is_named_with_what_is_wrong,
                        0, sizeof no_profiles / sizeof *no_profiles);
    tcase_add_test(t, a_file_that_cannot_be_read_is_told);
    tcase_add_test(t, an_address_where_nobody_answers_is_told);
    tcase_add_test(t, wrong_options_are_wrong_usage);
    tcase_add_test(t, help_is_no_failure);
    return run_case(t, "top");
}
