/* Pipelines: everything goes through once, never too much is on its way, and
 * an error stops all. */
#include "unit.h"

#include <stdatomic.h>
#include <weir/pipeline.h>

enum { ITEMS = 5000, BYTES = 100 };

static _Atomic long made, alive, most, seen, sum, dropped;
static long stop_at; /* the item that is an error; 0: none */

static void
begin(void)
{
    made = alive = most = seen = sum = dropped = 0;
    stop_at = 0;
}

static weir_err
make(weir_item *item, void *arg)
{
    long number = atomic_fetch_add(&made, 1) + 1;
    long now, before;

    (void)arg;
    ck_assert_ptr_null(item->data);
    if (number > ITEMS)
        return WEIR_OK;
    item->data = malloc(sizeof number);
    *(long *)item->data = number;
    item->bytes = BYTES;
    now = atomic_fetch_add(&alive, 1) + 1;
    before = atomic_load(&most);
    while (before < now && !atomic_compare_exchange_weak(&most, &before, now))
        ;
    return WEIR_OK;
}

static weir_err
look(weir_item *item, void *arg)
{
    (void)arg;
    if (*(long *)item->data == stop_at)
        return WEIR_ENOENT;
    atomic_fetch_add(&sum, *(long *)item->data);
    item->bytes *= 2; /* grows on its way */
    return WEIR_OK;
}

static void
drop(weir_item *item, void *arg)
{
    ck_assert_ptr_eq(arg, &dropped);
    free(item->data);
    atomic_fetch_sub(&alive, 1);
    atomic_fetch_add(&dropped, 1);
}

static weir_err
use(weir_item *item, void *arg)
{
    (void)arg;
    atomic_fetch_add(&seen, 1);
    atomic_fetch_sub(&alive, 1);
    free(item->data);
    item->data = NULL;
    return WEIR_OK;
}

static const struct weir_pipeline_options few = {
    .items = 4, .drop = drop, .arg = &dropped};

START_TEST(everything_goes_through_once_whoever_works)
{
    for (unsigned threads = 0; threads <= 4; threads++) {
        struct weir_stage stages[] = {
            {make, NULL, threads}, {look, NULL, 4 - threads}, {use, NULL, 2}};
        begin();
        ck_assert_int_eq(weir_pipeline_run(stages, 3, &few), WEIR_OK);
        ck_assert_int_eq(seen, ITEMS);
        ck_assert_int_eq(sum, (long)ITEMS * (ITEMS + 1) / 2);
        ck_assert_int_eq(alive, 0);
        ck_assert_int_eq(dropped, 0);
        ck_assert_int_le(most, 4);
    }
}
END_TEST

START_TEST(bytes_on_their_way_are_bounded)
{
    struct weir_stage stages[] = {
        {make, NULL, 1}, {look, NULL, 3}, {use, NULL, 1}};
    struct weir_pipeline_options o = few;

    begin();
    o.items = 1000;
    o.bytes = 5 * BYTES;
    ck_assert_int_eq(weir_pipeline_run(stages, 3, &o), WEIR_OK);
    ck_assert_int_eq(seen, ITEMS);
    ck_assert_int_le(most, 6); /* one more than fits */
}
END_TEST

START_TEST(an_error_stops_it_and_nothing_is_lost)
{
    struct weir_stage stages[] = {
        {make, NULL, 2}, {look, NULL, 2}, {use, NULL, 1}};

    for (long at = 1; at < ITEMS; at += 777) {
        begin();
        stop_at = at;
        ck_assert_int_eq(weir_pipeline_run(stages, 3, &few), WEIR_ENOENT);
        ck_assert_int_eq(alive, 0);
        ck_assert_int_ge(dropped, 1);
        ck_assert_int_lt(made, at + 16);
    }
}
END_TEST

START_TEST(what_the_last_stage_leaves_is_dropped)
{
    struct weir_stage stages[] = {{make, NULL, 1}, {look, NULL, 1}};

    begin();
    ck_assert_int_eq(weir_pipeline_run(stages, 2, &few), WEIR_OK);
    ck_assert_int_eq(dropped, ITEMS);
    begin();
    ck_assert_int_eq(weir_pipeline_run(stages, 1, &few), WEIR_OK);
    ck_assert_int_eq(dropped, ITEMS);
    ck_assert_int_eq(alive, 0);
}
END_TEST

START_TEST(no_stage_is_no_pipeline)
{
    struct weir_stage none[] = {{NULL, NULL, 1}};
    struct weir_pipeline_options huge = {.items = SIZE_MAX};

    ck_assert_int_eq(weir_pipeline_run(NULL, 1, NULL), WEIR_EINVAL);
    ck_assert_int_eq(weir_pipeline_run(none, 0, NULL), WEIR_EINVAL);
    ck_assert_int_eq(weir_pipeline_run(none, 1, NULL), WEIR_EINVAL);
    none[0].run = make;
    ck_assert_int_eq(weir_pipeline_run(none, 1, &huge), WEIR_ENOMEM);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("pipeline");
    TCase *t = tcase_create("all");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, everything_goes_through_once_whoever_works);
    tcase_add_test(t, bytes_on_their_way_are_bounded);
    tcase_add_test(t, an_error_stops_it_and_nothing_is_lost);
    tcase_add_test(t, what_the_last_stage_leaves_is_dropped);
    tcase_add_test(t, no_stage_is_no_pipeline);
    suite_add_tcase(s, t);
    return unit_main(s);
}
