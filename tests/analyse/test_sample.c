/* Statistics of small samples, against tables in books, counting by hand, and
 * counting all ways. */
#include "unit.h"

#include <math.h>
#include "analyse/sample.h"

#define N(x) (sizeof(x) / sizeof(x)[0])

static double
p_of(const double *a, size_t na, const double *b, size_t nb)
{
    double p = -1;

    ck_assert_int_eq(wr_sample_differ(a, na, b, nb, &p), 0);
    return p;
}

START_TEST(the_median_of_few_lies_between_two_values)
{
    double one[] = {7}, two[] = {1, 3}, three[] = {1, 2, 9};
    double four[] = {1, 2, 4, 100};

    ck_assert_double_eq(wr_sample_median(one, 1), 7);
    ck_assert_double_eq_tol(wr_sample_median(two, 2), 2, 1e-12);
    ck_assert_double_eq_tol(wr_sample_median(three, 3), 2, 1e-12);
    ck_assert_double_eq_tol(wr_sample_median(four, 4), 3, 1e-12);
}
END_TEST

/* 95% bounds of the median by the binomial distribution: with 10 values the
 * 2nd and the 9th (97.9%).
 * From 6 values on there are any. */
START_TEST(the_bounds_are_those_of_the_binomial_table)
{
    static const struct {
        size_t n, low, high;
    } table[] = {{1, 0, 2},    {5, 0, 5},    {6, 1, 6},    {7, 1, 7},
                 {8, 1, 7},    {9, 2, 8},    {10, 2, 9},   {20, 6, 15},
                 {31, 10, 21}, {51, 19, 33}, {100, 40, 60}};
    size_t low, high;

    for (size_t i = 0; i < N(table); i++) {
        wr_sample_bounds(table[i].n, 0.95, &low, &high);
        if (table[i].n <= 10) {
            ck_assert_uint_eq(low, table[i].low);
            ck_assert_uint_eq(high, table[i].high);
        }
        /* Never less than asked for: 1 - P(fewer than low, or high and more
         * of n coins). */
        double inside = 0;
        for (size_t k = low; k < high; k++)
            inside +=
                exp(lgamma((double)table[i].n + 1) - lgamma((double)k + 1) -
                    lgamma((double)(table[i].n - k) + 1) -
                    (double)table[i].n * log(2));
        ck_assert_double_ge(inside, 0.949);
        ck_assert_double_le(inside, low == 0 ? 1.0001 : 0.99);
    }
    wr_sample_bounds(100, 1, &low, &high);
    ck_assert_uint_eq(low, 0);
    ck_assert_uint_eq(high, 101);
    ck_assert_uint_eq(wr_sample_enough_for_bounds(0.95), 6);
    ck_assert_uint_eq(wr_sample_enough_for_bounds(0.99), 8);
    ck_assert_uint_eq(wr_sample_enough_for_bounds(1), 0);
}
END_TEST

/* Mann and Whitney's own table: of n and m values, U of at most u has the
 * probability p. */
START_TEST(p_is_that_of_the_table_of_1947)
{
    double low[] = {1, 2, 3, 4, 5, 6, 7, 8}, high[8];

    for (size_t n = 3; n <= 8; n++) {
        double ways = 1;
        for (size_t i = 0; i < n; i++) {
            high[i] = 100 + (double)i;
            ways = ways * (double)(n + 1 + i) / (double)(i + 1);
        }
        ck_assert_double_eq_tol(p_of(low, n, high, n), 2 / ways, 1e-12);
        ck_assert_double_eq_tol(p_of(high, n, low, n), 2 / ways, 1e-12);
    }
    /* n = 4, m = 5, U = 3: 0.056 */
    double a[] = {1, 2, 3, 6.5}, b[] = {4, 5, 6, 7, 8};
    ck_assert_double_eq_tol(p_of(a, 4, b, 5), 2 * 7 / 126.0, 1e-12);
    ck_assert_uint_eq(wr_sample_enough_to_differ(0.05), 4);
    ck_assert_uint_eq(wr_sample_enough_to_differ(0.01), 5);
    ck_assert_uint_eq(wr_sample_enough_to_differ(1), 1);
    ck_assert_uint_eq(wr_sample_enough_to_differ(1e-50), 0);
}
END_TEST

static double
u_of(const double *a, size_t na, const double *b, size_t nb)
{
    double u = 0;

    for (size_t i = 0; i < na; i++)
        for (size_t j = 0; j < nb; j++)
            u += a[i] > b[j] ? 1 : a[i] == b[j] ? 0.5 : 0;
    return u;
}

/* Every way to deal the values out, counted one by one. */
static double
p_by_counting(const double *a, size_t na, const double *b, size_t nb)
{
    double all[16], x[16], y[16];
    double u = u_of(a, na, b, nb), mirror = (double)(na * nb) - u;
    double least = fmin(u, mirror), hits = 0, ways = 0;

    memcpy(all, a, na * sizeof *a);
    memcpy(all + na, b, nb * sizeof *b);
    for (unsigned set = 0; set < 1u << (na + nb); set++) {
        size_t n = 0, m = 0;
        if ((size_t)__builtin_popcount(set) != na)
            continue;
        for (size_t i = 0; i < na + nb; i++)
            if (set >> i & 1)
                x[n++] = all[i];
            else
                y[m++] = all[i];
        double v = u_of(x, n, y, m);
        hits += (u <= mirror ? v : (double)(na * nb) - v) <= least;
        ways++;
    }
    return u == mirror ? 1 : fmin(1, 2 * hits / ways);
}

START_TEST(equal_values_are_counted_exactly)
{
    uint64_t chance = unit_seed("equal values");
    double a[8], b[8], p;

    for (int round = 0; round < 300; round++) {
        size_t na = 1 + unit_below(&chance, 6), nb = 1 + unit_below(&chance, 6);
        uint64_t levels = 2 + unit_below(&chance, 6);
        for (size_t i = 0; i < na; i++)
            a[i] = (double)unit_below(&chance, levels);
        for (size_t i = 0; i < nb; i++)
            b[i] = (double)unit_below(&chance, levels) + 1;
        wr_sample_sort(a, na);
        wr_sample_sort(b, nb);
        if (a[0] == b[nb - 1] && a[na - 1] == b[0])
            ck_assert_int_eq(wr_sample_differ(a, na, b, nb, &p), -1);
        else
            ck_assert_double_eq_tol(p_of(a, na, b, nb),
                                    p_by_counting(a, na, b, nb), 1e-12);
    }
}
END_TEST

START_TEST(large_samples_go_over_to_the_normal_distribution)
{
    static double a[51], b[51];
    double exact, normal;

    for (size_t i = 0; i < 51; i++) {
        a[i] = (double)i;
        b[i] = (double)i + 10.5;
    }
    exact = p_of(a, 50, b, 50);
    normal = p_of(a, 51, b, 51);
    ck_assert_double_gt(exact, 1e-6);
    ck_assert_double_lt(fabs(exact / normal - 1), 0.2);
    for (size_t i = 0; i < 51; i++)
        a[i] = b[i] = 3;
    ck_assert_int_eq(wr_sample_differ(a, 51, b, 51, &exact), -1);
    ck_assert_int_eq(wr_sample_differ(a, 0, b, 5, &exact), -1);
}
END_TEST

START_TEST(the_geometric_mean_needs_values_above_0)
{
    double x[] = {1, 10, 100}, zero[] = {1, 0};

    ck_assert_double_eq_tol(wr_sample_geomean(x, 3), 10, 1e-12);
    ck_assert(isnan(wr_sample_geomean(zero, 2)));
    ck_assert(isnan(wr_sample_geomean(x, 0)));
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("sample");
    TCase *t = tcase_create("all");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, the_median_of_few_lies_between_two_values);
    tcase_add_test(t, the_bounds_are_those_of_the_binomial_table);
    tcase_add_test(t, p_is_that_of_the_table_of_1947);
    tcase_add_test(t, equal_values_are_counted_exactly);
    tcase_add_test(t, large_samples_go_over_to_the_normal_distribution);
    tcase_add_test(t, the_geometric_mean_needs_values_above_0);
    suite_add_tcase(s, t);
    return unit_main(s);
}
