/* Who opened what: the table, its sites, and what cannot be known. */
#include "unit.h"

#include <stdint.h>
#include <unistd.h>

#include "base/base.h"
#include "os/lock.h"
#include "profile/bucket.h"
#include "profile/fds.h"
#include "profile/unwind.h"
#include "region/region.h"

#define MINUTE UINT64_C(60100000000) /* and a little */

/* A region in private memory, and a stack that is known. */
static void
start(void)
{
    static const uint32_t class_bytes[] = {0, 16};
    struct wr_region_options o = {
        .dir = "/nowhere/at/all", .class_bytes = class_bytes, .class_count = 2};
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);

    wr_region_start(&o);
    ck_assert_ptr_nonnull(wr_region);
    ck_assert(wr_bucket_start());
    wr_unwind_init();
    wr_unwind_set_stack(here - WR_MIB, here + 4096);
    wr_fds_start();
}

static struct wr_fds *
table(void)
{
    return wr_region_entry(WR_TABLE_FDS, 0);
}

static struct wr_fd_site *
site_of(int fd)
{
    return &table()->site[table()->fd[fd].site];
}

static uint64_t
open_of(const struct wr_fd_site *s)
{
    return s->opened - s->closed;
}

static __attribute__((noinline)) void
open_here(int fd)
{
    wr_fds_opened(fd, WR_FD_OPEN, __builtin_return_address(0));
}

static __attribute__((noinline)) void
open_there(int fd)
{
    wr_fds_opened(fd, WR_FD_SOCKET, __builtin_return_address(0));
    __asm__ volatile("" ::: "memory"); /* no tail call */
}

START_TEST(before_the_first_opening_there_is_no_table)
{
    ck_assert_uint_eq(wr_region_used(WR_TABLE_FDS), 0);
    wr_fds_closing(3);
    ck_assert_uint_eq(wr_region_used(WR_TABLE_FDS), 0);
    open_here(3);
    ck_assert_uint_eq(wr_region_used(WR_TABLE_FDS), 1);
    ck_assert_uint_eq(table()->watched, 1);
}
END_TEST

START_TEST(a_descriptor_is_in_the_table_while_it_is_open)
{
    open_here(5);
    ck_assert_uint_ne(table()->fd[5].opened_ns, 0);
    ck_assert_uint_eq(table()->fd[5].call, WR_FD_OPEN);
    ck_assert_uint_ne(table()->fd[5].site, 0);
    ck_assert_uint_ne(site_of(5)->stack, 0);
    wr_fds_closing(5);
    ck_assert_uint_eq(table()->fd[5].opened_ns, 0);
    ck_assert_uint_eq(open_of(site_of(5)), 0);
}
END_TEST

START_TEST(openings_of_one_place_are_one_site)
{
    for (volatile int fd = 3; fd < 10; fd++)
        open_here(fd);
    for (volatile int fd = 10; fd < 13; fd++)
        open_there(fd);
    for (int fd = 4; fd < 10; fd++)
        ck_assert_uint_eq(table()->fd[fd].site, table()->fd[3].site);
    ck_assert_uint_ne(table()->fd[10].site, table()->fd[3].site);
    ck_assert_uint_eq(open_of(site_of(3)), 7);
    ck_assert_uint_eq(open_of(site_of(10)), 3);
}
END_TEST

START_TEST(a_number_that_is_opened_again_was_closed_unseen)
{
    open_here(7);
    open_there(7);
    ck_assert_uint_eq(table()->fd[7].call, WR_FD_SOCKET);
    ck_assert_uint_eq(open_of(site_of(7)), 1);
    for (uint32_t i = 1; i < table()->sites; i++)
        if (i != table()->fd[7].site)
            ck_assert_uint_eq(open_of(&table()->site[i]), 0);
}
END_TEST

START_TEST(a_range_is_closed_as_a_whole)
{
    for (int fd = 3; fd < 20; fd++)
        open_here(fd);
    wr_fds_closing_range(5, 9);
    for (int fd = 3; fd < 20; fd++)
        ck_assert_int_eq(table()->fd[fd].opened_ns == 0, fd >= 5 && fd <= 9);
    wr_fds_closing_range(10, UINT32_MAX);
    ck_assert_uint_eq(table()->fd[19].opened_ns, 0);
    ck_assert_uint_ne(table()->fd[3].opened_ns, 0);
}
END_TEST

START_TEST(numbers_that_are_too_high_are_counted)
{
    open_here(WR_FD_MOST - 1);
    open_here(WR_FD_MOST);
    open_here(-1);
    wr_fds_closing(WR_FD_MOST);
    ck_assert_uint_eq(table()->beyond, 1);
    ck_assert_uint_ne(table()->fd[WR_FD_MOST - 1].opened_ns, 0);
}
END_TEST

START_TEST(on_a_strange_stack_none_is_taken)
{
    wr_unwind_set_stack(0, 0);
    open_here(5);
    ck_assert_uint_ne(table()->fd[5].opened_ns, 0);
    ck_assert_uint_eq(table()->fd[5].site, 0);
    ck_assert_uint_eq(open_of(&table()->site[0]), 1);
}
END_TEST

START_TEST(near_the_end_of_its_stack_none_is_taken)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);

    wr_unwind_set_stack(here - 8192, here + 4096);
    open_here(5);
    ck_assert_uint_eq(table()->fd[5].site, 0);
}
END_TEST

START_TEST(nobody_waits_for_a_lock_that_a_handler_may_have_interrupted)
{
    wr_lock_take(&wr_bucket_lock);
    open_here(5);
    ck_assert_uint_eq(table()->fd[5].site, 0);
    wr_lock_give(&wr_bucket_lock);
    wr_lock_take(&wr_region_lock);
    open_here(6);
    ck_assert_uint_eq(table()->fd[6].site, 0);
    wr_lock_give(&wr_region_lock);
    open_here(7);
    ck_assert_uint_ne(table()->fd[7].site, 0);
}
END_TEST

START_TEST(what_a_vfork_child_closes_stays_open_here)
{
    open_here(5);
    wr_fds_guests = 1;
    if (vfork() == 0) {
        wr_fds_closing(5);
        wr_fds_closing_range(0, UINT32_MAX);
        open_there(6);
        _exit(0);
    }
    ck_assert_uint_ne(table()->fd[5].opened_ns, 0);
    ck_assert_uint_eq(table()->fd[6].opened_ns, 0);
    wr_fds_closing(5);
    ck_assert_uint_eq(table()->fd[5].opened_ns, 0);
}
END_TEST

static void by_way(uint32_t way, unsigned steps, int fd);

static __attribute__((noinline)) void
left(uint32_t way, unsigned steps, int fd)
{
    by_way(way, steps, fd);
    __asm__ volatile("" ::: "memory");
}

static __attribute__((noinline)) void
right(uint32_t way, unsigned steps, int fd)
{
    by_way(way, steps, fd);
    __asm__ volatile("" ::: "memory");
}

/* Opens it at the end of one of 2^steps ways through the functions above. */
static __attribute__((noinline)) void
by_way(uint32_t way, unsigned steps, int fd)
{
    if (steps == 0)
        open_here(fd);
    else if ((way >> (steps - 1) & 1) != 0)
        left(way, steps - 1, fd);
    else
        right(way, steps - 1, fd);
    __asm__ volatile("" ::: "memory");
}

START_TEST(more_places_than_there_is_room_for_are_counted_as_one)
{
    for (uint32_t way = 0; way < 2 * WR_FD_SITES; way++)
        by_way(way, 11, (int)way);
    ck_assert_uint_eq(table()->sites, WR_FD_SITES);
    for (uint32_t i = 1; i < WR_FD_SITES; i++)
        ck_assert_uint_eq(open_of(&table()->site[i]), 1);
    ck_assert_uint_eq(open_of(&table()->site[0]), WR_FD_SITES + 1);
}
END_TEST

START_TEST(minutes_in_which_nothing_changed_had_what_was_open_then)
{
    for (volatile int fd = 3; fd < 6; fd++) {
        open_here(fd);
        wr_region->start_mono_ns -= MINUTE * (fd == 4 ? 3 : 1);
    }
    wr_fds_closing(3);
    ck_assert_uint_eq(site_of(4)->minute, 5);
    ck_assert_uint_eq(site_of(4)->level[0], 0);
    ck_assert_uint_eq(site_of(4)->level[1], 1);
    for (unsigned m = 2; m <= 4; m++)
        ck_assert_uint_eq(site_of(4)->level[m], 2);
    ck_assert_uint_eq(site_of(4)->level[5], 3);
    ck_assert_uint_eq(open_of(site_of(4)), 2);
}
END_TEST

START_TEST(after_a_long_pause_only_the_last_minutes_are_told)
{
    for (volatile int fd = 3; fd < 5; fd++) {
        open_here(fd);
        wr_region->start_mono_ns -= MINUTE * 100;
    }
    ck_assert_uint_ge(site_of(4)->minute, 100);
    for (unsigned m = 0; m < WR_FD_MINUTES; m++)
        ck_assert_uint_eq(site_of(4)->level[m], 1);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("profile/fds");
    TCase *t = tcase_create("fds");

    tcase_add_checked_fixture(t, start, NULL);
    tcase_add_test(t, before_the_first_opening_there_is_no_table);
    tcase_add_test(t, a_descriptor_is_in_the_table_while_it_is_open);
    tcase_add_test(t, openings_of_one_place_are_one_site);
    tcase_add_test(t, a_number_that_is_opened_again_was_closed_unseen);
    tcase_add_test(t, a_range_is_closed_as_a_whole);
    tcase_add_test(t, numbers_that_are_too_high_are_counted);
    tcase_add_test(t, on_a_strange_stack_none_is_taken);
    tcase_add_test(t, near_the_end_of_its_stack_none_is_taken);
    tcase_add_test(t,
                   nobody_waits_for_a_lock_that_a_handler_may_have_interrupted);
    tcase_add_test(t, what_a_vfork_child_closes_stays_open_here);
    tcase_add_test(t, more_places_than_there_is_room_for_are_counted_as_one);
    tcase_add_test(t, minutes_in_which_nothing_changed_had_what_was_open_then);
    tcase_add_test(t, after_a_long_pause_only_the_last_minutes_are_told);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
