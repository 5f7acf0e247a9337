/* Buckets: what is counted where, and what happens when there is no room. */
#include "unit.h"

#include <pthread.h>

#include "base/base.h"
#include "os/os.h"
#include "profile/bucket.h"
#include "region/counters.h"
#include "region/read.h"
#include "region/region.h"

enum { RATE = 4096, THREADS = 4 };

/* A region in private memory. */
static void
start_region(void)
{
    static const uint32_t class_bytes[] = {0, 16};
    struct wr_region_options o = {
        .dir = "/nowhere/at/all", .class_bytes = class_bytes, .class_count = 2};

    wr_region_start(&o);
    ck_assert_ptr_nonnull(wr_region);
}

static void
start(void)
{
    start_region();
    ck_assert(wr_bucket_start());
}

static struct wr_bucket *
bucket(uint32_t i)
{
    return wr_region_entry(WR_TABLE_BUCKETS, i);
}

static uint64_t
buckets(void)
{
    return wr_region_used(WR_TABLE_BUCKETS);
}

/* The bucket of a stack of n frames that all follow from `which`. */
static uint32_t
find(uint64_t which, size_t n, uint64_t bytes, uint64_t rate)
{
    uintptr_t pc[WR_STACK_FRAMES];

    for (size_t i = 0; i < n; i++)
        pc[i] = 1 + which * WR_STACK_FRAMES + i;
    return wr_bucket_find(wr_stack_find(pc, n), bytes, rate);
}

START_TEST(the_first_bucket_is_the_other)
{
    ck_assert_uint_eq(buckets(), 1);
    ck_assert_uint_eq(bucket(0)->stack, 0);
    ck_assert_uint_eq(bucket(0)->allocs, 0);
    ck_assert_uint_eq(bucket(0)->size, 0);
    ck_assert_uint_eq(bucket(0)->rate, wr_region->sample_rate);
}
END_TEST

START_TEST(the_same_is_found_again)
{
    uint32_t first = find(7, 20, 64, RATE);

    ck_assert_uint_eq(first, 1);
    for (int i = 0; i < 10; i++)
        ck_assert_uint_eq(find(7, 20, 64, RATE), first);
    ck_assert_uint_eq(buckets(), 2);
}
END_TEST

START_TEST(stack_size_and_rate_tell_buckets_apart)
{
    uint32_t b[] = {find(7, 20, 64, RATE), find(7, 19, 64, RATE),
                    find(8, 20, 64, RATE), find(7, 20, 80, RATE),
                    find(7, 20, 64, 1)};

    for (size_t i = 0; i < wr_countof(b); i++) {
        ck_assert_uint_ne(b[i], 0);
        for (size_t k = 0; k < i; k++)
            ck_assert_uint_ne(b[i], b[k]);
    }
    ck_assert_uint_eq(bucket(b[0])->stack, bucket(b[3])->stack);
    ck_assert_uint_eq(bucket(b[0])->stack, bucket(b[4])->stack);
    ck_assert_uint_eq(bucket(b[3])->size, 80);
    ck_assert_uint_eq(bucket(b[4])->rate, 1);
}
END_TEST

START_TEST(every_frame_and_their_order_matter)
{
    uintptr_t pc[] = {10, 20, 30, 40, 50}, swapped[] = {10, 20, 40, 30, 50};
    uint32_t b = wr_bucket_find(wr_stack_find(pc, 5), 64, RATE);

    ck_assert_uint_ne(wr_bucket_find(wr_stack_find(swapped, 5), 64, RATE), b);
    for (size_t i = 0; i < 5; i++) {
        pc[i]++;
        ck_assert_uint_ne(wr_bucket_find(wr_stack_find(pc, 5), 64, RATE), b);
        pc[i]--;
    }
    ck_assert_uint_eq(wr_bucket_find(wr_stack_find(pc, 5), 64, RATE), b);
}
END_TEST

START_TEST(a_bucket_knows_its_stack)
{
    uintptr_t pc[WR_STACK_FRAMES], got[WR_STACK_FRAMES];

    for (size_t n = 1; n <= WR_STACK_FRAMES; n += n < 4 ? 1 : 31) {
        uint32_t b;

        for (size_t i = 0; i < n; i++)
            pc[i] = 1000 * n + i;
        b = wr_bucket_find(wr_stack_find(pc, n), 64, RATE);
        ck_assert_uint_eq(wr_bucket_stack(b, got, wr_countof(got)), n);
        ck_assert_mem_eq(got, pc, n * sizeof *pc);
        ck_assert_uint_eq(wr_bucket_stack(b, got, 1), 1);
    }
    ck_assert_uint_eq(wr_bucket_stack(0, got, wr_countof(got)), 0);
    ck_assert_uint_eq(wr_bucket_stack((uint32_t)buckets(), got, 1), 0);
    ck_assert_uint_eq(wr_bucket_stack(UINT32_MAX, got, 1), 0);
}
END_TEST

START_TEST(a_stack_in_the_region_is_whole_before_it_is_counted)
{
    uintptr_t pc[] = {11, 22, 33};
    uint32_t number = wr_stack_find(pc, 3);
    struct wr_stack *s = wr_region_entry(WR_TABLE_STACKS, number);

    ck_assert_uint_eq(s->frames, 3);
    ck_assert_uint_eq(s->unloads, 0);
    ck_assert_mem_eq(s->pc, pc, sizeof pc);
    ck_assert_uint_eq(wr_region_used(WR_TABLE_STACKS),
                      number + sizeof *s / 8 + 3);
    ck_assert_uint_eq(wr_stack_find(pc, 3), number);
}
END_TEST

START_TEST(no_stack_goes_to_the_other_bucket)
{
    ck_assert_uint_eq(find(1, 0, 64, RATE), 0);
    ck_assert_uint_eq(wr_stack_find(NULL, 0), 0);
    ck_assert_uint_eq(buckets(), 1);
}
END_TEST

START_TEST(blocks_and_bytes_are_counted)
{
    uint32_t b = find(1, 3, 64, RATE);
    struct wr_bucket_counts c;

    for (int i = 0; i < 5; i++)
        wr_bucket_add_alloc(b, 64);
    for (int i = 0; i < 3; i++)
        wr_bucket_add_free(b, 64, 0);
    ck_assert_uint_eq(bucket(b)->allocs, 5);
    ck_assert_uint_eq(bucket(b)->frees, 3);
    wr_bucket_read(bucket(b), &c);
    ck_assert_uint_eq(c.alloc_bytes, 320);
    ck_assert_uint_eq(c.free_bytes, 192);
    ck_assert_uint_eq(wr_count_get(samples), 5);
    ck_assert_uint_eq(wr_count_get(sample_frees), 3);
    ck_assert_uint_eq(wr_count_get(samples_lost), 0);
}
END_TEST

/* ---- no room ---- */

/* Fill the table of buckets: how many it took. */
static uint32_t
fill(size_t frames)
{
    uint32_t n = 0;

    while (find(n, frames, 64, RATE) != 0)
        n++;
    return n;
}

START_TEST(when_buckets_are_full_what_is_new_is_other_and_the_rest_goes_on)
{
    uint32_t n = fill(2);

    ck_assert_uint_gt(n, 30000);
    ck_assert_uint_eq(buckets(), n + 1);
    for (uint32_t i = 0; i < n; i += 7) {
        ck_assert_uint_eq(find(i, 2, 64, RATE), i + 1);
        wr_bucket_add_alloc(i + 1, 64);
    }
    for (uint32_t i = 0; i < 100; i++) {
        uint32_t b = find(n + i, 2, 64, RATE);

        ck_assert_uint_eq(b, 0);
        wr_bucket_add_alloc(b, 64);
        ck_assert_uint_eq(bucket(0)->allocs, i + 1);
        ck_assert_uint_eq(wr_count_get(samples_lost), i + 1);
    }
    wr_bucket_add_free(0, 64, 0);
    ck_assert_uint_eq(bucket(0)->frees, 1);
    ck_assert_uint_eq(bucket(0)->allocs, 100);
    ck_assert_uint_eq(bucket(1)->allocs, 1);
    ck_assert_uint_eq(buckets(), n + 1);
}
END_TEST

START_TEST(when_the_pool_of_stacks_is_full_known_ones_are_still_found)
{
    uint32_t n = fill(WR_STACK_FRAMES);

    ck_assert_uint_gt(n, 5000);
    for (uint32_t i = 0; i < n; i += 7)
        ck_assert_uint_eq(find(i, WR_STACK_FRAMES, 64, RATE), i + 1);
    ck_assert_uint_eq(find(n, WR_STACK_FRAMES, 64, RATE), 0);
    ck_assert_uint_ne(find(3, WR_STACK_FRAMES, 80, RATE), 0);
}
END_TEST

/* Three quarters of the index: many share a place in it. */
START_TEST(all_stacks_of_a_full_index_are_found)
{
    static uint32_t number[60000];
    uint32_t n = 0;

    for (uintptr_t pc = 1; pc < wr_countof(number); pc++, n++) {
        number[n] = wr_stack_find(&pc, 1);
        if (number[n] == 0)
            break;
    }
    ck_assert_uint_gt(n, 40000);
    for (uintptr_t pc = 1; pc <= n; pc++)
        ck_assert_uint_eq(wr_stack_find(&pc, 1), number[pc - 1]);
    for (uint32_t i = 1; i < n; i++)
        ck_assert_uint_gt(number[i], number[i - 1]);
}
END_TEST

/* ---- several threads ---- */

static void *
find_and_count(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < 20000; i++) {
        uint32_t b = find(i * 7 % 1000, 4, 64, RATE);

        if (b == 0)
            ck_abort_msg("no bucket");
        wr_bucket_add_alloc(b, 64);
        wr_bucket_add_free(b, 64, 0);
    }
    return NULL;
}

START_TEST(threads_that_meet_the_same_stacks_share_their_buckets)
{
    pthread_t t[THREADS];
    uint64_t allocs = 0;

    for (int i = 0; i < THREADS; i++)
        pthread_create(&t[i], NULL, find_and_count, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    ck_assert_uint_eq(buckets(), 1001);
    for (uint32_t i = 0; i < 1001; i++) {
        allocs += bucket(i)->allocs;
        ck_assert_uint_eq(bucket(i)->allocs, bucket(i)->frees);
    }
    ck_assert_uint_eq(allocs, THREADS * 20000);
    ck_assert_uint_eq(wr_count_get(samples), THREADS * 20000);
}
END_TEST

/* ---- without memory ---- */

START_TEST(without_a_region_or_memory_nothing_counts)
{
    ck_assert(!wr_bucket_start()); /* no region */
    ck_assert_uint_eq(find(1, 3, 64, RATE), 0);
    start_region();
    wr_os_fail_after(1, false);
    ck_assert(!wr_bucket_start());
    ck_assert_uint_eq(find(1, 3, 64, RATE), 0);
    ck_assert_uint_eq(buckets(), 0);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("profile/bucket");
    TCase *t = tcase_create("bucket"), *bare = tcase_create("bare");

    tcase_add_checked_fixture(t, start, NULL);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, the_first_bucket_is_the_other);
    tcase_add_test(t, the_same_is_found_again);
    tcase_add_test(t, stack_size_and_rate_tell_buckets_apart);
    tcase_add_test(t, every_frame_and_their_order_matter);
    tcase_add_test(t, a_bucket_knows_its_stack);
    tcase_add_test(t, a_stack_in_the_region_is_whole_before_it_is_counted);
    tcase_add_test(t, no_stack_goes_to_the_other_bucket);
    tcase_add_test(t, blocks_and_bytes_are_counted);
    tcase_add_test(
        t, when_buckets_are_full_what_is_new_is_other_and_the_rest_goes_on);
    tcase_add_test(t,
                   when_the_pool_of_stacks_is_full_known_ones_are_still_found);
    tcase_add_test(t, all_stacks_of_a_full_index_are_found);
    tcase_add_test(t, threads_that_meet_the_same_stacks_share_their_buckets);
    tcase_add_test(bare, without_a_region_or_memory_nothing_counts);
    suite_add_tcase(s, t);
    suite_add_tcase(s, bare);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
