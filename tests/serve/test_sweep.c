/* Sweeping: what goes and what stays. */
#include "serve/sweep.h"

#include <stdbool.h>

#include "serve/scratch.h"

static bool
exists(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s%s%s", name[0] == '/' ? "" : dir,
             name[0] == '/' ? "" : "/", name);
    return access(path, F_OK) == 0;
}

static void
make_run(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/x.1.heap.pb.gz", name);
    scratch_file(path, "profile");
}

START_TEST(old_dead_regions_go_and_nothing_else)
{
    struct program live, dead, young;
    program_start(&live, dir, "live");
    program_start(&dead, dir, "dead");
    program_start(&young, dir, "young");
    program_kill(&dead);
    program_kill(&young);
    uint64_t now = wr_clock_ns(CLOCK_REALTIME);
    dead.region->header.end_ns = now - UINT64_C(100000000000);
    live.region->header.end_ns = now - UINT64_C(100000000000);
    young.region->header.end_ns = now - UINT64_C(10000000000);
    scratch_file("notes.txt", "mine");
    ck_assert_uint_eq(wr_sweep_regions(dir, 60), 1);
    ck_assert(!exists(dead.path));
    ck_assert(exists(young.path) && exists(live.path) && exists("notes.txt"));
    program_end(&live);
}
END_TEST

START_TEST(what_a_process_left_that_died_making_its_region_is_dropped)
{
    struct program live;
    char ours[64];
    program_start(&live, dir, "live");
    snprintf(ours, sizeof ours, "%d.weir", (int)getpid());
    scratch_file("4000001.weir", "");
    scratch_file("4000002-7f.weir", "not yet");
    scratch_file(ours, "");
    scratch_file("mine.weir", "");
    scratch_file("4000003.txt", "");
    wr_sweep_unfinished(dir);
    ck_assert(!exists("4000001.weir") && !exists("4000002-7f.weir"));
    ck_assert(exists(ours) && exists("mine.weir") && exists("4000003.txt"));
    ck_assert(exists(live.path));
    program_kill(&live);
    wr_sweep_unfinished(dir);
    ck_assert(exists(live.path)); /* a region, if a dead one's */
}
END_TEST

START_TEST(letters_that_nobody_took_go_with_their_process)
{
    char ours[64];
    snprintf(ours, sizeof ours, "%d.weir.leaks", (int)getpid());
    scratch_file("4000001.weir.leaks", "");
    scratch_file("4000001.weir.leaks~", "half");
    scratch_file("4000001.weir.ask", "");
    scratch_file(ours, "");
    wr_sweep_unfinished(dir);
    ck_assert(!exists("4000001.weir.leaks") && !exists("4000001.weir.leaks~"));
    ck_assert(!exists("4000001.weir.ask"));
    ck_assert(exists(ours));
}
END_TEST

START_TEST(what_a_program_left_for_after_its_end_goes_with_its_region)
{
    char path[256], lost[264];
    struct fake *f = program_region(path, sizeof path, dir, "ended", 4000001);
    snprintf(lost, sizeof lost, "%s.lost", path);
    fclose(fopen(lost, "w"));
    wr_sweep_unfinished(dir);
    ck_assert(exists(lost));
    unlink(path);
    wr_sweep_unfinished(dir);
    ck_assert(!exists(lost));
    munmap(f, sizeof *f);
}
END_TEST

START_TEST(the_newest_runs_stay_with_all_their_files)
{
    for (int i = 1; i <= 6; i++) {
        char name[64];
        snprintf(name, sizeof name, "run-%d-%d", 4000000 - i, 100 + i);
        make_run(name);
    }
    wr_sweep_runs(dir, 4);
    ck_assert(!exists("run-3999999-101") && !exists("run-3999998-102"));
    ck_assert(exists("run-3999997-103/x.1.heap.pb.gz"));
    ck_assert(exists("run-3999994-106"));
}
END_TEST

START_TEST(a_few_too_many_may_gather_before_any_goes)
{
    for (int i = 1; i <= 5; i++) {
        char name[64];
        snprintf(name, sizeof name, "run-400000%d-1", i);
        make_run(name);
    }
    wr_sweep_runs(dir, 4);
    for (int i = 1; i <= 5; i++) {
        char name[64];
        snprintf(name, sizeof name, "run-400000%d-1", i);
        ck_assert(exists(name));
    }
}
END_TEST

START_TEST(runs_that_somebody_uses_stay)
{
    struct program p;
    char ours[64], live[128];
    snprintf(ours, sizeof ours, "run-%d-1", (int)getpid());
    make_run(ours);
    make_run("run-4000001-2");
    make_run("run-4000002-3");
    snprintf(live, sizeof live, "%s/run-4000001-2", dir);
    program_start(&p, live, "still");
    wr_sweep_runs(dir, 0);
    ck_assert(exists(ours) && exists(p.path));
    ck_assert(!exists("run-4000002-3"));
    program_end(&p);
}
END_TEST

START_TEST(what_is_no_run_is_never_touched)
{
    char path[256], target[256];
    make_run("running");
    make_run("run-x");
    scratch_file("run-4000001-1", "a file");
    make_run("elsewhere");
    snprintf(path, sizeof path, "%s/run-4000002-2", dir);
    snprintf(target, sizeof target, "%s/elsewhere", dir);
    ck_assert_int_eq(symlink(target, path), 0);
    wr_sweep_runs(dir, 0);
    ck_assert(exists("running") && exists("run-x"));
    ck_assert(exists("run-4000001-1"));
    ck_assert(exists("run-4000002-2/x.1.heap.pb.gz"));
}
END_TEST

START_TEST(a_directory_that_is_not_there_is_swept_already)
{
    ck_assert_uint_eq(wr_sweep_regions("/nowhere/at/all", 0), 0);
    wr_sweep_unfinished("/nowhere/at/all");
    wr_sweep_runs("/nowhere/at/all", 0);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("sweep");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, old_dead_regions_go_and_nothing_else);
    tcase_add_test(t,
                   what_a_process_left_that_died_making_its_region_is_dropped);
    tcase_add_test(t, letters_that_nobody_took_go_with_their_process);
    tcase_add_test(t,
                   what_a_program_left_for_after_its_end_goes_with_its_region);
    tcase_add_test(t, the_newest_runs_stay_with_all_their_files);
    tcase_add_test(t, a_few_too_many_may_gather_before_any_goes);
    tcase_add_test(t, runs_that_somebody_uses_stay);
    tcase_add_test(t, what_is_no_run_is_never_touched);
    tcase_add_test(t, a_directory_that_is_not_there_is_swept_already);
    return run_case(t, "sweep");
}
