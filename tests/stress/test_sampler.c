/* The sampler is unbiased: over many runs the estimate of each site is within
 * its standard error of the truth.
 *
 * Sites allocate known numbers of blocks of known sizes, two of them the same
 * size from different places. A block of S bytes is a sample with probability
 * p = 1 - exp(-S / rate), independently of all others, so an estimate of n
 * blocks has the variance n (1 - p) / p. The seeds are fixed: what passes
 * once passes always, until the sampler changes.
 */
#include "unit.h"

#include <math.h>
#include <pthread.h>
#include <search.h>

#include <weir/profile.h>

#include "heap/heap.h"
#include "heap/mcache.h"
#include "heap/sizeclass.h"
#include "profile/sample.h"
#include "region/region.h"
#include "region/counters.h"

enum { RATE = 2048, RUNS = 300, KEPT = 64 };

/* Linked with the runtime, the test's own frames count as Weir's and are left
 * out: a site is known by its size. The twin allocates the size of another
 * one below lfind, whose frame is seen. */
static void *
plainly(size_t bytes)
{
    return wr_malloc(bytes);
}

static _Thread_local void *twin_block;

static int
allocate_twin(const void *bytes, const void *unused)
{
    (void)unused;
    twin_block = wr_malloc(*(const size_t *)bytes);
    return 0;
}

static void *
below_lfind(size_t bytes)
{
    size_t one = 1;

    (void)lfind(&bytes, &bytes, &one, sizeof bytes, allocate_twin);
    return twin_block;
}

static const struct site {
    const char *name;
    void *(*make)(size_t);
    size_t bytes;
    unsigned count; /* blocks in a run */
} sites[] = {
    {"tiny", plainly, 16, 40000},  {"twin", below_lfind, 16, 10000},
    {"small", plainly, 96, 8000},  {"middle", plainly, 1024, 1000},
    {"page", plainly, 8192, 100},  {"large", plainly, 65536, 10},
    {"huge", plainly, 1 << 20, 2},
};
enum { SITES = sizeof sites / sizeof *sites };

/* ---- reading the buckets ---- */

struct raw {
    double objects;         /* estimated, ever allocated */
    uint64_t allocs, frees; /* raw */
};

static bool
is_of(const struct site *site, const struct wr_bucket *b)
{
    const struct wr_stack *s;
    bool below;

    if (b->size != site->bytes || b->stack == 0)
        return false;
    s = wr_region_entry(WR_TABLE_STACKS, b->stack);
    below = s->pc[0] - (uintptr_t)lfind < 512;
    return below == (site->make == below_lfind);
}

static struct raw
read_site(const struct site *site)
{
    struct raw sum = {0, 0, 0};

    for (uint64_t i = 0; i < wr_region_used(WR_TABLE_BUCKETS); i++) {
        const struct wr_bucket *b = wr_region_entry(WR_TABLE_BUCKETS, i);

        if (!is_of(site, b))
            continue;
        sum.allocs += b->allocs;
        sum.frees += b->frees;
        sum.objects +=
            (double)b->allocs *
            (b->rate == 1 ? 1
                          : 1 / (1 - exp(-(double)b->size / (double)b->rate)));
    }
    return sum;
}

static uint64_t
all_samples(void)
{
    return wr_count_get(samples);
}

/* ---- allocating ---- */

static void
start(uint64_t rate)
{
    static const uint32_t class_bytes[] = {0};
    struct wr_region_options o = {.dir = "/nonexistent",
                                  .sample_rate = rate,
                                  .class_bytes = class_bytes,
                                  .class_count = 1};

    wr_region_start(&o);
    wr_sample_start(rate);
    wr_free(wr_malloc(2000)); /* the thread's cache is there */
}

static void
seed(uint64_t n)
{
    wr_mcache_get()->rng = n * UINT64_C(0x9e3779b97f4a7c15) | 1;
    weir_profile_set_rate(weir_profile_rate()); /* draws anew */
}

/* All sites by turns, in proportion; blocks live for a while. */
static void
allocate_all(void)
{
    void *kept[KEPT] = {0};
    unsigned k = 0;

    for (unsigned turn = 0; turn < sites[0].count; turn++)
        for (unsigned i = 0; i < SITES; i++) {
            unsigned every = sites[0].count / sites[i].count;

            if (turn % every != i % every)
                continue;
            wr_free(kept[k]);
            kept[k] = sites[i].make(sites[i].bytes);
            k = (k + 1) % KEPT;
        }
    for (k = 0; k < KEPT; k++)
        wr_free(kept[k]);
}

/* ---- the tests ---- */

struct error {
    double sum, chi2, objects;
};

static void
add_error(struct error *e, const struct site *site, double estimate)
{
    double p = 1 - exp(-(double)site->bytes / RATE);
    double sd = sqrt(site->count * (1 - p) / p);
    double z = (estimate - site->count) / (sd > 1e-3 ? sd : 1e-3);

    e->sum += z;
    e->chi2 += z * z;
    e->objects += estimate;
}

START_TEST(estimates_of_every_site_are_within_their_standard_error)
{
    struct error error[SITES] = {{0, 0, 0}};
    double before[SITES] = {0}, objects = 0, bytes = 0, true_objects = 0,
           true_bytes = 0;

    start(RATE);
    for (unsigned run = 0; run < RUNS; run++) {
        seed(run + 1);
        allocate_all();
        for (unsigned i = 0; i < SITES; i++) {
            double now = read_site(&sites[i]).objects;

            add_error(&error[i], &sites[i], now - before[i]);
            before[i] = now;
        }
    }
    for (unsigned i = 0; i < SITES; i++) {
        const struct site *s = &sites[i];
        double z = error[i].sum / sqrt(RUNS);

        printf("%-12s %8zu bytes: bias %+.3f%%, z %+.2f, variance %.2f\n",
               s->name, s->bytes,
               100 * (error[i].objects / RUNS / s->count - 1), z,
               error[i].chi2 / RUNS);
        ck_assert_double_lt(fabs(z), 4);
        /* The spread is the one the mathematics says, where there is any. */
        if (s->bytes < 4 * RATE) {
            ck_assert_double_lt(error[i].chi2 / RUNS, 1.4);
            ck_assert_double_gt(error[i].chi2 / RUNS, 0.7);
        }
        objects += error[i].objects;
        bytes += error[i].objects * (double)s->bytes;
        true_objects += (double)s->count * RUNS;
        true_bytes += (double)s->count * RUNS * (double)s->bytes;
    }
    ck_assert_double_lt(fabs(objects / true_objects - 1), 0.01);
    ck_assert_double_lt(fabs(bytes / true_bytes - 1), 0.01);
}
END_TEST

START_TEST(what_is_freed_leaves_no_sample_in_use)
{
    start(RATE);
    seed(7);
    for (unsigned run = 0; run < 10; run++)
        allocate_all();
    for (unsigned i = 0; i < SITES; i++) {
        struct raw r = read_site(&sites[i]);

        ck_assert_uint_gt(r.allocs, 0);
        ck_assert_uint_eq(r.frees, r.allocs);
    }
}
END_TEST

START_TEST(what_is_kept_stays_in_use_as_estimated)
{
    enum { COUNT = 20000 };
    static void *kept[COUNT];
    double p = 1 - exp(-96.0 / RATE), expected = COUNT / 2 * p;
    struct raw r;

    start(RATE);
    seed(3);
    for (unsigned i = 0; i < COUNT; i++)
        kept[i] = plainly(96);
    for (unsigned i = 0; i < COUNT; i += 2)
        wr_free(kept[i]);
    r = read_site(&sites[2]);
    ck_assert_double_lt(fabs((double)(r.allocs - r.frees) - expected),
                        4 * sqrt(expected));
}
END_TEST

START_TEST(at_rate_one_every_block_is_counted)
{
    start(1);
    allocate_all();
    for (unsigned i = 0; i < SITES; i++) {
        struct raw r = read_site(&sites[i]);

        ck_assert_uint_eq(r.allocs, sites[i].count);
        ck_assert_uint_eq(r.frees, sites[i].count);
    }
}
END_TEST

START_TEST(at_rate_zero_no_block_is_sampled)
{
    start(0);
    allocate_all();
    ck_assert_uint_eq(all_samples(), 0);
    ck_assert_uint_eq(wr_region_used(WR_TABLE_BUCKETS) > 1, 0);
}
END_TEST

START_TEST(a_rate_set_later_weighs_each_sample_with_its_own)
{
    double sum = 0;
    unsigned rates[] = {512, 8192, 1, 65536};

    start(RATE);
    for (unsigned i = 0; i < 80; i++) {
        weir_profile_set_rate(rates[i % 4]);
        seed(i + 1);
        allocate_all();
    }
    for (unsigned i = 0; i < 2; i++)
        sum += read_site(&sites[i]).objects;
    ck_assert_double_lt(fabs(sum / (80 * 50000.0) - 1), 0.03);
}
END_TEST

/* Half by realloc in place or not: sizes as they are at the end. */
START_TEST(a_block_that_is_resized_counts_at_its_new_size)
{
    void *p;

    start(1);
    p = plainly(96);
    p = wr_realloc(p, 5000);
    p = wr_realloc(p, 300000);
    p = wr_realloc(p, 100);
    ck_assert_uint_eq(read_site(&sites[2]).allocs, 1);
    ck_assert_uint_eq(read_site(&sites[2]).frees, 1);
    wr_free(p);
    ck_assert_uint_eq(wr_count_get(samples), wr_count_get(sample_frees));
    ck_assert_uint_ge(wr_count_get(samples), 4);
}
END_TEST

static void *
thread(void *number)
{
    wr_free(wr_malloc(2000));
    seed((uint64_t)(uintptr_t)number);
    for (unsigned i = 0; i < 20; i++)
        allocate_all();
    wr_mcache_detach();
    return NULL;
}

START_TEST(threads_are_sampled_each_by_its_own_chance)
{
    pthread_t t[4];

    start(RATE);
    for (uintptr_t i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, thread, (void *)(i + 1));
    for (unsigned i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    for (unsigned i = 0; i < SITES; i++) {
        struct raw r = read_site(&sites[i]);
        double n = sites[i].count * 80.0;
        double p = 1 - exp(-(double)sites[i].bytes / RATE);

        ck_assert_double_lt(fabs(r.objects - n),
                            4.5 * sqrt(n * (1 - p) / p) + 1);
        ck_assert_uint_eq(r.allocs, r.frees);
    }
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("sampler");
    TCase *t = tcase_create("estimates");

    tcase_set_timeout(t, 110);
    tcase_add_test(t, estimates_of_every_site_are_within_their_standard_error);
    tcase_add_test(t, what_is_freed_leaves_no_sample_in_use);
    tcase_add_test(t, what_is_kept_stays_in_use_as_estimated);
    tcase_add_test(t, at_rate_one_every_block_is_counted);
    tcase_add_test(t, at_rate_zero_no_block_is_sampled);
    tcase_add_test(t, a_rate_set_later_weighs_each_sample_with_its_own);
    tcase_add_test(t, a_block_that_is_resized_counts_at_its_new_size);
    tcase_add_test(t, threads_are_sampled_each_by_its_own_chance);
    suite_add_tcase(s, t);
    return unit_main(s);
}
