/* The thread of Weir's own, of which libc knows nothing. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>

#include "os/os.h"
#include "os/syscall.h"

/* What such a thread finds. It makes no libc calls. */
static struct {
    void *arg;
    uintptr_t thread_pointer;
    uint64_t mask;
    uint32_t pid, tid;
    _Atomic uint32_t done, go;
} seen;

static struct wr_os_thread thread;

static void
look_around(void *arg)
{
    seen.arg = arg;
    seen.thread_pointer = wr_os_thread_pointer();
    seen.pid = wr_os_pid();
    seen.tid = wr_os_tid();
    (void)wr_syscall4(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &seen.mask, 8);
    atomic_store(&seen.done, 1);
    wr_os_wake(&seen.done, 1);
    while (atomic_load(&seen.go) == 0)
        wr_os_wait(&seen.go, 0, 0);
}

static void
start_and_wait(void *arg)
{
    ck_assert(wr_os_thread_start(&thread, look_around, arg));
    while (atomic_load(&seen.done) == 0)
        wr_os_wait(&seen.done, 0, 0);
}

static void
let_it_end(void)
{
    atomic_store(&seen.go, 1);
    wr_os_wake(&seen.go, 1);
}

static bool
task_exists(uint32_t tid)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/self/task/%u", tid);
    return access(path, F_OK) == 0;
}

START_TEST(it_runs_the_function_in_this_process_on_another_thread)
{
    int arg;

    start_and_wait(&arg);
    ck_assert_ptr_eq(seen.arg, &arg);
    ck_assert_uint_eq(seen.pid, wr_os_pid());
    ck_assert_uint_ne(seen.tid, wr_os_tid());
    ck_assert(task_exists(seen.tid));
}
END_TEST

START_TEST(its_thread_local_storage_is_nobody_elses)
{
    static _Thread_local int mine = 5;

    errno = 77;
    start_and_wait(NULL);
    ck_assert_uint_ne(seen.thread_pointer, wr_os_thread_pointer());
    ck_assert_uint_ne(seen.thread_pointer, 0);
    let_it_end();
    ck_assert_int_eq(mine, 5);
    ck_assert_int_eq(errno, 77);
}
END_TEST

START_TEST(it_takes_no_signals_and_the_starters_mask_is_as_before)
{
    uint64_t must = ~UINT64_C(0);
    sigset_t before, after;

    must &= ~(UINT64_C(1) << (SIGKILL - 1));
    must &= ~(UINT64_C(1) << (SIGSTOP - 1));
    sigemptyset(&before);
    sigaddset(&before, SIGUSR2);
    ck_assert_int_eq(sigprocmask(SIG_SETMASK, &before, NULL), 0);
    start_and_wait(NULL);
    ck_assert_uint_eq(seen.mask & must, must);
    ck_assert_int_eq(sigprocmask(SIG_SETMASK, NULL, &after), 0);
    for (int i = 1; i < 32; i++)
        ck_assert_int_eq(sigismember(&after, i), i == SIGUSR2);
}
END_TEST

START_TEST(it_bears_the_name_weir)
{
    char path[64], name[32] = "";

    start_and_wait(NULL);
    snprintf(path, sizeof path, "/proc/self/task/%u/comm", seen.tid);
    ck_assert_int_eq(wr_os_read_file(path, name, sizeof name - 1), 5);
    ck_assert_str_eq(name, "weir\n");
}
END_TEST

START_TEST(it_ends_when_the_function_returns)
{
    struct timespec nap = {0, 100000};

    start_and_wait(NULL);
    ck_assert_uint_eq(atomic_load(&thread.alive), seen.tid);
    let_it_end();
    wr_os_thread_join(&thread);
    ck_assert_uint_eq(atomic_load(&thread.alive), 0);
    while (task_exists(seen.tid))
        nanosleep(&nap, NULL);
}
END_TEST

START_TEST(it_can_be_started_again_on_the_stack_it_had)
{
    void *memory;
    uint32_t first;

    start_and_wait(NULL);
    memory = thread.memory;
    first = seen.tid;
    let_it_end();
    wr_os_thread_join(&thread);
    atomic_store(&seen.done, 0);
    start_and_wait(NULL);
    ck_assert_ptr_eq(thread.memory, memory);
    ck_assert_uint_ne(seen.tid, first);
    wr_os_thread_join(&thread);
}
END_TEST

/* It opens a file, and finds none of ours. */
static struct {
    long fd, bytes;
} files;

static void
open_one(void *arg)
{
    char byte;

    (void)arg;
    files.fd = wr_syscall4(SYS_openat, AT_FDCWD, "/dev/zero", O_RDONLY, 0);
    files.bytes = wr_syscall3(SYS_read, files.fd, &byte, 1);
    look_around(arg);
}

START_TEST(its_descriptors_are_its_own)
{
    int lowest = dup(0);

    close(lowest);
    ck_assert(wr_os_thread_start(&thread, open_one, NULL));
    while (atomic_load(&seen.done) == 0)
        wr_os_wait(&seen.done, 0, 0);
    if (thread.apart) {
        ck_assert_int_eq(files.fd, 0);
        ck_assert_int_eq(files.bytes, 1);
        ck_assert_int_eq(dup(0), lowest);
    } else {
        unit_skip("this system's threads share their descriptors");
    }
    let_it_end();
}
END_TEST

static void
leave_it_asleep(void *arg)
{
    start_and_wait(arg);
    _exit(3);
}

START_TEST(it_does_not_keep_the_process_alive)
{
    ck_assert_int_eq(unit_end_of(leave_it_asleep, NULL).status, 3);
}
END_TEST

START_TEST(without_memory_there_is_no_thread)
{
    wr_os_fail_after(1, false);
    ck_assert(!wr_os_thread_start(&thread, look_around, NULL));
    ck_assert_uint_eq(atomic_load(&seen.done), 0);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("os/thread");
    TCase *t = tcase_create("thread");

    tcase_add_test(t, without_memory_there_is_no_thread);
    if (UNIT_TSAN) {
        unit_skip("code made for ThreadSanitizer needs libc's threads");
    } else {
        tcase_add_test(t,
                       it_runs_the_function_in_this_process_on_another_thread);
        tcase_add_test(t, its_thread_local_storage_is_nobody_elses);
        tcase_add_test(t,
                       it_takes_no_signals_and_the_starters_mask_is_as_before);
        tcase_add_test(t, it_bears_the_name_weir);
        tcase_add_test(t, it_ends_when_the_function_returns);
        tcase_add_test(t, it_can_be_started_again_on_the_stack_it_had);
        tcase_add_test(t, its_descriptors_are_its_own);
        tcase_add_test(t, it_does_not_keep_the_process_alive);
    }
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
