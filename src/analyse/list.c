/* Source lines with what they hold.
 *
 * Invariants:
 * 1. Nodes are lines here. Those of one function and file stand in a run,
 *    in the order of functions, files and lines.
 * 2. A source that is not there costs its listing, not the report.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/analysis.h"
#include "analyse/path.h"
#include "analyse/pattern.h"
#include "analyse/store.h"
#include "analyse/units.h"

#define MARGIN 5 /* lines shown before the first and after the last */

struct listing {
    const struct wr_analysis *a;
    const char *unit;
    FILE *out;
};

/* Nodes of one function in one file. */
struct part {
    const struct wr_node *nodes;
    uint32_t count;
    const char *name, *file;
};

static int
in_order(const void *x, const void *y, void *context)
{
    const struct wr_profile *p = context;
    const struct wr_place *a = &((const struct wr_node *)x)->place;
    const struct wr_place *b = &((const struct wr_node *)y)->place;
    int c = strcmp(p->strings[a->name], p->strings[b->name]);
    if (c == 0)
        c = strcmp(p->strings[a->file], p->strings[b->file]);
    if (c == 0)
        c = (a->line > b->line) - (a->line < b->line);
    return c;
}

/* --- Lines --------------------------------------------------------------- */

/* Of the line: sums over the nodes that are it. */
static void
sum_line(const struct part *part, int64_t line, int64_t *flat, int64_t *cum)
{
    *flat = *cum = 0;
    for (uint32_t i = 0; i < part->count; i++)
        if (line == 0 || part->nodes[i].place.line == line) {
            *flat = wr_add_wrapping(*flat, part->nodes[i].flat);
            *cum = wr_add_wrapping(*cum, part->nodes[i].cum);
        }
}

/* From where the function begins, or a little above its first line, to a
 * little below its last. */
static void
find_range(const struct part *part, int64_t *first, int64_t *last)
{
    *first = INT64_MAX;
    *last = 0;
    for (uint32_t i = 0; i < part->count; i++) {
        const struct wr_place *at = &part->nodes[i].place;
        int64_t start = at->start_line ? at->start_line : at->line - MARGIN;
        int64_t end =
            at->line < INT64_MAX - MARGIN ? at->line + MARGIN : INT64_MAX;
        *first = start < *first ? start : *first;
        *last = end > *last ? end : *last;
    }
    if (*first < 1)
        *first = 1;
}

static void
print_value(const struct listing *l, int64_t value)
{
    char text[WR_VALUE_ROOM] = ".";
    if (value)
        wr_analysis_value(l->a, text, value, l->unit);
    fprintf(l->out, "%10s ", text);
}

static void
print_lines(const struct listing *l, const struct part *part, FILE *source)
{
    int64_t first, last, flat, cum;
    char *text = NULL;
    size_t room = 0;
    ssize_t n;
    find_range(part, &first, &last);
    for (int64_t line = 1;
         line <= last && (n = getline(&text, &room, source)) >= 0; line++) {
        if (line < first)
            continue;
        while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
            text[--n] = '\0';
        sum_line(part, line, &flat, &cum);
        print_value(l, flat);
        print_value(l, cum);
        fprintf(l->out, "%6lld:%s\n", (long long)line, text);
    }
    free(text);
}

/* --- Functions ----------------------------------------------------------- */

static void
print_part(const struct listing *l, const struct part *part)
{
    const struct wr_analysis_options *o = l->a->options;
    char values[2][WR_VALUE_ROOM], share[WR_VALUE_ROOM];
    int64_t flat, cum;
    sum_line(part, 0, &flat, &cum);
    wr_analysis_value(l->a, values[0], flat, l->unit);
    wr_analysis_value(l->a, values[1], cum, l->unit);
    wr_value_percent(share, cum, l->a->total);
    fprintf(l->out,
            "ROUTINE ======================== %s in %s\n"
            "%10s %10s (flat, cum) %s of Total\n",
            part->name, part->file, values[0], values[1], share);
    FILE *source = wr_path_open(part->file, o->source_path, o->trim_path);
    if (!source) {
        fprintf(l->out, " Error: cannot open %s: %s\n", part->file,
                strerror(errno));
        return;
    }
    print_lines(l, part, source);
    fclose(source);
}

/* All files of the function that begins at nodes[0]. How many nodes it has. */
static uint32_t
print_function(const struct listing *l, const struct wr_node *nodes,
               uint32_t count)
{
    const char *const *strings = l->a->profile->strings;
    uint32_t end = 0, from, files = 0;
    while (end < count && nodes[end].place.name == nodes[0].place.name)
        end++;
    for (uint32_t i = 0; i < end; i = from) {
        for (from = i + 1;
             from < end && nodes[from].place.file == nodes[i].place.file;)
            from++;
        struct part part = {nodes + i, from - i, strings[nodes[i].place.name],
                            strings[nodes[i].place.file]};
        if (!*part.file)
            continue;
        print_part(l, &part);
        files++;
    }
    if (!files)
        fprintf(l->out, "No source information for %s\n",
                strings[nodes[0].place.name]);
    return end;
}

/* Keep the nodes whose function matches: how many there are. */
static uint32_t
keep_matching(struct wr_graph *g, const struct wr_profile *p,
              const struct wr_pattern *re)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < g->count; i++)
        if (wr_pattern_matches(re, p->strings[g->nodes[i].place.name]))
            g->nodes[kept++] = g->nodes[i];
    return kept;
}

int
wr_analysis_list(const struct wr_analysis *a, const char *pattern, FILE *out,
                 char *why, size_t n)
{
    struct listing l = {.a = a, .out = out};
    struct wr_pattern *re;
    struct wr_graph g;
    char total[WR_VALUE_ROOM];
    if (wr_pattern_new(&re, pattern, why, n) != 0)
        return -1;
    int status = wr_analysis_graph(a, WR_REPORT_LIST, &g, &l.unit, why, n);
    if (status == 0) {
        uint32_t count = keep_matching(&g, a->profile, re);
        qsort_r(g.nodes, count, sizeof *g.nodes, in_order, a->profile);
        wr_analysis_value(a, total, a->total, l.unit);
        if (count)
            fprintf(out, "Total: %s\n", total);
        else
            status =
                wr_profile_fail(why, n, "no function matches %.80s", pattern);
        for (uint32_t i = 0; i < count;)
            i += print_function(&l, g.nodes + i, count - i);
        wr_graph_fini(&g);
    }
    wr_pattern_free(re);
    return status;
}
