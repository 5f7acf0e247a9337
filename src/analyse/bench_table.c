/* From results to tables of cells.
 *
 * 1. Results are put in order once, by table, row, column and appearance;
 *    a cell's values then lie together.
 */
#include "analyse/bench_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/sample.h"

/* A result, with where it belongs. */
struct placed {
    const struct wr_bench_result *result;
    uint32_t config_rank, unit_rank;
};

/* Configs come in the alphabet's order of their values, key by key. */
static int
compare_configs(const struct wr_benches *b, uint32_t x, uint32_t y)
{
    int order = 0;

    for (uint32_t i = 0; i < b->key_count && order == 0; i++)
        order = strcmp(wr_bench_config_value(b, x, i),
                       wr_bench_config_value(b, y, i));
    return order;
}

static int
by_config(const void *x, const void *y, void *benches)
{
    return compare_configs(benches, *(const uint32_t *)x, *(const uint32_t *)y);
}

static int
by_place(const void *x, const void *y)
{
    const struct placed *a = x, *b = y;
    const struct wr_bench_result *r = a->result, *s = b->result;
    if (a->config_rank != b->config_rank)
        return a->config_rank < b->config_rank ? -1 : 1;
    if (a->unit_rank != b->unit_rank)
        return a->unit_rank < b->unit_rank ? -1 : 1;
    if (r->name != s->name)
        return r->name < s->name ? -1 : 1;
    if (r->file != s->file)
        return r->file < s->file ? -1 : 1;
    return (r > s) - (r < s);
}

/* The places of configs among them. */
static void
rank_configs(uint32_t *rank, uint32_t *order, const struct wr_benches *b)
{
    for (uint32_t i = 0; i < b->config_count; i++)
        order[i] = i;
    qsort_r(order, b->config_count, sizeof *order, by_config, (void *)b);
    for (uint32_t i = 0; i < b->config_count; i++)
        rank[order[i]] = i;
}

/* Units come in the order of their first results: a line "Unit" may have named
 * one before. */
static void
rank_units(uint32_t *rank, const struct wr_benches *b)
{
    uint32_t ranks = 0;

    for (size_t i = 0; i < b->count; i++)
        if (rank[b->results[i].unit] == 0)
            rank[b->results[i].unit] = ++ranks;
}

/* All results in order; NULL: no memory. */
static struct placed *
place(const struct wr_benches *b)
{
    struct placed *placed = calloc(b->count + 1, sizeof *placed);
    uint32_t *order = calloc(b->config_count + 1, sizeof *order);
    uint32_t *config = calloc(b->config_count + 1, sizeof *config);
    uint32_t *unit = calloc(b->units.count + 1, sizeof *unit);
    if (placed && order && config && unit) {
        rank_configs(config, order, b);
        rank_units(unit, b);
        for (size_t i = 0; i < b->count; i++) {
            const struct wr_bench_result *r = &b->results[i];
            placed[i] = (struct placed){r, config[r->config], unit[r->unit]};
        }
        qsort(placed, b->count, sizeof *placed, by_place);
    } else {
        free(placed);
        placed = NULL;
    }
    free(order);
    free(config);
    free(unit);
    return placed;
}

static bool
same_table(const struct placed *a, const struct placed *b)
{
    return a->config_rank == b->config_rank &&
           a->result->unit == b->result->unit;
}

static void
set_bounds(struct wr_bench_cell *c, double confidence)
{
    size_t low, high;
    c->centre = wr_sample_median(c->values, c->n);
    wr_sample_bounds(c->n, confidence, &low, &high);
    c->low = low > 0 ? c->values[low - 1] : -INFINITY;
    c->high = high <= c->n ? c->values[high - 1] : INFINITY;
    if (low == 0 || high > c->n)
        c->notes |= 1u << WR_BENCH_NOTE_BOUNDS;
}

/* The value that is there most often, the least of several such. */
static void
set_exact(struct wr_bench_cell *c)
{
    size_t most = 0, same;
    for (size_t i = 0; i < c->n; i += same) {
        for (same = 1; i + same < c->n && c->values[i + same] == c->values[i];)
            same++;
        if (same > most) {
            most = same;
            c->centre = c->values[i];
        }
    }
    c->low = c->values[0];
    c->high = c->values[c->n - 1];
    if (most < c->n)
        c->notes |= 1u << WR_BENCH_NOTE_INEXACT;
}

static enum wr_bench_verdict
verdict_of(double base, double centre)
{
    if (base == centre)
        return WR_BENCH_EQUAL;
    return centre > base ? WR_BENCH_UP : WR_BENCH_DOWN;
}

static void
compare_cells(struct wr_bench_cell *c, const struct wr_bench_cell *base,
              bool exact, double alpha)
{
    c->base_n = base->n;
    if (exact) {
        c->verdict = verdict_of(base->centre, c->centre);
        return;
    }
    if (wr_sample_differ(base->values, base->n, c->values, c->n, &c->p) != 0) {
        c->p = 1;
        c->verdict_notes |= 1u << WR_BENCH_NOTE_ALL_SAME;
        c->verdict = WR_BENCH_SAME;
        return;
    }
    if (c->p <= alpha) {
        c->verdict = verdict_of(base->centre, c->centre);
        return;
    }
    c->verdict = WR_BENCH_SAME;
    size_t enough = wr_sample_enough_to_differ(alpha);
    if (enough == 0 ? base->n < 10 && c->n < 10
                    : base->n < enough && c->n < enough)
        c->verdict_notes |= 1u << WR_BENCH_NOTE_FEW;
}

/* The last row's cell of a column. */
static void
set_mean(struct wr_bench_table *t, uint32_t column, double *centres,
         double *ratios)
{
    struct wr_bench_mean *m = &t->means[column];
    size_t n = 0, pairs = 0, bases = 0;
    bool no_ratio = false;
    for (uint32_t row = 0; row < t->row_count; row++) {
        const struct wr_bench_cell *base = &t->cells[row * t->column_count];
        const struct wr_bench_cell *c = base + column;
        bases += base->n > 0;
        if (c->n == 0)
            continue;
        centres[n++] = c->centre;
        if (base->n == 0)
            continue;
        no_ratio |= base->centre == 0 && c->centre != 0;
        ratios[pairs++] =
            c->centre == base->centre ? 1 : c->centre / base->centre;
    }
    if (column > 0 && pairs != bases)
        m->notes |= 1u << WR_BENCH_NOTE_OTHERS;
    m->mean = wr_sample_geomean(centres, n);
    if (isnan(m->mean))
        m->notes |= 1u << WR_BENCH_NOTE_ZERO;
    m->ratio = no_ratio ? NAN : wr_sample_geomean(ratios, pairs);
    if (column > 0 && isnan(m->ratio) && !no_ratio)
        m->notes |= 1u << WR_BENCH_NOTE_RATIOS;
}

static int
set_means(struct wr_bench_table *t)
{
    double *centres = calloc(t->row_count, sizeof *centres);
    double *ratios = calloc(t->row_count, sizeof *ratios);
    if (centres && ratios)
        for (uint32_t i = 0; i < t->column_count; i++)
            set_mean(t, i, centres, ratios);
    int status = centres && ratios ? 0 : -1;
    free(centres);
    free(ratios);
    return status;
}

static int
by_number(const void *x, const void *y)
{
    uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;
    return (a > b) - (a < b);
}

static uint32_t
place_of(const uint32_t *sorted, uint32_t n, uint32_t number)
{
    const uint32_t *found =
        bsearch(&number, sorted, n, sizeof *sorted, by_number);
    return (uint32_t)(found - sorted);
}

/* The distinct files of the results, sorted; rows are sorted already. */
static int
set_labels(struct wr_bench_table *t, const struct placed *placed, size_t n)
{
    t->rows = calloc(n, sizeof *t->rows);
    t->columns = calloc(n, sizeof *t->columns);
    if (!t->rows || !t->columns)
        return -1;
    for (size_t i = 0; i < n; i++) {
        const struct wr_bench_result *r = placed[i].result;
        if (i == 0 || r->name != placed[i - 1].result->name)
            t->rows[t->row_count++] = r->name;
        t->columns[i] = r->file;
    }
    qsort(t->columns, n, sizeof *t->columns, by_number);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || t->columns[i] != t->columns[t->column_count - 1])
            t->columns[t->column_count++] = t->columns[i];
    return 0;
}

static int
add_value(struct wr_bench_cell *c, double value)
{
    if ((c->n & (c->n - 1)) == 0) { /* full at every power of two */
        size_t room = c->n ? 2 * c->n : 1;
        double *more = realloc(c->values, room * sizeof *more);
        if (!more)
            return -1;
        c->values = more;
    }
    c->values[c->n++] = value;
    return 0;
}

static int
fill(struct wr_bench_table *t, const struct placed *placed, size_t n)
{
    if (set_labels(t, placed, n) != 0)
        return -1;
    t->cells = calloc((size_t)t->row_count * t->column_count, sizeof *t->cells);
    t->means = calloc(t->column_count, sizeof *t->means);
    if (!t->cells || !t->means)
        return -1;
    for (size_t i = 0; i < n; i++) {
        const struct wr_bench_result *r = placed[i].result;
        size_t row = place_of(t->rows, t->row_count, r->name);
        uint32_t column = place_of(t->columns, t->column_count, r->file);
        if (add_value(&t->cells[row * t->column_count + column], r->value) != 0)
            return -1;
    }
    return 0;
}

static int
make_table(struct wr_bench_table *t, const struct wr_bench_tables *all,
           const struct placed *placed, size_t n)
{
    bool exact = all->benches->facts[placed->result->unit].exact;
    t->config = placed->result->config;
    t->unit = placed->result->unit;
    if (fill(t, placed, n) != 0)
        return -1;
    for (uint32_t i = 0; i < t->row_count * t->column_count; i++) {
        struct wr_bench_cell *c = &t->cells[i];
        if (c->n == 0)
            continue;
        wr_sample_sort(c->values, c->n);
        if (exact)
            set_exact(c);
        else
            set_bounds(c, all->options.confidence);
        const struct wr_bench_cell *base = c - i % t->column_count;
        if (base != c && base->n > 0)
            compare_cells(c, base, exact, all->options.alpha);
    }
    return set_means(t);
}

int
wr_bench_tables_make(struct wr_bench_tables *t, const struct wr_benches *b,
                     const struct wr_bench_table_options *options)
{
    *t = (struct wr_bench_tables){.benches = b, .options = *options};
    struct placed *placed = place(b);
    int status = placed ? 0 : -1;
    for (size_t i = 0, n; status == 0 && i < b->count; i += n) {
        for (n = 1; i + n < b->count && same_table(&placed[i], &placed[i + n]);)
            n++;
        void *more = realloc(t->table, (t->count + 1) * sizeof *t->table);
        if (!more) {
            status = -1;
            break;
        }
        t->table = more;
        t->table[t->count] = (struct wr_bench_table){0};
        status = make_table(&t->table[t->count++], t, &placed[i], n);
    }
    free(placed);
    return status;
}

void
wr_bench_tables_fini(struct wr_bench_tables *t)
{
    for (size_t i = 0; i < t->count; i++) {
        struct wr_bench_table *one = &t->table[i];
        for (uint32_t j = 0;
             one->cells && j < one->row_count * one->column_count; j++)
            free(one->cells[j].values);
        free(one->cells);
        free(one->means);
        free(one->rows);
        free(one->columns);
    }
    free(t->table);
    t->table = NULL;
    t->count = 0;
}
