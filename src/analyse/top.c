/* Counting flat and cum, and printing them.
 *
 * Invariants:
 * 1. A node is a function's name, or the file of frames without a name: its
 *    number is the name's string, or string_count + the file's string.
 * 2. A node's cum gets a sample's value once: `last` holds the last sample
 *    (+ 1) that counted.
 */
#include "analyse/top.h"

#include <ctype.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/profile.h"
#include "analyse/store.h"

/* --- Frames to leave out ------------------------------------------------ */

/* Patterns come with files of others. Counted repetition, references back and
 * deep nesting can cost libc's matcher any time and stack; no list of function
 * names needs them. */
static bool
is_tame(const char *pattern)
{
    int depth = 0;
    for (const char *c = pattern; *c; c++) {
        depth += (*c == '(') - (*c == ')');
        if (*c == '{' || depth > 20 || (c[0] == '\\' && isdigit(c[1] & 127)))
            return false;
    }
    return *pattern && strlen(pattern) < 16384;
}

/* Go's regular expressions and POSIX's agree on what such lists use, except
 * for groups that do not capture. NULL: there is none, or none we follow. */
static regex_t *
compile(const char *pattern)
{
    regex_t *re = malloc(sizeof *re);
    char *whole = malloc(strlen(pattern) + 8), *to = whole;
    bool ok = false;
    if (re && whole && is_tame(pattern)) {
        to += sprintf(to, "^(");
        for (const char *from = pattern; *from; from++) {
            *to++ = *from;
            if (from[0] == '(' && from[1] == '?' && from[2] == ':')
                from += 2;
        }
        strcpy(to, ")$");
        ok = regcomp(re, whole, REG_EXTENDED | REG_NOSUB) == 0;
    }
    free(whole);
    if (ok)
        return re;
    free(re);
    return NULL;
}

static void
regex_free(regex_t *re)
{
    if (re)
        regfree(re);
    free(re);
}

/* A name without its arguments: "a::(anonymous namespace)::f(int)" ends
 * before "(int)". */
static size_t
bare_length(const char *name)
{
    static const char *const kept[] = {"(anonymous namespace)", "operator()"};
    size_t n = 0;
    for (;;) {
        if (strncmp(name + n, kept[0], strlen(kept[0])) == 0)
            n += strlen(kept[0]);
        else if (strncmp(name + n, kept[1], strlen(kept[1])) == 0)
            n += strlen(kept[1]);
        else if (name[n] == '\0' || name[n] == '(')
            return n;
        else
            n++;
    }
}

static bool
matches(const regex_t *re, const char *name)
{
    char bare[1024];
    size_t n = bare_length(name);
    if (!re || n >= sizeof bare)
        return false;
    memcpy(bare, name, n);
    bare[n] = '\0';
    return regexec(re, bare[0] == '.' ? bare + 1 : bare, 0, NULL, 0) == 0;
}

/* By function: is it to be left out with everything it called? */
static bool *
dropped_functions(const struct wr_profile *p)
{
    bool *dropped = calloc((size_t)p->function_count + 1, sizeof *dropped);
    regex_t *drop = compile(p->strings[p->drop_frames]);
    regex_t *keep = compile(p->strings[p->keep_frames]);
    for (uint32_t i = 0; dropped && drop && i < p->function_count; i++) {
        const char *name = p->strings[p->functions[i].name];
        dropped[i] = *name && matches(drop, name) && !matches(keep, name);
    }
    regex_free(drop);
    regex_free(keep);
    return dropped;
}

/* By location: how many of its lines, innermost first, are left out. */
static uint32_t *
dropped_lines(const struct wr_profile *p)
{
    bool *dropped = dropped_functions(p);
    uint32_t *lines = calloc((size_t)p->location_count + 1, sizeof *lines);
    for (uint32_t i = 0; dropped && lines && i < p->location_count; i++) {
        const struct wr_location *l = &p->locations[i];
        uint32_t n = l->line_count;
        while (n > 0 && !dropped[p->lines[l->first_line + n - 1].function])
            n--;
        lines[i] = n;
    }
    if (!dropped) {
        free(lines);
        lines = NULL;
    }
    free(dropped);
    return lines;
}

/* --- Counting ----------------------------------------------------------- */

struct count {
    const struct wr_profile *p;
    uint32_t *dropped; /* by location */
    uint32_t *row;     /* by node: its row + 1 */
    uint32_t *last;    /* by row */
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

/* Where the frames that are shown begin. From the root inwards, the first
 * location with something to leave out cuts the stack, if any before it is
 * the program's own: a stack is never emptied. */
static uint32_t
first_frame(const struct count *c, const struct wr_sample *s)
{
    const struct wr_profile *p = c->p;
    bool own = false;
    for (uint32_t i = s->depth; i-- > 0;) {
        uint32_t l = p->frames[s->first_frame + i];
        if (c->dropped[l] == 0)
            own = true;
        else if (own)
            return c->dropped[l] == p->locations[l].line_count ? i + 1 : i;
    }
    return 0;
}

static void
count_sample(struct count *c, uint32_t sample, int64_t value)
{
    const struct wr_profile *p = c->p;
    const struct wr_sample *s = &p->samples[sample];
    uint32_t first = first_frame(c, s);
    bool leaf = true;
    for (uint32_t i = first; i < s->depth; i++, leaf = false) {
        uint32_t at = p->frames[s->first_frame + i];
        const struct wr_location *l = &p->locations[at];
        uint32_t skip = c->dropped[at] < l->line_count ? c->dropped[at] : 0;
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
    c->dropped = dropped_lines(p);
    c->row = calloc(nodes, sizeof *c->row);
    c->last = calloc(nodes, sizeof *c->last);
    c->rows = calloc(nodes, sizeof *c->rows);
    return c->dropped && c->row && c->last && c->rows;
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
    free(c.dropped);
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
