/* Open descriptors: what the kernel says and what the region knows, joined. */
#include "unit.h"

#include <stdalign.h>
#include <sys/stat.h>
#include <time.h>

#include "analyse/fd_report.h"
#include "analyse/fds.h"
#include "analyse/profile.h"
#include "base/clock.h"
#include "region/fake.h"
#include "region/read.h"

#define MINUTE UINT64_C(60000000000)
#define SECOND UINT64_C(1000000000)

/* A region that has a table of descriptors. */
static struct {
    alignas(FAKE_PAGE) struct fake fake;
    alignas(FAKE_PAGE) struct wr_fds fds;
} whole;
static struct wr_region_view view;
static struct wr_fd_list list;
static char root[] = "/tmp/weir-fds-XXXXXX", why[WR_WHY];

static void
write_file(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/proc/7/%s", root, name);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static void
descriptor(unsigned number, const char *target)
{
    char path[256];
    snprintf(path, sizeof path, "%s/proc/7/fd/%u", root, number);
    ck_assert_int_eq(symlink(target, path), 0);
}

static void
seen(unsigned number, uint32_t site, enum wr_fd_call call, uint64_t age_ns)
{
    whole.fds.fd[number].site = site;
    whole.fds.fd[number].call = call;
    whole.fds.fd[number].opened_ns = wr_clock_ns(CLOCK_MONOTONIC) - age_ns;
}

static void
setup(void)
{
    char path[256];
    fake_init(&whole.fake);
    whole.fake.header.pid = 7;
    whole.fake.header.region_bytes = sizeof whole;
    whole.fake.header.start_mono_ns =
        wr_clock_ns(CLOCK_MONOTONIC) - 10 * MINUTE;
    fake_table(&whole.fake, WR_TABLE_FDS, sizeof whole.fake, sizeof whole.fds,
               1, 1);
    whole.fds.watched = 1;
    whole.fds.sites = 3;
    whole.fds.site[1].stack = FAKE_STACK_A;
    whole.fds.site[2].stack = FAKE_STACK_B;
    ck_assert_msg(wr_view_over(&view, &whole, sizeof whole, why, sizeof why) ==
                      0,
                  "%s", why);
    ck_assert_ptr_nonnull(mkdtemp(root));
    for (const char *const *d =
             (const char *const[]){"/proc", "/proc/7", "/proc/7/fd",
                                   "/proc/7/net", NULL};
         *d; d++) {
        snprintf(path, sizeof path, "%s%s", root, *d);
        ck_assert_int_eq(mkdir(path, 0700), 0);
    }
    write_file("limits",
               "Limit                     Soft Limit           Hard Limit\n"
               "Max open files            1024                 4096\n");
}

static void
teardown(void)
{
    char command[300];
    wr_fds_fini(&list);
    snprintf(command, sizeof command, "rm -rf %s", root);
    ck_assert_int_eq(system(command), 0);
}

static void
read_list(void)
{
    wr_fds_fini(&list);
    ck_assert_msg(wr_fds_read(&list, &view, root, why, sizeof why) == 0, "%s",
                  why);
}

static const struct wr_fd_open *
find(unsigned number)
{
    for (size_t i = 0; i < list.count; i++)
        if (list.open[i].number == number)
            return &list.open[i];
    ck_abort_msg("descriptor %u is not listed", number);
}

START_TEST(open_descriptors_have_their_kind_their_opener_and_their_age)
{
    descriptor(0, "/dev/null");
    descriptor(3, "/srv/page.html");
    seen(3, 1, WR_FD_OPEN, 90 * SECOND);
    read_list();
    ck_assert_uint_eq(list.count, 2);
    ck_assert_uint_eq(list.limit, 1024);
    ck_assert(list.told && list.watched);
    ck_assert_int_eq(find(3)->kind, WR_KIND_FILE);
    ck_assert_uint_eq(find(3)->site, 1);
    ck_assert_uint_ge(find(3)->age_ns, 90 * SECOND);
    ck_assert_uint_lt(find(3)->age_ns, 120 * SECOND);
    ck_assert_str_eq(find(3)->target, "/srv/page.html");
    ck_assert_int_eq(find(0)->kind, WR_KIND_DEVICE);
    ck_assert_uint_eq(find(0)->site, WR_SITE_UNSEEN);
    ck_assert_uint_eq(find(0)->age_ns, 0);
}
END_TEST

START_TEST(what_is_closed_does_not_count_whatever_the_region_says)
{
    descriptor(3, "/srv/page.html");
    seen(3, 1, WR_FD_OPEN, SECOND);
    seen(4, 1, WR_FD_OPEN, SECOND);
    read_list();
    ck_assert_uint_eq(list.count, 1);
    ck_assert_uint_eq(list.groups[0].count, 1);
}
END_TEST

START_TEST(a_thing_of_another_kind_was_opened_by_somebody_else)
{
    descriptor(3, "socket:[99]");
    descriptor(4, "pipe:[99]");
    descriptor(5, "/tmp");
    seen(3, 1, WR_FD_OPEN, SECOND);
    seen(4, 1, WR_FD_EPOLL, SECOND);
    seen(5, 1, WR_FD_DIRECTORY, SECOND);
    read_list();
    ck_assert_uint_eq(find(3)->site, WR_SITE_UNSEEN);
    ck_assert_uint_eq(find(4)->site, WR_SITE_UNSEEN);
    ck_assert_uint_eq(find(5)->site, 1);
    ck_assert_int_eq(find(5)->kind, WR_KIND_DIRECTORY);
}
END_TEST

START_TEST(sites_and_calls_of_a_damaged_region_are_none)
{
    descriptor(3, "/srv/page.html");
    seen(3, 700, (enum wr_fd_call)700, SECOND);
    read_list();
    ck_assert_uint_eq(find(3)->site, 0);
    ck_assert_int_eq(find(3)->call, WR_FD_UNKNOWN);
}
END_TEST

START_TEST(groups_are_by_size_and_the_unseen_ones_come_last)
{
    for (unsigned i = 0; i < 9; i++)
        descriptor(i, "/dev/null");
    for (unsigned i = 10; i < 12; i++)
        descriptor(i, "/a"), seen(i, 1, WR_FD_OPEN, i * SECOND);
    for (unsigned i = 20; i < 25; i++)
        descriptor(i, "/b"), seen(i, 2, WR_FD_OPEN, i * SECOND);
    read_list();
    ck_assert_uint_eq(list.group_count, 3);
    ck_assert_uint_eq(list.groups[0].site, 2);
    ck_assert_uint_eq(list.groups[0].count, 5);
    ck_assert_uint_ge(list.groups[0].oldest_ns, 24 * SECOND);
    ck_assert_uint_lt(list.groups[0].newest_ns, 24 * SECOND);
    ck_assert_uint_eq(list.groups[1].site, 1);
    ck_assert_uint_eq(list.groups[2].site, WR_SITE_UNSEEN);
    ck_assert_uint_eq(list.open[0].number, 24); /* the oldest of the first */
    ck_assert_uint_eq(wr_fds_older(&list, 20 * SECOND), 5);
}
END_TEST

START_TEST(sockets_are_told_with_their_addresses)
{
    write_file("net/tcp",
               "  sl  local_address rem_address   st ...\n"
               "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 "
               "00:00000000 00000000     0        0 501 1 0 100 0 0 10 0\n"
               "   1: 0100007F:1F90 0200007F:C001 01 00000000:00000000 "
               "00:00000000 00000000     0        0 502 1 0 100 0 0 10 0\n");
    write_file("net/unix",
               "Num       RefCount Protocol Flags    Type St Inode Path\n"
               "0000000000000000: 00000002 00000000 00010000 0001 01 503 "
               "/run/x.sock\n");
    descriptor(3, "socket:[501]");
    descriptor(4, "socket:[502]");
    descriptor(5, "socket:[503]");
    descriptor(6, "socket:[504]");
    read_list();
    ck_assert_str_eq(find(3)->peer, "tcp listens at 127.0.0.1:8080");
    ck_assert_str_eq(find(4)->peer, "tcp 127.0.0.1:8080 to 127.0.0.2:49153");
    ck_assert_str_eq(find(5)->peer, "unix /run/x.sock");
    ck_assert_str_eq(find(6)->peer, "");
}
END_TEST

START_TEST(of_a_dead_process_the_region_tells_what_was_open)
{
    seen(3, 1, WR_FD_ACCEPT, SECOND);
    seen(9, 2, WR_FD_OPEN, SECOND);
    whole.fake.header.pid = 0x7ffffffe; /* nobody's */
    wr_fds_fini(&list);
    ck_assert_int_eq(wr_fds_read(&list, &view, "", why, sizeof why), 0);
    ck_assert(!list.told);
    ck_assert_uint_eq(list.count, 2);
    ck_assert_int_eq(find(3)->kind, WR_KIND_SOCKET);
    ck_assert_int_eq(find(9)->kind, WR_KIND_FILE);
}
END_TEST

START_TEST(a_region_without_a_table_knows_no_opener)
{
    whole.fake.header.table[WR_TABLE_FDS].used = 0;
    descriptor(3, "/srv/page.html");
    read_list();
    ck_assert(!list.watched);
    ck_assert_uint_eq(find(3)->site, WR_SITE_UNSEEN);
}
END_TEST

/* ---- growth ---- */

/* So many were open when minute i began; the last is how many are now. */
static struct wr_fd_growth
growth(const uint32_t *level, unsigned minutes, uint64_t beyond_ns)
{
    struct wr_fd_site s = {.stack = 1};
    for (unsigned m = 0; m < minutes; m++)
        s.level[m % WR_FD_MINUTES] = level[m];
    s.minute = minutes - 1;
    s.opened = level[minutes] + 1000;
    s.closed = 1000;
    return wr_fd_growth_of(&s, (minutes - 1) * MINUTE + beyond_ns);
}

START_TEST(a_site_that_grows_minute_after_minute_is_growing)
{
    struct wr_fd_growth g =
        growth((const uint32_t[]){0, 5, 10, 15, 20, 25}, 5, 30 * SECOND);
    ck_assert(g.growing);
    ck_assert_int_eq(g.recent, 10);
    ck_assert_uint_eq(g.recent_ns, 90 * SECOND);
    ck_assert_int_eq(g.whole, 20);
    ck_assert_uint_eq(g.whole_ns, 210 * SECOND);
}
END_TEST

START_TEST(a_start_that_levels_off_is_no_growth)
{
    ck_assert(!growth((const uint32_t[]){0, 500}, 1, 30 * SECOND).growing);
    ck_assert(!growth((const uint32_t[]){0, 500, 500}, 2, SECOND).growing);
    ck_assert(!growth((const uint32_t[]){0, 90, 95, 99, 99, 99, 99}, 6, SECOND)
                   .growing);
}
END_TEST

START_TEST(connections_that_come_and_go_are_no_growth)
{
    ck_assert(!growth((const uint32_t[]){0, 80, 60, 95, 70, 90, 92}, 6, SECOND)
                   .growing);
    ck_assert(!growth((const uint32_t[]){0, 0, 3, 5, 7}, 4, SECOND).growing);
}
END_TEST

START_TEST(a_quick_leak_is_found_in_its_second_minute)
{
    ck_assert(growth((const uint32_t[]){0, 60, 120}, 2, 50 * SECOND).growing);
}
END_TEST

START_TEST(a_site_at_which_nothing_happened_for_long_holds_what_it_held)
{
    struct wr_fd_site s = {.stack = 1, .opened = 40, .closed = 0};
    struct wr_fd_growth g;
    s.minute = 20;
    for (unsigned m = 0; m < WR_FD_MINUTES; m++)
        s.level[m] = 10;
    g = wr_fd_growth_of(&s, 300 * MINUTE);
    ck_assert(!g.growing);
    ck_assert_int_eq(g.whole, 0);
}
END_TEST

/* ---- shown ---- */

static char *
printed(void (*print)(const struct wr_fd_report *, FILE *), size_t sites)
{
    struct wr_fd_report r = {
        .list = &list, .program = "a\"b", .pid = 7, .sites = sites, .each = 1};
    struct wr_profile *p;
    char *text;
    size_t n;
    ck_assert_int_eq(wr_profile_from_fds(&p, &view, &list, why, sizeof why), 0);
    ck_assert_uint_eq(p->sample_count, list.group_count);
    ck_assert_int_eq(wr_profile_total(p, 0), (int64_t)list.count);
    r.profile = p;
    FILE *out = open_memstream(&text, &n);
    print(&r, out);
    fclose(out);
    wr_profile_free(p);
    return text;
}

static void
has(const char *text, const char *words)
{
    ck_assert_msg(strstr(text, words) != NULL, "no \"%s\" in:\n%s", words,
                  text);
}

START_TEST(the_report_tells_count_kind_age_and_growth)
{
    for (unsigned i = 3; i < 23; i++)
        descriptor(i, "/a"), seen(i, 1, WR_FD_OPEN, i * 10 * SECOND);
    descriptor(0, "pipe:[3]");
    whole.fds.site[1].opened = 20;
    whole.fds.site[1].minute = 9;
    for (unsigned m = 0; m < 10; m++)
        whole.fds.site[1].level[m] = 2 * m;
    read_list();
    char *text = printed(wr_fd_report_print, 10);
    has(text, "a\"b (pid 7): 21 descriptors open, 1024 allowed\n");
    has(text, "  1 not seen opened");
    has(text, "  growing: +2 in the last ");
    has(text, "; the limit in ");
    has(text, "  20 files, opened 4 min to 30 s ago by open\n");
    has(text, "    and 19 more\n");
    has(text, "  1 end of a pipe, not seen opened\n");
    free(text);
    text = printed(wr_fd_report_json, 10);
    has(text, "{\"v\":1,\"program\":\"a\\\"b\",\"pid\":7,\"open\":21,");
    has(text, "\"growing\":true");
    has(text, "{\"fd\":0,\"kind\":\"pipe\",\"age_s\":null,");
    free(text);
    FILE *out = open_memstream(&text, &(size_t){0});
    wr_fd_hint_print(&list, 7, out);
    fclose(out);
    has(text, "18 descriptors more are open than ");
    has(text, ": weir fds 7\n");
    free(text);
    text = printed(wr_fd_report_print, 1);
    has(text, "and 1 sites more");
    free(text);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("analyse/fds");
    TCase *t = tcase_create("list"), *g = tcase_create("growth");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t,
                   open_descriptors_have_their_kind_their_opener_and_their_age);
    tcase_add_test(t, what_is_closed_does_not_count_whatever_the_region_says);
    tcase_add_test(t, a_thing_of_another_kind_was_opened_by_somebody_else);
    tcase_add_test(t, sites_and_calls_of_a_damaged_region_are_none);
    tcase_add_test(t, groups_are_by_size_and_the_unseen_ones_come_last);
    tcase_add_test(t, sockets_are_told_with_their_addresses);
    tcase_add_test(t, of_a_dead_process_the_region_tells_what_was_open);
    tcase_add_test(t, a_region_without_a_table_knows_no_opener);
    tcase_add_test(t, the_report_tells_count_kind_age_and_growth);
    tcase_add_test(g, a_site_that_grows_minute_after_minute_is_growing);
    tcase_add_test(g, a_start_that_levels_off_is_no_growth);
    tcase_add_test(g, connections_that_come_and_go_are_no_growth);
    tcase_add_test(g, a_quick_leak_is_found_in_its_second_minute);
    tcase_add_test(
        g, a_site_at_which_nothing_happened_for_long_holds_what_it_held);
    suite_add_tcase(s, t);
    suite_add_tcase(s, g);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
