/* Medians, their bounds, and the U test.
 *
 * The distribution of U is counted: values enter in ascending order, group of
 * equals by group. With j values of the first sample and i - j of the second
 * below, r of a group of t in the first sample add r (i - j) pairs that they
 * win, and r (t - r) that are drawn and count half. So twice U stays whole.
 */
#include "analyse/sample.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    EXACT = 50,        /* values a side for an exact test */
    EXACT_EQUALS = 25, /* when some are equal */
    EXACT_BOUNDS = 30,
    MOST_FOR_BOUNDS = 50,
    MOST_TO_DIFFER = 9
};

static int
compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void
wr_sample_sort(double *x, size_t n)
{
    qsort(x, n, sizeof *x, compare);
}

double
wr_sample_median(const double *x, size_t n)
{
    double place = 1 / 3.0 + 0.5 * ((double)n + 1 / 3.0), whole;
    double part = modf(place, &whole);
    size_t k = (size_t)whole;
    if (k == 0)
        return x[0];
    if (k >= n)
        return x[n - 1];
    return x[k - 1] + part * (x[k] - x[k - 1]);
}

static double
choose(size_t n, size_t k)
{
    double c = 1;
    for (size_t i = 1; i <= k; i++)
        c = c * (double)(n - k + i) / (double)i;
    return round(c);
}

/* That k of n coins show heads. */
static double
heads(size_t n, long k)
{
    if (k < 0 || (size_t)k > n)
        return 0;
    return ldexp(choose(n, (size_t)k), -(int)n);
}

/* From the middle outwards, the likelier side first, the left of equals. */
static void
bounds_exact(size_t n, double confidence, long *low, long *high)
{
    long l = (long)((n + 2) / 2) - 1, r = l + 1;
    double sum = heads(n, l);
    while (sum < confidence) {
        double left = heads(n, l - 1), right = heads(n, r);
        if (left == 0 && right == 0)
            break;
        if (left >= right) {
            sum += left;
            l--;
        } else {
            sum += right;
            r++;
        }
    }
    *low = l;
    *high = r;
}

static double
normal_below(double z)
{
    return erfc(-z / sqrt(2)) / 2;
}

/* The z that p of the normal distribution is below. */
static double
normal_at(double p)
{
    double low = -40, high = 40;
    for (int i = 0; i < 200; i++) {
        double z = (low + high) / 2;
        if (normal_below(z) < p)
            low = z;
        else
            high = z;
    }
    return low;
}

static void
bounds_normal(size_t n, double confidence, long *low, long *high)
{
    double mean = (double)n / 2, sigma = sqrt((double)n) / 2;
    double from = mean + sigma * normal_at((1 - confidence) / 2);
    long l = (long)floor(from - 0.5) + 1;
    long r = (long)ceil(2 * mean - from - 0.5) + 1;
    double below = normal_below(((double)l - 0.5 - mean) / sigma);
    double tight = normal_below(((double)r - 1.5 - mean) / sigma) - below;
    /* One place less on the right may do. */
    if (tight >= confidence)
        r--;
    *low = l;
    *high = r;
}

void
wr_sample_bounds(size_t n, double confidence, size_t *low, size_t *high)
{
    long l = 0, r = (long)n + 1;
    if (confidence < 1 && n <= EXACT_BOUNDS)
        bounds_exact(n, confidence, &l, &r);
    else if (confidence < 1)
        bounds_normal(n, confidence, &l, &r);
    *low = l < 0 ? 0 : (size_t)l;
    *high = r > (long)n + 1 ? n + 1 : (size_t)r;
}

size_t
wr_sample_enough_for_bounds(double confidence)
{
    for (size_t n = 2; n <= MOST_FOR_BOUNDS; n++) {
        size_t low, high;
        wr_sample_bounds(n, confidence, &low, &high);
        if (low > 0 && high <= n)
            return n;
    }
    return 0;
}

/* Two samples merged: how many values there are of each, group of equals by
 * group. */
struct merged {
    size_t na, nb;
    size_t groups;
    bool equals;   /* some group has more than one */
    double cubes;  /* sum of t^3 - t */
    double wins;   /* U of the first sample */
    size_t *group; /* na + nb of them are room enough */
};

static size_t
count_equal(const double *x, size_t from, size_t n, double v)
{
    size_t i = from;
    while (i < n && x[i] == v)
        i++;
    return i - from;
}

static void
merge(struct merged *m, const double *a, const double *b)
{
    for (size_t i = 0, j = 0; i < m->na || j < m->nb;) {
        bool from_a = j == m->nb || (i < m->na && a[i] < b[j]);
        double v = from_a ? a[i] : b[j];
        size_t in_a = count_equal(a, i, m->na, v);
        size_t in_b = count_equal(b, j, m->nb, v);
        double t = (double)(in_a + in_b);
        m->wins += (double)in_a * ((double)j + (double)in_b / 2);
        m->cubes += t * t * t - t;
        m->equals |= in_a + in_b > 1;
        m->group[m->groups++] = in_a + in_b;
        i += in_a;
        j += in_b;
    }
}

/* ways[j * width + u]: in how many ways j of the values so far are of the
 * first sample with twice U equal to u. Adds a group of t to below values. */
static void
add_group(double *to, const double *ways, size_t width, size_t na, size_t below,
          size_t t)
{
    memset(to, 0, (na + 1) * width * sizeof *to);
    for (size_t j = 0; j <= na && j <= below; j++)
        for (size_t r = 0; r <= t && j + r <= na; r++) {
            size_t more = 2 * r * (below - j) + r * (t - r);
            double times = choose(t, r);
            for (size_t u = 0; u + more < width; u++)
                to[(j + r) * width + u + more] += times * ways[j * width + u];
        }
}

/* That U of the first sample is at most so much; negative: no memory. */
static double
u_at_most(const struct merged *m, double u)
{
    size_t width = (size_t)(2 * u) + 1, below = 0;
    double *ways = calloc((m->na + 1) * width, sizeof *ways);
    double *next = calloc((m->na + 1) * width, sizeof *next);
    double sum = -1;
    if (ways && next) {
        ways[0] = 1;
        for (size_t i = 0; i < m->groups; below += m->group[i++]) {
            double *other = ways;
            add_group(next, ways, width, m->na, below, m->group[i]);
            ways = next;
            next = other;
        }
        sum = 0;
        for (size_t i = 0; i < width; i++)
            sum += ways[m->na * width + i];
        sum /= choose(m->na + m->nb, m->na);
    }
    free(ways);
    free(next);
    return sum;
}

/* Negative: all are equal. */
static double
p_normal(const struct merged *m)
{
    double pairs = (double)m->na * (double)m->nb;
    double n = (double)(m->na + m->nb);
    double sigma = sqrt(pairs * (n + 1 - m->cubes / (n * (n - 1))) / 12);
    double off = m->wins - pairs / 2;
    if (!(sigma > 0))
        return -1;
    off -= off > 0 ? 0.5 : off < 0 ? -0.5 : 0;
    double below = normal_below(off / sigma);
    return 2 * fmin(below, 1 - below);
}

/* Twice the tail of the sample that wins less: with equal values and samples
 * of different sizes the two tails differ. */
static double
p_exact(struct merged *m)
{
    double mirror = (double)m->na * (double)m->nb - m->wins;
    if (m->groups == 1)
        return -1;
    if (m->wins == mirror)
        return 1;
    if (m->wins > mirror) {
        size_t na = m->na;
        m->na = m->nb;
        m->nb = na;
        m->wins = mirror;
    }
    double tail = u_at_most(m, m->wins);
    return tail < 0 ? -1 : fmin(1, 2 * tail);
}

int
wr_sample_differ(const double *a, size_t na, const double *b, size_t nb,
                 double *p)
{
    struct merged m = {.na = na, .nb = nb};
    if (na == 0 || nb == 0)
        return -1;
    m.group = calloc(na + nb, sizeof *m.group);
    if (!m.group)
        return -1;
    merge(&m, a, b);
    size_t most = m.equals ? EXACT_EQUALS : EXACT;
    *p = na <= most && nb <= most ? p_exact(&m) : p_normal(&m);
    free(m.group);
    return *p < 0 ? -1 : 0;
}

size_t
wr_sample_enough_to_differ(double alpha)
{
    for (size_t n = 1; n <= MOST_TO_DIFFER; n++)
        if (2 / choose(2 * n, n) <= alpha)
            return n;
    return 0;
}

double
wr_sample_geomean(const double *x, size_t n)
{
    double mean = 0; /* of the logarithms so far: no sum grows large */
    for (size_t i = 0; i < n; i++) {
        if (!(x[i] > 0))
            return NAN;
        mean += (log(x[i]) - mean) / (double)(i + 1);
    }
    return n > 0 ? exp(mean) : NAN;
}
