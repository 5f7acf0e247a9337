/* The kit's pools and caches tell their meters what they count. */
#include "unit.h"

#include <pthread.h>
#include <weir/lru.h>
#include <weir/pool.h>

#include "region/meter.h"
#include "region/scene.h"

enum { THREADS = 4, ROUNDS = 20000 };

/* The meter of that name; all 0: there is none. */
static struct wr_meter_line
meter(const char *name)
{
    static struct wr_meter_line line[WR_METERS];
    struct wr_region_view v = scene_view();
    size_t n = wr_meters_read(&v, line);

    for (size_t i = 0; i < n; i++)
        if (strcmp(line[i].name, name) == 0)
            return line[i];
    return (struct wr_meter_line){.kind = 0};
}

static void *
make(void *unused)
{
    (void)unused;
    return malloc(16);
}

static void
destroy(void *object, void *unused)
{
    (void)unused;
    free(object);
}

static weir_pool *
new_pool(const char *name)
{
    struct weir_pool_options o = {
        .make = make, .destroy = destroy, .name = name};
    weir_pool *p;

    ck_assert_int_eq(weir_pool_new(&p, &o), WEIR_OK);
    return p;
}

static void
assert_near(uint64_t told, uint64_t counted)
{
    ck_assert_uint_le(told, counted);
    ck_assert_uint_le(counted - told, counted / 16 + 1);
}

/* 10 are out at once, again and again. */
static void
use(weir_pool *p, int rounds)
{
    void *object[10];

    for (int i = 0; i < rounds; i++) {
        for (int k = 0; k < 10; k++)
            object[k] = weir_pool_get(p);
        for (int k = 0; k < 10; k++)
            weir_pool_put(p, object[k]);
    }
}

START_TEST(a_pool_tells_its_meter_soon)
{
    struct weir_pool_stats s;
    struct wr_meter_line m;
    weir_pool *p;

    scene_start(false);
    p = new_pool("things");
    for (int i = 0; i < 300; i++) {
        use(p, 1);
        weir_pool_read(p, &s);
        m = meter("things");
        assert_near(m.sum[WEIR_METER_HITS], s.hits);
        ck_assert_uint_eq(m.sum[WEIR_METER_MISSES], s.misses);
    }
    ck_assert_int_eq(m.kind, WEIR_METER_POOL);
    weir_pool_age(p);
    m = meter("things");
    ck_assert_uint_eq(m.sum[WEIR_METER_HITS], 2990);
    ck_assert_uint_eq(m.sum[WEIR_METER_ITEMS], 10);
    weir_pool_age(p);
    m = meter("things");
    ck_assert_uint_eq(m.sum[WEIR_METER_ITEMS], 0);
    ck_assert_uint_eq(m.sum[WEIR_METER_DROPPED], 10);
    weir_pool_free(p);
    scene_end();
}
END_TEST

START_TEST(what_was_put_is_told_where_nobody_gets)
{
    weir_pool *p;

    scene_start(false);
    p = new_pool("filled");
    for (int i = 0; i < 100; i++)
        weir_pool_put(p, malloc(16));
    ck_assert_uint_gt(meter("filled").sum[WEIR_METER_ITEMS], 80);
    ck_assert_uint_le(meter("filled").sum[WEIR_METER_ITEMS], 100);
    weir_pool_free(p);
    scene_end();
}
END_TEST

START_TEST(pools_of_one_name_are_added_up_and_stay_when_they_are_gone)
{
    weir_pool *a, *b;
    struct wr_meter_line m;

    scene_start(false);
    a = new_pool("same");
    b = new_pool("same");
    use(a, 1);
    use(b, 1);
    ck_assert_uint_eq(meter("same").sum[WEIR_METER_MISSES], 20);
    weir_pool_free(a);
    m = meter("same");
    ck_assert_uint_eq(m.sum[WEIR_METER_MISSES], 20);
    ck_assert_uint_eq(m.sum[WEIR_METER_DROPPED], 10);
    weir_pool_free(b);
    ck_assert_uint_eq(meter("same").sum[WEIR_METER_ITEMS], 0);
    scene_end();
}
END_TEST

static void *
work(void *pool)
{
    use(pool, ROUNDS);
    return NULL;
}

/* Who ages a pool tells of every thread's part. */
START_TEST(what_threads_did_adds_up)
{
    pthread_t thread[THREADS];
    struct weir_pool_stats s;
    struct wr_meter_line m;
    weir_pool *p;

    scene_start(false);
    p = new_pool("shared");
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, work, p), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    weir_pool_age(p);
    weir_pool_read(p, &s);
    m = meter("shared");
    ck_assert_uint_eq(s.hits + s.misses, (uint64_t)THREADS * ROUNDS * 10);
    ck_assert_uint_eq(m.sum[WEIR_METER_HITS], s.hits);
    ck_assert_uint_eq(m.sum[WEIR_METER_MISSES], s.misses);
    ck_assert_uint_eq(m.sum[WEIR_METER_DROPPED], s.dropped);
    ck_assert_uint_eq(m.sum[WEIR_METER_ITEMS], s.idle);
    weir_pool_free(p);
    scene_end();
}
END_TEST

START_TEST(a_bounded_pool_tells_at_once)
{
    struct weir_pool_options o = {
        .make = make, .destroy = destroy, .name = "few"};
    struct wr_meter_line m;
    weir_bounded *b;
    void *one, *two;

    scene_start(false);
    ck_assert_int_eq(weir_bounded_new(&b, 2, &o), WEIR_OK);
    ck_assert_int_eq(weir_bounded_try(b, &one), WEIR_OK);
    ck_assert_int_eq(weir_bounded_put(b, one), WEIR_OK);
    ck_assert_int_eq(weir_bounded_try(b, &one), WEIR_OK);
    ck_assert_int_eq(weir_bounded_try(b, &two), WEIR_OK);
    ck_assert_int_eq(weir_bounded_forget(b), WEIR_OK);
    free(two);
    ck_assert_int_eq(weir_bounded_put(b, one), WEIR_OK);
    m = meter("few");
    ck_assert_uint_eq(m.sum[WEIR_METER_HITS], 1);
    ck_assert_uint_eq(m.sum[WEIR_METER_MISSES], 2);
    ck_assert_uint_eq(m.sum[WEIR_METER_DROPPED], 1);
    ck_assert_uint_eq(m.sum[WEIR_METER_ITEMS], 1);
    weir_bounded_free(b);
    ck_assert_uint_eq(meter("few").sum[WEIR_METER_ITEMS], 0);
    scene_end();
}
END_TEST

START_TEST(lent_buffers_are_one_pool)
{
    scene_start(false);
    weir_buffers_put(weir_buffers_get(100));
    weir_buffers_put(weir_buffers_get(100000));
    weir_buffers_put(weir_buffers_get(100));
    ck_assert_uint_eq(meter("buffers").sum[WEIR_METER_MISSES], 2);
    ck_assert_uint_eq(meter("buffers").sum[WEIR_METER_HITS], 1);
    scene_end();
}
END_TEST

/* ---- caches ---- */

static void
look_up(weir_lru *l, uint64_t key)
{
    weir_lru_item *item = weir_lru_get(l, &key, sizeof key);

    if (item == NULL)
        item = weir_lru_put(l, &key, sizeof key, NULL, 1000);
    weir_lru_release(l, item);
}

START_TEST(a_cache_tells_its_meter_soon)
{
    struct weir_lru_options o = {.items = 100, .shards = 1, .name = "pages"};
    struct weir_lru_stats s;
    struct wr_meter_line m;
    weir_lru *l;

    scene_start(false);
    ck_assert_int_eq(weir_lru_new(&l, &o), WEIR_OK);
    for (uint64_t i = 0; i < 3000; i++)
        look_up(l, i * 7 % 150);
    weir_lru_read(l, &s);
    m = meter("pages");
    ck_assert_int_eq(m.kind, WEIR_METER_CACHE);
    ck_assert_uint_le(s.hits - m.sum[WEIR_METER_HITS], 256);
    weir_lru_shrink(l, 5000);
    weir_lru_read(l, &s);
    m = meter("pages");
    ck_assert_uint_gt(s.evicted, 0);
    ck_assert_uint_gt(s.shrunk, 0);
    ck_assert_uint_eq(m.sum[WEIR_METER_HITS], s.hits);
    ck_assert_uint_eq(m.sum[WEIR_METER_MISSES], s.misses);
    ck_assert_uint_eq(m.sum[WEIR_METER_DROPPED], s.evicted);
    ck_assert_uint_eq(m.sum[WEIR_METER_SHRUNK], s.shrunk);
    ck_assert_uint_eq(m.sum[WEIR_METER_ITEMS], s.items);
    ck_assert_uint_eq(m.sum[WEIR_METER_BYTES], s.bytes);
    weir_lru_free(l);
    m = meter("pages");
    ck_assert_uint_eq(m.sum[WEIR_METER_ITEMS], 0);
    ck_assert_uint_eq(m.sum[WEIR_METER_BYTES], 0);
    ck_assert_uint_eq(m.sum[WEIR_METER_SHRUNK], s.shrunk); /* not its end */
    scene_end();
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("kit/meter");
    TCase *t = tcase_create("meter");

    tcase_add_test(t, a_pool_tells_its_meter_soon);
    tcase_add_test(t, what_was_put_is_told_where_nobody_gets);
    tcase_add_test(t,
                   pools_of_one_name_are_added_up_and_stay_when_they_are_gone);
    tcase_add_test(t, what_threads_did_adds_up);
    tcase_add_test(t, a_bounded_pool_tells_at_once);
    tcase_add_test(t, lent_buffers_are_one_pool);
    tcase_add_test(t, a_cache_tells_its_meter_soon);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
