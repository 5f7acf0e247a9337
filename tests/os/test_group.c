/* The limit of the control groups, and what is left of it, read from files made
 * here. */
#include "unit.h"

#include <sys/stat.h>

#include "base/base.h"
#include "os/os.h"

static char root[] = "/tmp/weir-group.XXXXXX";

static void
put(const char *path, const char *text)
{
    char whole[600];
    FILE *out;

    snprintf(whole, sizeof whole, "%s%s", root, path);
    for (char *at = whole + strlen(root) + 1; *at != '\0'; at++)
        if (*at == '/') {
            *at = '\0';
            (void)mkdir(whole, 0700);
            *at = '/';
        }
    out = fopen(whole, "w");
    ck_assert_ptr_nonnull(out);
    fputs(text, out);
    ck_assert_int_eq(fclose(out), 0);
}

static void
begin(void)
{
    ck_assert_ptr_nonnull(mkdtemp(root));
}

static void
end(void)
{
    char command[100];

    snprintf(command, sizeof command, "rm -rf %s", root);
    ck_assert_int_eq(system(command), 0);
}

#define SECOND                                                                 \
    "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n"
#define FIRST                                                                  \
    "35 31 0:32 / /sys/fs/cgroup/memory rw,nosuid shared:9 - cgroup cgroup "   \
    "rw,memory\n"

START_TEST(where_nothing_can_be_read_there_is_no_limit)
{
    begin();
    ck_assert_uint_eq(wr_os_memory_limit_below(root), 0);
    put("/proc/self/cgroup", "0::/a\n");
    ck_assert_uint_eq(wr_os_memory_limit_below(root), 0);
    put("/proc/self/mountinfo", SECOND);
    ck_assert_uint_eq(wr_os_memory_limit_below(root), 0);
    end();
}
END_TEST

START_TEST(the_tightest_of_all_groups_around_counts)
{
    begin();
    put("/proc/self/cgroup", "0::/a/b/c\n");
    put("/proc/self/mountinfo", SECOND);
    put("/sys/fs/cgroup/a/b/c/memory.max", "max\n");
    ck_assert_uint_eq(wr_os_memory_limit_below(root), 0);
    put("/sys/fs/cgroup/a/b/memory.max", "3000000\n");
    ck_assert_uint_eq(wr_os_memory_limit_below(root), 3000000);
    put("/sys/fs/cgroup/a/b/c/memory.max", "4000000\n");
    ck_assert_uint_eq(wr_os_memory_limit_below(root), 3000000);
    put("/sys/fs/cgroup/a/memory.max", "2000000\n");
    ck_assert_uint_eq(wr_os_memory_limit_below(root), 2000000);
    put("/sys/fs/cgroup/memory.max", "1000000\n");
    ck_assert_uint_eq(wr_os_memory_limit_below(root), 1000000);
    /* A neighbour is none of ours. */
    put("/sys/fs/cgroup/a/x/memory.max", "1\n");
    ck_assert_uint_eq(wr_os_memory_limit_below(root), 1000000);
    end();
}
END_TEST

START_TEST(where_the_system_slows_down_is_a_limit_too)
{
    begin();
    put("/proc/self/cgroup", "0::/a\n");
    put("/proc/self/mountinfo", SECOND);
    put("/sys/fs/cgroup/a/memory.max", "5000000\n");
    put("/sys/fs/cgroup/a/memory.high", "4000000\n");
    ck_assert_uint_eq(wr_os_memory_limit_below(root), 4000000);
    put("/sys/fs/cgroup/a/memory.high", "max\n");
    ck_assert_uint_eq(wr_os_memory_limit_below(root), 5000000);
    end();
}
END_TEST

START_TEST(a_container_sees_its_own_group_under_its_outer_name)
{
    begin();
    put("/proc/self/cgroup", "0::/docker/0123/inner\n");
    put("/proc/self/mountinfo",
        "1 0 8:1 / / rw - ext4 /dev/sda rw\n"
        "30 23 0:26 /docker/0123 /sys/fs/cgroup ro - cgroup2 cgroup rw\n");
    put("/sys/fs/cgroup/memory.max", "7000000\n");
    ck_assert_uint_eq(wr_os_memory_limit_below(root), 7000000);
    put("/sys/fs/cgroup/inner/memory.max", "6000000\n");
    ck_assert_uint_eq(wr_os_memory_limit_below(root), 6000000);
    /* One that begins alike is another. */
    put("/proc/self/cgroup", "0::/docker/01234/inner\n");
    ck_assert_uint_eq(wr_os_memory_limit_below(root), 7000000);
    /* Outside what the name space shows. */
    put("/proc/self/cgroup", "0::/../../inner\n");
    ck_assert_uint_eq(wr_os_memory_limit_below(root), 7000000);
    end();
}
END_TEST

START_TEST(groups_of_the_first_kind_count_where_memory_is_theirs)
{
    begin();
    put("/proc/self/cgroup", "9:name=systemd:/x\n5:cpu,memory:/a/b\n"
                             "3:memory_other:/c\n0::/\n");
    put("/proc/self/mountinfo",
        "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
        "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n" FIRST);
    put("/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes",
        "9223372036854771712\n");
    ck_assert_uint_eq(wr_os_memory_limit_below(root), 0);
    put("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "8000000\n");
    ck_assert_uint_eq(wr_os_memory_limit_below(root), 8000000);
    put("/sys/fs/cgroup/cpu/a/b/memory.limit_in_bytes", "1\n");
    ck_assert_uint_eq(wr_os_memory_limit_below(root), 8000000);
    end();
}
END_TEST

START_TEST(where_both_kinds_are_the_tighter_counts)
{
    begin();
    put("/proc/self/cgroup", "4:memory:/a\n0::/b\n");
    put("/proc/self/mountinfo",
        FIRST "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
    put("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "8000000\n");
    put("/sys/fs/cgroup/unified/b/memory.max", "9000000\n");
    ck_assert_uint_eq(wr_os_memory_limit_below(root), 8000000);
    put("/sys/fs/cgroup/unified/memory.high", "5000000\n");
    ck_assert_uint_eq(wr_os_memory_limit_below(root), 5000000);
    end();
}
END_TEST

START_TEST(the_least_that_a_group_or_the_machine_has_left_counts)
{
    begin();
    ck_assert_uint_eq(wr_os_memory_left_below(root, 100), UINT64_MAX);
    put("/proc/meminfo", "MemTotal: 9000 kB\nMemAvailable:    8000 kB\n");
    ck_assert_uint_eq(wr_os_memory_left_below(root, 100), 8000 * 1024);
    put("/proc/self/cgroup", "0::/a/b\n");
    put("/proc/self/mountinfo", SECOND);
    put("/sys/fs/cgroup/a/b/memory.max", "5000000\n");
    ck_assert_uint_eq(wr_os_memory_left_below(root, 100), 8000 * 1024);
    put("/sys/fs/cgroup/a/b/memory.current", "1000000\n");
    ck_assert_uint_eq(wr_os_memory_left_below(root, 100), 4000000);
    put("/sys/fs/cgroup/a/memory.max", "5000000\n");
    put("/sys/fs/cgroup/a/memory.current", "6000000\n");
    ck_assert_uint_eq(wr_os_memory_left_below(root, 100), 0);
    end();
}
END_TEST

START_TEST(files_nobody_looked_at_make_room_where_there_is_not_enough)
{
    begin();
    put("/proc/self/cgroup", "4:memory:/a\n0::/b\n");
    put("/proc/self/mountinfo",
        FIRST "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
    put("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "8000000\n");
    put("/sys/fs/cgroup/memory/a/memory.usage_in_bytes", "7000000\n");
    put("/sys/fs/cgroup/memory/a/memory.stat",
        "inactive_file 5\ntotal_inactive_file 2000000\n");
    ck_assert_uint_eq(wr_os_memory_left_below(root, 1000000), 1000000);
    ck_assert_uint_eq(wr_os_memory_left_below(root, 1000001), 3000000);
    put("/sys/fs/cgroup/unified/b/memory.high", "2000000\n");
    put("/sys/fs/cgroup/unified/b/memory.current", "1900000\n");
    put("/sys/fs/cgroup/unified/b/memory.stat",
        "anon 1000\ninactive_file 400000\n");
    ck_assert_uint_eq(wr_os_memory_left_below(root, 200000), 500000);
    end();
}
END_TEST

/* Many mounts, long lines: the files are read piece by piece. */
START_TEST(files_of_any_length_are_read)
{
    static char text[400 * 120 + 20000];
    size_t n = 0;

    begin();
    for (int i = 0; i < 400; i++)
        n += (size_t)snprintf(text + n, sizeof text - n,
                              "%d 1 0:5 / /mnt/%d rw - tmpfs tmpfs rw\n", i, i);
    memset(text + n, 'x', 10000);
    n += 10000;
    snprintf(text + n, sizeof text - n, "\n%s", SECOND);
    put("/proc/self/mountinfo", text);
    put("/proc/self/cgroup", "0::/a\n");
    put("/sys/fs/cgroup/a/memory.max", "5000000\n");
    ck_assert_uint_eq(wr_os_memory_limit_below(root), 5000000);
    end();
}
END_TEST

START_TEST(lines_that_are_none_are_passed_over)
{
    begin();
    put("/proc/self/cgroup", "\n:\n0:\nxyz\n4:memory\n0::/a\n");
    put("/proc/self/mountinfo", "\n - \n1 2 3 - cgroup2\n - cgroup2 a b\n"
                                "1 2 3 / /x - cgroup2\n" SECOND);
    put("/sys/fs/cgroup/a/memory.max", "5000000\n");
    ck_assert_uint_eq(wr_os_memory_limit_below(root), 5000000);
    end();
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("os/group");
    TCase *t = tcase_create("group");

    tcase_add_test(t, where_nothing_can_be_read_there_is_no_limit);
    tcase_add_test(t, the_tightest_of_all_groups_around_counts);
    tcase_add_test(t, where_the_system_slows_down_is_a_limit_too);
    tcase_add_test(t, a_container_sees_its_own_group_under_its_outer_name);
    tcase_add_test(t, groups_of_the_first_kind_count_where_memory_is_theirs);
    tcase_add_test(t, where_both_kinds_are_the_tighter_counts);
    tcase_add_test(t, the_least_that_a_group_or_the_machine_has_left_counts);
    tcase_add_test(t,
                   files_nobody_looked_at_make_room_where_there_is_not_enough);
    tcase_add_test(t, files_of_any_length_are_read);
    tcase_add_test(t, lines_that_are_none_are_passed_over);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
