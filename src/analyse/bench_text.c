/* Tables of benchmarks as plain text: each column is a group of narrow ones
 * (the number, its range, marks of notes; the change, p and n, marks again),
 * so that like stands below like.
 */
#include "analyse/bench_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM = WR_BENCH_TEXT_MAX };

/* The narrow columns of a group. */
enum { CENTRE, RANGE, MARKS, CHANGE, P, MARKS_2, NARROW };

/* What stands before each: a blank, or " ± ". */
static const int margin[NARROW] = {1, 3, 1, 2, 1, 1};

struct text_cell {
    char text[NARROW][ROOM];
};

struct text_table {
    const struct wr_bench_tables *all;
    const struct wr_bench_table *table;
    struct text_cell *cells; /* rows, the mean's last */
    int (*width)[NARROW];    /* of each column */
    int names;               /* width of */
    char (*notes)[ROOM];
    unsigned note_count;
};

/* Characters, as far as they are shown. */
static int
width_of(const char *text)
{
    int n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static void
append_mark(char *to, unsigned number)
{
    static const char *const digit[] = {"⁰", "¹", "²", "³", "⁴",
                                        "⁵", "⁶", "⁷", "⁸", "⁹"};
    char decimal[16];
    size_t used = strlen(to);
    if (used + 16 >= ROOM)
        return;
    if (used)
        strcat(to, " ");
    snprintf(decimal, sizeof decimal, "%u", number);
    for (char *c = decimal; *c; c++)
        strcat(to, digit[*c - '0']);
}

/* Put the marks of notes into to, and the notes' texts below the table. */
static void
mark(struct text_table *t, char *to, const struct wr_bench_cell *c,
     unsigned notes)
{
    for (unsigned note = 0; note < WR_BENCH_NOTES; note++) {
        char text[ROOM];
        unsigned i = 0;
        if (!(notes >> note & 1))
            continue;
        wr_bench_note_text(text, t->all, c, (enum wr_bench_note)note);
        while (i < t->note_count && strcmp(t->notes[i], text) != 0)
            i++;
        if (i == t->note_count) {
            void *more = realloc(t->notes, (i + 1) * sizeof *t->notes);
            if (!more)
                continue;
            t->notes = more;
            strcpy(t->notes[t->note_count++], text);
        }
        append_mark(to, i + 1);
    }
}

static void
fill_row(struct text_table *t, uint32_t row)
{
    const struct wr_bench_table *table = t->table;
    uint32_t columns = table->column_count;
    const struct wr_bench_cell *base = &table->cells[row * columns];
    double centre[columns];
    size_t n = 0;
    for (uint32_t i = 0; i < columns; i++)
        if (base[i].n)
            centre[n++] = base[i].centre;
    struct wr_bench_scale scale = wr_bench_scale_of(
        centre, n,
        wr_bench_unit_is_bytes(t->all->benches->units.text[table->unit]));
    for (uint32_t i = 0; i < columns; i++) {
        const struct wr_bench_cell *c = &base[i];
        struct text_cell *to = &t->cells[row * columns + i];
        if (c->n == 0)
            continue;
        char text[ROOM];
        wr_bench_scale_text(to->text[CENTRE], scale, c->centre);
        wr_bench_range_text(to->text[RANGE], c);
        mark(t, to->text[MARKS], c, c->notes);
        if (c->verdict == WR_BENCH_ALONE)
            continue;
        wr_bench_change_text(to->text[CHANGE], c, base);
        wr_bench_p_text(text, c);
        snprintf(to->text[P], ROOM, "(%.80s)", text);
        mark(t, to->text[MARKS_2], c, c->verdict_notes);
    }
}

static void
fill_means(struct text_table *t)
{
    const struct wr_bench_table *table = t->table;
    bool bytes =
        wr_bench_unit_is_bytes(t->all->benches->units.text[table->unit]);
    for (uint32_t i = 0; i < table->column_count; i++) {
        const struct wr_bench_mean *m = &table->means[i];
        struct text_cell *to =
            &t->cells[table->row_count * table->column_count + i];
        if (!isnan(m->mean))
            wr_bench_scale_text(to->text[CENTRE],
                                wr_bench_scale_of(&m->mean, 1, bytes), m->mean);
        if (i > 0 && isnan(m->ratio))
            strcpy(to->text[CHANGE], "?");
        else if (i > 0)
            snprintf(to->text[CHANGE], ROOM, "%+.2f%%", (m->ratio - 1) * 100);
        mark(t, to->text[i > 0 ? MARKS_2 : MARKS], NULL, m->notes);
    }
}

/* How wide a group is as it stands, with what is between its columns. */
static int
width_up_to(const int *width, int last)
{
    int sum = 0;
    for (int i = 0; i <= last; i++)
        sum += width[i] ? width[i] + margin[i] : 0;
    return sum - margin[CENTRE];
}

static void
widen(int *width, int wanted)
{
    if (*width < wanted)
        *width = wanted;
}

static void
set_widths(struct text_table *t)
{
    const struct wr_bench_table *table = t->table;
    const struct wr_benches *b = t->all->benches;
    t->names = width_of("geomean");
    for (uint32_t i = 0; i < table->row_count; i++)
        widen(&t->names, width_of(b->names.text[table->rows[i]]));
    for (uint32_t i = 0; i < table->column_count; i++) {
        int *width = t->width[i];
        for (uint32_t row = 0; row <= table->row_count; row++)
            for (int k = 0; k < NARROW; k++)
                widen(
                    &width[k],
                    width_of(t->cells[row * table->column_count + i].text[k]));
        if (i > 0)
            widen(&width[CHANGE], 7); /* vs base */
        int unit =
            width_of(b->units.text[table->unit]) - width_up_to(width, MARKS);
        width[CENTRE] += unit > 0 ? unit : 0;
        int file = width_of(b->files.text[table->columns[i]]) -
                   width_up_to(width, MARKS_2);
        width[CENTRE] += file > 0 ? file : 0;
    }
}

static void
print_padded(FILE *out, const char *text, int width, bool right)
{
    int blanks = width - width_of(text);
    fprintf(out, "%*s%s%*s", right ? blanks : 0, "", text, right ? 0 : blanks,
            "");
}

static void
print_centred(FILE *out, const char *text, int width)
{
    int left = (width - width_of(text)) / 2;
    fprintf(out, "%*s", left, "");
    print_padded(out, text, width - left, false);
}

static void
print_heads(const struct text_table *t, FILE *out)
{
    const struct wr_bench_table *table = t->table;
    const struct wr_benches *b = t->all->benches;
    print_padded(out, "", t->names, false);
    for (uint32_t i = 0; i < table->column_count; i++) {
        fputs(" │ ", out);
        print_centred(out, b->files.text[table->columns[i]],
                      width_up_to(t->width[i], MARKS_2));
    }
    fputs(" │\n", out);
    print_padded(out, "", t->names, false);
    for (uint32_t i = 0; i < table->column_count; i++) {
        int values = width_up_to(t->width[i], MARKS);
        int rest = width_up_to(t->width[i], MARKS_2) - values;
        fputs(" │ ", out);
        print_centred(out, b->units.text[table->unit], values);
        if (rest > 0)
            fprintf(out, "  %-*s", rest - 2, "vs base");
    }
    fputs(" │\n", out);
}

/* A line, without blanks at its end. */
static void
print_row(const struct text_table *t, uint32_t row, const char *name, FILE *out)
{
    uint32_t columns = t->table->column_count;
    char *line = NULL, *end;
    size_t bytes = 0;
    FILE *to = open_memstream(&line, &bytes);
    if (!to)
        return;
    print_padded(to, name, t->names, false);
    for (uint32_t i = 0; i < columns; i++) {
        const struct text_cell *c = &t->cells[row * columns + i];
        fputs("  ", to);
        for (int k = 0; k < NARROW; k++) {
            if (t->width[i][k] == 0)
                continue;
            fprintf(to, "%*s%s", k == RANGE ? 1 : margin[k], "",
                    k != RANGE    ? ""
                    : *c->text[k] ? "± "
                                  : "  ");
            print_padded(to, c->text[k], t->width[i][k],
                         k == CENTRE || k == RANGE || k == CHANGE);
        }
    }
    fclose(to);
    end = line + bytes;
    while (end > line && end[-1] == ' ')
        end--;
    fprintf(out, "%.*s\n", (int)(end - line), line);
    free(line);
}

static void
print_text(struct text_table *t, FILE *out)
{
    const struct wr_bench_table *table = t->table;
    for (uint32_t row = 0; row < table->row_count; row++)
        fill_row(t, row);
    if (table->row_count > 1)
        fill_means(t);
    set_widths(t);
    print_heads(t, out);
    for (uint32_t row = 0; row < table->row_count; row++)
        print_row(t, row, t->all->benches->names.text[table->rows[row]], out);
    if (table->row_count > 1)
        print_row(t, table->row_count, "geomean", out);
    for (unsigned i = 0; i < t->note_count; i++) {
        char number[ROOM] = "";
        append_mark(number, i + 1);
        fprintf(out, "%s %s\n", number, t->notes[i]);
    }
}

static void
text_line(FILE *out, const char *key, const char *value)
{
    fprintf(out, "%s: %s\n", key, value);
}

void
wr_bench_tables_print(const struct wr_bench_tables *t, FILE *out)
{
    for (size_t i = 0; i < t->count; i++) {
        struct text_table text = {.all = t, .table = &t->table[i]};
        size_t columns = text.table->column_count;
        if (i > 0)
            fputc('\n', out);
        wr_bench_config_lines(t, i, text_line, out);
        text.cells =
            calloc((text.table->row_count + 1) * columns, sizeof *text.cells);
        text.width = calloc(columns, sizeof *text.width);
        if (text.cells && text.width)
            print_text(&text, out);
        else
            fputs("(no memory for this table)\n", out);
        free(text.cells);
        free(text.width);
        free(text.notes);
    }
}
