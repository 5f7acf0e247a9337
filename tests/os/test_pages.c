/* What pages of memory hold, as the system tells. */
#include "unit.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/base.h"
#include "os/os.h"
#include "os/pages.h"

enum { PAGE = 4096 };
#define RESERVE ((size_t)100 << 30)

static struct wr_os_pages pages;

static void
begin(void)
{
    wr_os_pages_open(&pages);
}

static void
end(void)
{
    wr_os_pages_close(&pages);
}

static char *
map(size_t bytes, int flags, int fd)
{
    char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                   flags | MAP_NORESERVE | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0);

    ck_assert_ptr_ne(p, MAP_FAILED);
    return p;
}

/* The stretches of one kind in [p, p + bytes): how many bytes they have. */
static size_t
bytes_held(const char *p, size_t bytes, bool shared, enum wr_os_held kind)
{
    uintptr_t from = (uintptr_t)p, stop, last = from + bytes;
    size_t sum = 0;

    for (; from < last; from = stop) {
        enum wr_os_held held =
            shared ? wr_os_file_pages_next(from, last, &stop)
                   : wr_os_pages_next(&pages, from, last, &stop);

        ck_assert(stop > from && stop <= last);
        if (held == kind)
            sum += stop - from;
    }
    return sum;
}

START_TEST(of_a_great_reserve_only_touched_pages_are_there)
{
    char *p = map(RESERVE, MAP_PRIVATE, -1);
    uint64_t start = wr_os_monotonic();

    madvise(p, RESERVE, MADV_NOHUGEPAGE);
    p[0] = p[RESERVE / 2] = p[RESERVE / 2 + PAGE] = p[RESERVE - 1] = 1;
    ck_assert_uint_eq(bytes_held(p, RESERVE, false, WR_PAGES_HERE), 4 * PAGE);
    ck_assert_uint_eq(bytes_held(p, RESERVE, false, WR_PAGES_NONE),
                      RESERVE - 4 * PAGE);
    ck_assert_uint_lt(wr_os_monotonic() - start,
                      UINT64_C(5000000000) * (UNIT_TSAN ? 4 : 1));
    munmap(p, RESERVE);
}
END_TEST

START_TEST(a_stretch_may_begin_and_end_inside_a_page)
{
    char *p = map(8 * PAGE, MAP_PRIVATE, -1);
    uintptr_t stop;

    p[2 * PAGE] = 1;
    ck_assert_int_eq(wr_os_pages_next(&pages, (uintptr_t)p + 100,
                                      (uintptr_t)p + 8 * PAGE, &stop),
                     WR_PAGES_NONE);
    ck_assert_uint_eq(stop, (uintptr_t)p + 2 * PAGE);
    ck_assert_int_eq(wr_os_pages_next(&pages, stop + 8, stop + 64, &stop),
                     WR_PAGES_HERE);
    ck_assert_uint_eq(stop, (uintptr_t)p + 2 * PAGE + 64);
    munmap(p, 8 * PAGE);
}
END_TEST

START_TEST(where_the_system_does_not_say_all_may_be_there)
{
    char *p = map(8 * PAGE, MAP_PRIVATE, -1);

    wr_os_pages_close(&pages);
    ck_assert_uint_eq(bytes_held(p, 8 * PAGE, false, WR_PAGES_HERE), 8 * PAGE);
    munmap(p, 8 * PAGE);
}
END_TEST

START_TEST(of_shared_memory_what_another_process_touched_is_there)
{
    size_t bytes = (size_t)64 << 20;
    int fd = (int)syscall(SYS_memfd_create, "pages", 0);
    char *p;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ftruncate(fd, (off_t)bytes), 0);
    ck_assert_int_eq(pwrite(fd, "x", 1, 5 * PAGE), 1);
    p = map(bytes, MAP_SHARED, fd);
    ck_assert_uint_eq(bytes_held(p, bytes, true, WR_PAGES_HERE), PAGE);
    ck_assert_uint_eq(bytes_held(p, bytes, true, WR_PAGES_AWAY), bytes - PAGE);
    munmap(p, bytes);
    close(fd);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("pages");
    TCase *t = tcase_create("pages");

    tcase_add_checked_fixture(t, begin, end);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, of_a_great_reserve_only_touched_pages_are_there);
    tcase_add_test(t, a_stretch_may_begin_and_end_inside_a_page);
    tcase_add_test(t, where_the_system_does_not_say_all_may_be_there);
    tcase_add_test(t, of_shared_memory_what_another_process_touched_is_there);
    suite_add_tcase(s, t);
    return unit_main(s);
}
