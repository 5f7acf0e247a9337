/* Sources: which programs are found. */
#include "serve/source.h"

#include "serve/scratch.h"

START_TEST(a_directory_that_is_not_there_has_no_programs)
{
    struct wr_sources s;
    ck_assert_int_eq(wr_sources_scan(&s, "/nowhere/at/all", WR_SCAN_HERE), 0);
    ck_assert_uint_eq(s.count, 0);
    wr_sources_free(&s);
}
END_TEST

START_TEST(files_that_are_no_regions_are_skipped)
{
    struct wr_sources s;
    scratch_file("1-2.weir", "not a region");
    scratch_file("2-3.weir", "");
    scratch_file("notes.txt", "hello");
    scratch_file(".weir", "hidden");
    ck_assert_int_eq(wr_sources_scan(&s, dir, WR_SCAN_HERE), 0);
    ck_assert_uint_eq(s.count, 0);
    wr_sources_free(&s);
}
END_TEST

START_TEST(a_running_program_is_live_and_a_killed_one_is_not)
{
    struct wr_sources s;
    struct program p, k;
    program_start(&p, dir, "alive");
    program_start(&k, dir, "dead");
    program_kill(&k);
    ck_assert_int_eq(wr_sources_scan(&s, dir, WR_SCAN_HERE), 0);
    ck_assert_uint_eq(s.count, 2);
    ck_assert_uint_eq(wr_sources_live(&s), 1);
    ck_assert_str_eq(s.list[0].program, "alive");
    ck_assert(s.list[0].live && !s.list[1].live);
    ck_assert_ptr_eq(wr_sources_find(&s, (uint32_t)k.pid), &s.list[1]);
    ck_assert_ptr_null(wr_sources_find(&s, 1));
    wr_sources_free(&s);
    program_end(&p);
}
END_TEST

START_TEST(more_programs_than_a_list_starts_with_are_all_found)
{
    struct wr_sources s;
    char path[256];
    for (int i = 0; i < 40; i++)
        munmap(program_region(path, sizeof path, dir, "many", 1000000 + i),
               sizeof(struct fake));
    ck_assert_int_eq(wr_sources_scan(&s, dir, WR_SCAN_HERE), 0);
    ck_assert_uint_eq(s.count, 40);
    for (uint32_t i = 0; i < 40; i++)
        ck_assert_uint_eq(s.list[i].pid, 1000000 + i);
    wr_sources_free(&s);
}
END_TEST

START_TEST(the_older_image_of_a_process_is_replaced)
{
    struct wr_sources s;
    struct program p;
    char path[256];
    struct fake *old = program_region(path, sizeof path, dir, "shell", 1);
    old->header.start_mono_ns = 5;
    program_start(&p, dir, "program");
    old->header.pid = (uint32_t)p.pid;
    ck_assert_int_eq(wr_sources_scan(&s, dir, WR_SCAN_HERE), 0);
    ck_assert_uint_eq(s.count, 2);
    ck_assert_uint_eq(wr_sources_live(&s), 1);
    ck_assert_str_eq(wr_sources_find(&s, (uint32_t)p.pid)->program, "program");
    ck_assert(s.list[1].replaced && !s.list[1].live);
    wr_sources_free(&s);
    munmap(old, sizeof *old);
    program_end(&p);
}
END_TEST

START_TEST(runs_are_looked_into_only_when_asked)
{
    struct wr_sources s;
    struct program p;
    char run[128];
    snprintf(run, sizeof run, "%s/run-1-2", dir);
    ck_assert_int_eq(mkdir(run, 0700), 0);
    program_start(&p, run, "inside");
    ck_assert_int_eq(wr_sources_scan(&s, dir, WR_SCAN_HERE), 0);
    ck_assert_uint_eq(s.count, 0);
    wr_sources_free(&s);
    ck_assert_int_eq(wr_sources_scan(&s, dir, WR_SCAN_RUNS), 0);
    ck_assert_uint_eq(s.count, 1);
    wr_sources_free(&s);
    program_end(&p);
}
END_TEST

START_TEST(all_places_of_a_user_are_looked_into)
{
    struct wr_sources s;
    struct program p;
    char place[128];
    snprintf(place, sizeof place, "%s/weir", dir);
    ck_assert_int_eq(mkdir(place, 0700), 0);
    setenv("XDG_RUNTIME_DIR", dir, 1);
    program_start(&p, place, "placed");
    ck_assert_int_eq(wr_sources_scan(&s, NULL, WR_SCAN_ALL), 0);
    ck_assert_ptr_nonnull(wr_sources_find(&s, (uint32_t)p.pid));
    wr_sources_free(&s);
    program_end(&p);
}
END_TEST

START_TEST(runs_and_regions_are_told_by_their_names)
{
    ck_assert(wr_source_is_run("run-12-34"));
    ck_assert(!wr_source_is_run("run-"));
    ck_assert(!wr_source_is_run("run-x"));
    ck_assert(!wr_source_is_run("rerun-1"));
    ck_assert(wr_source_is_region("12.weir"));
    ck_assert(!wr_source_is_region(".weir"));
    ck_assert(!wr_source_is_region("12.weird"));
}
END_TEST

START_TEST(a_program_without_weir_has_no_source_of_its_own)
{
    struct wr_sources s;
    ck_assert_int_eq(wr_sources_self(&s), -1);
}
END_TEST

START_TEST(a_program_finds_its_own_region_even_when_its_file_is_gone)
{
    struct wr_sources s;
    char path[256];
    struct fake *f = program_region(path, sizeof path, dir, "self", getpid());
    ck_assert_int_eq(wr_sources_self(&s), 0);
    ck_assert_str_eq(s.list[0].program, "self");
    wr_sources_free(&s);
    unlink(path);
    ck_assert_int_eq(wr_sources_self(&s), 0);
    ck_assert(s.list[0].live);
    wr_sources_free(&s);
    f->header.pid++; /* a parent's region, inherited by fork */
    ck_assert_int_eq(wr_sources_self(&s), -1);
    munmap(f, sizeof *f);
}
END_TEST

START_TEST(a_program_goes_by_the_name_it_was_called_by)
{
    static const struct {
        const char *argv0, *exe, *name;
    } is[] = {
        {"redis-server", "/usr/bin/redis-check-rdb", "redis-server"},
        {"/opt/bin/tool", "/opt/bin/tool-1.2", "tool"},
        {"-bash", "/usr/bin/bash", "bash"},
        {"", "/usr/bin/bash", "bash"},
        {"/", "/usr/bin/bash", "bash"},
    };
    struct program p;
    program_start(&p, dir, "x");
    for (size_t i = 0; i < sizeof is / sizeof *is; i++) {
        struct wr_sources s;
        strcpy(p.region->header.cmdline, is[i].argv0);
        p.region->header.cmdline_bytes = (uint32_t)strlen(is[i].argv0) + 1;
        strcpy(p.region->header.exe, is[i].exe);
        ck_assert_int_eq(wr_sources_scan(&s, dir, WR_SCAN_HERE), 0);
        ck_assert_str_eq(s.list[0].program, is[i].name);
        wr_sources_free(&s);
    }
    program_end(&p);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("source");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_directory_that_is_not_there_has_no_programs);
    tcase_add_test(t, files_that_are_no_regions_are_skipped);
    tcase_add_test(t, a_running_program_is_live_and_a_killed_one_is_not);
    tcase_add_test(t, more_programs_than_a_list_starts_with_are_all_found);
    tcase_add_test(t, the_older_image_of_a_process_is_replaced);
    tcase_add_test(t, runs_are_looked_into_only_when_asked);
    tcase_add_test(t, all_places_of_a_user_are_looked_into);
    tcase_add_test(t, runs_and_regions_are_told_by_their_names);
    tcase_add_test(t, a_program_without_weir_has_no_source_of_its_own);
    tcase_add_test(t,
                   a_program_finds_its_own_region_even_when_its_file_is_gone);
    tcase_add_test(t, a_program_goes_by_the_name_it_was_called_by);
    return run_case(t, "source");
}
