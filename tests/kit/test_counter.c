/* Counters: no addition is lost, however many threads add. */
#include "unit.h"

#include <pthread.h>
#include <weir/counter.h>

#include "kit/thread.h"

static weir_counter *striped;
static weir_atomic plain;

static void *
add(void *unused)
{
    (void)unused;
    for (int i = 0; i < 10000; i++) {
        weir_counter_add(striped, 3);
        weir_counter_add(striped, -1);
        weir_atomic_add(&plain, 2);
    }
    return NULL;
}

START_TEST(no_addition_is_lost)
{
    pthread_t thread[50]; /* more than have a line of their own */

    ck_assert_int_eq(weir_counter_new(&striped), WEIR_OK);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 50; i++)
            pthread_create(&thread[i], NULL, add, NULL);
        for (int i = 0; i < 50; i++)
            pthread_join(thread[i], NULL);
        ck_assert_int_eq(weir_counter_read(striped), (round + 1) * 1000000);
        ck_assert_int_eq(weir_atomic_get(&plain), (round + 1) * 1000000);
    }
    weir_counter_free(striped);
    weir_counter_free(NULL);
    ck_assert_int_eq(weir_counter_new(NULL), WEIR_EINVAL);
}
END_TEST

START_TEST(a_plain_counter_tells_each_sum)
{
    weir_atomic a = {0};

    ck_assert_int_eq(weir_atomic_add(&a, 5), 5);
    ck_assert_int_eq(weir_atomic_add(&a, -7), -2);
    ck_assert_int_eq(weir_atomic_set(&a, 9), -2);
    ck_assert(!weir_atomic_swap(&a, 8, 1));
    ck_assert(weir_atomic_swap(&a, 9, 1));
    ck_assert_int_eq(weir_atomic_get(&a), 1);
}
END_TEST

static pthread_barrier_t all_have_one;

static void *
note_number(void *number)
{
    *(unsigned *)number = wr_kit_thread();
    ck_assert_uint_eq(wr_kit_thread(), *(unsigned *)number);
    pthread_barrier_wait(&all_have_one);
    return NULL;
}

START_TEST(living_threads_have_numbers_of_their_own_and_dead_ones_none)
{
    unsigned number[40], highest = 0;
    pthread_t thread[40];

    for (int round = 0; round < 5; round++) {
        uint64_t seen = 0;

        pthread_barrier_init(&all_have_one, NULL, 40);
        for (int i = 0; i < 40; i++)
            pthread_create(&thread[i], NULL, note_number, &number[i]);
        for (int i = 0; i < 40; i++)
            pthread_join(thread[i], NULL);
        for (int i = 0; i < 40; i++) {
            ck_assert_uint_lt(number[i], 64);
            ck_assert((seen >> number[i] & 1) == 0);
            seen |= (uint64_t)1 << number[i];
            highest = number[i] > highest ? number[i] : highest;
        }
        pthread_barrier_destroy(&all_have_one);
    }
    ck_assert_uint_le(highest, 40); /* they are given again */
    ck_assert_uint_eq(wr_kit_threads(), highest + 1);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("kit/counter");
    TCase *c = tcase_create("counter");

    tcase_set_timeout(c, 60);
    tcase_add_test(c, no_addition_is_lost);
    tcase_add_test(c, a_plain_counter_tells_each_sum);
    tcase_add_test(c,
                   living_threads_have_numbers_of_their_own_and_dead_ones_none);
    suite_add_tcase(s, c);
    return unit_main(s);
}
