/* What the kernel tells: of this process, and in made-up files. */
#include "serve/proc.h"

#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include "serve/program.h"

static char root[64];
static struct wr_proc p;

static void
setup(void)
{
    scratch_make(root, sizeof root);
}

static void
teardown(void)
{
    scratch_remove(root);
}

static void
read_made_up(void)
{
    wr_proc_read(&p, root, 77, wr_proc_boot_seconds(root));
}

#define STAT_REST                                                              \
    "S 1 77 77 0 -1 4194304 100 0 3 0 250 50 0 0 20 0 6 0 12345 "              \
    "8192000 200 18446744073709551615 1 1 0\n"

/* --- This process ------------------------------------------------------- */

START_TEST(this_process_is_told_of_rightly)
{
    struct rlimit files;
    double now = (double)time(NULL);
    getrlimit(RLIMIT_NOFILE, &files);
    wr_proc_read(&p, "", (uint32_t)getpid(), wr_proc_boot_seconds(""));
    ck_assert_double_ge(p.threads, 1);
    ck_assert_double_gt(p.resident_bytes, 100000);
    ck_assert_double_gt(p.virtual_bytes, p.resident_bytes);
    ck_assert_double_eq(p.max_fds, (double)files.rlim_cur);
    ck_assert_double_ge(p.open_fds, 3);
    ck_assert_double_ge(p.processors, 1);
    ck_assert_double_ge(p.cpu_seconds, 0);
    ck_assert_double_gt(p.start_seconds, now - 300);
    ck_assert_double_le(p.start_seconds, now + 2);
}
END_TEST

START_TEST(an_open_file_is_counted)
{
    wr_proc_read(&p, "", (uint32_t)getpid(), 0);
    double before = p.open_fds;
    int fd = open("/dev/null", O_RDONLY);
    wr_proc_read(&p, "", (uint32_t)getpid(), 0);
    close(fd);
    ck_assert_double_eq(p.open_fds, before + 1);
}
END_TEST

START_TEST(of_nobody_nothing_is_known)
{
    wr_proc_read(&p, root, 0x7ffffffe, 0);
    ck_assert(isnan(p.cpu_seconds) && isnan(p.threads) && isnan(p.max_fds));
    ck_assert(isnan(p.open_fds) && isnan(p.memory_limit));
    ck_assert(isnan(p.processors) && isnan(p.memory_used));
    ck_assert(isnan(wr_proc_boot_seconds(root)));
}
END_TEST

/* --- Made up ------------------------------------------------------------ */

START_TEST(a_name_with_parentheses_is_no_trouble)
{
    double tick = (double)sysconf(_SC_CLK_TCK);
    scratch_put(root, "proc/77/stat", "77 (a) R 1 (b)) " STAT_REST);
    scratch_put(root, "proc/stat", "cpu  1 2 3\nintr 5 6\nbtime 1700000000\n");
    read_made_up();
    ck_assert_double_eq(p.cpu_seconds, 300 / tick);
    ck_assert_double_eq(p.threads, 6);
    ck_assert_double_eq(p.minor_faults, 100);
    ck_assert_double_eq(p.major_faults, 3);
    ck_assert_double_eq(p.start_seconds, 1700000000 + 12345 / tick);
    ck_assert_double_eq(p.virtual_bytes, 8192000);
    ck_assert_double_eq(p.resident_bytes,
                        200.0 * (double)sysconf(_SC_PAGESIZE));
}
END_TEST

START_TEST(a_broken_stat_gives_nothing)
{
    static const char *const broken[] = {"", "77", "77 (x)", "77 (x) S 1 2",
                                         "77 (x) S a b c d e f g h i j"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        scratch_put(root, "proc/77/stat", broken[i]);
        read_made_up();
        ck_assert(isnan(p.cpu_seconds) && isnan(p.resident_bytes));
    }
}
END_TEST

START_TEST(limits_are_the_soft_ones_and_unlimited_is_2_to_the_64)
{
    scratch_put(
        root, "proc/77/limits",
        "Limit                     Soft Limit           Hard Limit     Units\n"
        "Max open files            1024                 524288         files\n"
        "Max address space         unlimited            unlimited      "
        "bytes\n");
    read_made_up();
    ck_assert_double_eq(p.max_fds, 1024);
    ck_assert_double_eq(p.virtual_max, 18446744073709551616.0);
}
END_TEST

START_TEST(the_tightest_group_above_the_process_limits_it)
{
    scratch_put(root, "proc/77/cgroup", "0::/system/redis/worker\n");
    scratch_put(root, "sys/fs/cgroup/system/redis/worker/memory.max", "max\n");
    scratch_put(root, "sys/fs/cgroup/system/redis/worker/memory.current",
                "1\n");
    scratch_put(root, "sys/fs/cgroup/system/redis/memory.max", "1000000\n");
    scratch_put(root, "sys/fs/cgroup/system/redis/memory.current", "700000\n");
    scratch_put(root, "sys/fs/cgroup/system/redis/memory.stat",
                "anon 5\nfile 7\ninactive_file 100000\n");
    scratch_put(root, "sys/fs/cgroup/system/memory.max", "2000000\n");
    read_made_up();
    ck_assert_double_eq(p.memory_limit, 1000000);
    ck_assert_double_eq(p.memory_used, 600000);
}
END_TEST

START_TEST(without_a_limit_of_a_group_the_machines_memory_is_it)
{
    scratch_put(root, "proc/77/cgroup", "0::/system\n");
    scratch_put(root, "sys/fs/cgroup/system/memory.max", "max\n");
    scratch_put(root, "sys/fs/cgroup/system/memory.current", "5\n");
    read_made_up();
    ck_assert(isnan(p.memory_limit) && isnan(p.memory_used));
    scratch_put(root, "proc/meminfo",
                "MemTotal:      1000 kB\nMemFree:     100 kB\n"
                "MemAvailable:   300 kB\n");
    read_made_up();
    ck_assert_double_eq(p.memory_limit, 1000 * 1024);
    ck_assert_double_eq(p.memory_used, 700 * 1024);
    scratch_put(root, "sys/fs/cgroup/system/memory.max",
                "4096000\n"); /* more than it */
    read_made_up();
    ck_assert_double_eq(p.memory_limit, 1000 * 1024);
    scratch_put(root, "sys/fs/cgroup/system/memory.max", "4096\n");
    read_made_up();
    ck_assert_double_eq(p.memory_limit, 4096);
    ck_assert_double_eq(p.memory_used, 5);
}
END_TEST

START_TEST(in_a_container_the_topmost_group_is_its_own)
{
    scratch_put(root, "proc/77/cgroup", "0::/docker/abc/on/the/host\n");
    scratch_put(root, "sys/fs/cgroup/memory.max", "500\n");
    scratch_put(root, "sys/fs/cgroup/memory.current", "300\n");
    read_made_up();
    ck_assert_double_eq(p.memory_limit, 500);
    ck_assert_double_eq(p.memory_used, 300);
}
END_TEST

START_TEST(the_first_version_of_groups_is_read_too)
{
    scratch_put(root, "proc/77/cgroup",
                "5:cpu,cpuacct:/a\n4:memory:/a/b\n0::/\n");
    scratch_put(root, "sys/fs/cgroup/memory/a/b/memory.limit_in_bytes",
                "4096000\n");
    scratch_put(root, "sys/fs/cgroup/memory/a/b/memory.usage_in_bytes",
                "4000\n");
    scratch_put(root, "sys/fs/cgroup/memory/a/b/memory.stat",
                "inactive_file 1\ntotal_inactive_file 1000\n");
    scratch_put(root, "sys/fs/cgroup/memory/a/memory.limit_in_bytes",
                "9223372036854771712\n");
    read_made_up();
    ck_assert_double_eq(p.memory_limit, 4096000);
    ck_assert_double_eq(p.memory_used, 3000);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("proc");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, this_process_is_told_of_rightly);
    tcase_add_test(t, an_open_file_is_counted);
    tcase_add_test(t, of_nobody_nothing_is_known);
    tcase_add_test(t, a_name_with_parentheses_is_no_trouble);
    tcase_add_test(t, a_broken_stat_gives_nothing);
    tcase_add_test(t, limits_are_the_soft_ones_and_unlimited_is_2_to_the_64);
    tcase_add_test(t, the_tightest_group_above_the_process_limits_it);
    tcase_add_test(t, without_a_limit_of_a_group_the_machines_memory_is_it);
    tcase_add_test(t, in_a_container_the_topmost_group_is_its_own);
    tcase_add_test(t, the_first_version_of_groups_is_read_too);
    return run_case(t, "proc");
}
