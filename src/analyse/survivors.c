/* Survivors. */
#include "analyse/survivors.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/profile.h"
#include "analyse/store.h"
#include "analyse/suspect.h"
#include "region/ledger.h"

#define NS 1e9

struct of_stack {
    uint32_t stack, bucket;
};

static int
by_stack(const void *a, const void *b)
{
    const struct of_stack *x = a, *y = b;
    return x->stack < y->stack ? -1 : x->stack > y->stack;
}

/* The buckets of one stack get the age at which its blocks are old. */
static void
set_age(double *old_age, const struct of_stack *list, size_t n,
        const struct wr_region_view *view)
{
    uint64_t died[WR_AGES] = {0}, of_one[WR_AGES];
    for (size_t i = 0; i < n; i++) {
        const struct wr_bucket *b = wr_view_bucket(view, list[i].bucket);
        if (!b)
            continue;
        wr_bucket_died(b, of_one);
        for (unsigned k = 0; k < WR_AGES; k++)
            died[k] += of_one[k];
    }
    double age = wr_suspect_old_age(died);
    for (size_t i = 0; i < n; i++)
        old_age[list[i].bucket] = age;
}

/* NULL: no memory. */
static double *
old_ages(const struct wr_region_view *view, uint64_t buckets)
{
    struct of_stack *list = calloc(buckets + 1, sizeof *list);
    double *age = calloc(buckets + 1, sizeof *age);
    if (!list || !age)
        return free(list), free(age), NULL;
    for (uint32_t i = 0; i < buckets; i++) {
        const struct wr_bucket *b = wr_view_bucket(view, i);
        list[i] = (struct of_stack){b ? b->stack : 0, i};
    }
    qsort(list, buckets, sizeof *list, by_stack);
    for (uint64_t i = 0, n; i < buckets; i += n) {
        for (n = 1; i + n < buckets && list[i + n].stack == list[i].stack;)
            n++;
        set_age(age, list + i, n, view);
    }
    free(list);
    return age;
}

/* A sample that is found with a chance of p stands for 1/p blocks, with a
 * variance of (1 - p)/p^2. */
static void
add(struct wr_survivors *s, const struct wr_bucket *b, uint32_t bucket)
{
    double weight = wr_sample_weight(b->size, b->rate), size = (double)b->size;
    s->bytes[bucket] += weight * size;
    s->variance[bucket] += weight * (weight - 1) * size * size;
}

static void
read_ledger(struct wr_survivors *s, const struct wr_region_view *view,
            const double *old_age, double since, double now)
{
    struct wr_live_sample one;
    const struct wr_bucket *b;
    for (uint64_t i = 0; i < wr_view_used(view, WR_TABLE_LEDGER); i++) {
        if (!wr_ledger_read(view, i, &one) || one.bucket >= s->buckets ||
            !(b = wr_view_bucket(view, one.bucket)))
            continue;
        double born = (double)one.born_ns / NS;
        if (born > since && now - born >= old_age[one.bucket])
            add(s, b, one.bucket);
    }
}

int
wr_survivors_find(struct wr_survivors *s, const struct wr_region_view *view,
                  double since, double now, char *why, size_t n)
{
    uint64_t buckets = wr_view_used(view, WR_TABLE_BUCKETS);
    double *old_age = old_ages(view, buckets);
    *s = (struct wr_survivors){buckets, calloc(buckets + 1, sizeof *s->bytes),
                               calloc(buckets + 1, sizeof *s->variance)};
    bool ok = old_age && s->bytes && s->variance;
    if (ok)
        read_ledger(s, view, old_age, since, now);
    free(old_age);
    if (ok)
        return 0;
    wr_survivors_fini(s);
    return wr_profile_fail(why, n, "out of memory");
}

void
wr_survivors_fini(struct wr_survivors *s)
{
    free(s->bytes);
    free(s->variance);
    memset(s, 0, sizeof *s);
}
