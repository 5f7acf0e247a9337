/* Values as people read them.
 *
 * Invariants:
 * 1. Units of a family stand smallest first, so that the last that leaves at
 *    least one is the largest.
 * 2. What is printed for a value is what pprof prints: its rounding, its
 *    names of units, its unit for what is smaller than all of them.
 */
#include "analyse/units.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct unit {
    const char *name;
    const char *spellings; /* each between blanks */
    double factor;
};

struct family {
    const struct unit *units; /* ended by NULL */
    const struct unit *small; /* for values smaller than every unit */
};

static const struct unit bytes[] = {{"B", " b byte ", 1},
                                    {"kB", " kb kbyte kilobyte ", 0x1p10},
                                    {"MB", " mb mbyte megabyte ", 0x1p20},
                                    {"GB", " gb gbyte gigabyte ", 0x1p30},
                                    {"TB", " tb tbyte terabyte ", 0x1p40},
                                    {"PB", " pb pbyte petabyte ", 0x1p50},
                                    {NULL, NULL, 0}};

static const struct unit times[] = {
    {"ns", " ns nanosecond ", 1},    {"us", " us microsecond ", 1e3},
    {"ms", " ms millisecond ", 1e6}, {"s", " s sec second ", 1e9},
    {"hrs", " hour hr ", 3600e9},    {NULL, NULL, 0}};

static const struct unit cores[] = {
    {"n*GCU", " nanogcu ", 1e-9},  {"u*GCU", " microgcu ", 1e-6},
    {"m*GCU", " milligcu ", 1e-3}, {"GCU", " gcu ", 1},
    {"k*GCU", " kilogcu ", 1e3},   {"M*GCU", " megagcu ", 1e6},
    {"G*GCU", " gigagcu ", 1e9},   {"T*GCU", " teragcu ", 1e12},
    {"P*GCU", " petagcu ", 1e15},  {NULL, NULL, 0}};

static const struct family families[] = {
    {bytes, &bytes[0]}, {times, &times[3]}, {cores, &cores[3]}};

#define FAMILIES (sizeof families / sizeof *families)

static const struct unit *
find_unit(const struct family *f, const char *name)
{
    char word[32];
    size_t n = strlen(name);
    if (n > 2 && (name[n - 1] == 's' || name[n - 1] == 'S'))
        n--;
    if (n == 0 || n > sizeof word - 3 || strchr(name, ' '))
        return NULL;
    snprintf(word, sizeof word, " %.*s ", (int)n, name);
    for (const struct unit *u = f->units; u->name; u++)
        if (strcasestr(u->spellings, word))
            return u;
    return NULL;
}

static const struct family *
family_of(const char *name, const struct unit **unit)
{
    for (size_t i = 0; i < FAMILIES; i++)
        if ((*unit = find_unit(&families[i], name)))
            return &families[i];
    return NULL;
}

static bool
is_automatic(const char *unit)
{
    return strcmp(unit, "auto") == 0 || strcmp(unit, "minimum") == 0;
}

static bool
is_plain_count(const char *unit)
{
    return strcmp(unit, "count") == 0 || strcmp(unit, "sample") == 0 ||
           strcmp(unit, "unit") == 0;
}

static const struct unit *
fitting_unit(const struct family *f, double value)
{
    const struct unit *best = f->small;
    for (const struct unit *u = f->units; u->name; u++)
        if (value / u->factor >= 1)
            best = u;
    return best;
}

static double
scale_magnitude(double value, const char *from, const char *to,
                const char **unit)
{
    const struct unit *given, *shown = NULL;
    const struct family *f = family_of(from, &given);
    if (!f) {
        *unit = is_plain_count(to) || is_automatic(to) ? "" : to;
        return value;
    }
    value *= given->factor;
    if (is_automatic(to))
        shown = fitting_unit(f, value);
    else
        shown = find_unit(f, to);
    if (!shown)
        shown = f->small;
    *unit = shown->name;
    return value / shown->factor;
}

double
wr_unit_scale(int64_t value, const char *from, const char *to,
              const char **unit)
{
    if (value < 0 && value != INT64_MIN)
        return -scale_magnitude(-(double)value, from, to, unit);
    return scale_magnitude((double)value, from, to, unit);
}

void
wr_value_label(char text[WR_VALUE_ROOM], int64_t value, const char *from,
               const char *to)
{
    const char *unit;
    char number[48];
    double v = wr_unit_scale(value, from, to, &unit);
    snprintf(number, sizeof number, "%.2f", v);
    size_t n = strlen(number);
    if (n > 3 && strcmp(number + n - 3, ".00") == 0)
        number[n - 3] = '\0';
    bool zero = strcmp(number, "0") == 0 || strcmp(number, "-0") == 0;
    snprintf(text, WR_VALUE_ROOM, "%s%s", zero ? "0" : number,
             zero ? "" : unit);
}

void
wr_value_format(char *text, size_t n, int64_t value, const char *unit)
{
    const struct unit *u;
    char label[WR_VALUE_ROOM];
    wr_value_label(label, value, unit, family_of(unit, &u) ? "auto" : unit);
    snprintf(text, n, "%s", label);
}

void
wr_value_percent(char text[WR_VALUE_ROOM], int64_t value, int64_t total)
{
    double ratio = total ? fabs((double)value / (double)total) * 100 : 0;
    if (ratio >= 99.95 && ratio <= 100.05)
        snprintf(text, WR_VALUE_ROOM, "  100%%");
    else
        snprintf(text, WR_VALUE_ROOM, ratio >= 1 ? "%5.2f%%" : "%5.2g%%",
                 ratio);
}

void
wr_age_text(char text[WR_AGE_ROOM], uint64_t ns)
{
    double s = (double)ns / 1e9;
    if (s < 120)
        snprintf(text, WR_AGE_ROOM, "%.0f s", s);
    else if (s < 7200)
        snprintf(text, WR_AGE_ROOM, "%.0f min", s / 60);
    else if (s < 172800)
        snprintf(text, WR_AGE_ROOM, "%.1f h", s / 3600);
    else
        snprintf(text, WR_AGE_ROOM, "%.1f days", s / 86400);
}

const char *
wr_plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}
