/* Meters in the region: what is added is what is read. */
#include "scene.h"

#include "region/meter.h"

static struct wr_meter_line line[WR_METERS];

static size_t
read_all(void)
{
    struct wr_region_view v = scene_view();

    return wr_meters_read(&v, line);
}

START_TEST(what_is_added_is_read)
{
    weir_meter *cache, *pool;

    scene_start(_i);
    ck_assert_uint_eq(read_all(), 0);
    cache = weir_meter_of(WEIR_METER_CACHE, "pages");
    pool = weir_meter_of(WEIR_METER_POOL, "parsers");
    weir_meter_add(cache, WEIR_METER_HITS, 3);
    weir_meter_add(cache, WEIR_METER_HITS, 4);
    weir_meter_add(cache, WEIR_METER_BYTES, 1000);
    weir_meter_add(cache, WEIR_METER_BYTES, -400);
    weir_meter_add(pool, WEIR_METER_MISSES, 2);
    ck_assert_uint_eq(read_all(), 2);
    ck_assert_int_eq(line[0].kind, WEIR_METER_POOL); /* they come first */
    ck_assert_str_eq(line[0].name, "parsers");
    ck_assert_uint_eq(line[0].sum[WEIR_METER_MISSES], 2);
    ck_assert_str_eq(line[1].name, "pages");
    ck_assert_uint_eq(line[1].sum[WEIR_METER_HITS], 7);
    ck_assert_uint_eq(line[1].sum[WEIR_METER_BYTES], 600);
    scene_end();
}
END_TEST

START_TEST(one_kind_and_name_is_one_meter)
{
    weir_meter *m;

    scene_start(false);
    m = weir_meter_of(WEIR_METER_POOL, NULL);
    ck_assert_ptr_nonnull(m);
    ck_assert_ptr_eq(m, weir_meter_of(WEIR_METER_POOL, ""));
    ck_assert_ptr_ne(m, weir_meter_of(WEIR_METER_CACHE, NULL));
    ck_assert_ptr_ne(m, weir_meter_of(WEIR_METER_POOL, "unnamed2"));
    ck_assert_uint_eq(read_all(), 3);
    ck_assert_str_eq(line[0].name, "unnamed");
    scene_end();
}
END_TEST

START_TEST(a_long_name_is_cut_and_is_the_same_meter_again)
{
    char name[100];
    weir_meter *m;

    scene_start(false);
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    m = weir_meter_of(WEIR_METER_POOL, name);
    ck_assert_ptr_eq(m, weir_meter_of(WEIR_METER_POOL, name));
    ck_assert_uint_eq(read_all(), 1);
    ck_assert_uint_eq(strlen(line[0].name), 39);
    scene_end();
}
END_TEST

START_TEST(there_are_128_and_no_more)
{
    char name[20];

    scene_start(_i);
    for (int i = 0; i < WR_METERS; i++) {
        snprintf(name, sizeof name, "m%d", i);
        ck_assert_ptr_nonnull(weir_meter_of(WEIR_METER_POOL, name));
    }
    ck_assert_ptr_null(weir_meter_of(WEIR_METER_POOL, "one more"));
    ck_assert_ptr_nonnull(weir_meter_of(WEIR_METER_POOL, "m7"));
    ck_assert_uint_eq(read_all(), WR_METERS);
    ck_assert_str_eq(line[WR_METERS - 1].name, "m127");
    scene_end();
}
END_TEST

START_TEST(what_makes_no_sense_does_nothing)
{
    weir_meter *m;

    scene_start(false);
    ck_assert_ptr_null(weir_meter_of((enum weir_meter_kind)0, "x"));
    ck_assert_ptr_null(weir_meter_of((enum weir_meter_kind)3, "x"));
    weir_meter_add(NULL, WEIR_METER_HITS, 1);
    m = weir_meter_of(WEIR_METER_POOL, "x");
    weir_meter_add(m, (enum weir_meter_sum)WR_METER_SUMS, 1);
    weir_meter_add(m, WEIR_METER_ITEMS, -1);
    ck_assert_uint_eq(read_all(), 1);
    for (int i = 0; i < WR_METER_SUMS; i++)
        ck_assert_uint_eq(line[0].sum[i], 0); /* a level below 0 is 0 */
    scene_end();
}
END_TEST

START_TEST(a_child_goes_on_from_its_parents)
{
    weir_meter *m;
    pid_t pid;

    scene_start(_i);
    m = weir_meter_of(WEIR_METER_POOL, "x");
    weir_meter_add(m, WEIR_METER_HITS, 5);
    pid = scene_fork();
    if (pid == 0) {
        scene_must(read_all() == 1 && line[0].sum[WEIR_METER_HITS] == 5);
        weir_meter_add(m, WEIR_METER_HITS, 1);
        (void)weir_meter_of(WEIR_METER_CACHE, "y");
        scene_must(read_all() == 2 && line[0].sum[WEIR_METER_HITS] == 6);
        scene_end();
        _exit(0);
    }
    scene_expect_success(pid);
    ck_assert_uint_eq(read_all(), 1);
    ck_assert_uint_eq(line[0].sum[WEIR_METER_HITS], 5);
    scene_end();
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("region/meter");
    TCase *t = tcase_create("meter");

    tcase_add_loop_test(t, what_is_added_is_read, 0, 2);
    tcase_add_test(t, one_kind_and_name_is_one_meter);
    tcase_add_test(t, a_long_name_is_cut_and_is_the_same_meter_again);
    tcase_add_loop_test(t, there_are_128_and_no_more, 0, 2);
    tcase_add_test(t, what_makes_no_sense_does_nothing);
    tcase_add_loop_test(t, a_child_goes_on_from_its_parents, 0, 2);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
