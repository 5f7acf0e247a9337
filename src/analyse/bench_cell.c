/* The texts of cells, which all formats share. */
#include "analyse/bench_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/sample.h"

enum { ROOM = WR_BENCH_TEXT_MAX };

static int
sign(double x)
{
    return (x > 0) - (x < 0);
}

void
wr_bench_range_text(char *to, const struct wr_bench_cell *c)
{
    if (isinf(c->low) || isinf(c->high))
        strcpy(to, "∞");
    else if (sign(c->low) != sign(c->centre) ||
             sign(c->high) != sign(c->centre))
        strcpy(to, "?");
    else if (c->centre == 0)
        strcpy(to, "0%");
    else
        snprintf(to, ROOM, "%.0f%%",
                 100 * fmax(c->high / c->centre - 1, 1 - c->low / c->centre));
}

void
wr_bench_change_text(char *to, const struct wr_bench_cell *c,
                     const struct wr_bench_cell *base)
{
    if (c->verdict == WR_BENCH_SAME)
        strcpy(to, "~");
    else if (c->verdict == WR_BENCH_EQUAL)
        strcpy(to, "0.00%");
    else if (base->centre == 0)
        strcpy(to, "?");
    else
        snprintf(to, ROOM, "%+.2f%%", (c->centre / base->centre - 1) * 100);
}

void
wr_bench_p_text(char *to, const struct wr_bench_cell *c)
{
    int n = c->p != 0 ? snprintf(to, ROOM, "p=%0.3f ", c->p) : 0;
    if (c->base_n == c->n)
        snprintf(to + n, (size_t)(ROOM - n), "n=%zu", c->n);
    else
        snprintf(to + n, (size_t)(ROOM - n), "n=%zu+%zu", c->base_n, c->n);
}

static void
at_least(char *to, size_t enough, size_t most, const char *what, double level)
{
    snprintf(to, ROOM, "need %s %zu samples %s %g", enough ? ">=" : ">",
             enough ? enough : most, what, level);
}

void
wr_bench_note_text(char *to, const struct wr_bench_tables *t,
                   const struct wr_bench_cell *c, enum wr_bench_note note)
{
    const struct wr_bench_table_options *o = &t->options;
    switch (note) {
    case WR_BENCH_NOTE_BOUNDS:
        at_least(to, wr_sample_enough_for_bounds(o->confidence), 50,
                 "for bounds at confidence", o->confidence);
        break;
    case WR_BENCH_NOTE_FEW:
        at_least(to, wr_sample_enough_to_differ(o->alpha), 9,
                 "to tell a difference at alpha", o->alpha);
        break;
    case WR_BENCH_NOTE_INEXACT:
        snprintf(to, ROOM, "should be exact, but lies between %g and %g",
                 c->values[0], c->values[c->n - 1]);
        break;
    case WR_BENCH_NOTE_ALL_SAME:
        strcpy(to, "all values are equal");
        break;
    case WR_BENCH_NOTE_ZERO:
        strcpy(to, "a geometric mean needs values above 0");
        break;
    case WR_BENCH_NOTE_RATIOS:
        strcpy(to, "a geometric mean needs ratios above 0");
        break;
    default:
        strcpy(to, "the base has other benchmarks: means may mislead");
        break;
    }
}

/* Decimal thresholds of a prefix: a value that rounds up to four digits
 * belongs to the larger one. */
struct wr_bench_scale
wr_bench_scale_of(const double *x, size_t n, bool bytes)
{
    static const char *const si[] = {"T", "G", "M", "k", "", "m", "µ", "n"};
    static const char *const iec[] = {"Ti", "Gi", "Mi", "Ki", ""};
    const char *const *prefix = bytes ? iec : si;
    int prefixes = bytes ? 5 : 8;
    double least = 0, factor = 1;
    for (size_t i = 0; i < n; i++)
        if (x[i] != 0 && (least == 0 || fabs(x[i]) < least))
            least = fabs(x[i]);
    if (least == 0)
        return (struct wr_bench_scale){3, 1, ""};
    for (int i = 0; i < prefixes; i++) {
        factor = bytes ? ldexp(1, 40 - 10 * i) : pow(10, 12 - 3 * i);
        if (least >= 99.995 * factor)
            return (struct wr_bench_scale){1, factor, prefix[i]};
        if (least >= 9.9995 * factor)
            return (struct wr_bench_scale){2, factor, prefix[i]};
        if (least >= .99995 * factor)
            return (struct wr_bench_scale){3, factor, prefix[i]};
    }
    struct wr_bench_scale s = {3, factor, prefix[prefixes - 1]};
    for (double step = .99995; s.digits < 10 && least / factor < step / 10 * 10;
         step /= 10)
        s.digits++;
    return s;
}

void
wr_bench_scale_text(char *to, struct wr_bench_scale s, double x)
{
    snprintf(to, ROOM, "%.*f%s", s.digits, x / s.factor, s.prefix);
}

unsigned
wr_bench_config_lines(const struct wr_bench_tables *t, size_t i,
                      void (*line)(FILE *out, const char *key,
                                   const char *value),
                      FILE *out)
{
    const struct wr_benches *b = t->benches;
    unsigned lines = 0;
    for (uint32_t key = 0; key < b->key_count; key++) {
        const char *value = wr_bench_config_value(b, t->table[i].config, key);
        if (i > 0 && strcmp(value, wr_bench_config_value(
                                       b, t->table[i - 1].config, key)) == 0)
            continue;
        line(out, b->keys[key].name, value);
        lines++;
    }
    return lines;
}
