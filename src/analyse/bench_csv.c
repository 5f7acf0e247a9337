/* Tables of benchmarks as comma-separated values, field by field what Go's
 * benchstat writes.
 */
#include "analyse/bench_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM = WR_BENCH_TEXT_MAX };

/* A field, with quotes where it needs them. */
static void
csv_field(FILE *out, const char *text)
{
    if (!strpbrk(text, ",\"\r\n") && *text != ' ') {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static void
csv_line(FILE *out, const char *key, const char *value)
{
    char *text = NULL;
    if (asprintf(&text, "%s: %s", key, value) < 0)
        return;
    csv_field(out, text);
    fputc('\n', out);
    free(text);
}

/* The shortest decimal number that is x. */
static void
csv_number(FILE *out, double x)
{
    char text[40];
    int digits = 1;
    do
        snprintf(text, sizeof text, "%.*e", digits - 1, x);
    while (strtod(text, NULL) != x && digits++ < 17);
    int exponent = atoi(strchr(text, 'e') + 1);
    if (exponent >= -4 && exponent < 6)
        snprintf(text, sizeof text, "%.*f",
                 digits - 1 > exponent ? digits - 1 - exponent : 0, x);
    fputs(text, out);
}

/* What is to be told of a cell, with its place: B6. */
static void
csv_notes(const struct wr_bench_tables *t, const struct wr_bench_cell *c,
          unsigned notes, uint32_t column, unsigned line, FILE *out)
{
    char place[8] = "", text[ROOM];
    size_t at = sizeof place - 1;
    for (uint32_t x = column + 1; x > 0; x = (x - 1) / 26)
        place[--at] = (char)('A' + (x - 1) % 26);
    for (unsigned note = 0; note < WR_BENCH_NOTES; note++) {
        if (!(notes >> note & 1))
            continue;
        wr_bench_note_text(text, t, c, (enum wr_bench_note)note);
        fprintf(out, "%s%u: %s\n", place + at, line, text);
    }
}

/* Where a column's fields begin: 1, 3, 7, 11. */
static uint32_t
csv_place(uint32_t column)
{
    return column == 0 ? 1 : 4 * column - 1;
}

static void
csv_heads(const struct wr_bench_tables *t, const struct wr_bench_table *table,
          FILE *out)
{
    for (uint32_t i = 0; i < table->column_count; i++) {
        fputc(',', out);
        csv_field(out, t->benches->files.text[table->columns[i]]);
        fputs(i > 0 ? ",,," : ",", out);
    }
    fputc('\n', out);
    for (uint32_t i = 0; i < table->column_count; i++) {
        fputc(',', out);
        csv_field(out, t->benches->units.text[table->unit]);
        fputs(i > 0 ? ",CI,vs base,P" : ",CI", out);
    }
    fputc('\n', out);
}

/* Commas up to a field, given how many there are. */
static void
csv_commas(uint32_t *there, uint32_t wanted, FILE *out)
{
    while (*there < wanted) {
        fputc(',', out);
        ++*there;
    }
}

static void
csv_row(const struct wr_bench_tables *t, const struct wr_bench_table *table,
        uint32_t row, unsigned line, FILE *out, FILE *notes)
{
    const struct wr_bench_cell *base = &table->cells[row * table->column_count];
    uint32_t commas = 0;
    char text[ROOM];
    csv_field(out, t->benches->names.text[table->rows[row]]);
    for (uint32_t i = 0; i < table->column_count; i++) {
        const struct wr_bench_cell *c = &base[i];
        uint32_t place = csv_place(i);
        if (c->n == 0)
            continue;
        csv_notes(t, c, c->notes, place, line, notes);
        csv_commas(&commas, place, out);
        csv_number(out, c->centre);
        wr_bench_range_text(text, c);
        fprintf(out, ",%s", text);
        commas++;
        if (c->verdict == WR_BENCH_ALONE)
            continue;
        csv_notes(t, c, c->verdict_notes, place + 2, line, notes);
        wr_bench_change_text(text, c, base);
        fprintf(out, ",%s", text);
        wr_bench_p_text(text, c);
        fprintf(out, ",%s", text);
        commas += 2;
    }
    fputc('\n', out);
}

static void
csv_means(const struct wr_bench_tables *t, const struct wr_bench_table *table,
          unsigned line, FILE *out, FILE *notes)
{
    uint32_t commas = 0;
    fputs("geomean", out);
    for (uint32_t i = 0; i < table->column_count; i++) {
        const struct wr_bench_mean *m = &table->means[i];
        uint32_t place = csv_place(i);
        csv_notes(t, NULL, m->notes, place, line, notes);
        csv_commas(&commas, place, out);
        if (!isnan(m->mean))
            csv_number(out, m->mean);
        if (i == 0)
            continue;
        csv_commas(&commas, place + 2, out);
        if (isnan(m->ratio))
            fputc('?', out);
        else
            fprintf(out, "%+.2f%%", (m->ratio - 1) * 100);
    }
    csv_commas(&commas, csv_place(table->column_count) - 1, out);
    fputc('\n', out);
}

void
wr_bench_tables_print_csv(const struct wr_bench_tables *t, FILE *out,
                          FILE *notes)
{
    unsigned line = 1;
    for (size_t i = 0; i < t->count; i++) {
        const struct wr_bench_table *table = &t->table[i];
        if (i > 0) {
            fputc('\n', out);
            line++;
        }
        line += wr_bench_config_lines(t, i, csv_line, out);
        csv_heads(t, table, out);
        line += 2;
        for (uint32_t row = 0; row < table->row_count; row++)
            csv_row(t, table, row, line++, out, notes);
        csv_means(t, table, line++, out, notes);
    }
}
