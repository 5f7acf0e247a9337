/* What the system tells of the process. */
#include "unit.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "base/base.h"
#include "os/os.h"

START_TEST(resident_memory_grows_with_what_is_touched)
{
    enum { BYTES = 64 << 20 };
    struct wr_os_usage before, after;
    char *p;

    wr_os_usage(&before, true);
    p = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
             -1, 0);
    ck_assert_ptr_ne(p, MAP_FAILED);
    memset(p, 1, BYTES);
    wr_os_usage(&after, true);
    ck_assert_uint_gt(before.rss, 100000);
    ck_assert_uint_ge(after.rss, before.rss + BYTES - BYTES / 8);
    ck_assert_uint_gt(after.minor_faults, before.minor_faults);
    munmap(p, BYTES);
}
END_TEST

START_TEST(time_used_is_that_of_getrusage)
{
    struct wr_os_usage u;
    struct rusage r;
    double used;

    do {
        getrusage(RUSAGE_SELF, &r);
        used = (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
               (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
    } while (used < 0.2);
    wr_os_usage(&u, true);
    ck_assert_double_eq_tol((double)u.cpu_ns / 1e9, used, 0.1);
    wr_os_usage(&u, false);
    ck_assert_double_eq_tol((double)u.cpu_ns / 1e9, used, 0.1);
    ck_assert_uint_eq(u.rss, 0); /* that takes a file */
}
END_TEST

static void *
wait_for(void *barrier)
{
    pthread_barrier_wait(barrier);
    return NULL;
}

START_TEST(threads_are_counted)
{
    struct wr_os_usage before, after;
    pthread_barrier_t barrier;
    pthread_t t[3];

    /* With the first a sanitizer makes one of its own. */
    pthread_barrier_init(&barrier, NULL, 1);
    ck_assert_int_eq(pthread_create(&t[0], NULL, wait_for, &barrier), 0);
    pthread_join(t[0], NULL);
    wr_os_usage(&before, true);
    pthread_barrier_init(&barrier, NULL, 4);
    for (size_t i = 0; i < wr_countof(t); i++)
        ck_assert_int_eq(pthread_create(&t[i], NULL, wait_for, &barrier), 0);
    wr_os_usage(&after, true);
    ck_assert_uint_eq(after.threads, before.threads + 3);
    pthread_barrier_wait(&barrier);
    for (size_t i = 0; i < wr_countof(t); i++)
        pthread_join(t[i], NULL);
}
END_TEST

/* The lowest memory.max of the group and those it lies in, by a shell. */
START_TEST(the_limit_is_the_lowest_of_the_control_groups)
{
    FILE *in = popen("g=$(sed -n 's/^0:://p' /proc/self/cgroup)\n"
                     "low=0\n"
                     "while :; do\n"
                     "  m=$(cat \"/sys/fs/cgroup$g/memory.max\" 2>/dev/null)\n"
                     "  case $m in '' | max) ;; *)\n"
                     "    [ $low -ne 0 ] && [ $low -le $m ] || low=$m ;;\n"
                     "  esac\n"
                     "  case $g in */*) g=${g%/*} ;; *) break ;; esac\n"
                     "done\n"
                     "ls /sys/fs/cgroup/memory >/dev/null 2>&1 && low=x\n"
                     "echo $low",
                     "r");
    char text[64] = "";

    ck_assert_ptr_nonnull(in);
    ck_assert_ptr_nonnull(fgets(text, sizeof text, in));
    pclose(in);
    if (text[0] == 'x')
        unit_skip("control groups of the first kind");
    else
        ck_assert_uint_eq(wr_os_memory_limit(), strtoull(text, NULL, 10));
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("os/proc");
    TCase *t = tcase_create("proc");

    tcase_add_test(t, resident_memory_grows_with_what_is_touched);
    tcase_add_test(t, time_used_is_that_of_getrusage);
    tcase_add_test(t, threads_are_counted);
    tcase_add_test(t, the_limit_is_the_lowest_of_the_control_groups);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
