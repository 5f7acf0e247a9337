/* The rings of the history: what is written comes back, whole and in order. */
#include "region/scene.h"

#include <pthread.h>

#include "base/base.h"
#include "region/fake.h"
#include "region/history_write.h"

#define SECOND UINT64_C(1000000000)
#define MINUTE (60 * SECOND)

static struct wr_point point[WR_HISTORY_MOST];

/* The point of second n: all that can be is made from n. */
static struct wr_point
made(uint64_t n)
{
    struct wr_point p;
    uint64_t word[WR_POINT_WORDS];

    for (unsigned i = 0; i < WR_POINT_WORDS; i++)
        word[i] = n * 1000 + i;
    memcpy(&p, word, sizeof p);
    p.uptime_ns = n * SECOND;
    p.live_bytes = 1000;
    return p;
}

static void
add_seconds(uint64_t from, uint64_t n)
{
    for (uint64_t i = from; i < from + n; i++) {
        struct wr_point p = made(i);

        ck_assert(wr_history_add(&p));
    }
}

static size_t
seconds(void)
{
    struct wr_region_view v = scene_view();

    return wr_history_read(&v, WR_HISTORY_SECONDS, point, wr_countof(point));
}

static size_t
minutes(void)
{
    struct wr_region_view v = scene_view();

    return wr_history_read(&v, WR_HISTORY_MINUTES, point, wr_countof(point));
}

static void
check_made(const struct wr_point *p, uint64_t n)
{
    struct wr_point expected = made(n);

    expected.live_peak = 1000;
    ck_assert_mem_eq(p, &expected, sizeof expected);
}

/* ---- points ---- */

START_TEST(a_region_without_points_has_no_history)
{
    scene_start(false);
    ck_assert_uint_eq(seconds(), 0);
    ck_assert_uint_eq(minutes(), 0);
}
END_TEST

START_TEST(a_region_of_a_weir_that_kept_none_has_no_history)
{
    static struct fake f;
    struct wr_region_view v;
    char why[100];

    fake_init(&f);
    fake_point(&f, 0, &(struct wr_point){.uptime_ns = 1});
    f.header.table[WR_TABLE_HISTORY].capacity = 0;
    ck_assert_int_eq(wr_view_over(&v, &f, sizeof f, why, sizeof why), 0);
    ck_assert_uint_eq(v.table[WR_TABLE_HISTORY].capacity, 0);
    ck_assert_uint_eq(wr_history_read(&v, WR_HISTORY_SECONDS, point, 10), 0);
    ck_assert_uint_eq(wr_history_read(&v, WR_HISTORY_MINUTES, point, 10), 0);
}
END_TEST

START_TEST(points_come_back_as_they_were_and_oldest_first)
{
    scene_start(_i != 0);
    add_seconds(5, 20);
    ck_assert_uint_eq(seconds(), 20);
    for (uint64_t i = 0; i < 20; i++)
        check_made(&point[i], 5 + i);
    scene_end();
}
END_TEST

START_TEST(of_more_points_than_there_is_room_the_last_are_kept)
{
    scene_start(true);
    add_seconds(0, 1700);
    ck_assert_uint_eq(seconds(), WR_HISTORY_SECOND_SLOTS);
    for (uint64_t i = 0; i < WR_HISTORY_SECOND_SLOTS; i++)
        check_made(&point[i], 1700 - WR_HISTORY_SECOND_SLOTS + i);
    scene_end();
}
END_TEST

START_TEST(a_reader_with_little_room_gets_the_newest)
{
    struct wr_region_view v;

    scene_start(false);
    add_seconds(0, 50);
    v = scene_view();
    ck_assert_uint_eq(wr_history_read(&v, WR_HISTORY_SECONDS, point, 3), 3);
    check_made(&point[0], 47);
    check_made(&point[2], 49);
    ck_assert_uint_eq(wr_history_read(&v, WR_HISTORY_SECONDS, point, 0), 0);
    ck_assert_uint_eq(wr_history_read(&v, WR_HISTORY_MINUTES, point, 0), 0);
}
END_TEST

START_TEST(a_second_in_which_nothing_changed_has_no_point)
{
    struct wr_point p = made(7);

    scene_start(false);
    ck_assert(wr_history_add(&p));
    p.uptime_ns += SECOND;
    p.cpu_ns += 1;
    p.minor_faults += 1;
    ck_assert(!wr_history_add(&p));
    ck_assert_uint_eq(seconds(), 1);
    p.uptime_ns += SECOND;
    p.rss += 4096;
    ck_assert(wr_history_add(&p));
    ck_assert_uint_eq(seconds(), 2);
    ck_assert_uint_eq(point[1].uptime_ns, 9 * SECOND);
}
END_TEST

START_TEST(a_torn_point_is_left_out)
{
    struct wr_history_slot *s;

    scene_start(false);
    add_seconds(0, 10);
    s = wr_region_entry(WR_TABLE_HISTORY, 4);
    s->seq |= 1; /* its writer was killed here */
    ck_assert_uint_eq(seconds(), 9);
    check_made(&point[3], 3);
    check_made(&point[4], 5);
}
END_TEST

START_TEST(a_point_that_is_not_where_it_belongs_is_left_out)
{
    struct wr_history_slot *s;

    scene_start(false);
    add_seconds(0, 10);
    s = wr_region_entry(WR_TABLE_HISTORY, 4);
    s->seq = UINT64_MAX - 1;
    ck_assert_uint_eq(seconds(), 9);
    s->seq = 2 * (4 + 600 * UINT64_C(1000)) + 2; /* a newer one: it belongs */
    ck_assert_uint_eq(seconds(), 1);
}
END_TEST

/* ---- minutes ---- */

START_TEST(each_minute_has_a_point_with_its_highest_level)
{
    scene_start(false);
    for (uint64_t i = 0; i < 301; i++) {
        struct wr_point p = made(i);

        p.live_bytes = i % 60 == 30 ? 5000 + i : 1000;
        ck_assert(wr_history_add(&p));
    }
    ck_assert_uint_eq(minutes(), 6);
    for (uint64_t i = 0; i < 5; i++) {
        ck_assert_uint_eq(point[i].uptime_ns, (i * 60 + 59) * SECOND);
        ck_assert_uint_eq(point[i].allocs, made(i * 60 + 59).allocs);
        ck_assert_uint_eq(point[i].live_peak, 5000 + i * 60 + 30);
        ck_assert_uint_eq(point[i].live_bytes, 1000);
    }
    ck_assert_uint_eq(point[5].uptime_ns, 300 * SECOND);
}
END_TEST

START_TEST(the_minute_that_is_not_over_knows_its_highest_level)
{
    struct wr_point p;

    scene_start(false);
    add_seconds(0, 70);
    p = made(70);
    p.live_bytes = 9000;
    ck_assert(wr_history_add(&p));
    add_seconds(71, 5);
    ck_assert_uint_eq(minutes(), 2);
    ck_assert_uint_eq(point[1].uptime_ns, 75 * SECOND);
    ck_assert_uint_eq(point[1].live_bytes, 1000);
    ck_assert_uint_eq(point[1].live_peak, 9000);
}
END_TEST

START_TEST(after_a_gap_the_minute_before_it_ends_where_it_was_left)
{
    scene_start(false);
    add_seconds(10, 5);
    add_seconds(7200, 1);
    ck_assert_uint_eq(minutes(), 2);
    ck_assert_uint_eq(point[0].uptime_ns, 14 * SECOND);
    ck_assert_uint_eq(point[1].uptime_ns, 7200 * SECOND);
}
END_TEST

START_TEST(a_day_of_minutes_is_kept)
{
    scene_start(true);
    for (uint64_t i = 0; i < 2000; i++)
        add_seconds(i * 60, 1);
    ck_assert_uint_eq(minutes(), WR_HISTORY_MOST);
    ck_assert_uint_eq(point[0].uptime_ns,
                      (1999 - WR_HISTORY_MINUTE_SLOTS) * MINUTE);
    ck_assert_uint_eq(point[WR_HISTORY_MINUTE_SLOTS].uptime_ns, 1999 * MINUTE);
    scene_end();
}
END_TEST

/* ---- while it is written ---- */

static _Atomic bool enough;

static void *
write_on(void *arg)
{
    for (uint64_t i = 0; !atomic_load(&enough); i++) {
        struct wr_point p = made(i);

        (void)wr_history_add(&p);
        wr_history_mark(WR_MARK_CODE, (uint32_t)i, i, "somewhere");
    }
    return arg;
}

static void
check_marks(const struct wr_region_view *v)
{
    static struct wr_mark m[WR_MARK_SLOTS];
    size_t n = wr_history_marks(v, m, wr_countof(m));

    for (size_t i = 1; i < n; i++) {
        if (m[i].kind == WR_MARK_PEAK)
            continue;
        ck_assert_uint_eq(m[i].tid, (uint32_t)m[i].value);
        ck_assert_str_eq(m[i].text, "somewhere");
    }
}

START_TEST(a_reader_beside_the_writer_never_sees_a_torn_entry)
{
    struct wr_region_view v;
    uint64_t seen = 0;
    pthread_t t;

    scene_start(false);
    v = scene_view();
    ck_assert_int_eq(pthread_create(&t, NULL, write_on, NULL), 0);
    for (int round = 0; round < 1000 || seen < 2000; round++) {
        size_t n =
            wr_history_read(&v, WR_HISTORY_SECONDS, point, wr_countof(point));

        for (size_t i = 0; i < n; i++) {
            uint64_t number = point[i].uptime_ns / SECOND;

            check_made(&point[i], number);
            ck_assert(i == 0 || point[i].uptime_ns > point[i - 1].uptime_ns);
            ck_assert_uint_ge(number + 700, seen);
            seen = wr_max(seen, number);
        }
        check_marks(&v);
    }
    atomic_store(&enough, true);
    pthread_join(t, NULL);
    ck_assert_uint_gt(seen, 0);
}
END_TEST

/* ---- marks ---- */

static struct wr_mark mark[WR_MARK_SLOTS + 10];

static size_t
marks(size_t room)
{
    struct wr_region_view v = scene_view();

    return wr_history_marks(&v, mark, room);
}

START_TEST(the_start_is_a_mark_and_the_end_is_one)
{
    scene_start(false);
    ck_assert_uint_eq(marks(10), 1);
    ck_assert_uint_eq(mark[0].kind, WR_MARK_START);
    ck_assert_ptr_nonnull(strstr(mark[0].text, "test_region_history"));
    wr_region_exit();
    ck_assert_uint_eq(marks(10), 2);
    ck_assert_uint_eq(mark[1].kind, WR_MARK_EXIT);
    ck_assert_uint_eq(marks(1), 0);
}
END_TEST

START_TEST(marks_come_back_with_the_end_of_a_long_text)
{
    char text[300];

    scene_start(true);
    memset(text, 'x', sizeof text - 1);
    strcpy(text + sizeof text - 5, "tail");
    wr_history_mark(WR_MARK_UNLOAD, 5, 77, text);
    wr_history_mark(WR_MARK_MAP_FAILED, 6, 8192, NULL);
    ck_assert_uint_eq(marks(10), 3);
    ck_assert_uint_eq(mark[1].kind, WR_MARK_UNLOAD);
    ck_assert_uint_eq(mark[1].tid, 5);
    ck_assert_uint_eq(mark[1].value, 77);
    ck_assert_uint_eq(strlen(mark[1].text), WR_MARK_TEXT - 1);
    ck_assert_str_eq(mark[1].text + WR_MARK_TEXT - 5, "tail");
    ck_assert_uint_eq(mark[2].value, 8192);
    ck_assert_str_eq(mark[2].text, "");
    ck_assert_uint_ge(mark[2].uptime_ns, mark[1].uptime_ns);
    scene_end();
}
END_TEST

START_TEST(of_many_marks_the_last_are_kept)
{
    scene_start(false);
    for (uint64_t i = 0; i < 1000; i++)
        wr_history_mark(WR_MARK_CODE, 1, i, "lib");
    ck_assert_uint_eq(marks(wr_countof(mark)), 1 + WR_MARK_SLOTS);
    for (uint64_t i = 0; i < WR_MARK_SLOTS; i++)
        ck_assert_uint_eq(mark[1 + i].value, 1000 - WR_MARK_SLOTS + i);
    ck_assert_uint_eq(marks(4), 4);
    ck_assert_uint_eq(mark[0].kind, WR_MARK_START);
    ck_assert_uint_eq(mark[3].value, 999);
}
END_TEST

START_TEST(of_memory_refused_again_and_again_one_a_second_is_marked)
{
    scene_start(false);
    for (int i = 0; i < 100; i++)
        wr_history_mark_refused(WR_MARK_MAP_FAILED, 4096);
    ck_assert_uint_eq(marks(10), 2);
    ck_assert_uint_eq(mark[1].kind, WR_MARK_MAP_FAILED);
    ck_assert_uint_eq(mark[1].value, 4096);
    usleep(1010000);
    wr_history_mark_refused(WR_MARK_MAP_FAILED, 8192);
    ck_assert_uint_eq(marks(10), 3);
}
END_TEST

static size_t
peaks(void)
{
    size_t n = marks(wr_countof(mark)), peaks = 0;

    for (size_t i = 0; i < n; i++)
        peaks += mark[i].kind == WR_MARK_PEAK;
    return peaks;
}

static void
add_live(uint64_t second, uint64_t live)
{
    struct wr_point p = made(second);

    p.live_bytes = live;
    ck_assert(wr_history_add(&p));
}

START_TEST(a_peak_is_marked_when_it_is_an_eighth_higher_and_a_minute_passed)
{
    scene_start(false);
    add_live(1, 1000);
    add_live(30, 8000); /* getting going */
    ck_assert_uint_eq(peaks(), 0);
    add_live(100, 8900);
    ck_assert_uint_eq(peaks(), 0);
    add_live(101, 9100);
    ck_assert_uint_eq(peaks(), 1);
    ck_assert_uint_eq(mark[1].value, 9100);
    add_live(130, 20000);
    ck_assert_uint_eq(peaks(), 1);
    add_live(162, 20000);
    ck_assert_uint_eq(peaks(), 2);
}
END_TEST

START_TEST(every_kind_has_a_name)
{
    ck_assert_str_eq(wr_mark_name(WR_MARK_START), "start");
    ck_assert_str_eq(wr_mark_name(WR_MARK_PEAK), "peak");
    ck_assert_str_eq(wr_mark_name(0), "event");
    ck_assert_str_eq(wr_mark_name(99), "event");
}
END_TEST

/* ---- fork ---- */

START_TEST(a_childs_history_starts_anew)
{
    pid_t pid;

    scene_start(_i != 0);
    add_seconds(0, 700);
    wr_history_mark(WR_MARK_CODE, 1, 1, "parent's");
    pid = scene_fork();
    if (pid == 0) {
        scene_must(seconds() == 0);
        scene_must(minutes() == 0);
        scene_must(marks(10) == 1);
        scene_must(mark[0].kind == WR_MARK_FORKED);
        scene_must(mark[0].value == (uint64_t)getppid());
        add_seconds(3, 2);
        scene_must(seconds() == 2);
        scene_must(point[0].uptime_ns == 3 * SECOND);
        if (_i != 0)
            unlink(wr_region_path());
        _exit(0);
    }
    scene_expect_success(pid);
    ck_assert_uint_eq(seconds(), WR_HISTORY_SECOND_SLOTS);
    scene_end();
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("region/history");
    TCase *t = tcase_create("history");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_region_without_points_has_no_history);
    tcase_add_test(t, a_region_of_a_weir_that_kept_none_has_no_history);
    tcase_add_loop_test(t, points_come_back_as_they_were_and_oldest_first, 0,
                        2);
    tcase_add_test(t, of_more_points_than_there_is_room_the_last_are_kept);
    tcase_add_test(t, a_reader_with_little_room_gets_the_newest);
    tcase_add_test(t, a_second_in_which_nothing_changed_has_no_point);
    tcase_add_test(t, a_torn_point_is_left_out);
    tcase_add_test(t, a_point_that_is_not_where_it_belongs_is_left_out);
    tcase_add_test(t, each_minute_has_a_point_with_its_highest_level);
    tcase_add_test(t, the_minute_that_is_not_over_knows_its_highest_level);
    tcase_add_test(t, after_a_gap_the_minute_before_it_ends_where_it_was_left);
    tcase_add_test(t, a_day_of_minutes_is_kept);
    tcase_add_test(t, a_reader_beside_the_writer_never_sees_a_torn_entry);
    tcase_add_test(t, the_start_is_a_mark_and_the_end_is_one);
    tcase_add_test(t, marks_come_back_with_the_end_of_a_long_text);
    tcase_add_test(t, of_many_marks_the_last_are_kept);
    tcase_add_test(t, of_memory_refused_again_and_again_one_a_second_is_marked);
    tcase_add_test(
        t, a_peak_is_marked_when_it_is_an_eighth_higher_and_a_minute_passed);
    tcase_add_test(t, every_kind_has_a_name);
    tcase_add_loop_test(t, a_childs_history_starts_anew, 0, 2);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
