/* Chance, and what becomes of sampled blocks. Statistics with fixed seeds:
 * bounds are four standard errors. */
#include "unit.h"

#include <math.h>
#include <pthread.h>
#include <weir/profile.h>

#include "heap/heap.h"
#include "heap/mcache.h"
#include "heap/span.h"
#include "os/os.h"
#include "profile/bucket.h"
#include "profile/sample.h"
#include "profile/unwind.h"
#include "region/counters.h"
#include "region/read.h"
#include "region/region.h"
#include "world/thread.h"

enum { DRAWS = 1000000, SEED = 4711 };

/* ---- chance ---- */

START_TEST(a_mean_of_one_samples_all_and_of_zero_none)
{
    uint64_t state = SEED;

    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(wr_sample_draw(&state, 1), 0);
        ck_assert_int_eq(wr_sample_draw(&state, 0), INT64_MAX);
    }
}
END_TEST

START_TEST(draws_have_the_mean_and_the_tail_of_the_distribution)
{
    static const uint64_t means[] = {1000, 65536, 524288, UINT64_C(1) << 40};
    enum { TAILS = 5 };

    for (size_t k = 0; k < wr_countof(means); k++) {
        uint64_t state = SEED + k;
        double mean = (double)means[k], sum = 0;
        unsigned above[TAILS] = {0};

        for (int i = 0; i < DRAWS; i++) {
            double n = (double)wr_sample_draw(&state, means[k]) + 0.5;

            sum += n;
            for (int j = 0; j < TAILS; j++)
                above[j] += n > (j + 0.5) * mean;
        }
        ck_assert_double_le(fabs(sum / DRAWS - mean), 4 * mean / sqrt(DRAWS));
        for (int j = 0; j < TAILS; j++) {
            double p = exp(-(j + 0.5));

            ck_assert_double_le(fabs((double)above[j] / DRAWS - p),
                                4 * sqrt(p * (1 - p) / DRAWS));
        }
    }
}
END_TEST

/* The chance of a thread is xorshift64*, the rest is -ln(u) * mean. */
START_TEST(draws_are_the_logarithm_that_libm_finds)
{
    const uint64_t mean = UINT64_C(1) << 50;
    uint64_t state = SEED, mine = SEED;

    for (int i = 0; i < 100000; i++) {
        double u, wanted;

        mine ^= mine >> 12;
        mine ^= mine << 25;
        mine ^= mine >> 27;
        u = ((double)(mine * UINT64_C(0x2545f4914f6cdd1d) >> 11) + 1) /
            9007199254740992.0;
        wanted = -log(u) * (double)mean;
        ck_assert_double_le(fabs((double)wr_sample_draw(&state, mean) - wanted),
                            1e-9 * (double)mean + 1);
        ck_assert_uint_eq(state, mine);
    }
}
END_TEST

START_TEST(draws_are_never_negative)
{
    uint64_t state = SEED;

    for (int i = 0; i < 10000; i++) {
        ck_assert_int_ge(wr_sample_draw(&state, UINT64_MAX), 0);
        ck_assert_int_ge(wr_sample_draw(&state, 2), 0);
        ck_assert_uint_ne(state, 0);
    }
}
END_TEST

/* ---- blocks ---- */

static void
start(uint64_t rate)
{
    uint32_t class_bytes[WR_CLASSES] = {0};
    struct wr_region_options o = {.dir = "/nowhere/at/all",
                                  .sample_rate = rate,
                                  .class_bytes = class_bytes,
                                  .class_count = WR_CLASSES};

    wr_unwind_init();
    wr_region_start(&o);
    wr_world_start();
    wr_sample_start(rate);
    (void)wr_mcache_get();
    wr_self->rng = SEED;
    weir_profile_set_rate(rate);
}

/* Sums over the buckets of one size and rate (0: any). */
static struct wr_bucket_counts
counted(uint64_t size, uint64_t rate)
{
    struct wr_bucket_counts c, sum = {0, 0, 0, 0};

    for (uint64_t i = 0; i < wr_region_used(WR_TABLE_BUCKETS); i++) {
        struct wr_bucket *b = wr_region_entry(WR_TABLE_BUCKETS, i);

        if ((size != 0 && b->size != size) || (rate != 0 && b->rate != rate))
            continue;
        wr_bucket_read(b, &c);
        sum.allocs += c.allocs;
        sum.frees += c.frees;
        sum.alloc_bytes += c.alloc_bytes;
        sum.free_bytes += c.free_bytes;
    }
    return sum;
}

START_TEST(at_rate_one_every_block_is_recorded)
{
    static const size_t sizes[] = {16, 112, 3072, 32768, 40960, 1 << 20};
    enum { EACH = 70 };
    void *p[EACH];

    start(1);
    for (size_t k = 0; k < wr_countof(sizes); k++) {
        struct wr_bucket_counts c;

        for (int i = 0; i < EACH; i++)
            p[i] = wr_malloc(sizes[k]);
        c = counted(sizes[k], 1);
        ck_assert_uint_eq(c.allocs, EACH);
        ck_assert_uint_eq(c.alloc_bytes, EACH * sizes[k]);
        ck_assert_uint_eq(c.frees, 0);
        for (int i = 0; i < EACH; i++)
            wr_free(p[i]);
        c = counted(sizes[k], 1);
        ck_assert_uint_eq(c.allocs, EACH);
        ck_assert_uint_eq(c.frees, EACH);
        ck_assert_uint_eq(c.free_bytes, EACH * sizes[k]);
    }
    ck_assert_uint_eq(wr_count_get(samples), EACH * wr_countof(sizes));
    ck_assert_uint_eq(wr_count_get(sample_frees), EACH * wr_countof(sizes));
    ck_assert_uint_eq(wr_count_get(samples_lost), 0);
}
END_TEST

START_TEST(at_rate_zero_no_block_is_recorded)
{
    start(0);
    for (int i = 0; i < 10000; i++)
        wr_free(wr_malloc((size_t)i * 10));
    ck_assert_uint_eq(wr_count_get(samples), 0);
    ck_assert_uint_eq(wr_region_used(WR_TABLE_BUCKETS), 1);
}
END_TEST

START_TEST(a_resized_block_is_recorded_as_what_it_became)
{
    void *p;

    start(1);
    p = wr_malloc(100); /* 112 */
    ck_assert_ptr_eq(wr_realloc(p, 112), p);
    ck_assert_uint_eq(counted(0, 0).allocs, 1);
    p = wr_realloc(p, 1000); /* moves to 1024 */
    ck_assert_uint_eq(counted(112, 1).frees, 1);
    ck_assert_uint_eq(counted(1024, 1).allocs, 1);
    p = wr_realloc(p, 100000); /* large */
    ck_assert_uint_eq(counted(1024, 1).frees, 1);
    ck_assert_uint_eq(counted(106496, 1).allocs, 1);
    p = wr_realloc(p, 50000); /* in place */
    ck_assert_uint_eq(counted(106496, 1).frees, 1);
    ck_assert_uint_eq(counted(57344, 1).allocs, 1);
    p = wr_realloc(p, 16);
    ck_assert_uint_eq(counted(57344, 1).frees, 1);
    wr_free(p);
    ck_assert_uint_eq(counted(0, 0).allocs, 5);
    ck_assert_uint_eq(counted(0, 0).frees, 5);
}
END_TEST

START_TEST(all_ways_to_allocate_are_sampled)
{
    start(1);
    wr_free(wr_calloc(100));
    wr_free(wr_memalign(64, 100));
    wr_free(wr_memalign(1 << 16, 100000));
    wr_free(wr_calloc(100000));
    ck_assert_uint_eq(counted(0, 0).allocs, 4);
    ck_assert_uint_eq(counted(0, 0).frees, 4);
}
END_TEST

static void *
free_half(void *arg)
{
    void **p = arg;

    for (int i = 0; i < 500; i++)
        wr_free(p[2 * i]);
    return NULL;
}

START_TEST(samples_are_known_to_any_thread_that_frees_them)
{
    void *p[1000];
    pthread_t t;

    start(1);
    for (int i = 0; i < 1000; i++)
        p[i] = wr_malloc(100);
    pthread_create(&t, NULL, free_half, p);
    for (int i = 0; i < 500; i++)
        wr_free(p[2 * i + 1]);
    pthread_join(t, NULL);
    ck_assert_uint_eq(counted(112, 1).allocs, 1000);
    ck_assert_uint_eq(counted(112, 1).frees, 1000);
}
END_TEST

/* ---- estimates ---- */

/* The estimate of so many blocks has this variance; chance is that of one
 * block to be sampled. */
static double
variance(double blocks, double chance)
{
    return blocks * (1 - chance) / chance;
}

static void
allocate_and_free(size_t size, unsigned blocks, unsigned keep, void **kept)
{
    for (unsigned i = 0; i < blocks; i++) {
        void *p = wr_malloc(size);

        if (i % (blocks / keep) == 0)
            *kept++ = p;
        else
            wr_free(p);
    }
}

START_TEST(estimates_are_unbiased_for_every_size)
{
    static const size_t sizes[] = {16, 112, 1024, 9216, 40960};
    enum { RATE = 4096, BLOCKS = 60000, KEPT = 6000 };
    static void *kept[5][KEPT];

    start(RATE);
    wr_self->rng = SEED + (uint64_t)_i;
    for (size_t k = 0; k < wr_countof(sizes); k++)
        allocate_and_free(sizes[k], BLOCKS, KEPT, kept[k]);
    for (size_t k = 0; k < wr_countof(sizes); k++) {
        struct wr_bucket_counts c = counted(sizes[k], RATE);
        double weight = wr_sample_weight(sizes[k], RATE);
        double allocs = (double)c.allocs * weight;
        double live = (double)(c.allocs - c.frees) * weight;

        ck_assert_double_le(fabs(weight * -expm1(-(double)sizes[k] / RATE) - 1),
                            1e-9);
        ck_assert_double_le(fabs(allocs - BLOCKS),
                            4 * sqrt(variance(BLOCKS, 1 / weight)) + 0.5);
        ck_assert_double_le(fabs(live - KEPT),
                            4 * sqrt(variance(KEPT, 1 / weight)) + 0.5);
        ck_assert_uint_eq(c.alloc_bytes, c.allocs * sizes[k]);
    }
    for (size_t k = 0; k < wr_countof(sizes); k++)
        for (int i = 0; i < KEPT; i++)
            wr_free(kept[k][i]);
    ck_assert_uint_eq(counted(0, 0).allocs, counted(0, 0).frees);
}
END_TEST

START_TEST(a_new_rate_holds_at_once_and_old_samples_keep_theirs)
{
    void *p[100];

    start(1);
    for (int i = 0; i < 50; i++)
        p[i] = wr_malloc(112);
    weir_profile_set_rate(0);
    ck_assert_uint_eq(weir_profile_rate(), 0);
    ck_assert_uint_eq(wr_region->sample_rate, 0);
    for (int i = 50; i < 100; i++)
        p[i] = wr_malloc(112);
    ck_assert_uint_eq(counted(0, 0).allocs, 50);
    weir_profile_set_rate(2);
    for (int i = 0; i < 100; i++)
        wr_free(p[i]);
    ck_assert_uint_eq(counted(112, 1).frees, 50);
    for (int i = 0; i < 50; i++)
        wr_free(wr_malloc(112));
    ck_assert_uint_eq(counted(112, 2).allocs, 50); /* chance 1 - e^-56 */
    ck_assert_uint_eq(counted(112, 1).allocs, 50);
}
END_TEST

/* ---- births ---- */

static struct wr_birth
birth_of(void *p)
{
    struct wr_span *s = wr_span_of(p);
    struct wr_birth b = {7, 7, 7};
    bool exact = true;
    unsigned block = s->class_id == 0 ? 0 : wr_span_block_of(s, p, &exact);

    ck_assert(exact);
    ck_assert(wr_sample_birth(s, block, &b));
    return b;
}

static uint64_t
uptime(void)
{
    return wr_os_monotonic() - wr_region->start_mono_ns;
}

static void *
allocate_two(void *tid)
{
    static void *p[2];

    *(uint32_t *)tid = wr_os_tid();
    p[0] = wr_malloc(112);
    p[1] = wr_malloc(100000);
    return p;
}

START_TEST(a_sampled_block_knows_when_and_by_whom_it_was_allocated)
{
    uint64_t before, after;
    uint32_t tid;
    pthread_t t;
    void *ret;

    start(1);
    usleep(50000);
    before = uptime() - 15000000; /* it is told to a tick */
    pthread_create(&t, NULL, allocate_two, &tid);
    pthread_join(t, &ret);
    after = uptime();
    for (int i = 0; i < 2; i++) {
        void *p = ((void **)ret)[i];
        struct wr_birth b = birth_of(p);

        ck_assert_uint_ge(b.born_ns, before);
        ck_assert_uint_le(b.born_ns, after);
        ck_assert_uint_eq(b.tid, tid);
        ck_assert_uint_eq(wr_bucket_stack(b.bucket, &(uintptr_t){0}, 1), 1);
        wr_free(p);
        ck_assert(!wr_sample_birth(wr_span_of(p), 0, &b));
    }
}
END_TEST

START_TEST(how_old_a_sampled_block_got_is_counted_in_its_bucket)
{
    uint64_t died[WR_AGES];
    struct wr_birth b;
    void *p, *q;

    start(1);
    p = wr_malloc(112);
    b = birth_of(p);
    usleep(1150000);
    q = wr_malloc(112);
    wr_free(q);
    wr_free(p);
    wr_bucket_died(wr_region_entry(WR_TABLE_BUCKETS, b.bucket), died);
    ck_assert_uint_eq(died[1], 1);
    ck_assert_uint_eq(counted(112, 1).frees, 2);
}
END_TEST

START_TEST(a_block_that_is_no_sample_has_no_birth)
{
    struct wr_birth b;
    void *p;

    start(0);
    p = wr_malloc(112);
    ck_assert(!wr_sample_birth(wr_span_of(p), 0, &b));
    wr_free(p);
}
END_TEST

/* More live samples than the ledger has room for: they are counted as ever,
 * and found in their bucket; when they were born is not known. */
START_TEST(what_finds_no_room_in_the_ledger_has_no_birth_and_is_counted)
{
    enum { BLOCKS = WR_LEDGER_SLOTS + 1000 };
    static void *p[BLOCKS];
    unsigned unborn = 0;

    start(1);
    for (int i = 0; i < BLOCKS; i++)
        p[i] = wr_malloc(112);
    for (int i = 0; i < BLOCKS; i++)
        unborn += birth_of(p[i]).born_ns == 0;
    ck_assert_uint_eq(unborn, 1001);
    ck_assert_uint_eq(wr_count_get(ledger_full), 1001);
    ck_assert_uint_eq(birth_of(p[BLOCKS - 1]).bucket, birth_of(p[0]).bucket);
    for (int i = 0; i < BLOCKS; i++)
        wr_free(p[i]);
    ck_assert_uint_eq(counted(112, 1).frees, BLOCKS);
    p[0] = wr_malloc(112);
    ck_assert_uint_ne(birth_of(p[0]).born_ns, 0);
    wr_free(p[0]);
}
END_TEST

/* ---- stacks, misuse, fork ---- */

START_TEST(a_stack_leaves_out_our_own_frames)
{
    uintptr_t with[WR_STACK_FRAMES], without[WR_STACK_FRAMES];
    size_t n, fewer;

    wr_unwind_init();
    n = wr_sample_stack(with, wr_countof(with));
    start(1);
    fewer = wr_sample_stack(without, wr_countof(without));
    ck_assert_uint_gt(fewer, 0);
    ck_assert_uint_lt(fewer, n); /* this test is linked to Weir: its own */
    ck_assert_uint_eq(wr_sample_stack(without, 1), 1);
}
END_TEST

static void
free_inside(void *p)
{
    wr_free((char *)p + 8);
}

START_TEST(misuse_of_a_sampled_block_says_where_it_was_allocated)
{
    struct unit_end end;
    void *p;

    start(1);
    p = wr_malloc(100);
    end = unit_end_of(free_inside, p);
    ck_assert_int_eq(end.signal, SIGABRT);
    ck_assert_ptr_nonnull(strstr(end.said, "8 bytes inside a 112-byte block"));
    ck_assert_ptr_nonnull(strstr(end.said, ", allocated at libc.so.6+0x"));
    ck_assert_ptr_nonnull(strstr(end.said, "; called from libc.so.6+0x"));
    weir_profile_set_rate(0);
    p = wr_malloc(100);
    end = unit_end_of(free_inside, p);
    ck_assert_int_eq(end.signal, SIGABRT);
    ck_assert_ptr_null(strstr(end.said, "allocated at"));
}
END_TEST

static void *
allocate_for_long(void *enough)
{
    while (!*(_Atomic bool *)enough)
        wr_free(wr_malloc(100));
    return NULL;
}

/* Between the fork handlers the forking thread allocates without being
 * sampled; after them both sides go on. */
START_TEST(both_sides_of_a_fork_go_on_sampling)
{
    _Atomic bool enough = false;
    pthread_t t;

    start(1);
    pthread_create(&t, NULL, allocate_for_long, &enough);
    for (int i = 0; i < 30; i++) {
        uint64_t before;
        int status;
        pid_t pid;

        wr_heap_fork_before();
        wr_sample_fork_before();
        wr_region_fork_before();
        wr_lock_fork_begin();
        before = counted(3072, 1).allocs;
        wr_free(wr_malloc(3072));
        ck_assert_uint_eq(counted(3072, 1).allocs, before);
        pid = fork();
        if (pid == 0)
            wr_region_fork_child();
        wr_lock_fork_end();
        wr_sample_fork_after(pid == 0);
        wr_heap_fork_after(pid == 0);
        wr_free(wr_malloc(3072));
        if (pid == 0)
            _exit(counted(3072, 1).allocs == before + 1 ? 0 : 1);
        ck_assert_uint_eq(counted(3072, 1).allocs, before + 1);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_int_eq(status, 0);
    }
    enough = true;
    pthread_join(t, NULL);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("profile/sample");
    TCase *t = tcase_create("sample");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_mean_of_one_samples_all_and_of_zero_none);
    tcase_add_test(t, draws_have_the_mean_and_the_tail_of_the_distribution);
    tcase_add_test(t, draws_are_the_logarithm_that_libm_finds);
    tcase_add_test(t, draws_are_never_negative);
    tcase_add_test(t, at_rate_one_every_block_is_recorded);
    tcase_add_test(t, at_rate_zero_no_block_is_recorded);
    tcase_add_test(t, a_resized_block_is_recorded_as_what_it_became);
    tcase_add_test(t, all_ways_to_allocate_are_sampled);
    tcase_add_test(t, samples_are_known_to_any_thread_that_frees_them);
    tcase_add_loop_test(t, estimates_are_unbiased_for_every_size, 0, 4);
    tcase_add_test(t, a_new_rate_holds_at_once_and_old_samples_keep_theirs);
    tcase_add_test(t, a_sampled_block_knows_when_and_by_whom_it_was_allocated);
    tcase_add_test(t, how_old_a_sampled_block_got_is_counted_in_its_bucket);
    tcase_add_test(t, a_block_that_is_no_sample_has_no_birth);
    tcase_add_test(
        t, what_finds_no_room_in_the_ledger_has_no_birth_and_is_counted);
    tcase_add_test(t, a_stack_leaves_out_our_own_frames);
    tcase_add_test(t, misuse_of_a_sampled_block_says_where_it_was_allocated);
    tcase_add_test(t, both_sides_of_a_fork_go_on_sampling);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
