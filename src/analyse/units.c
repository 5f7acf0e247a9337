/* Values as people read them, and the table of a report.
 *
 * Invariants:
 * 1. All values of a table have one unit, so that its columns compare: the
 *    one that fits the smallest, or a hundred times it when the total is far
 *    larger.
 * 2. A unit this file does not know is printed behind the number; counts are
 *    bare.
 */
#include "analyse/top.h"

#include <math.h>
#include <string.h>
#include <strings.h>

struct unit {
    const char *name;
    double factor;
};

struct family {
    const char *const *words; /* units that profiles use, ended by NULL */
    const double *factors;    /* of those */
    const struct unit *units; /* smallest first, ended by NULL */
};

static const char *const byte_words[] = {
    "b", "byte", "kb", "kbyte", "kilobyte", "mb", "megabyte", "gb", NULL};
static const double byte_factors[] = {1,    1,       1024,    1024,
                                      1024, 1048576, 1048576, 1073741824};
static const struct unit byte_units[] = {
    {"B", 1},       {"kB", 0x1p10}, {"MB", 0x1p20}, {"GB", 0x1p30},
    {"TB", 0x1p40}, {"PB", 0x1p50}, {NULL, 0}};

static const char *const time_words[] = {
    "ns",          "nanosecond", "us",  "microsecond", "ms",
    "millisecond", "s",          "sec", "second",      NULL};
static const double time_factors[] = {1, 1, 1e3, 1e3, 1e6, 1e6, 1e9, 1e9, 1e9};
static const struct unit time_units[] = {{"ns", 1},       {"us", 1e3},
                                         {"ms", 1e6},     {"s", 1e9},
                                         {"hrs", 3600e9}, {NULL, 0}};

static const struct family families[] = {
    {byte_words, byte_factors, byte_units},
    {time_words, time_factors, time_units},
};

static const struct family *
family_of(const char *unit, double *factor)
{
    size_t n = strlen(unit);
    if (n > 2 && (unit[n - 1] == 's' || unit[n - 1] == 'S'))
        n--;
    for (size_t f = 0; f < sizeof families / sizeof *families; f++)
        for (size_t i = 0; families[f].words[i]; i++)
            if (strlen(families[f].words[i]) == n &&
                strncasecmp(families[f].words[i], unit, n) == 0) {
                *factor = families[f].factors[i];
                return &families[f];
            }
    return NULL;
}

/* The largest unit that leaves at least one; NULL: the unit has no scale. */
static const struct unit *
fitting_unit(double value, const char *unit)
{
    double factor;
    const struct family *f = family_of(unit, &factor);
    if (!f)
        return NULL;
    const struct unit *best = f->units;
    for (const struct unit *u = f->units; u->name; u++)
        if (fabs(value) * factor / u->factor >= 1)
            best = u;
    return best;
}

static bool
is_plain_count(const char *unit)
{
    return strcmp(unit, "count") == 0 || strcmp(unit, "sample") == 0 ||
           strcmp(unit, "unit") == 0;
}

static void
format_in(char *text, size_t n, int64_t value, const char *unit,
          const struct unit *shown)
{
    double factor = 1, v = (double)value;
    if (shown && family_of(unit, &factor))
        v = v * factor / shown->factor;
    char number[64];
    snprintf(number, sizeof number, "%.2f", v);
    size_t length = strlen(number);
    if (length > 3 && strcmp(number + length - 3, ".00") == 0)
        number[length - 3] = '\0';
    bool zero = strcmp(number, "0") == 0 || strcmp(number, "-0") == 0;
    const char *suffix = shown ? shown->name : is_plain_count(unit) ? "" : unit;
    snprintf(text, n, "%s%s", zero ? "0" : number, zero ? "" : suffix);
}

void
wr_value_format(char *text, size_t n, int64_t value, const char *unit)
{
    format_in(text, n, value, unit, fitting_unit((double)value, unit));
}

static void
format_percent(char *text, size_t n, int64_t value, int64_t total)
{
    double ratio = total ? fabs((double)value / (double)total) * 100 : 0;
    if (ratio >= 99.95 && ratio <= 100.05)
        snprintf(text, n, "  100%%");
    else
        snprintf(text, n, ratio >= 1 ? "%5.2f%%" : "%5.2g%%", ratio);
}

static const struct unit *
table_unit(const struct wr_top *t, size_t rows)
{
    double least = 0, most = fabs((double)t->total);
    for (size_t i = 0; i < rows; i++) {
        const struct wr_top_row *r = &t->rows[i];
        double v = fabs((double)(r->flat ? r->flat : r->cum));
        if (v > 0 && (least == 0 || v < least))
            least = v;
    }
    if (least == 0)
        least = most;
    if (fitting_unit(least, t->unit) != fitting_unit(most, t->unit) &&
        least * 100 < most)
        least *= 100;
    return fitting_unit(least, t->unit);
}

static void
print_row(const struct wr_top *t, const struct wr_top_row *r, int64_t sum,
          const struct unit *unit, FILE *out)
{
    char flat[80], cum[80], percent[3][32];
    format_in(flat, sizeof flat, r->flat, t->unit, unit);
    format_in(cum, sizeof cum, r->cum, t->unit, unit);
    format_percent(percent[0], sizeof percent[0], r->flat, t->total);
    format_percent(percent[1], sizeof percent[1], sum, t->total);
    format_percent(percent[2], sizeof percent[2], r->cum, t->total);
    fprintf(out, "%10s %s %s %10s %s  %s%s%s\n", flat, percent[0], percent[1],
            cum, percent[2], r->is_file ? "[" : "", r->name,
            r->is_file ? "]" : "");
}

void
wr_top_print(const struct wr_top *t, size_t limit, FILE *out)
{
    size_t rows = limit && limit < t->count ? limit : t->count;
    const struct unit *unit = table_unit(t, rows);
    char total[80];
    int64_t sum = 0;
    wr_value_format(total, sizeof total, t->total, t->unit);
    fprintf(out, "%s: %s in %zu functions", t->type, total, t->count);
    if (rows < t->count)
        fprintf(out, ", the first %zu of them", rows);
    fprintf(out, "\n%10s %5s%% %5s%% %10s %5s%%\n", "flat", "flat", "sum",
            "cum", "cum");
    for (size_t i = 0; i < rows; i++) {
        sum = (int64_t)((uint64_t)sum + (uint64_t)t->rows[i].flat);
        print_row(t, &t->rows[i], sum, unit, out);
    }
}
