/* Tables of benchmarks as JSON; weir-benchstat(1) tells the schema. */
#include "analyse/bench_table.h"

#include <math.h>
#include "analyse/quote.h"

enum { ROOM = WR_BENCH_TEXT_MAX };

static void
json_number(FILE *out, const char *key, double x)
{
    fprintf(out, ",\"%s\":", key);
    if (isfinite(x))
        fprintf(out, "%.17g", x);
    else
        fputs("null", out);
}

/* Better, worse, or only more or less where nobody knows. */
static const char *
verdict_word(const struct wr_bench_cell *c, enum wr_bench_better better)
{
    if (c->verdict == WR_BENCH_SAME)
        return "same";
    if (c->verdict == WR_BENCH_EQUAL)
        return "equal";
    if (better == WR_BENCH_NEITHER)
        return c->verdict == WR_BENCH_UP ? "more" : "less";
    return (c->verdict == WR_BENCH_UP) == (better == WR_BENCH_HIGHER) ? "better"
                                                                      : "worse";
}

static void
json_notes(const struct wr_bench_tables *t, const struct wr_bench_cell *c,
           unsigned notes, FILE *out)
{
    const char *between = "";
    fputs(",\"notes\":[", out);
    for (unsigned note = 0; note < WR_BENCH_NOTES; note++) {
        char text[ROOM];
        if (!(notes >> note & 1))
            continue;
        wr_bench_note_text(text, t, c, (enum wr_bench_note)note);
        fputs(between, out);
        wr_json_string(out, text);
        between = ",";
    }
    fputc(']', out);
}

static void
json_cell(const struct wr_bench_tables *t, const struct wr_bench_table *table,
          const struct wr_bench_cell *c, const struct wr_bench_cell *base,
          FILE *out)
{
    if (c->n == 0) {
        fputs("null", out);
        return;
    }
    fprintf(out, "{\"n\":%zu", c->n);
    json_number(out, "median", c->centre);
    json_number(out, "low", c->low);
    json_number(out, "high", c->high);
    if (c->verdict != WR_BENCH_ALONE) {
        fprintf(out, ",\"verdict\":\"%s\"",
                verdict_word(c, t->benches->facts[table->unit].better));
        json_number(out, "change",
                    c->centre == base->centre ? 0
                                              : c->centre / base->centre - 1);
        json_number(out, "p", c->p);
    }
    json_notes(t, c, c->notes | c->verdict_notes, out);
    fputc('}', out);
}

static void
json_table(const struct wr_bench_tables *t, const struct wr_bench_table *table,
           FILE *out)
{
    const struct wr_benches *b = t->benches;
    fputs("{\"config\":{", out);
    for (uint32_t key = 0; key < b->key_count; key++) {
        fputs(key ? "," : "", out);
        wr_json_string(out, b->keys[key].name);
        fputc(':', out);
        wr_json_string(out, wr_bench_config_value(b, table->config, key));
    }
    fputs("},\"unit\":", out);
    wr_json_string(out, b->units.text[table->unit]);
    fputs(",\"columns\":[", out);
    for (uint32_t i = 0; i < table->column_count; i++) {
        fputs(i ? "," : "", out);
        wr_json_string(out, b->files.text[table->columns[i]]);
    }
    fputs("],\"rows\":[", out);
    for (uint32_t row = 0; row < table->row_count; row++) {
        const struct wr_bench_cell *base =
            &table->cells[row * table->column_count];
        fputs(row ? ",\n{\"name\":" : "\n{\"name\":", out);
        wr_json_string(out, b->names.text[table->rows[row]]);
        fputs(",\"cells\":[", out);
        for (uint32_t i = 0; i < table->column_count; i++) {
            fputs(i ? ",\n" : "", out);
            json_cell(t, table, &base[i], base, out);
        }
        fputs("]}", out);
    }
    fputs("],\"geomeans\":[", out);
    for (uint32_t i = 0; i < table->column_count; i++) {
        fprintf(out, "%s{\"column\":%u", i ? "," : "", i);
        json_number(out, "mean", table->means[i].mean);
        json_number(out, "ratio", i ? table->means[i].ratio : 1);
        json_notes(t, NULL, table->means[i].notes, out);
        fputc('}', out);
    }
    fputs("]}", out);
}

void
wr_bench_tables_print_json(const struct wr_bench_tables *t, FILE *out)
{
    fputs("{\"v\":1,\"tables\":[", out);
    for (size_t i = 0; i < t->count; i++) {
        fputs(i ? ",\n" : "", out);
        json_table(t, &t->table[i], out);
    }
    fputs("]}\n", out);
}
