/* How a program ended, and who ended it. */
#include "analyse/end.h"

#include <math.h>
#include <signal.h>
#include "unit.h"

static struct wr_end e;
static char text[512];

static void
setup(void)
{
    wr_end_init(&e);
}

/* As waitpid tells of a signal, and of an exit. */
static void
killed_by(int number)
{
    wr_end_from_wait(&e, number);
}

static void
exited(int status)
{
    wr_end_from_wait(&e, status << 8);
}

static const char *
told(void)
{
    wr_end_conclude(&e);
    wr_end_tell(&e, text, sizeof text);
    return text;
}

static const char *
reason(void)
{
    wr_end_reason(&e, text, sizeof text);
    return text;
}

static void
has(const char *in, const char *words)
{
    if (!strstr(in, words))
        ck_abort_msg("no \"%s\" in \"%s\"", words, in);
}

#define CHOSEN                                                                 \
    "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,"           \
    "mems_allowed=0,oom_memcg=/shop,task_memcg=/shop/cart,task=a,pid=9,b,"     \
    "pid=4711,uid=33"
#define KILLED                                                                 \
    "Memory cgroup out of memory: Killed process 4711 (a) total-vm:900kB, "    \
    "anon-rss:512kB, file-rss:256kB, shmem-rss:256kB, UID:33 pgtables:9kB"

/* --- Without any doubt ------------------------------------------------- */

START_TEST(an_exit_has_its_status_and_no_killer)
{
    exited(3);
    e.counted = true, e.group_kills = 1; /* of another process */
    ck_assert_str_eq(told(), "ended with status 3");
    ck_assert_int_eq(e.killer, WR_KILLER_NONE);
    ck_assert_str_eq(reason(), "");
    ck_assert(!wr_end_is_death(&e));
}
END_TEST

START_TEST(a_fault_of_its_own_has_no_killer_but_a_status)
{
    killed_by(SIGSEGV);
    e.counted = true, e.group_kills = 1;
    has(told(), "signal 11");
    has(text, "status 139");
    ck_assert_int_eq(e.killer, WR_KILLER_NONE);
    ck_assert(wr_end_is_death(&e));
    ck_assert(!wr_end_is_oom(&e));
}
END_TEST

START_TEST(a_request_to_end_is_no_death)
{
    killed_by(SIGTERM);
    ck_assert(!wr_end_is_death(&e));
    has(told(), "signal 15");
}
END_TEST

START_TEST(what_waitpid_could_not_tell_is_lost)
{
    wr_end_from_wait(&e, -1);
    has(told(), "without having passed exit()");
    ck_assert_int_eq(e.killer, WR_KILLER_UNKNOWN);
}
END_TEST

/* --- The log ----------------------------------------------------------- */

START_TEST(the_log_names_the_group_and_what_was_resident)
{
    killed_by(SIGKILL);
    e.log_readable = true;
    wr_end_log_line(&e, CHOSEN, 4711);
    wr_end_log_line(&e, KILLED, 4711);
    has(told(), "control group /shop was at its memory limit");
    ck_assert_int_eq(e.killer, WR_KILLER_GROUP);
    ck_assert(e.proved);
    ck_assert_uint_eq(e.log_resident, 1 << 20);
    e.group_limit = 2 << 20;
    has(reason(), "1MB resident");
    has(text, "limit is 2MB");
}
END_TEST

START_TEST(the_top_group_is_called_by_a_slash)
{
    killed_by(SIGKILL);
    wr_end_log_line(&e,
                    "oom-kill:constraint=CONSTRAINT_MEMCG,oom_memcg=/,"
                    "task_memcg=/,task=a,pid=4711,uid=0",
                    4711);
    has(told(), "control group / was");
    ck_assert_str_eq(e.group, "");
}
END_TEST

START_TEST(lines_about_others_change_nothing)
{
    killed_by(SIGKILL);
    e.log_readable = true;
    wr_end_log_line(&e, CHOSEN, 9); /* in the name of 4711 */
    wr_end_log_line(&e, CHOSEN, 471);
    wr_end_log_line(&e, KILLED, 47110);
    wr_end_log_line(&e, "usb: Killed process 4711", 4711);
    has(told(), "killed by somebody, not for want of memory");
    ck_assert_int_eq(e.killer, WR_KILLER_SOMEONE);
    has(reason(), "does not name it");
}
END_TEST

START_TEST(without_a_group_it_was_the_machine)
{
    killed_by(SIGKILL);
    wr_end_log_line(&e,
                    "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),"
                    "task_memcg=/a,task=b,pid=4711,uid=0",
                    4711);
    has(told(), "the machine had no memory left");
    ck_assert_int_eq(e.killer, WR_KILLER_SYSTEM);
}
END_TEST

START_TEST(a_line_cut_short_is_no_harm)
{
    static const char *const lines[] = {
        "oom-kill:", "oom-kill:constraint=", "oom-kill:,pid=",
        "Out of memory: Killed process ", ""};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        wr_end_log_line(&e, lines[i], 4711);
    ck_assert(!e.log_names);
}
END_TEST

/* --- Counts ------------------------------------------------------------ */

/* What is known, and who is blamed for a kill. */
static const struct {
    bool lost, readable, counted;
    double group, system;
    enum wr_end_killer killer;
} table[] = {
    {false, true, true, 1, 1, WR_KILLER_GROUP},
    {false, false, true, 1, 1, WR_KILLER_GROUP},
    {false, false, true, 0, 1, WR_KILLER_SYSTEM},
    /* The log would have named it: the kill was another's. */
    {false, true, true, 0, 1, WR_KILLER_SOMEONE},
    {false, false, true, 0, 0, WR_KILLER_SOMEONE},
    {false, true, false, NAN, NAN, WR_KILLER_SOMEONE},
    {false, false, false, NAN, NAN, WR_KILLER_UNKNOWN},
    {true, true, false, NAN, NAN, WR_KILLER_UNKNOWN},
    {true, false, true, 2, 2, WR_KILLER_GROUP},
    {true, true, true, 0, 0, WR_KILLER_UNKNOWN},
};

START_TEST(who_killed_follows_from_what_is_known)
{
    if (!table[_i].lost)
        killed_by(SIGKILL);
    e.log_readable = table[_i].readable;
    e.counted = table[_i].counted;
    e.group_kills = table[_i].group;
    e.system_kills = table[_i].system;
    (void)told();
    ck_assert_int_eq(e.killer, table[_i].killer);
    ck_assert(!e.proved);
    if (e.killer != WR_KILLER_NONE)
        ck_assert_str_ne(reason(), "");
}
END_TEST

START_TEST(what_is_only_counted_of_a_lost_one_is_probable)
{
    e.counted = true, e.group_kills = 2;
    has(told(), "was probably killed");
    has(reason(), "counts 2 kills");
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("end");
    TCase *t = tcase_create("end");
    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, an_exit_has_its_status_and_no_killer);
    tcase_add_test(t, a_fault_of_its_own_has_no_killer_but_a_status);
    tcase_add_test(t, a_request_to_end_is_no_death);
    tcase_add_test(t, what_waitpid_could_not_tell_is_lost);
    tcase_add_test(t, the_log_names_the_group_and_what_was_resident);
    tcase_add_test(t, the_top_group_is_called_by_a_slash);
    tcase_add_test(t, lines_about_others_change_nothing);
    tcase_add_test(t, without_a_group_it_was_the_machine);
    tcase_add_test(t, a_line_cut_short_is_no_harm);
    tcase_add_loop_test(t, who_killed_follows_from_what_is_known, 0,
                        sizeof table / sizeof *table);
    tcase_add_test(t, what_is_only_counted_of_a_lost_one_is_probable);
    suite_add_tcase(s, t);
    return unit_main(s);
}
