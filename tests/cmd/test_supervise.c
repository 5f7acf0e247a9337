/* Being a program's parent: its end, its signals, its stops, and the socket
 * that is watched meanwhile. */
#include "weir/supervise.h"

#include <errno.h>
#include <sys/socket.h>
#include "serve/address.h"
#include "serve/program.h"

static struct wr_inherited was;
static struct wr_supervision s;
static int knocks;

static void
setup(void)
{
    wr_inherited_take(&was);
    s = (struct wr_supervision){.inherited = &was};
    knocks = 0;
}

/* A child that runs body, with signals as a program has them. */
#define CHILD(body)                                                            \
    do {                                                                       \
        s.pid = fork();                                                        \
        if (s.pid == 0) {                                                      \
            prctl(PR_SET_PDEATHSIG, SIGKILL);                                  \
            wr_inherited_restore(&was);                                        \
            body;                                                              \
            _exit(0);                                                          \
        }                                                                      \
    } while (0)

static void
nothing(int number)
{
    (void)number;
}

START_TEST(the_status_is_the_programs)
{
    CHILD(_exit(42));
    int status = wr_supervise(&s);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 42);
}
END_TEST

START_TEST(a_signal_that_ended_it_is_told)
{
    CHILD(raise(SIGKILL));
    int status = wr_supervise(&s);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGKILL);
}
END_TEST

START_TEST(who_is_no_child_cannot_be_waited_for)
{
    CHILD(_exit(0));
    waitpid(s.pid, NULL, 0);
    pid_t helper = fork();
    if (helper == 0) { /* something must wake it */
        kill(getppid(), SIGCHLD);
        _exit(0);
    }
    ck_assert_int_eq(wr_supervise(&s), -1);
    waitpid(helper, NULL, 0);
}
END_TEST

/* The child ends by the status of the signal it got. */
static int
signal_through(int number)
{
    int ready[2];
    char byte;
    ck_assert_int_eq(pipe(ready), 0);
    CHILD({
        sigset_t one;
        int got;
        sigemptyset(&one);
        sigaddset(&one, number);
        sigprocmask(SIG_BLOCK, &one, NULL);
        if (write(ready[1], "", 1) == 1 && sigwait(&one, &got) == 0)
            _exit(got);
    });
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    pid_t sender = fork();
    if (sender == 0) {
        kill(getppid(), number);
        _exit(0);
    }
    int status = wr_supervise(&s);
    waitpid(sender, NULL, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

START_TEST(a_signal_to_weir_goes_on_to_the_program)
{
    static const int numbers[] = {SIGTERM, SIGHUP, SIGUSR1, SIGURG, SIGWINCH};
    ck_assert_int_eq(signal_through(numbers[_i]), numbers[_i]);
}
END_TEST

START_TEST(a_value_that_was_queued_goes_with_its_signal)
{
    int ready[2];
    char byte;
    ck_assert_int_eq(pipe(ready), 0);
    CHILD({
        siginfo_t info;
        sigset_t one;
        sigemptyset(&one);
        sigaddset(&one, SIGRTMIN + 3);
        sigprocmask(SIG_BLOCK, &one, NULL);
        if (write(ready[1], "", 1) == 1 && sigwaitinfo(&one, &info) > 0)
            _exit(info.si_value.sival_int);
    });
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    pid_t sender = fork();
    if (sender == 0) {
        sigqueue(getppid(), SIGRTMIN + 3, (union sigval){.sival_int = 77});
        _exit(0);
    }
    int status = wr_supervise(&s);
    waitpid(sender, NULL, 0);
    ck_assert_int_eq(WEXITSTATUS(status), 77);
}
END_TEST

/* Knocks until it is over. */
static void
knock(void *cls)
{
    int *over = cls;
    knocks++;
    if (write(*over, "", 1) != 1)
        abort();
}

START_TEST(the_first_connection_is_told_once)
{
    struct wr_address at;
    char why[400];
    int over[2];
    ck_assert_int_eq(pipe(over), 0);
    wr_address_parse(&at, "127.0.0.1:0", why, sizeof why);
    s.socket[0] = wr_address_listen(&at, why, sizeof why);
    s.sockets = 1;
    s.knock = knock;
    s.cls = &over[1];
    CHILD({
        char byte;
        wr_address_connect(&at, why, sizeof why);
        wr_address_connect(&at, why, sizeof why);
        if (read(over[0], &byte, 1) != 1)
            _exit(1);
        wr_address_connect(&at, why, sizeof why);
        _exit(5);
    });
    int status = wr_supervise(&s);
    ck_assert_int_eq(WEXITSTATUS(status), 5);
    ck_assert_int_eq(knocks, 1);
    close(s.socket[0]);
}
END_TEST

START_TEST(states_are_those_of_proc)
{
    CHILD(for (;;) pause());
    for (int i = 0; i < 1000 && wr_process_state(s.pid) != 'S'; i++)
        usleep(1000);
    ck_assert_int_eq(wr_process_state(s.pid), 'S');
    kill(s.pid, SIGSTOP);
    ck_assert_int_eq(waitpid(s.pid, NULL, WUNTRACED), s.pid);
    ck_assert_int_eq(wr_process_state(s.pid), 'T');
    kill(s.pid, SIGKILL);
    siginfo_t info;
    ck_assert_int_eq(waitid(P_PID, (id_t)s.pid, &info, WEXITED | WNOWAIT), 0);
    ck_assert_int_eq(wr_process_state(s.pid), 'Z');
    waitpid(s.pid, NULL, 0);
    ck_assert_int_eq(wr_process_state(s.pid), 0);
}
END_TEST

START_TEST(a_name_full_of_brackets_hides_no_state)
{
    CHILD({
        prctl(PR_SET_NAME, ") Z (x) Q");
        raise(SIGSTOP);
    });
    ck_assert_int_eq(waitpid(s.pid, NULL, WUNTRACED), s.pid);
    ck_assert_int_eq(wr_process_state(s.pid), 'T');
    kill(s.pid, SIGKILL);
    waitpid(s.pid, NULL, 0);
}
END_TEST

/* --- Ending alike ------------------------------------------------------- */

static int
end_like(int status)
{
    int ours;
    pid_t pid = fork();
    if (pid == 0)
        wr_exit_like(status, &was);
    ck_assert_int_eq(waitpid(pid, &ours, 0), pid);
    return ours;
}

START_TEST(weir_ends_with_the_programs_status)
{
    for (int status = 0; status < 256; status += 51)
        ck_assert_int_eq(end_like(status << 8), status << 8);
}
END_TEST

START_TEST(weir_ends_by_the_programs_signal_without_a_core)
{
    static const int numbers[] = {SIGTERM, SIGKILL, SIGSEGV, SIGABRT, SIGPIPE};
    signal(numbers[_i], nothing); /* whatever weir did with it */
    ck_assert_int_eq(end_like(numbers[_i] | 0x80), numbers[_i]);
}
END_TEST

START_TEST(a_program_that_was_lost_is_a_failure_of_weir)
{
    int status = end_like(-1);
    ck_assert_int_eq(WEXITSTATUS(status), 125);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("supervise");
    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, the_status_is_the_programs);
    tcase_add_test(t, a_signal_that_ended_it_is_told);
    tcase_add_test(t, who_is_no_child_cannot_be_waited_for);
    tcase_add_loop_test(t, a_signal_to_weir_goes_on_to_the_program, 0, 5);
    tcase_add_test(t, a_value_that_was_queued_goes_with_its_signal);
    tcase_add_test(t, the_first_connection_is_told_once);
    tcase_add_test(t, states_are_those_of_proc);
    tcase_add_test(t, a_name_full_of_brackets_hides_no_state);
    tcase_add_test(t, weir_ends_with_the_programs_status);
    tcase_add_loop_test(t, weir_ends_by_the_programs_signal_without_a_core, 0,
                        5);
    tcase_add_test(t, a_program_that_was_lost_is_a_failure_of_weir);
    return run_case(t, "supervise");
}
