/* Tables of benchmarks: files side by side, the first as the base.
 *
 *     struct wr_bench_tables t;
 *     if (wr_bench_tables_make(&t, &benches, &options) == 0)
 *         wr_bench_tables_print(&t, stdout);
 *     wr_bench_tables_fini(&t);
 *
 * There is a table for each config and unit; in it a row for each benchmark
 * and a column for each file. A cell is a sample: its median, and the bounds of
 * that. Beside the base it has a verdict: the probability p that both samples
 * come from one distribution, and the change of the median if p is at most
 * alpha. The last row is the geometric mean of the column, and of the ratios.
 *
 * Tables are in the order of what their configs say, by the alphabet; all else
 * is in that of appearance. Threads: one at a time. The
 * benches must outlive the tables.
 */
#ifndef WR_ANALYSE_BENCH_TABLE_H
#define WR_ANALYSE_BENCH_TABLE_H

#include "analyse/bench_file.h"

struct wr_bench_table_options {
    double alpha;      /* a change is one if p is not above it */
    double confidence; /* of the bounds */
};

enum wr_bench_verdict {
    WR_BENCH_ALONE, /* no base to compare with */
    WR_BENCH_SAME,  /* nothing that chance does not explain: "~" */
    WR_BENCH_EQUAL, /* the medians are the same number */
    WR_BENCH_UP,
    WR_BENCH_DOWN
};

/* What is to be told of a cell beside its numbers, one bit each. */
enum wr_bench_note {
    WR_BENCH_NOTE_BOUNDS,   /* too few values for bounds */
    WR_BENCH_NOTE_INEXACT,  /* values of an exact unit differ */
    WR_BENCH_NOTE_FEW,      /* too few to tell any difference */
    WR_BENCH_NOTE_ALL_SAME, /* all values of both are the same */
    WR_BENCH_NOTE_ZERO,     /* no geometric mean: some are not above 0 */
    WR_BENCH_NOTE_RATIOS,   /* the same of ratios */
    WR_BENCH_NOTE_OTHERS,   /* the base has other benchmarks */
    WR_BENCH_NOTES
};

struct wr_bench_cell {
    double *values;           /* sorted */
    size_t n;                 /* 0: there is no such cell */
    double centre, low, high; /* infinite: no bound */
    enum wr_bench_verdict verdict;
    double p; /* 0 for exact units */
    size_t base_n;
    unsigned notes, verdict_notes; /* 1u << enum wr_bench_note */
};

/* The last row. NaN: there is none. */
struct wr_bench_mean {
    double mean, ratio;
    unsigned notes;
};

struct wr_bench_table {
    uint32_t config, unit;
    uint32_t *rows, *columns; /* names, files */
    uint32_t row_count, column_count;
    struct wr_bench_cell *cells; /* [row * column_count + column] */
    struct wr_bench_mean *means; /* of each column */
};

struct wr_bench_tables {
    const struct wr_benches *benches;
    struct wr_bench_table_options options;
    struct wr_bench_table *table;
    size_t count;
};

/* -1: no memory. t must be finished all the same. */
int wr_bench_tables_make(struct wr_bench_tables *t, const struct wr_benches *b,
                         const struct wr_bench_table_options *options);
void wr_bench_tables_fini(struct wr_bench_tables *t);

/* As text with columns; as comma-separated values, what is to be told on notes
 * with the cell's place, as spreadsheets call it; as JSON. */
void wr_bench_tables_print(const struct wr_bench_tables *t, FILE *out);
void wr_bench_tables_print_csv(const struct wr_bench_tables *t, FILE *out,
                               FILE *notes);
void wr_bench_tables_print_json(const struct wr_bench_tables *t, FILE *out);

/* For those three. */
enum { WR_BENCH_TEXT_MAX = 96 };
void wr_bench_note_text(char *to, const struct wr_bench_tables *t,
                        const struct wr_bench_cell *c, enum wr_bench_note note);
/* "3%": how far the bounds are; "∞"; "?" when they lie on both sides of 0. */
void wr_bench_range_text(char *to, const struct wr_bench_cell *c);
/* "-17.20%", "~", "0.00%", "?". */
void wr_bench_change_text(char *to, const struct wr_bench_cell *c,
                          const struct wr_bench_cell *base);
/* "p=0.000 n=10", "n=3+4". */
void wr_bench_p_text(char *to, const struct wr_bench_cell *c);
/* What table i says of its config that the one before it did not: how many
 * lines. */
unsigned wr_bench_config_lines(const struct wr_bench_tables *t, size_t i,
                               void (*line)(FILE *out, const char *key,
                                            const char *value),
                               FILE *out);
/* A value with as many digits as its row's smallest needs, and a prefix. */
struct wr_bench_scale {
    int digits;
    double factor;
    const char *prefix;
};
struct wr_bench_scale wr_bench_scale_of(const double *x, size_t n, bool bytes);
void wr_bench_scale_text(char *to, struct wr_bench_scale s, double x);

#endif
