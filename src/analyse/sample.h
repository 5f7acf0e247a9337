/* Samples: what can be said of repeated measurements, without believing that
 * they have any particular distribution.
 *
 *     wr_sample_sort(old, n);
 *     double m = wr_sample_median(old, n);
 *     if (wr_sample_differ(old, n, new, k, &p) == 0 && p <= 0.05)
 *         ...they are not the same
 *
 * The numbers are those of Go's benchstat: the median between order statistics
 * by Hyndman and Fan's eighth definition; its confidence interval between two
 * order statistics, by the binomial distribution (by the normal one above 30);
 * and the Mann-Whitney U test, exact up to 50 values a side, or 25 when some
 * are equal, by the normal distribution with both corrections above.
 *
 * All arrays are sorted. Threads: any. Pure functions.
 */
#ifndef WR_ANALYSE_SAMPLE_H
#define WR_ANALYSE_SAMPLE_H

#include <stddef.h>

void wr_sample_sort(double *x, size_t n);

/* n > 0. */
double wr_sample_median(const double *x, size_t n);

/* The bounds of the median at a level of confidence below 1, as places in the
 * sorted values, from 1: 0 and n + 1 are outside, so there is no bound. */
void wr_sample_bounds(size_t n, double confidence, size_t *low, size_t *high);

/* How many values it takes to have both bounds, 0: more than 50. */
size_t wr_sample_enough_for_bounds(double confidence);

/* The probability that two samples of one distribution differ as much as
 * these. 0; -1: all values are equal, or there is no memory: nothing can be
 * said. */
int wr_sample_differ(const double *a, size_t na, const double *b, size_t nb,
                     double *p);

/* How many values on each side it takes for a p of at most alpha, 0: more
 * than 9. */
size_t wr_sample_enough_to_differ(double alpha);

/* NaN if there is none, or one is not above 0. */
double wr_sample_geomean(const double *x, size_t n);

#endif
