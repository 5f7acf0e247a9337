/* Pools: what idles is used again, ages in two steps, and is nobody else's. */
#include "unit.h"

#include <pthread.h>
#include <weir/pool.h>

#include "kit/pressure.h"

/* An object that notices being handed out twice. */
struct thing {
    int out, uses;
};

static int64_t alive, made; /* atomic */

static void *
make(void *arg)
{
    (void)arg;
    __atomic_add_fetch(&alive, 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&made, 1, __ATOMIC_RELAXED);
    return calloc(1, sizeof(struct thing));
}

static void
destroy(void *p, void *arg)
{
    struct thing *t = p;

    (void)arg;
    if (t->out)
        abort(); /* somebody has it */
    __atomic_sub_fetch(&alive, 1, __ATOMIC_RELAXED);
    free(t);
}

static void
reset(void *p, void *arg)
{
    ((struct thing *)p)->uses = 0;
    ++*(int *)arg;
}

static struct thing *
take(weir_pool *p)
{
    struct thing *t = weir_pool_get(p);

    if (t->out++ != 0)
        abort(); /* two have it */
    t->uses++;
    return t;
}

static void
give(weir_pool *p, struct thing *t)
{
    t->out--;
    weir_pool_put(p, t);
}

static weir_pool *
new_pool(size_t keep)
{
    struct weir_pool_options o = {
        .make = make, .destroy = destroy, .keep = keep};
    weir_pool *p;

    ck_assert_int_eq(weir_pool_new(&p, &o), WEIR_OK);
    return p;
}

static struct weir_pool_stats
stats_of(weir_pool *p)
{
    struct weir_pool_stats s;

    weir_pool_read(p, &s);
    return s;
}

START_TEST(what_was_put_comes_back_before_anything_is_made)
{
    weir_pool *p = new_pool(0);
    struct thing *t[20];
    struct weir_pool_stats s;

    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 20; i++)
            t[i] = take(p);
        for (int i = 0; i < 20; i++)
            give(p, t[i]);
    }
    ck_assert_int_eq(alive, 20);
    s = stats_of(p);
    ck_assert_uint_eq(s.misses, 20);
    ck_assert_uint_eq(s.hits, 180);
    ck_assert_uint_eq(s.idle, 20);
    ck_assert_uint_eq(s.dropped, 0);
    weir_pool_put(p, NULL);
    weir_pool_free(p);
    ck_assert_int_eq(alive, 0);
    weir_pool_free(NULL);
}
END_TEST

START_TEST(what_idles_goes_at_the_second_step)
{
    weir_pool *p = new_pool(0);
    struct thing *t[10];

    for (int i = 0; i < 10; i++)
        t[i] = take(p);
    for (int i = 0; i < 10; i++)
        give(p, t[i]);
    weir_pool_age(p);
    ck_assert_uint_eq(stats_of(p).idle, 10);
    t[0] = take(p); /* used in between: it stays */
    ck_assert_int_eq(t[0]->uses, 2);
    give(p, t[0]);
    weir_pool_age(p);
    ck_assert_uint_eq(stats_of(p).idle, 1);
    ck_assert_uint_eq(stats_of(p).dropped, 9);
    ck_assert_int_eq(alive, 1);
    weir_pools_age();
    weir_pools_age();
    ck_assert_int_eq(alive, 0);
    weir_pool_free(p);
}
END_TEST

START_TEST(pressure_is_one_step_and_beyond_the_limit_two)
{
    weir_pool *p = new_pool(0), *q = new_pool(0);

    give(p, take(p));
    give(q, take(q));
    wr_kit_shrink(WEIR_PRESSURE_HIGH, 1);
    ck_assert_int_eq(alive, 2);
    wr_kit_shrink(WEIR_PRESSURE_HIGH, 1);
    ck_assert_int_eq(alive, 0);
    give(p, take(p));
    wr_kit_shrink(WEIR_PRESSURE_FULL, 1);
    ck_assert_int_eq(alive, 0);
    weir_pool_free(q);
    wr_kit_shrink(WEIR_PRESSURE_FULL, 1);
    weir_pool_free(p);
}
END_TEST

START_TEST(no_more_than_keep_idle)
{
    weir_pool *p = new_pool(3);
    struct thing *t[10];

    for (int i = 0; i < 10; i++)
        t[i] = take(p);
    for (int i = 0; i < 10; i++)
        give(p, t[i]);
    ck_assert_uint_eq(stats_of(p).idle, 3);
    ck_assert_uint_eq(stats_of(p).dropped, 7);
    ck_assert_int_eq(alive, 3);
    weir_pool_free(p);
}
END_TEST

START_TEST(objects_are_reset_when_they_are_put)
{
    int resets = 0;
    struct weir_pool_options o = {.reset = reset, .arg = &resets};
    weir_pool *p;
    struct thing t = {.uses = 5};

    ck_assert_int_eq(weir_pool_new(&p, &o), WEIR_OK);
    ck_assert_ptr_null(weir_pool_get(p)); /* nothing idles, nobody makes */
    weir_pool_put(p, &t);
    ck_assert_ptr_eq(weir_pool_get(p), &t);
    ck_assert_int_eq(t.uses, 0);
    ck_assert_int_eq(resets, 1);
    weir_pool_free(p);
    ck_assert_int_eq(weir_pool_new(NULL, &o), WEIR_EINVAL);
    ck_assert_int_eq(weir_pool_new(&p, NULL), WEIR_EINVAL);
}
END_TEST

static void *
give_ten(void *p)
{
    struct thing *t[10];

    for (int i = 0; i < 10; i++)
        t[i] = take(p);
    for (int i = 0; i < 10; i++)
        give(p, t[i]);
    return NULL;
}

START_TEST(threads_take_over_what_others_left)
{
    weir_pool *p = new_pool(0);
    pthread_t thread;
    struct thing *t[9];

    give(p, take(p)); /* so the other's number is not this thread's */
    pthread_create(&thread, NULL, give_ten, p);
    pthread_join(thread, NULL);
    ck_assert_int_le(made, 11);
    made = 0;
    for (int i = 0; i < 9; i++)
        t[i] = take(p); /* the tenth is at hand for who gets its number */
    ck_assert_int_eq(made, 0);
    for (int i = 0; i < 9; i++)
        give(p, t[i]);
    pthread_create(&thread, NULL, give_ten, p);
    pthread_join(thread, NULL);
    ck_assert_int_eq(made, 0);
    weir_pool_age(p);
    weir_pool_age(p);
    ck_assert_int_eq(alive,
                     0); /* also what a thread had at hand that is gone */
    weir_pool_free(p);
}
END_TEST

static weir_pool *shared;
static struct thing *passed[4]; /* atomic; from thread to thread */
static int stop;                /* atomic */

static void *
take_and_give(void *seed)
{
    uint64_t chance = (uintptr_t)seed;
    struct thing *t[8] = {0};

    for (int i = 0; i < 100000; i++) {
        size_t k = unit_below(&chance, 8);

        if (unit_below(&chance, 8) == 0) {
            t[k] = __atomic_exchange_n(&passed[unit_below(&chance, 4)], t[k],
                                       __ATOMIC_ACQ_REL);
        } else if (t[k] == NULL) {
            t[k] = take(shared);
        } else {
            give(shared, t[k]);
            t[k] = NULL;
        }
    }
    for (int k = 0; k < 8; k++)
        if (t[k] != NULL)
            give(shared, t[k]);
    return NULL;
}

static void *
age_all_the_time(void *unused)
{
    (void)unused;
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        weir_pool_age(shared);
        sched_yield();
    }
    return NULL;
}

START_TEST(no_object_is_two_threads_or_lost_under_stress)
{
    pthread_t thread[4], ager;
    struct weir_pool_stats s;

    shared = new_pool(0);
    stop = 0;
    pthread_create(&ager, NULL, age_all_the_time, NULL);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 4; i++)
            pthread_create(&thread[i], NULL, take_and_give,
                           (void *)(uintptr_t)(unit_seed("stress") + i));
        for (int i = 0; i < 4; i++)
            pthread_join(thread[i], NULL);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    pthread_join(ager, NULL);
    for (int i = 0; i < 4; i++)
        if (passed[i] != NULL)
            give(shared, passed[i]);
    s = stats_of(shared);
    ck_assert_uint_eq(s.idle, (uint64_t)alive);
    ck_assert_uint_eq(s.misses, (uint64_t)made);
    ck_assert_uint_eq(s.misses, s.idle + s.dropped);
    weir_pool_free(shared);
    ck_assert_int_eq(alive, 0);
}
END_TEST

/* ---- bounded ---- */

static weir_bounded *
new_bounded(size_t capacity)
{
    struct weir_pool_options o = {.make = make, .destroy = destroy};
    weir_bounded *b;

    ck_assert_int_eq(weir_bounded_new(&b, capacity, &o), WEIR_OK);
    return b;
}

START_TEST(a_bounded_pool_makes_so_many_and_refuses_the_next)
{
    weir_bounded *b = new_bounded(2);
    struct weir_pool_stats s;
    void *x, *y, *z = NULL;

    ck_assert_int_eq(weir_bounded_try(b, &x), WEIR_OK);
    ck_assert_int_eq(weir_bounded_try(b, &y), WEIR_OK);
    ck_assert_int_eq(weir_bounded_try(b, &z), WEIR_ELIMIT);
    ck_assert_int_eq(weir_bounded_wait(b, &z, 1000), WEIR_ELIMIT);
    ck_assert_ptr_null(z);
    ck_assert_int_eq(weir_bounded_put(b, y), WEIR_OK);
    ck_assert_int_eq(weir_bounded_wait(b, &z, UINT64_MAX), WEIR_OK);
    ck_assert_ptr_eq(z, y);
    ck_assert_int_eq(weir_bounded_put(b, x), WEIR_OK);
    ck_assert_int_eq(weir_bounded_put(b, y), WEIR_OK);
    z = make(NULL);
    ck_assert_int_eq(weir_bounded_put(b, z), WEIR_ELIMIT); /* it is full */
    ck_assert_int_eq(weir_bounded_put(b, NULL), WEIR_EINVAL);
    destroy(z, NULL);
    weir_bounded_read(b, &s);
    ck_assert_uint_eq(s.hits, 1);
    ck_assert_uint_eq(s.misses, 2);
    ck_assert_uint_eq(s.idle, 2);
    weir_bounded_free(b);
    weir_bounded_free(NULL);
    ck_assert_int_eq(alive, 0);
}
END_TEST

START_TEST(for_one_that_is_broken_another_may_be_made)
{
    weir_bounded *b = new_bounded(1);
    void *x, *y;

    ck_assert_int_eq(weir_bounded_forget(b), WEIR_EINVAL);
    weir_bounded_try(b, &x);
    destroy(x, NULL);
    ck_assert_int_eq(weir_bounded_forget(b), WEIR_OK);
    ck_assert_int_eq(weir_bounded_try(b, &y), WEIR_OK);
    weir_bounded_put(b, y);
    weir_bounded_free(b);
    ck_assert_int_eq(alive, 0);
}
END_TEST

static void *
make_nothing(void *arg)
{
    (void)arg;
    return NULL;
}

START_TEST(bad_arguments_and_failed_makes_are_errors)
{
    struct weir_pool_options o = {.make = make_nothing};
    weir_bounded *b;
    void *x;

    ck_assert_int_eq(weir_bounded_new(&b, 0, &o), WEIR_EINVAL);
    ck_assert_int_eq(weir_bounded_new(NULL, 1, &o), WEIR_EINVAL);
    ck_assert_int_eq(weir_bounded_new(&b, SIZE_MAX, &o), WEIR_ENOMEM);
    ck_assert_int_eq(weir_bounded_new(&b, 1, &o), WEIR_OK);
    for (int i = 0; i < 3; i++) /* the right to make it is not lost */
        ck_assert_int_eq(weir_bounded_try(b, &x), WEIR_ENOMEM);
    weir_bounded_free(b);
}
END_TEST

static weir_bounded *few;
static int inside; /* atomic */

static void *
work_inside(void *unused)
{
    void *x;

    (void)unused;
    for (int i = 0; i < 2000; i++) {
        if (weir_bounded_wait(few, &x, UINT64_MAX) != WEIR_OK ||
            __atomic_add_fetch(&inside, 1, __ATOMIC_RELAXED) > 2 ||
            ((struct thing *)x)->out++ != 0) /* two have it */
            abort();
        ((struct thing *)x)->out--;
        __atomic_sub_fetch(&inside, 1, __ATOMIC_RELAXED);
        weir_bounded_put(few, x);
    }
    return NULL;
}

START_TEST(waiters_are_woken_and_never_too_many_inside)
{
    pthread_t thread[5];

    few = new_bounded(2);
    for (int i = 0; i < 5; i++)
        pthread_create(&thread[i], NULL, work_inside, NULL);
    for (int i = 0; i < 5; i++)
        pthread_join(thread[i], NULL);
    ck_assert_int_le(alive, 2);
    weir_bounded_free(few);
    ck_assert_int_eq(alive, 0);
}
END_TEST

/* ---- buffers ---- */

START_TEST(buffers_come_empty_with_room_and_are_used_again)
{
    struct weir_buffer *b;
    struct weir_pool_stats before, after;
    char *at;

    weir_buffers_read(&before);
    for (size_t n = 0; n <= 1 << 20; n = n * 3 + 1) {
        b = weir_buffers_get(n);
        ck_assert_uint_eq(b->len, 0);
        ck_assert_uint_gt(b->cap, n);
        at = b->at;
        for (size_t i = 0; i < n; i += 8)
            weir_buffer_add_text(b, "contents");
        ck_assert(n % 8 != 0 || b->at == at);
        weir_buffers_put(b);
    }
    b = weir_buffers_get(1000);
    at = b->at;
    weir_buffer_add_text(b, "secret");
    weir_buffers_put(b);
    b = weir_buffers_get(900);
    ck_assert_ptr_eq(b->at, at);
    ck_assert_str_eq(weir_buffer_text(b), "");
    weir_buffers_put(b);
    weir_buffers_read(&after);
    ck_assert_uint_gt(after.hits, before.hits);
    ck_assert_ptr_null(weir_buffers_get(SIZE_MAX));
    weir_buffers_put(NULL);
}
END_TEST

START_TEST(a_buffer_that_has_grown_goes_where_it_fits)
{
    struct weir_buffer *b = weir_buffers_get(10);
    struct weir_pool_stats s;
    char *at;

    weir_buffer_reserve(b, 100000);
    at = b->at;
    weir_buffers_put(b);
    b = weir_buffers_get(65000);
    ck_assert_ptr_eq(b->at, at);
    weir_buffer_reserve(b, 5 << 20);
    weir_buffers_put(b); /* too large to be kept */
    weir_buffers_read(&s);
    ck_assert_uint_eq(s.dropped, 1);
    weir_pools_age();
    weir_pools_age();
    weir_buffers_read(&s);
    ck_assert_uint_eq(s.idle, 0);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("kit/pool");
    TCase *c = tcase_create("pool");

    tcase_set_timeout(c, 60);
    tcase_add_test(c, what_was_put_comes_back_before_anything_is_made);
    tcase_add_test(c, what_idles_goes_at_the_second_step);
    tcase_add_test(c, pressure_is_one_step_and_beyond_the_limit_two);
    tcase_add_test(c, no_more_than_keep_idle);
    tcase_add_test(c, objects_are_reset_when_they_are_put);
    tcase_add_test(c, threads_take_over_what_others_left);
    tcase_add_test(c, no_object_is_two_threads_or_lost_under_stress);
    tcase_add_test(c, a_bounded_pool_makes_so_many_and_refuses_the_next);
    tcase_add_test(c, for_one_that_is_broken_another_may_be_made);
    tcase_add_test(c, bad_arguments_and_failed_makes_are_errors);
    tcase_add_test(c, waiters_are_woken_and_never_too_many_inside);
    tcase_add_test(c, buffers_come_empty_with_room_and_are_used_again);
    tcase_add_test(c, a_buffer_that_has_grown_goes_where_it_fits);
    suite_add_tcase(s, c);
    return unit_main(s);
}
