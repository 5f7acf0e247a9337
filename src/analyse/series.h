/* Does a quantity rise? Told robustly: outliers and saw-teeth do not matter.
 *
 *     struct wr_rise r;
 *     wr_rise_fit(&r, moment, n, from, to);
 *     if (r.rises)
 *         printf("%.0f a second, at least %.0f\n", r.slope, r.low);
 *
 * What a program holds goes up and down all the time; that it leaks shows in
 * the floor, the least that it held in each of 24 equal parts of the time. The
 * floor's slope is the median of the slopes of all pairs (Theil 1950, Sen
 * 1968), its bounds come from Kendall's statistic, with fewer degrees of
 * freedom where neighbours resemble each other (Hamed and Rao 1998, the first
 * neighbour only).
 *
 * A value holds until the next moment: a gap means that nothing changed.
 * Units: seconds, any value. Pure functions.
 */
#ifndef WR_ANALYSE_SERIES_H
#define WR_ANALYSE_SERIES_H

#include <stdbool.h>
#include <stddef.h>

#define WR_RISE_PARTS 24

struct wr_moment {
    double at, value;
};

struct wr_rise {
    size_t parts;       /* of the floor that are known */
    double first, last; /* the floor at both ends: medians of a sixth */
    double slope;       /* per second */
    double low;         /* it is above this, thirty-nine times of forty */
    double early, late; /* slopes of both halves */
    double early_low, late_low;
    bool rises; /* all the time: in both halves, beyond chance */
};

/* moment: ascending. Fewer than 8 known parts: nothing rises. */
void wr_rise_fit(struct wr_rise *r, const struct wr_moment *moment, size_t n,
                 double from, double to);

/* The least value within a time; what held at its start counts. NaN: nothing
 * is known of it. */
double wr_series_least(const struct wr_moment *moment, size_t n, double from,
                       double to);
/* The value that held then; NaN: before the first. */
double wr_series_at(const struct wr_moment *moment, size_t n, double at);

#endif
