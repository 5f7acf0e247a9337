/* Counting flat and cum, and printing them.
 *
 * Invariants:
 * 1. A node is a function's name, or the file of frames without a name: its
 *    number is the name's string, or string_count + the file's string.
 * 2. A node's cum gets a sample's value once: `last` holds the last sample
 *    (+ 1) that counted.
 */
#include "analyse/top.h"

#include <stdlib.h>
#include <string.h>
#include "analyse/profile.h"
#include "analyse/stack.h"
#include "analyse/store.h"

/* --- Counting ----------------------------------------------------------- */

struct count {
    const struct wr_profile *p;
    struct wr_stacks stacks;
    uint32_t *row;  /* by node: its row + 1 */
    uint32_t *last; /* by row */
    struct wr_top_row *rows;
    uint32_t count, capacity;
};

static const char *
base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static struct wr_top_row
make_row(const struct wr_profile *p, uint32_t node)
{
    if (node > 0 && node < p->string_count)
        return (struct wr_top_row){.name = p->strings[node]};
    const char *file =
        node ? base_name(p->strings[node - p->string_count]) : "";
    return (struct wr_top_row){.name = *file ? file : "<unknown>",
                               .is_file = *file != '\0'};
}

static uint32_t
row_of(struct count *c, uint32_t node)
{
    if (c->row[node])
        return c->row[node] - 1;
    c->rows[c->count] = make_row(c->p, node);
    c->row[node] = ++c->count;
    return c->count - 1;
}

static uint32_t
node_of_file(const struct wr_profile *p, const struct wr_location *l)
{
    uint32_t file = l->mapping == WR_NONE ? 0 : p->mappings[l->mapping].file;
    return p->string_count + file;
}

static void
count_node(struct count *c, uint32_t node, int64_t value, uint32_t sample,
           bool leaf)
{
    uint32_t row = row_of(c, node);
    if (leaf)
        c->rows[row].flat = wr_add_wrapping(c->rows[row].flat, value);
    if (c->last[row] != sample + 1)
        c->rows[row].cum = wr_add_wrapping(c->rows[row].cum, value);
    c->last[row] = sample + 1;
}

static void
count_sample(struct count *c, uint32_t sample, int64_t value)
{
    const struct wr_profile *p = c->p;
    const struct wr_sample *s = &p->samples[sample];
    uint32_t first = wr_stacks_first(&c->stacks, s);
    bool leaf = true;
    for (uint32_t i = first; i < s->depth; i++, leaf = false) {
        uint32_t at = p->frames[s->first_frame + i];
        const struct wr_location *l = &p->locations[at];
        uint32_t skip = wr_stacks_skip(&c->stacks, at);
        for (uint32_t n = skip; n < l->line_count; n++) {
            uint32_t f = p->lines[l->first_line + n].function;
            uint32_t name = p->functions[f].name;
            count_node(c, name ? name : node_of_file(p, l), value, sample,
                       leaf && n == skip);
        }
        if (l->line_count == 0)
            count_node(c, node_of_file(p, l), value, sample, leaf);
    }
}

static bool
count_init(struct count *c, const struct wr_profile *p)
{
    size_t nodes = 2 * (size_t)p->string_count;
    *c = (struct count){.p = p};
    c->row = calloc(nodes, sizeof *c->row);
    c->last = calloc(nodes, sizeof *c->last);
    c->rows = calloc(nodes, sizeof *c->rows);
    return wr_stacks_init(&c->stacks, p) == 0 && c->row && c->last && c->rows;
}

/* --- The report --------------------------------------------------------- */

static uint64_t
magnitude(int64_t v)
{
    return v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
}

static int
compare(uint64_t a, uint64_t b)
{
    return (a < b) - (a > b);
}

static int
by_flat(const void *a, const void *b)
{
    const struct wr_top_row *x = a, *y = b;
    int c = compare(magnitude(x->flat), magnitude(y->flat));
    if (c == 0)
        c = compare(magnitude(x->cum), magnitude(y->cum));
    return c ? c : strcmp(x->name, y->name);
}

static int
by_cum(const void *a, const void *b)
{
    const struct wr_top_row *x = a, *y = b;
    int c = compare(magnitude(x->cum), magnitude(y->cum));
    if (c == 0)
        c = compare(magnitude(x->flat), magnitude(y->flat));
    return c ? c : strcmp(x->name, y->name);
}

static bool
is_base(const struct wr_profile *p, const struct wr_sample *s)
{
    for (uint32_t i = 0; i < s->label_count; i++) {
        const struct wr_label *l = &p->labels[s->first_label + i];
        if (strcmp(p->strings[l->key], "pprof::base") == 0 &&
            strcmp(p->strings[l->str], "true") == 0)
            return true;
    }
    return false;
}

/* Percentages of a difference are of the base, when its samples say which
 * they are. */
static int64_t
total_of(const struct wr_profile *p, uint32_t type)
{
    uint64_t all = 0, base = 0;
    for (uint32_t i = 0; i < p->sample_count; i++) {
        uint64_t v = magnitude(p->values[(size_t)i * p->type_count + type]);
        all += v;
        if (is_base(p, &p->samples[i]))
            base += v;
    }
    return (int64_t)(base ? base : all);
}

int
wr_top_make(struct wr_top *t, const struct wr_profile *p, uint32_t type)
{
    struct count c;
    if (p->failed || type >= p->type_count)
        return -1;
    bool ok = count_init(&c, p);
    for (uint32_t i = 0; ok && i < p->sample_count; i++) {
        int64_t value = p->values[(size_t)i * p->type_count + type];
        if (value != 0)
            count_sample(&c, i, value);
    }
    wr_stacks_fini(&c.stacks);
    free(c.row);
    free(c.last);
    if (!ok) {
        free(c.rows);
        return -1;
    }
    *t = (struct wr_top){.rows = c.rows,
                         .count = c.count,
                         .total = total_of(p, type),
                         .type = p->strings[p->types[type].type],
                         .unit = p->strings[p->types[type].unit]};
    qsort(t->rows, t->count, sizeof *t->rows, by_flat);
    return 0;
}

void
wr_top_fini(struct wr_top *t)
{
    free(t->rows);
    *t = (struct wr_top){0};
}

void
wr_top_sort_cum(struct wr_top *t)
{
    qsort(t->rows, t->count, sizeof *t->rows, by_cum);
}
