/* Joining two tables by name. */
#include "analyse/diff.h"

#include <stdlib.h>
#include <string.h>
#include "analyse/filter.h"
#include "analyse/graph.h"
#include "analyse/quote.h"
#include "analyse/store.h"
#include "analyse/units.h"

static int64_t
minus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

static int64_t
flat_change(const struct wr_diff_row *r)
{
    return minus(r->flat_after, r->flat_before);
}

static int64_t
cum_change(const struct wr_diff_row *r)
{
    return minus(r->cum_after, r->cum_before);
}

/* --- Order -------------------------------------------------------------- */

static int
by_magnitude(int64_t x, int64_t y)
{
    uint64_t a = x < 0 ? 0 - (uint64_t)x : (uint64_t)x;
    uint64_t b = y < 0 ? 0 - (uint64_t)y : (uint64_t)y;
    return (a < b) - (a > b);
}

static int
by_flat(const void *a, const void *b)
{
    int c = by_magnitude(flat_change(a), flat_change(b));
    if (c == 0)
        c = by_magnitude(cum_change(a), cum_change(b));
    return c ? c
             : strcmp(((const struct wr_diff_row *)a)->name,
                      ((const struct wr_diff_row *)b)->name);
}

static int
by_cum(const void *a, const void *b)
{
    int c = by_magnitude(cum_change(a), cum_change(b));
    return c ? c : by_flat(a, b);
}

void
wr_diff_sort_cum(struct wr_diff *d)
{
    d->by_cum = true;
    if (d->count > 1)
        qsort(d->rows, d->count, sizeof *d->rows, by_cum);
}

/* --- Joining ------------------------------------------------------------ */

static bool
same(const void *diff, uint32_t i, const void *name)
{
    return strcmp(((const struct wr_diff *)diff)->rows[i].name, name) == 0;
}

/* The row of that name, a new one if need be; NULL: no memory. */
static struct wr_diff_row *
row_of(struct wr_diff *d, struct wr_index *x, const char *name)
{
    uint64_t hash = wr_hash_bytes(1, name, strlen(name));
    uint32_t found = wr_index_find(x, hash, same, d, name);
    if (found != WR_NONE)
        return &d->rows[found];
    if (!wr_index_add(x, hash, (uint32_t)d->count))
        return NULL;
    d->rows[d->count] = (struct wr_diff_row){.name = name};
    return &d->rows[d->count++];
}

/* Nodes may share a name, as two files of one: their values add up. */
static bool
join(struct wr_diff *d, const struct wr_graph *before,
     const struct wr_graph *after)
{
    struct wr_index x = {0};
    bool ok = true;
    size_t nodes = (size_t)before->count + after->count;
    d->rows = calloc(nodes + 1, sizeof *d->rows);
    if (!d->rows)
        return false;
    for (size_t i = 0; ok && i < nodes; i++) {
        bool was = i < before->count;
        const struct wr_node *from =
            was ? &before->nodes[i] : &after->nodes[i - before->count];
        struct wr_diff_row *r = row_of(d, &x, from->label);
        ok = r != NULL;
        if (!ok)
            break;
        int64_t *flat = was ? &r->flat_before : &r->flat_after;
        int64_t *cum = was ? &r->cum_before : &r->cum_after;
        *flat = wr_add_wrapping(*flat, from->flat);
        *cum = wr_add_wrapping(*cum, from->cum);
    }
    wr_index_fini(&x);
    return ok;
}

static void
drop_unchanged(struct wr_diff *d)
{
    size_t kept = 0;
    for (size_t i = 0; i < d->count; i++)
        if (flat_change(&d->rows[i]) || cum_change(&d->rows[i]))
            d->rows[kept++] = d->rows[i];
    d->count = kept;
}

static bool
join_profiles(struct wr_diff *d, struct wr_profile *before, uint32_t old,
              struct wr_profile *after, const struct wr_graph_options *how)
{
    struct wr_graph was = {0}, is = {0};
    struct wr_graph_options of_before = *how;
    of_before.type = old;
    wr_filter_prune(before);
    wr_filter_prune(after);
    bool ok = !before->failed && !after->failed &&
              wr_graph_make(&was, before, &of_before) == 0;
    if (ok && wr_graph_make(&is, after, how) == 0) {
        ok = join(d, &was, &is);
        wr_graph_fini(&is);
    } else {
        ok = false;
    }
    wr_graph_fini(&was);
    return ok;
}

/* Of that name: at the same place, as a name may occur twice, or the first. */
static uint32_t
type_like(const struct wr_profile *p, uint32_t type, const char *name)
{
    if (type < p->type_count &&
        strcmp(p->strings[p->types[type].type], name) == 0)
        return type;
    return wr_profile_find_type(p, name);
}

int
wr_diff_make(struct wr_diff *d, struct wr_profile *before,
             struct wr_profile *after, const struct wr_graph_options *how,
             char *why, size_t n)
{
    uint32_t type = how->type;
    if (type >= after->type_count)
        return wr_profile_fail(why, n, "the profile has no such sample type");
    *d = (struct wr_diff){.type = after->strings[after->types[type].type],
                          .unit = after->strings[after->types[type].unit],
                          .after = wr_profile_total(after, type)};
    uint32_t old = type_like(before, type, d->type);
    if (old == WR_NONE)
        return wr_profile_fail(
            why, n, "the first profile has no sample type %s", d->type);
    d->before = wr_profile_total(before, old);
    if (!join_profiles(d, before, old, after, how)) {
        wr_diff_fini(d);
        return wr_profile_fail(why, n, "out of memory");
    }
    drop_unchanged(d);
    if (d->count > 1)
        qsort(d->rows, d->count, sizeof *d->rows, by_flat);
    return 0;
}

void
wr_diff_fini(struct wr_diff *d)
{
    free(d->rows);
    *d = (struct wr_diff){0};
}

/* --- Showing ------------------------------------------------------------ */

const char *
wr_diff_status(const struct wr_diff_row *r)
{
    int64_t change = flat_change(r) ? flat_change(r) : cum_change(r);
    if (r->flat_before == 0 && r->cum_before == 0)
        return "new";
    if (r->flat_after == 0 && r->cum_after == 0)
        return "gone";
    return change > 0 ? "grown" : "shrunk";
}

struct printer {
    const struct wr_diff *d;
    const char *unit;
    FILE *out;
};

static const char *
value(const struct printer *p, char text[WR_VALUE_ROOM], int64_t v)
{
    wr_value_label(text, v, p->d->unit, p->unit);
    return text;
}

/* With its sign. */
static const char *
change(const struct printer *p, char text[WR_VALUE_ROOM + 1], int64_t v)
{
    text[0] = '+';
    value(p, text + (v > 0), v);
    return text;
}

static void
print_heading(const struct printer *p)
{
    char before[WR_VALUE_ROOM], after[WR_VALUE_ROOM], by[WR_VALUE_ROOM + 1];
    const struct wr_diff *d = p->d;
    int64_t v = minus(d->after, d->before);
    fprintf(p->out, "%s: %s before, %s after, %s", d->type,
            value(p, before, d->before), value(p, after, d->after),
            change(p, by, v));
    if (d->before != 0 && v != 0)
        fprintf(p->out, " (%+.2f%%)", 100.0 * (double)v / (double)d->before);
    fputc('\n', p->out);
}

static void
print_row(const struct printer *p, const struct wr_diff_row *r)
{
    char text[4][WR_VALUE_ROOM + 1];
    bool by_cum = p->d->by_cum;
    int64_t flat = flat_change(r), cum = cum_change(r);
    fprintf(p->out, "%11s %11s %11s %11s  %-6s  %s\n",
            change(p, text[0], by_cum ? cum : flat),
            value(p, text[1], by_cum ? r->cum_before : r->flat_before),
            value(p, text[2], by_cum ? r->cum_after : r->flat_after),
            change(p, text[3], by_cum ? flat : cum), wr_diff_status(r),
            r->name);
}

/* How many rows are sites: by flat, who only called them comes last. */
static size_t
count_sites(const struct wr_diff *d)
{
    size_t n = d->count;
    while (!d->by_cum && n > 0 && flat_change(&d->rows[n - 1]) == 0)
        n--;
    return n;
}

void
wr_diff_print(const struct wr_diff *d, size_t limit, const char *unit,
              FILE *out)
{
    const struct printer p = {d, unit, out};
    size_t sites = count_sites(d);
    size_t rows = limit && limit < sites ? limit : sites;
    print_heading(&p);
    if (rows > 0)
        fprintf(out, "%11s %11s %11s %11s  %-6s  %s\n",
                d->by_cum ? "cum change" : "flat change", "before", "after",
                d->by_cum ? "flat change" : "cum change", "", "function");
    for (size_t i = 0; i < rows; i++)
        print_row(&p, &d->rows[i]);
    if (rows < sites)
        fprintf(out, "and %zu that changed less\n", sites - rows);
    if (sites < d->count)
        fprintf(out, "callers of these: %zu, see -cum\n", d->count - sites);
}

void
wr_diff_print_json(const struct wr_diff *d, FILE *out)
{
    fputs("\"type\":", out);
    wr_json_string(out, d->type);
    fputs(",\"unit\":", out);
    wr_json_string(out, d->unit);
    fprintf(out,
            ",\"before\":%lld,\"after\":%lld,\"change\":%lld,\n\"sites\":[",
            (long long)d->before, (long long)d->after,
            (long long)minus(d->after, d->before));
    for (size_t i = 0; i < d->count; i++) {
        const struct wr_diff_row *r = &d->rows[i];
        fputs(i ? ",\n{\"name\":" : "{\"name\":", out);
        wr_json_string(out, r->name);
        fprintf(out,
                ",\"status\":\"%s\",\"flat_before\":%lld,\"flat_after\":%lld,"
                "\"flat_change\":%lld,\"cum_before\":%lld,\"cum_after\":%lld,"
                "\"cum_change\":%lld}",
                wr_diff_status(r), (long long)r->flat_before,
                (long long)r->flat_after, (long long)flat_change(r),
                (long long)r->cum_before, (long long)r->cum_after,
                (long long)cum_change(r));
    }
    fputc(']', out);
}
