/* What is left of a run: files, the summary, and what stays when something
 * goes wrong. */
#include "weir/report.h"

#include "analyse/profile.h"
#include "cmd/talk.h"
#include "weir/place.h"

#define SIGNALLED(number) (number) /* as waitpid gives it */
#define EXITED(status)    ((status) << 8)

static char run[128], out[128];
static struct wr_report report;

static void
setup(void)
{
    talk_setup();
    snprintf(run, sizeof run, "%s/run-1-2", region_dir);
    snprintf(out, sizeof out, "%s/profiles/here", scratch);
    ck_assert_int_eq(mkdir(run, 0700), 0);
    program_start(&one, run, "holder");
    report = (struct wr_report){.run_dir = run,
                                .out_dir = out,
                                .program = "/some/where/holder",
                                .pid = (uint32_t)one.pid,
                                .status = EXITED(3),
                                .seconds = 1.5};
}

static void
teardown(void)
{
    munmap(one.region, sizeof *one.region);
    talk_teardown();
}

static void
make(void)
{
    struct caught c;
    catch_begin(&c);
    wr_report_make(&report);
    catch_end(&c);
}

static const char *
saved(const char *rest)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/holder.%d%s", out, (int)one.pid, rest);
    return path;
}

static bool
there(const char *path)
{
    return access(path, F_OK) == 0;
}

START_TEST(both_profiles_are_written_and_the_region_goes)
{
    struct wr_profile *p;
    char why[WR_WHY];
    program_kill(&one);
    make();
    ck_assert_msg(there(saved(".heap.pb.gz")), "%s", said.err);
    ck_assert_int_eq(
        wr_profile_read(&p, saved(".allocs.pb.gz"), why, sizeof why), 0);
    ck_assert_uint_eq(wr_profile_default_type(p), 1);
    wr_profile_free(p);
    ck_assert(!there(one.path));
    ck_assert(!there(run));
    ck_assert_str_eq(said.out, "");
}
END_TEST

START_TEST(the_summary_says_how_it_ended_and_what_to_do_next)
{
    program_kill(&one);
    make();
    assert_err("weir: holder (pid ");
    assert_err("ended with status 3 after 1.50 s");
    assert_err("heap peak");
    assert_err("biggest sites, in use at the end:");
    assert_err("next: weir top ");
    assert_err(saved(".heap.pb.gz"));
}
END_TEST

START_TEST(a_signal_is_named)
{
    program_kill(&one);
    report.status = SIGNALLED(SIGTERM);
    make();
    assert_err("was killed by signal 15 (Terminated)");
}
END_TEST

START_TEST(what_gave_everything_back_shows_what_it_allocated)
{
    struct wr_bucket *b = one.region->bucket;
    for (int i = 0; i < FAKE_BUCKETS; i++) {
        b[i].frees = b[i].allocs;
        b[i].free_bytes = b[i].alloc_bytes;
    }
    program_kill(&one);
    make();
    assert_err("biggest sites, ever allocated:");
}
END_TEST

START_TEST(quiet_is_quiet)
{
    program_kill(&one);
    report.quiet = true;
    make();
    ck_assert_str_eq(said.err, "");
    ck_assert(there(saved(".heap.pb.gz")));
}
END_TEST

START_TEST(a_file_that_exists_is_not_overwritten)
{
    ck_assert_int_eq(wr_place_make(out), 0);
    FILE *f = fopen(saved(".heap.pb.gz"), "w");
    fputs("mine", f);
    fclose(f);
    program_kill(&one);
    make();
    ck_assert(there(saved(".2.heap.pb.gz")));
    ck_assert(there(saved(".allocs.pb.gz")));
    struct stat st;
    ck_assert_int_eq(stat(saved(".heap.pb.gz"), &st), 0);
    ck_assert_int_eq(st.st_size, 4);
}
END_TEST

START_TEST(where_nothing_can_be_written_the_region_stays)
{
    write_scratch("profiles", "a file", 6); /* in the directory's way */
    program_kill(&one);
    make();
    assert_err("cannot make ");
    assert_err("cannot write ");
    ck_assert(there(one.path));
    ck_assert(!err_says("next: weir top"));
}
END_TEST

START_TEST(a_process_that_goes_on_keeps_its_region)
{
    report.pid = 1; /* the program itself left nothing */
    make();
    assert_err("1 process is of the run still going");
    assert_err("weir ps lists it");
    ck_assert(there(one.path));
    ck_assert(!there(out));
    program_kill(&one);
}
END_TEST

START_TEST(a_run_without_regions_says_that_nothing_was_recorded)
{
    program_kill(&one);
    unlink(one.path);
    make();
    assert_err("nothing was recorded");
    assert_err("libweir.so");
    ck_assert(!there(out));
}
END_TEST

START_TEST(the_other_processes_are_counted)
{
    struct program two, three;
    program_start(&two, run, "child");
    program_start(&three, run, "child");
    two.region->header.counters.heap_peak = UINT64_MAX / 2;
    program_kill(&one);
    program_kill(&two);
    program_kill(&three);
    make();
    assert_err("2 more processes were recorded");
    assert_err(saved(".heap.pb.gz")); /* the program's own, not the biggest */
    munmap(two.region, sizeof *two.region);
    munmap(three.region, sizeof *three.region);
}
END_TEST

START_TEST(a_damaged_region_does_not_keep_the_others)
{
    struct program two;
    program_start(&two, run, "child");
    two.region->header.table[WR_TABLE_STACKS].offset = 7;
    program_kill(&one);
    program_kill(&two);
    make();
    ck_assert(there(saved(".heap.pb.gz")));
    ck_assert(!err_says("more process"));
    munmap(two.region, sizeof *two.region);
}
END_TEST

START_TEST(a_program_name_cannot_leave_the_directory)
{
    snprintf(one.region->header.cmdline, sizeof one.region->header.cmdline,
             "../../evil");
    one.region->header.cmdline_bytes = 11;
    program_kill(&one);
    make();
    char path[256];
    snprintf(path, sizeof path, "%s/evil.%d.heap.pb.gz", out, (int)one.pid);
    ck_assert_msg(there(path), "%s", said.err);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("report");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, both_profiles_are_written_and_the_region_goes);
    tcase_add_test(t, the_summary_says_how_it_ended_and_what_to_do_next);
    tcase_add_test(t, a_signal_is_named);
    tcase_add_test(t, what_gave_everything_back_shows_what_it_allocated);
    tcase_add_test(t, quiet_is_quiet);
    tcase_add_test(t, a_file_that_exists_is_not_overwritten);
    tcase_add_test(t, where_nothing_can_be_written_the_region_stays);
    tcase_add_test(t, a_process_that_goes_on_keeps_its_region);
    tcase_add_test(t, a_run_without_regions_says_that_nothing_was_recorded);
    tcase_add_test(t, the_other_processes_are_counted);
    tcase_add_test(t, a_damaged_region_does_not_keep_the_others);
    tcase_add_test(t, a_program_name_cannot_leave_the_directory);
    return run_case(t, "report");
}
