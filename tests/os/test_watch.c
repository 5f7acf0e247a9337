/* Which pages were written, as the system notes it. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "os/os.h"
#include "os/watch.h"

enum { PAGE = 4096, PAGES = 4096, BYTES = PAGES * PAGE };

static struct wr_os_watch w;
static char *memory;
static bool written[PAGES];

static char *
map(size_t bytes)
{
    char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    ck_assert_ptr_ne(p, MAP_FAILED);
    return p;
}

/* The pages of memory that were written since it was last asked; so many
 * stretches are asked for at once. */
static size_t
ask(size_t room)
{
    uintptr_t at = (uintptr_t)memory, end = at + BYTES;
    struct wr_os_stretch s[128];
    size_t pages = 0, n;

    memset(written, 0, sizeof written);
    while (at < end) {
        uintptr_t before = at;

        n = wr_os_watch_take(&w, &at, end, s, room);
        ck_assert_uint_le(n, room);
        ck_assert(at > before || n > 0);
        for (size_t i = 0; i < n; i++)
            for (uintptr_t p = s[i].from; p < s[i].end; p += PAGE) {
                size_t page = (p - (uintptr_t)memory) / PAGE;

                ck_assert_uint_lt(page, PAGES);
                pages += !written[page];
                written[page] = true;
            }
    }
    return pages;
}

static void
begin(void)
{
    memory = map(BYTES);
    madvise(memory, BYTES, MADV_NOHUGEPAGE);
    memset(memory, 1, BYTES);
    if (!wr_os_watch_open(&w))
        return;
    ck_assert_uint_eq(ask(64), PAGES); /* new to watch: as if written */
}

static void
end(void)
{
    if (w.faults >= 0) {
        wr_os_watch_drop(&w, (uintptr_t)memory, (uintptr_t)memory + BYTES);
        wr_os_watch_close(&w);
    }
    munmap(memory, BYTES);
}

/* Where the system does not let us there is nothing to test but that it says
 * so. */
#define UNLESS_REFUSED()                                                       \
    if (w.faults < 0) {                                                        \
        fprintf(stderr, "skip: the system does not track writes\n");           \
        return;                                                                \
    }

START_TEST(what_nobody_writes_is_not_told)
{
    UNLESS_REFUSED();
    ck_assert_uint_eq(ask(64), 0);
    for (size_t i = 0; i < BYTES; i += PAGE)
        ck_assert_int_eq(((volatile char *)memory)[i], 1);
    ck_assert_uint_eq(ask(64), 0);
}
END_TEST

START_TEST(each_page_that_was_written_is_told_once_however_many_are_asked_for)
{
    size_t room[] = {1, 2, 3, 64, 128};

    UNLESS_REFUSED();
    for (size_t r = 0; r < wr_countof(room); r++) {
        size_t wanted = 0;

        for (size_t i = 0; i < PAGES; i += 1 + i % 7, wanted++)
            memory[i * PAGE + i % PAGE] = 2;
        ck_assert_uint_eq(ask(room[r]), wanted);
        for (size_t i = 0; i < PAGES; i += 1 + i % 7)
            ck_assert(written[i]);
        ck_assert_uint_eq(ask(64), 0);
    }
}
END_TEST

START_TEST(what_the_kernel_writes_for_the_program_is_told)
{
    int fd[2];

    UNLESS_REFUSED();
    ck_assert_int_eq(pipe(fd), 0);
    ck_assert_int_eq(write(fd[1], "12345678", 8), 8);
    ck_assert_int_eq(read(fd[0], memory + 17 * PAGE + 4092, 8), 8);
    close(fd[0]);
    close(fd[1]);
    ck_assert_uint_eq(ask(64), 2);
    ck_assert(written[17] && written[18]);
    ck_assert_mem_eq(memory + 17 * PAGE + 4092, "12345678", 8);
}
END_TEST

START_TEST(memory_that_comes_anew_counts_as_written)
{
    char *other = map(64 * PAGE);

    UNLESS_REFUSED();
    /* Given back and touched; */
    madvise(memory + 100 * PAGE, 8 * PAGE, MADV_DONTNEED);
    memory[101 * PAGE] = 3;
    ck_assert_uint_ge(ask(64), 1);
    ck_assert(written[101]);
    /* mapped over; */
    ck_assert_ptr_eq(mmap(memory + 200 * PAGE, 8 * PAGE, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
                     memory + 200 * PAGE);
    memory[203 * PAGE] = 3;
    ask(64);
    ck_assert(written[203]);
    /* moved there. */
    memset(other, 4, 64 * PAGE);
    ck_assert(wr_os_move(other, memory + 300 * PAGE, 64 * PAGE));
    ask(64);
    for (size_t i = 300; i < 364; i++)
        ck_assert(written[i]);
    /* And is watched from then on. */
    ck_assert_uint_eq(ask(64), 0);
    memory[310 * PAGE] = memory[203 * PAGE + 1] = memory[107 * PAGE] = 5;
    ck_assert_uint_ge(ask(64), 3);
    ck_assert(written[310] && written[203] && written[107]);
    munmap(other, 64 * PAGE);
}
END_TEST

START_TEST(a_forked_child_writes_as_it_likes_and_is_not_told_of)
{
    int status;
    pid_t child;

    UNLESS_REFUSED();
    child = fork();
    if (child == 0) {
        memset(memory, 9, BYTES);
        _exit(memory[BYTES - 1] == 9 ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_uint_eq(ask(64), 0);
    ck_assert_int_eq(memory[0], 1);
    memory[5 * PAGE] = 2;
    ck_assert_uint_eq(ask(64), 1);
    ck_assert(written[5]);
}
END_TEST

START_TEST(what_was_dropped_is_plain_memory_again)
{
    UNLESS_REFUSED();
    wr_os_watch_drop(&w, (uintptr_t)memory, (uintptr_t)memory + BYTES);
    memset(memory, 2, BYTES);
    wr_os_watch_close(&w);
    ck_assert(wr_os_watch_open(&w));
    ck_assert_uint_eq(ask(64), PAGES);
    ck_assert_uint_eq(ask(64), 0);
}
END_TEST

/* As ask, of memory that is watched as a whole; SIZE_MAX: it is not. */
static size_t
ask_begun(void)
{
    uintptr_t at = (uintptr_t)memory, end = at + BYTES;
    struct wr_os_stretch s[16];
    size_t pages = 0;

    while (at < end) {
        size_t n = wr_os_watch_take_begun(&w, &at, end, s, wr_countof(s));

        if (n == SIZE_MAX)
            return SIZE_MAX;
        for (size_t i = 0; i < n; i++)
            pages += (s[i].end - s[i].from) / PAGE;
    }
    return pages;
}

static void
begin_anew(void)
{
    end();
    memory = map(BYTES);
    madvise(memory, BYTES, MADV_NOHUGEPAGE);
    memset(memory, 1, BYTES / 2);
    if (wr_os_watch_open(&w))
        ck_assert(wr_os_watch_begin(&w, (uintptr_t)memory,
                                    (uintptr_t)memory + BYTES));
}

START_TEST(of_memory_that_is_watched_as_a_whole_only_what_is_there_is_told)
{
    UNLESS_REFUSED();
    begin_anew();
    ck_assert_uint_eq(ask_begun(), PAGES / 2);
    ck_assert_uint_eq(ask_begun(), 0);
    memory[3 * PAGE] = 2;
    memory[BYTES - PAGE] = 2; /* nobody had touched it */
    ck_assert_uint_eq(ask_begun(), 2);
    wr_os_watch_rest(&w, (uintptr_t)memory, (uintptr_t)memory + BYTES);
    ck_assert_int_eq(memory[3 * PAGE] + memory[0], 3);
}
END_TEST

START_TEST(it_can_be_moved_and_is_not_watched_then)
{
    char *other;

    UNLESS_REFUSED();
    begin_anew();
    ck_assert_uint_eq(ask_begun(), PAGES / 2);
    other = map(BYTES);
    ck_assert_ptr_eq(
        mremap(memory, BYTES, BYTES, MREMAP_MAYMOVE | MREMAP_FIXED, other),
        other);
    memory = other;
    ck_assert_uint_eq(ask_begun(), SIZE_MAX);
}
END_TEST

START_TEST(its_descriptors_do_not_outlive_exec)
{
    UNLESS_REFUSED();
    ck_assert_int_ne(fcntl(w.faults, F_GETFD) & FD_CLOEXEC, 0);
    ck_assert_int_ne(fcntl(w.pages, F_GETFD) & FD_CLOEXEC, 0);
}
END_TEST

static void
forbid(int call)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog filter = {wr_countof(code), code};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
        _exit(2);
}

START_TEST(a_filter_that_forbids_it_is_said_and_leaves_no_descriptor)
{
    int calls[] = {SYS_userfaultfd, SYS_ioctl}, status;

    for (size_t i = 0; i < wr_countof(calls); i++) {
        pid_t child = fork();

        if (child == 0) {
            struct wr_os_watch refused;
            int lowest = dup(0), now;

            close(lowest);
            forbid(calls[i]);
            if (wr_os_watch_open(&refused))
                _exit(1);
            now = dup(0);
            _exit(now == lowest ? 0 : 3);
        }
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_int_eq(status, 0);
    }
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("watch");
    TCase *t = tcase_create("watch");

    tcase_add_checked_fixture(t, begin, end);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, what_nobody_writes_is_not_told);
    tcase_add_test(
        t, each_page_that_was_written_is_told_once_however_many_are_asked_for);
    tcase_add_test(t, what_the_kernel_writes_for_the_program_is_told);
    tcase_add_test(t, memory_that_comes_anew_counts_as_written);
    tcase_add_test(t, a_forked_child_writes_as_it_likes_and_is_not_told_of);
    tcase_add_test(t, what_was_dropped_is_plain_memory_again);
    tcase_add_test(
        t, of_memory_that_is_watched_as_a_whole_only_what_is_there_is_told);
    tcase_add_test(t, it_can_be_moved_and_is_not_watched_then);
    tcase_add_test(t, its_descriptors_do_not_outlive_exec);
    tcase_add_test(t,
                   a_filter_that_forbids_it_is_said_and_leaves_no_descriptor);
    suite_add_tcase(s, t);
    return unit_main(s);
}
