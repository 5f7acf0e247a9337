/* Memory, time and names as the system gives them. */
#include "unit.h"

#include <errno.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "base/base.h"
#include "os/os.h"

enum { PAGE = 4096 };

/* Can the byte be read? Written? Asked of the kernel, so that no signal
 * comes of it. */
static bool
readable(const void *p)
{
    int fd[2];
    bool yes;

    ck_assert_int_eq(pipe(fd), 0);
    yes = syscall(SYS_write, fd[1], p, 1) == 1;
    close(fd[0]);
    close(fd[1]);
    return yes;
}

static bool
writable(void *p)
{
    int fd[2];
    bool yes;

    ck_assert_int_eq(pipe(fd), 0);
    ck_assert_int_eq(write(fd[1], "w", 1), 1);
    yes = syscall(SYS_read, fd[0], p, 1) == 1;
    close(fd[0]);
    close(fd[1]);
    return yes;
}

static void
assert_filled(const unsigned char *p, size_t bytes, unsigned char with)
{
    for (size_t i = 0; i < bytes; i++)
        if (p[i] != with)
            ck_abort_msg("byte %zu is %u, not %u", i, p[i], with);
}

/* ---- memory ---- */

START_TEST(reserved_space_has_no_access_until_committed)
{
    char *p = wr_os_reserve(16 * PAGE);

    ck_assert_ptr_nonnull(p);
    ck_assert_uint_eq((uintptr_t)p % PAGE, 0);
    ck_assert(!readable(p) && !readable(p + 16 * PAGE - 1));
    ck_assert(wr_os_commit(p + 4 * PAGE, 2 * PAGE));
    ck_assert(!readable(p + 4 * PAGE - 1) && !readable(p + 6 * PAGE));
    ck_assert(readable(p + 4 * PAGE) && writable(p + 6 * PAGE - 1));
    wr_os_unmap(p, 16 * PAGE);
    ck_assert(!readable(p + 4 * PAGE));
}
END_TEST

START_TEST(committed_and_mapped_memory_is_zero)
{
    unsigned char *p = wr_os_reserve(8 * PAGE);

    ck_assert(wr_os_commit(p, 8 * PAGE));
    assert_filled(p, 8 * PAGE, 0);
    p = wr_os_map(8 * PAGE);
    ck_assert_ptr_nonnull(p);
    assert_filled(p, 8 * PAGE, 0);
    memset(p, 1, 8 * PAGE);
}
END_TEST

START_TEST(released_pages_read_as_zero_and_their_neighbours_stay)
{
    unsigned char *p = wr_os_map(4 * PAGE);

    memset(p, 7, 4 * PAGE);
    ck_assert(wr_os_release(p + PAGE, 2 * PAGE));
    assert_filled(p, PAGE, 7);
    assert_filled(p + PAGE, 2 * PAGE, 0);
    assert_filled(p + 3 * PAGE, PAGE, 7);
    memset(p + PAGE, 9, PAGE);
    assert_filled(p + PAGE, PAGE, 9);
}
END_TEST

START_TEST(moved_pages_leave_zeroes_behind)
{
    unsigned char *from = wr_os_map(4 * PAGE), *to = wr_os_map(6 * PAGE);

    memset(from, 3, 4 * PAGE);
    memset(to, 5, 6 * PAGE);
    ck_assert(wr_os_move(from, to + PAGE, 4 * PAGE));
    assert_filled(to, PAGE, 5);
    assert_filled(to + PAGE, 4 * PAGE, 3);
    assert_filled(to + 5 * PAGE, PAGE, 5);
    assert_filled(from, 4 * PAGE, 0);
    ck_assert(writable(from));
}
END_TEST

START_TEST(a_refused_move_changes_nothing)
{
    unsigned char *from = wr_os_map(2 * PAGE), *to = wr_os_map(2 * PAGE);

    memset(from, 3, 2 * PAGE);
    memset(to, 5, 2 * PAGE);
    wr_os_fail_after(1, false);
    ck_assert(!wr_os_move(from, to, 2 * PAGE));
    assert_filled(from, 2 * PAGE, 3);
    assert_filled(to, 2 * PAGE, 5);
}
END_TEST

START_TEST(too_much_is_refused_and_errno_stays)
{
    unsigned char *p = wr_os_map(PAGE);

    errno = 77;
    ck_assert_ptr_null(wr_os_reserve((size_t)1 << 50));
    ck_assert_ptr_null(wr_os_map((size_t)1 << 50));
    wr_os_unmap(p, PAGE);
    ck_assert(!wr_os_commit(p, PAGE));
    ck_assert(!wr_os_release(p, PAGE));
    ck_assert_int_eq(wr_os_read_file("/nowhere", (char[8]){0}, 8), -1);
    ck_assert_int_eq(errno, 77);
}
END_TEST

/* ---- the switch that makes wishes fail ---- */

START_TEST(the_nth_wish_is_refused_once)
{
    for (unsigned n = 1; n < 6; n++) {
        wr_os_fail_after(n, false);
        for (unsigned i = 1; i < 10; i++)
            ck_assert_int_eq(wr_os_map(PAGE) == NULL, i == n);
    }
}
END_TEST

START_TEST(all_wishes_from_the_nth_on_are_refused_until_switched_off)
{
    for (unsigned n = 1; n < 6; n++) {
        wr_os_fail_after(n, true);
        for (unsigned i = 1; i < 10; i++)
            ck_assert_int_eq(wr_os_map(PAGE) == NULL, i >= n);
        wr_os_fail_after(0, true);
        ck_assert_ptr_nonnull(wr_os_map(PAGE));
    }
}
END_TEST

START_TEST(every_kind_of_wish_counts)
{
    char *p = wr_os_map(PAGE), *q = wr_os_map(PAGE);

    (void)unlink("/tmp/weir-test-refused"); /* of a run that failed */
    wr_os_fail_after(1, true);
    ck_assert_ptr_null(wr_os_reserve(PAGE));
    ck_assert(!wr_os_commit(p, PAGE));
    ck_assert(!wr_os_move(p, q, PAGE));
    ck_assert(wr_os_release(p, PAGE)); /* giving back is no wish */
}
END_TEST

/* ---- time, names, chance ---- */

START_TEST(time_goes_forward_in_nanoseconds)
{
    struct timespec t;
    uint64_t before, real;

    clock_gettime(CLOCK_MONOTONIC, &t);
    before = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
    for (int i = 0; i < 1000; i++) {
        uint64_t now = wr_os_monotonic();

        ck_assert_uint_ge(now, before);
        before = now;
    }
    clock_gettime(CLOCK_REALTIME, &t);
    real = wr_os_realtime();
    ck_assert_uint_ge(real,
                      (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec);
    ck_assert_uint_lt(real / 1000000000, (uint64_t)t.tv_sec + 60);
}
END_TEST

START_TEST(names_are_the_kernels)
{
    pid_t pid;
    int status;

    ck_assert_uint_eq(wr_os_pid(), (uint32_t)getpid());
    ck_assert_uint_eq(wr_os_tid(), (uint32_t)getpid());
    ck_assert_uint_eq(wr_os_page_bytes(), (size_t)sysconf(_SC_PAGESIZE));
    pid = fork();
    if (pid == 0)
        _exit(wr_os_pid() == (uint32_t)getpid() &&
                      wr_os_pid() != (uint32_t)getppid()
                  ? 0
                  : 1);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(seeds_differ_and_are_never_zero)
{
    uint64_t seen[64];

    for (size_t i = 0; i < wr_countof(seen); i++) {
        seen[i] = wr_os_random();
        ck_assert_uint_ne(seen[i], 0);
        for (size_t k = 0; k < i; k++)
            ck_assert_uint_ne(seen[i], seen[k]);
    }
}
END_TEST

START_TEST(shared_memory_is_seen_by_a_copy_of_the_process)
{
    volatile int *shared = wr_os_map_shared(PAGE), *own = wr_os_map(PAGE);
    int status;

    ck_assert(shared != NULL && own != NULL);
    if (fork() == 0) {
        while (*shared == 0)
            sched_yield();
        _exit(*shared == 1 && *own == 0 ? 0 : 1);
    }
    *own = 1;
    *shared = 1;
    ck_assert_int_gt(wait(&status), 0);
    ck_assert_int_eq(status, 0);
    wr_os_unmap((void *)shared, PAGE);
    wr_os_unmap((void *)own, PAGE);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("os/memory");
    TCase *t = tcase_create("memory");

    tcase_add_test(t, shared_memory_is_seen_by_a_copy_of_the_process);
    tcase_add_test(t, reserved_space_has_no_access_until_committed);
    tcase_add_test(t, committed_and_mapped_memory_is_zero);
    tcase_add_test(t, released_pages_read_as_zero_and_their_neighbours_stay);
    tcase_add_test(t, moved_pages_leave_zeroes_behind);
    tcase_add_test(t, a_refused_move_changes_nothing);
    tcase_add_test(t, too_much_is_refused_and_errno_stays);
    tcase_add_test(t, the_nth_wish_is_refused_once);
    tcase_add_test(t,
                   all_wishes_from_the_nth_on_are_refused_until_switched_off);
    tcase_add_test(t, every_kind_of_wish_counts);
    tcase_add_test(t, time_goes_forward_in_nanoseconds);
    tcase_add_test(t, names_are_the_kernels);
    tcase_add_test(t, seeds_differ_and_are_never_zero);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
