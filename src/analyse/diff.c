/* Joining two tables by name. */
#include "analyse/diff.h"

#include <stdlib.h>
#include <string.h>
#include "analyse/profile.h"
#include "analyse/quote.h"
#include "analyse/store.h"
#include "analyse/top.h"

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
same(const void *diff, uint32_t i, const void *key)
{
    const struct wr_diff_row *a = &((const struct wr_diff *)diff)->rows[i];
    const struct wr_top_row *b = key;
    return strcmp(a->name, b->name) == 0;
}

/* The row of that name, a new one if need be; NULL: no memory. */
static struct wr_diff_row *
row_of(struct wr_diff *d, struct wr_index *x, const struct wr_top_row *r)
{
    uint64_t hash = wr_hash_bytes(1, r->name, strlen(r->name));
    uint32_t found = wr_index_find(x, hash, same, d, r);
    if (found != WR_NONE)
        return &d->rows[found];
    if (!wr_index_add(x, hash, (uint32_t)d->count))
        return NULL;
    d->rows[d->count] = (struct wr_diff_row){.name = r->name};
    return &d->rows[d->count++];
}

static bool
join(struct wr_diff *d, const struct wr_top *before, const struct wr_top *after)
{
    struct wr_index x = {0};
    bool ok = true;
    d->rows = calloc(before->count + after->count + 1, sizeof *d->rows);
    if (!d->rows)
        return false;
    for (size_t i = 0; ok && i < before->count + after->count; i++) {
        bool was = i < before->count;
        const struct wr_top_row *from =
            was ? &before->rows[i] : &after->rows[i - before->count];
        struct wr_diff_row *r = row_of(d, &x, from);
        ok = r != NULL;
        if (ok && was)
            r->flat_before = from->flat, r->cum_before = from->cum;
        else if (ok)
            r->flat_after = from->flat, r->cum_after = from->cum;
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

int
wr_diff_make(struct wr_diff *d, struct wr_profile *before,
             struct wr_profile *after, uint32_t type, char *why, size_t n)
{
    struct wr_top was = {0}, is = {0};
    if (type >= after->type_count)
        return wr_profile_fail(why, n, "the profile has no such sample type");
    *d = (struct wr_diff){.type = after->strings[after->types[type].type],
                          .unit = after->strings[after->types[type].unit],
                          .after = wr_profile_total(after, type)};
    uint32_t old = wr_profile_find_type(before, d->type);
    if (old == WR_NONE)
        return wr_profile_fail(
            why, n, "the first profile has no sample type %s", d->type);
    d->before = wr_profile_total(before, old);
    bool ok = wr_top_make(&was, before, old) == 0 &&
              wr_top_make(&is, after, type) == 0 && join(d, &was, &is);
    wr_top_fini(&was);
    wr_top_fini(&is);
    if (!ok) {
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

static void
format_change(char *text, size_t n, int64_t change, const char *unit)
{
    text[0] = '+';
    wr_value_format(text + (change > 0), n - 1, change, unit);
}

static void
print_heading(const struct wr_diff *d, FILE *out)
{
    char before[80], after[80], change[80];
    int64_t by = minus(d->after, d->before);
    wr_value_format(before, sizeof before, d->before, d->unit);
    wr_value_format(after, sizeof after, d->after, d->unit);
    format_change(change, sizeof change, by, d->unit);
    fprintf(out, "%s: %s before, %s after, %s", d->type, before, after, change);
    if (d->before != 0 && by != 0)
        fprintf(out, " (%+.2f%%)", 100.0 * (double)by / (double)d->before);
    fputc('\n', out);
}

static void
print_row(const struct wr_diff *d, const struct wr_diff_row *r, FILE *out)
{
    char text[4][80];
    int64_t flat = flat_change(r), cum = cum_change(r);
    format_change(text[0], sizeof text[0], d->by_cum ? cum : flat, d->unit);
    wr_value_format(text[1], sizeof text[1],
                    d->by_cum ? r->cum_before : r->flat_before, d->unit);
    wr_value_format(text[2], sizeof text[2],
                    d->by_cum ? r->cum_after : r->flat_after, d->unit);
    format_change(text[3], sizeof text[3], d->by_cum ? flat : cum, d->unit);
    fprintf(out, "%11s %11s %11s %11s  %-6s  %s\n", text[0], text[1], text[2],
            text[3], wr_diff_status(r), r->name);
}

void
wr_diff_print(const struct wr_diff *d, size_t limit, FILE *out)
{
    size_t rows = limit && limit < d->count ? limit : d->count;
    print_heading(d, out);
    if (rows == 0)
        return;
    fprintf(out, "%11s %11s %11s %11s  %-6s  %s\n",
            d->by_cum ? "cum change" : "flat change", "before", "after",
            d->by_cum ? "flat change" : "cum change", "", "function");
    for (size_t i = 0; i < rows; i++)
        print_row(d, &d->rows[i], out);
    if (rows < d->count)
        fprintf(out, "and %zu that changed less\n", d->count - rows);
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
