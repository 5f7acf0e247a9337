/* What the system tells of the dead: in made-up files. */
#include "serve/evidence.h"

#include <math.h>
#include <signal.h>
#include "serve/program.h"

#define START_NS UINT64_C(100000000000) /* 100 s */

static char root[64];
static struct wr_end e;
static struct wr_counts before;
static const struct wr_deceased who = {77, START_NS};

static void
setup(void)
{
    scratch_make(root, sizeof root);
    scratch_put(root, "proc/77/cgroup", "4:memory:/shop/cart\n0::/\n");
    scratch_put(root, "proc/vmstat", "nr_free_pages 9\noom_kill 5\n");
    scratch_put(root, "proc/meminfo",
                "MemTotal: 1000 kB\nMemFree: 1 kB\nMemAvailable: "
                "100 kB\nSwapTotal: 8 kB\nSwapFree: 4 kB\n");
    scratch_put(root, "proc/pressure/memory",
                "some avg10=12.50 avg60=0.00 avg300=0.00 total=1\n"
                "full avg10=6.25 avg60=0.00 avg300=0.00 total=1\n");
    scratch_put(root, "sys/fs/cgroup/memory/shop/cart/memory.oom_control",
                "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
    scratch_put(root, "sys/fs/cgroup/memory/shop/cart/memory.limit_in_bytes",
                "9223372036854771712\n");
    scratch_put(root, "sys/fs/cgroup/memory/shop/memory.oom_control",
                "oom_kill 7\n");
    scratch_put(root, "sys/fs/cgroup/memory/shop/memory.limit_in_bytes",
                "65536\n");
    wr_counts_take(&before, root, 77);
    wr_end_init(&e);
}

static void
teardown(void)
{
    scratch_remove(root);
}

static void
gather(int status)
{
    wr_end_from_wait(&e, status);
    wr_evidence_gather(&e, root, &who, &before);
}

static void
count_a_kill(void)
{
    scratch_put(root, "sys/fs/cgroup/memory/shop/cart/memory.oom_control",
                "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n");
}

#define CHOSEN                                                                 \
    "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),oom_memcg=/shop,"    \
    "task_memcg=/shop/cart,task=a,pid=77,uid=0\n"

START_TEST(the_groups_go_from_the_innermost_to_the_top)
{
    ck_assert_uint_eq(before.groups.count, 4); /* and version 2's top */
    ck_assert_str_eq(before.groups.list[1].dir + before.groups.list[1].name,
                     "/shop/cart");
    ck_assert_str_eq(before.groups.list[3].dir + before.groups.list[3].name,
                     "");
    ck_assert(isinf(wr_group_limit(&before.groups.list[1])));
    ck_assert_double_eq(wr_group_limit(&before.groups.list[2]), 65536);
}
END_TEST

START_TEST(a_kill_that_is_counted_meanwhile_is_one_for_want_of_memory)
{
    count_a_kill();
    gather(SIGKILL);
    ck_assert_int_eq(e.killer, WR_KILLER_GROUP);
    ck_assert_str_eq(e.group, "/shop/cart");
    ck_assert_double_eq(e.group_kills, 1);
}
END_TEST

START_TEST(without_a_kill_it_was_somebody)
{
    gather(SIGKILL);
    ck_assert_int_eq(e.killer, WR_KILLER_SOMEONE);
    ck_assert(e.counted && e.group_kills == 0);
}
END_TEST

START_TEST(version_2_counts_in_its_own_file)
{
    scratch_put(root, "proc/77/cgroup", "0::/a\n");
    scratch_put(root, "sys/fs/cgroup/a/memory.events",
                "low 0\noom 0\noom_kill 0\n");
    scratch_put(root, "sys/fs/cgroup/a/memory.max", "max\n");
    wr_counts_take(&before, root, 77);
    scratch_put(root, "sys/fs/cgroup/a/memory.events",
                "low 0\noom 1\noom_kill 1\n");
    gather(SIGKILL);
    ck_assert_int_eq(e.killer, WR_KILLER_GROUP);
    ck_assert_str_eq(e.group, "/a");
    ck_assert(isnan(e.group_limit));
}
END_TEST

START_TEST(the_log_names_the_group_whose_limit_it_was)
{
    scratch_put(root, "dev/kmsg", "6,1,101000000,-;" CHOSEN);
    count_a_kill();
    gather(SIGKILL);
    ck_assert_str_eq(e.group, "/shop");
    ck_assert_double_eq(e.group_limit, 65536);
    ck_assert(e.proved && e.log_readable);
}
END_TEST

START_TEST(a_message_from_before_its_start_is_about_another)
{
    scratch_put(root, "dev/kmsg",
                "6,1,90000000,-;" CHOSEN "6,2,101000000,-;usb: hello\n"
                "no record at all\n");
    gather(SIGKILL);
    ck_assert_int_eq(e.killer, WR_KILLER_SOMEONE);
}
END_TEST

START_TEST(other_ends_are_not_looked_up_in_the_log)
{
    scratch_put(root, "dev/kmsg", "6,1,101000000,-;" CHOSEN);
    gather(SIGSEGV);
    ck_assert_int_eq(e.killer, WR_KILLER_NONE);
    ck_assert(!e.log_readable);
}
END_TEST

START_TEST(the_machine_is_told_of_after_every_end)
{
    gather(0);
    ck_assert_double_eq(e.memory_total, 1000 * 1024.0);
    ck_assert_double_eq(e.memory_available, 100 * 1024.0);
    ck_assert_double_eq(e.swap_total, 8 * 1024.0);
    ck_assert_double_eq(e.swap_free, 4 * 1024.0);
    ck_assert_double_eq(e.pressure_some, 12.5);
    ck_assert_double_eq(e.pressure_full, 6.25);
}
END_TEST

START_TEST(a_system_that_tells_nothing_leaves_nothing_known)
{
    scratch_remove(root);
    memset(&before, 0, sizeof before);
    wr_counts_take(&before, root, 77);
    gather(SIGKILL);
    ck_assert_int_eq(e.killer, WR_KILLER_UNKNOWN);
    ck_assert(isnan(e.memory_total) && isnan(e.pressure_some));
    ck_assert(!e.counted);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("evidence");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, the_groups_go_from_the_innermost_to_the_top);
    tcase_add_test(t,
                   a_kill_that_is_counted_meanwhile_is_one_for_want_of_memory);
    tcase_add_test(t, without_a_kill_it_was_somebody);
    tcase_add_test(t, version_2_counts_in_its_own_file);
    tcase_add_test(t, the_log_names_the_group_whose_limit_it_was);
    tcase_add_test(t, a_message_from_before_its_start_is_about_another);
    tcase_add_test(t, other_ends_are_not_looked_up_in_the_log);
    tcase_add_test(t, the_machine_is_told_of_after_every_end);
    tcase_add_test(t, a_system_that_tells_nothing_leaves_nothing_known);
    return run_case(t, "evidence");
}
