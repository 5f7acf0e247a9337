/* The scout: group signals are told from others. */
#include "weir/scout.h"

#include "serve/program.h"

static struct wr_scout scout;

static void
setup(void)
{
    sigset_t all;
    sigfillset(&all);
    ck_assert_int_eq(setpgid(0, 0), 0);
    sigprocmask(SIG_BLOCK, &all, NULL);
    wr_scout_start(&scout);
    ck_assert_int_gt(scout.pid, 0);
}

static void
teardown(void)
{
    wr_scout_stop(&scout);
}

START_TEST(a_signal_to_the_group_is_seen_once)
{
    kill(0, SIGUSR1);
    kill(0, SIGINT);
    ck_assert_uint_eq(wr_scout_take(&scout),
                      wr_scout_bit(SIGUSR1) | wr_scout_bit(SIGINT));
    ck_assert_uint_eq(wr_scout_take(&scout), 0);
    kill(0, SIGUSR1);
    ck_assert_uint_eq(wr_scout_take(&scout), wr_scout_bit(SIGUSR1));
}
END_TEST

START_TEST(a_signal_to_one_process_is_not_the_groups)
{
    kill(getpid(), SIGUSR1);
    raise(SIGTERM);
    ck_assert_uint_eq(wr_scout_take(&scout), 0);
}
END_TEST

START_TEST(it_makes_no_sign_of_its_own)
{
    sigset_t set;
    wr_scout_stop(&scout);
    ck_assert_int_eq(scout.pid, -1);
    wr_scout_stop(&scout);
    sigpending(&set);
    ck_assert(!sigismember(&set, SIGCHLD));
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG | __WALL), -1);
    ck_assert_uint_eq(wr_scout_take(&scout), 0);
}
END_TEST

START_TEST(it_dies_with_the_one_it_works_for)
{
    int ends[2];
    char byte;
    ck_assert_int_eq(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        wr_scout_start(&scout);
        usleep(50000);
        if (write(ends[1], &scout.pid, sizeof scout.pid) < 0)
            _exit(1);
        pause();
    }
    pid_t its;
    ck_assert_int_eq(read(ends[0], &its, sizeof its), sizeof its);
    close(ends[1]);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    /* the pipe ends when nobody has its other end any more */
    ck_assert_int_eq(read(ends[0], &byte, 1), 0);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("scout");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_signal_to_the_group_is_seen_once);
    tcase_add_test(t, a_signal_to_one_process_is_not_the_groups);
    tcase_add_test(t, it_makes_no_sign_of_its_own);
    tcase_add_test(t, it_dies_with_the_one_it_works_for);
    return run_case(t, "scout");
}
