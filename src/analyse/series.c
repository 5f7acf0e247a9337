/* Rises. */
#include "analyse/series.h"

#include <math.h>
#include <stdlib.h>

#define LEAST_PARTS 8
#define NINETEEN    1.96 /* of twenty lie within so many deviations */
#define PAIRS       (WR_RISE_PARTS * (WR_RISE_PARTS - 1) / 2)
#define END_PARTS   (WR_RISE_PARTS / 6)

/* --- Values -------------------------------------------------------------- */

double
wr_series_at(const struct wr_moment *moment, size_t n, double at)
{
    double value = NAN;
    for (size_t i = 0; i < n && moment[i].at <= at; i++)
        value = moment[i].value;
    return value;
}

double
wr_series_least(const struct wr_moment *moment, size_t n, double from,
                double to)
{
    double least = wr_series_at(moment, n, from);
    for (size_t i = 0; i < n && moment[i].at <= to; i++)
        if (moment[i].at > from)
            least = fmin(least, moment[i].value); /* of NaN and x: x */
    return least;
}

static int
by_value(const void *one, const void *other)
{
    double a = *(const double *)one, b = *(const double *)other;
    return (a > b) - (a < b);
}

/* Sorts the list. */
static double
median(double *list, size_t n)
{
    qsort(list, n, sizeof *list, by_value);
    return n % 2 ? list[n / 2] : (list[n / 2 - 1] + list[n / 2]) / 2;
}

/* --- Slopes -------------------------------------------------------------- */

/* By how much Kendall's variance grows because neighbours resemble each
 * other; never less than one. */
static double
inflation(const double *least, size_t n, double slope)
{
    double mean = 0, same = 0, next = 0, before = 0;
    for (size_t i = 0; i < n; i++)
        mean += (least[i] - slope * (double)i) / (double)n;
    for (size_t i = 0; i < n; i++) {
        double d = least[i] - slope * (double)i - mean;
        same += d * d;
        next += i > 0 ? d * before : 0;
        before = d;
    }
    double r = same > 0 ? next / same : 0;
    return r > 0 ? 1 + 2 * r * (double)(n - 1) / (double)n : 1;
}

/* Per part: the slope and its lower bound. */
static void
fit(const double *least, size_t n, double *slope, double *low)
{
    double pair[PAIRS], m = (double)n;
    size_t pairs = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = i + 1; k < n; k++)
            pair[pairs++] = (least[k] - least[i]) / (double)(k - i);
    *slope = median(pair, pairs);
    double variance = m * (m - 1) * (2 * m + 5) / 18;
    double reach = NINETEEN * sqrt(variance * inflation(least, n, *slope));
    double below = ((double)pairs - reach) / 2;
    *low = below < 0 ? -INFINITY : pair[(size_t)below];
}

/* --- The floor ----------------------------------------------------------- */

static size_t
find_floor(double *least, const struct wr_moment *moment, size_t n, double from,
           double to)
{
    double part = (to - from) / WR_RISE_PARTS;
    size_t known = 0;
    for (size_t i = 0; i < WR_RISE_PARTS; i++) {
        double value = wr_series_least(moment, n, from + part * (double)i,
                                       from + part * (double)(i + 1));
        if (!isnan(value))
            least[known++] = value;
    }
    return known;
}

static double
level(const double *least)
{
    double list[END_PARTS];
    for (size_t i = 0; i < END_PARTS; i++)
        list[i] = least[i];
    return median(list, END_PARTS);
}

void
wr_rise_fit(struct wr_rise *r, const struct wr_moment *moment, size_t n,
            double from, double to)
{
    double least[WR_RISE_PARTS], part = (to - from) / WR_RISE_PARTS;
    *r = (struct wr_rise){.parts = 0};
    if (n == 0 || !(part > 0))
        return;
    r->parts = find_floor(least, moment, n, from, to);
    if (r->parts < LEAST_PARTS)
        return;
    size_t half = r->parts / 2;
    r->first = level(least);
    r->last = level(least + r->parts - END_PARTS);
    fit(least, r->parts, &r->slope, &r->low);
    fit(least, half, &r->early, &r->early_low);
    fit(least + half, r->parts - half, &r->late, &r->late_low);
    r->slope /= part, r->low /= part;
    r->early /= part, r->early_low /= part;
    r->late /= part, r->late_low /= part;
    r->rises = r->low > 0 && r->early_low > 0 && r->late_low > 0;
}
