/* Quiet children: found by what they map, asked, and shown. */
#include "serve/quiet.h"

#include "serve/program.h"
#include "serve/source.h"

static char dir[64];
static struct program parent;
static const void *told; /* what the child was asked with */

static void
setup(void)
{
    scratch_make(dir, sizeof dir);
    program_start(&parent, dir, "parent");
}

static void
teardown(void)
{
    program_end(&parent);
    scratch_remove(dir);
}

static void
make_region(int number, siginfo_t *info, void *context)
{
    char made[300], path[300];
    (void)number;
    (void)context;
    told = info->si_value.sival_ptr;
    if (info->si_code != SI_QUEUE || told != parent.region)
        return;
    struct fake *f = program_region(made, sizeof made, dir, "child", getpid());
    f->header.start_mono_ns += 20000000;
    munmap(parent.region, sizeof *parent.region);
    snprintf(path, sizeof path, "%s/%d.weir", dir, (int)getpid());
    rename(made, path);
}

/* A child that maps the parent's region, as one that was just forked. */
static pid_t
quiet_child(bool answers)
{
    int ready[2];
    char byte;
    ck_assert_int_eq(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct sigaction a = {.sa_sigaction = make_region,
                              .sa_flags = SA_SIGINFO};
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (answers)
            sigaction(SIGURG, &a, NULL);
        if (write(ready[1], "", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    return pid;
}

static void
end(pid_t pid)
{
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

START_TEST(a_child_is_quiet_while_it_maps_anothers_region)
{
    struct wr_quiet q;
    pid_t pid = quiet_child(true);
    ck_assert(wr_quiet_find(&q, (uint32_t)pid));
    ck_assert_uint_eq(q.pid, (uint32_t)pid);
    ck_assert_ptr_eq((void *)q.address, parent.region);
    ck_assert_str_eq(q.dir, dir);
    end(pid);
    ck_assert(!wr_quiet_find(&q, (uint32_t)pid));
}
END_TEST

START_TEST(a_quiet_child_is_found_after_its_parents_file_is_gone)
{
    struct wr_quiet q;
    pid_t pid = quiet_child(true);
    ck_assert_int_eq(unlink(parent.path), 0);
    ck_assert(wr_quiet_find(&q, (uint32_t)pid));
    ck_assert_str_eq(q.dir, dir);
    end(pid);
}
END_TEST

START_TEST(a_process_with_its_own_region_or_none_is_not_quiet)
{
    struct wr_quiet q;
    char path[300];
    struct fake *own = program_region(path, sizeof path, dir, "me", getpid());
    munmap(parent.region, sizeof *parent.region);
    ck_assert(!wr_quiet_find(&q, (uint32_t)getpid()));
    munmap(own, sizeof *own);
    ck_assert(!wr_quiet_find(&q, (uint32_t)getpid()));
    parent.region = program_region(path, sizeof path, dir, "again", 1);
}
END_TEST

/* On a busy machine an answer may come too late for the first question. */
static struct wr_source *
find_child(struct wr_sources *s, pid_t pid)
{
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(wr_sources_scan(s, dir, WR_SCAN_HERE), 0);
        if (wr_sources_find(s, (uint32_t)pid))
            break;
        wr_sources_free(s);
        sleep(1);
    }
    return wr_sources_find(s, (uint32_t)pid);
}

START_TEST(who_looks_at_the_programs_finds_a_quiet_child)
{
    struct wr_sources s;
    pid_t pid = quiet_child(true);
    ck_assert_int_eq(wr_sources_scan(&s, dir, WR_SCAN_HERE), 0);
    ck_assert_ptr_null(wr_sources_find(&s, (uint32_t)pid)); /* no fork */
    wr_sources_free(&s);
    atomic_store(&parent.region->header.counters.forks, 1);
    struct wr_source *one = find_child(&s, pid);
    ck_assert_ptr_nonnull(one);
    ck_assert(one->live);
    ck_assert_str_eq(one->program, "child");
    wr_sources_free(&s);
    end(pid);
}
END_TEST

START_TEST(a_child_that_does_not_answer_holds_nobody_up)
{
    struct wr_sources s;
    uint64_t start = wr_clock_ns(CLOCK_MONOTONIC);
    pid_t pid = quiet_child(false);
    ck_assert_int_eq(wr_sources_scan(&s, dir, WR_SCAN_HERE), 0);
    ck_assert_ptr_null(wr_sources_find(&s, (uint32_t)pid));
    ck_assert_uint_eq(wr_sources_live(&s), 1);
    ck_assert_uint_lt(wr_clock_ns(CLOCK_MONOTONIC) - start, 2000000000u);
    wr_sources_free(&s);
    end(pid);
}
END_TEST

static uint64_t forks;

static size_t
ask(const char *where, const uint32_t *known, size_t count)
{
    return wr_quiet_ask(&where, 1, known, count, forks);
}

static void
wait_till_asking_is_fine(void)
{
    nanosleep(&(struct timespec){.tv_sec = 1, .tv_nsec = 10000000}, NULL);
}

START_TEST(children_of_another_directory_and_known_ones_are_not_asked)
{
    pid_t pid = quiet_child(true);
    uint32_t known[] = {(uint32_t)pid, (uint32_t)parent.pid};
    struct wr_quiet q;
    char other[64];
    scratch_make(other, sizeof other);
    ck_assert_uint_eq(ask(other, &known[1], 1), 0);
    wait_till_asking_is_fine();
    forks++;
    ck_assert_uint_eq(ask(dir, known, 2), 0);
    ck_assert(wr_quiet_find(&q, (uint32_t)pid));
    wait_till_asking_is_fine();
    forks++;
    ck_assert_uint_eq(ask(dir, &known[1], 1), 1);
    ck_assert_uint_eq(ask(dir, &known[1], 1), 0); /* just looked */
    for (int i = 0; i < 10 && wr_quiet_find(&q, (uint32_t)pid); i++)
        sleep(1);
    ck_assert(!wr_quiet_find(&q, (uint32_t)pid));
    scratch_remove(other);
    end(pid);
}
END_TEST

START_TEST(without_a_fork_nobody_is_looked_for)
{
    uint32_t known[] = {(uint32_t)parent.pid};
    forks = 7;
    ck_assert_uint_eq(ask(dir, known, 1), 0);
    pid_t pid = quiet_child(true);
    wait_till_asking_is_fine();
    ck_assert_uint_eq(ask(dir, known, 1), 0);
    forks = 8;
    ck_assert_uint_eq(ask(dir, known, 1), 1);
    end(pid);
}
END_TEST

START_TEST(who_did_not_answer_is_asked_again)
{
    uint32_t known[] = {(uint32_t)parent.pid};
    pid_t pid = quiet_child(false);
    ck_assert_uint_eq(ask(dir, known, 1), 1);
    wait_till_asking_is_fine();
    ck_assert_uint_eq(ask(dir, known, 1), 1);
    end(pid);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("quiet");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_child_is_quiet_while_it_maps_anothers_region);
    tcase_add_test(t, a_quiet_child_is_found_after_its_parents_file_is_gone);
    tcase_add_test(t, a_process_with_its_own_region_or_none_is_not_quiet);
    tcase_add_test(t, who_looks_at_the_programs_finds_a_quiet_child);
    tcase_add_test(t, a_child_that_does_not_answer_holds_nobody_up);
    tcase_add_test(t,
                   children_of_another_directory_and_known_ones_are_not_asked);
    tcase_add_test(t, without_a_fork_nobody_is_looked_for);
    tcase_add_test(t, who_did_not_answer_is_asked_again);
    return run_case(t, "serve/quiet");
}
