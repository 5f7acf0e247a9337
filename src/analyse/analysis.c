/* Beginning an analysis, and its reports with graphs: top and tree.
 *
 * Invariants:
 * 1. The total is taken before the filter, unless percentages are to be of
 *    what it leaves.
 * 2. A report that is about certain functions (peek, list) leaves none out.
 */
#include "analyse/analysis.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "analyse/labels.h"
#include "analyse/path.h"
#include "analyse/pattern.h"
#include "analyse/store.h"
#include "analyse/units.h"

#define TREE_NODES 80 /* unless asked */

static const struct wr_analysis_options defaults = WR_ANALYSIS_DEFAULTS;
static const struct wr_filter no_filter;

/* --- Which values -------------------------------------------------------- */

static int
unknown_type(const struct wr_profile *p, const char *name, char *why, size_t n)
{
    char names[160] = "";
    size_t used = 0;
    for (uint32_t i = 0; i < p->type_count && used < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, " %s",
                                 p->strings[p->types[i].type]);
    return wr_profile_fail(
        why, n, "there is no sample type \"%.40s\"; this profile has%s", name,
        names);
}

int
wr_analysis_type(const struct wr_profile *p, const char *name, uint32_t *type,
                 char *why, size_t n)
{
    if (p->type_count == 0)
        return wr_profile_fail(why, n, "the profile has no sample types");
    if (!name || !*name) {
        *type = wr_profile_default_type(p);
        return 0;
    }
    size_t digits = strspn(name, "0123456789");
    bool number = digits < 10 && name[digits] == '\0';
    *type = number ? (uint32_t)strtoul(name, NULL, 10) : WR_NONE;
    if (number && *type < p->type_count)
        return 0;
    const char *bare = strncmp(name, "inuse_", 6) == 0 ? name + 6 : name;
    for (uint32_t i = 0; i < p->type_count && !number; i++) {
        const char *there = p->strings[p->types[i].type];
        if (strcmp(there, name) == 0 || strcmp(there, bare) == 0) {
            *type = i;
            return 0;
        }
    }
    return unknown_type(p, name, why, n);
}

/* --- Beginning ----------------------------------------------------------- */

/* Percentages of a difference are of the base, when its samples say which
 * they are. */
int64_t
wr_analysis_total(const struct wr_profile *p, uint32_t type)
{
    uint64_t all = 0, base = 0;
    for (uint32_t i = 0; i < p->sample_count; i++) {
        uint64_t v = wr_magnitude(p->values[(size_t)i * p->type_count + type]);
        all += v;
        if (wr_label_is_base(p, &p->samples[i]))
            base += v;
    }
    return (int64_t)(base ? base : all);
}

int
wr_analysis_begin(struct wr_analysis *a, struct wr_profile *p, uint32_t type,
                  const struct wr_filter *filter,
                  const struct wr_analysis_options *options, char *why,
                  size_t n)
{
    *a = (struct wr_analysis){.profile = p,
                              .filter = filter ? filter : &no_filter,
                              .options = options ? options : &defaults,
                              .type = type,
                              .units = wr_label_units(p)};
    if (!a->units)
        return wr_profile_fail(why, n, "out of memory");
    if (!a->options->relative)
        a->total = wr_analysis_total(p, type);
    if (wr_filter_apply(p, a->filter, a->units, &a->unmatched, why, n) != 0) {
        wr_analysis_end(a);
        return -1;
    }
    if (a->options->relative)
        a->total = wr_analysis_total(p, type);
    return 0;
}

void
wr_analysis_end(struct wr_analysis *a)
{
    free(a->units);
    a->units = NULL;
}

/* --- Values -------------------------------------------------------------- */

static const char *
unit_of(const struct wr_analysis *a)
{
    const struct wr_profile *p = a->profile;
    return p->strings[p->types[a->type].unit];
}

static int64_t
divided(const struct wr_analysis *a, int64_t value)
{
    double by = a->options->divide_by;
    return by > 0 && by != 1 ? (int64_t)((double)value * (1 / by)) : value;
}

void
wr_analysis_value(const struct wr_analysis *a, char *text, int64_t value,
                  const char *unit)
{
    wr_value_label(text, divided(a, value), unit_of(a), unit);
}

/* One unit for all values of a report: the one that fits the smallest, or a
 * hundred times it when the total is far larger. */
static const char *
choose_unit(const struct wr_analysis *a, const struct wr_graph *g)
{
    uint64_t least = 0, most = wr_magnitude(a->total);
    const char *small, *large, *between, *own = unit_of(a);
    if (strcmp(a->options->unit, "minimum") != 0 || g->count == 0)
        return a->options->unit;
    for (uint32_t i = 0; i < g->count; i++) {
        uint64_t v =
            wr_magnitude(g->nodes[i].flat ? g->nodes[i].flat : g->nodes[i].cum);
        if (v > 0 && (least == 0 || v < least))
            least = v;
    }
    if (least == 0)
        least = most;
    int64_t low = divided(a, (int64_t)least), high = divided(a, (int64_t)most);
    wr_unit_scale(low, own, "minimum", &small);
    wr_unit_scale(high, own, "minimum", &large);
    if (strcmp(small, large) != 0 && low < high / 100)
        wr_unit_scale(100 * low, own, "minimum", &between);
    else
        between = small;
    return *between ? between : own;
}

/* --- Headings ------------------------------------------------------------ */

static void
print_time(int64_t ns, FILE *out)
{
    time_t seconds = ns / 1000000000 - (ns % 1000000000 < 0);
    char text[80];
    struct tm tm;
    if (localtime_r(&seconds, &tm) &&
        strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %Z", &tm))
        fprintf(out, "Time: %s\n", text);
}

static void
print_duration(const struct wr_analysis *a, const char *unit, FILE *out)
{
    char duration[WR_VALUE_ROOM], total[WR_VALUE_ROOM], share[WR_VALUE_ROOM];
    const char *shown;
    int64_t ns = a->profile->duration_ns;
    double used = wr_unit_scale(a->total, unit_of(a), "nanoseconds", &shown);
    wr_value_label(duration, ns, "nanoseconds", "auto");
    wr_analysis_value(a, total, a->total, unit);
    fprintf(out, "Duration: %s, Total samples = %s ", duration, total);
    if (strcmp(shown, "ns") == 0 && used != 0) {
        wr_value_percent(share, (int64_t)used, ns);
        fprintf(out, "(%s)", share);
    }
    fputc('\n', out);
}

void
wr_analysis_heading(const struct wr_analysis *a, const char *unit, FILE *out)
{
    const struct wr_profile *p = a->profile;
    const char *file = p->mapping_count ? p->strings[p->mappings[0].file] : "";
    const char *id =
        p->mapping_count ? p->strings[p->mappings[0].build_id] : "";
    if (*file)
        fprintf(out, "File: %s\n", wr_path_base(file));
    if (*id)
        fprintf(out, "Build ID: %s\n", id);
    for (uint32_t i = 0; i < p->comment_count; i++)
        if (p->strings[p->comments[i]][0] != '#')
            fprintf(out, "%s\n", p->strings[p->comments[i]]);
    if (p->types[a->type].type)
        fprintf(out, "Type: %s\n", p->strings[p->types[a->type].type]);
    if (p->doc_url)
        fprintf(out, "Doc: %s\n", p->strings[p->doc_url]);
    if (p->time_ns)
        print_time(p->time_ns, out);
    if (p->duration_ns)
        print_duration(a, unit, out);
}

static void
print_filters(const struct wr_filter *f, FILE *out)
{
    const struct {
        const char *name, *text;
    } filters[] = {{"focus", f->focus},         {"ignore", f->ignore},
                   {"hide", f->hide},           {"show", f->show},
                   {"show_from", f->show_from}, {"tagfocus", f->tagfocus},
                   {"tagignore", f->tagignore}, {"tagshow", f->tagshow},
                   {"taghide", f->taghide}};
    bool any = false;
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
        if (filters[i].text && *filters[i].text) {
            if (!any)
                fputs("Active filters:\n", out);
            fprintf(out, "   %s=%.80s\n", filters[i].name, filters[i].text);
            any = true;
        }
}

/* How much of the profile the nodes of the report are. */
static void
print_share(const struct wr_analysis *a, const struct wr_graph *g,
            const char *unit, FILE *out)
{
    char shown[WR_VALUE_ROOM], all[WR_VALUE_ROOM], share[WR_VALUE_ROOM];
    uint64_t sum = 0;
    for (uint32_t i = 0; i < g->count; i++)
        sum += (uint64_t)g->nodes[i].flat;
    wr_analysis_value(a, shown, (int64_t)sum, unit);
    wr_analysis_value(a, all, a->total, unit);
    wr_value_percent(share, (int64_t)sum, a->total);
    fprintf(out, "Showing nodes accounting for %s, %s of %s total\n", shown,
            share + strspn(share, " "), all);
}

static void
print_left_out(const struct wr_analysis *a, const struct wr_graph *g,
               const char *unit, FILE *out)
{
    char least[WR_VALUE_ROOM];
    double fraction = a->options->node_fraction;
    if (a->total == 0)
        return;
    if (g->small) {
        wr_analysis_value(a, least, (int64_t)fabs((double)a->total * fraction),
                          unit);
        fprintf(out, "Dropped %u node%s (cum <= %s)\n", g->small,
                g->small > 1 ? "s" : "", least);
    }
    if (g->count && g->count < g->eligible)
        fprintf(out, "Showing top %u nodes out of %u\n", g->count, g->eligible);
}

static void
print_heading(const struct wr_analysis *a, const struct wr_graph *g,
              const char *unit, FILE *out)
{
    wr_analysis_heading(a, unit, out);
    print_filters(a->filter, out);
    print_share(a, g, unit, out);
    print_left_out(a, g, unit, out);
}

/* --- Graphs -------------------------------------------------------------- */

struct wr_graph_options
wr_analysis_places(const struct wr_analysis *a)
{
    const struct wr_analysis_options *o = a->options;
    return (struct wr_graph_options){.type = a->type,
                                     .granularity = o->granularity,
                                     .no_inlines = o->no_inlines,
                                     .cum = o->cum,
                                     .drop_negative = o->drop_negative,
                                     .source_path = o->source_path,
                                     .trim_path = o->trim_path};
}

int
wr_analysis_graph(const struct wr_analysis *a, enum wr_report_kind kind,
                  struct wr_graph *g, const char **unit, char *why, size_t n)
{
    const struct wr_analysis_options *o = a->options;
    struct wr_graph_options go = wr_analysis_places(a);
    bool trim = !o->untrimmed && kind <= WR_REPORT_TREE;
    long most = o->node_count >= 0       ? o->node_count
                : kind == WR_REPORT_TREE ? TREE_NODES
                                         : 0;
    go.edges = kind == WR_REPORT_TREE || kind == WR_REPORT_PEEK;
    if (trim) {
        go.node_count = (uint32_t)most;
        go.node_fraction = o->node_fraction;
        go.edge_fraction = o->edge_fraction;
    }
    if (kind == WR_REPORT_LIST) {
        go.granularity = WR_BY_LINES;
        go.by_object = true;
    }
    if (wr_graph_make(g, a->profile, &go) != 0)
        return wr_profile_fail(why, n, "out of memory");
    *unit = kind == WR_REPORT_LIST ? o->unit : choose_unit(a, g);
    return 0;
}

/* --- top ----------------------------------------------------------------- */

const char *
wr_analysis_inlining(const struct wr_graph *g, const struct wr_node *node)
{
    uint32_t inlined = 0;
    for (uint32_t i = 0; i < node->in_count; i++)
        inlined += g->edges[g->in[node->first_in + i]].inlined;
    if (inlined == 0)
        return "";
    return inlined == node->in_count ? " (inline)" : " (partial-inline)";
}

/* "flat flat% sum% cum cum%" of a row, without an end. */
static void
print_columns(const struct wr_analysis *a, const struct wr_node *node,
              int64_t sum, const char *unit, FILE *out)
{
    char flat[WR_VALUE_ROOM], cum[WR_VALUE_ROOM], share[3][WR_VALUE_ROOM];
    wr_analysis_value(a, flat, node->flat, unit);
    wr_analysis_value(a, cum, node->cum, unit);
    wr_value_percent(share[0], node->flat, a->total);
    wr_value_percent(share[1], sum, a->total);
    wr_value_percent(share[2], node->cum, a->total);
    fprintf(out, "%10s %s %s %10s %s", flat, share[0], share[1], cum, share[2]);
}

int
wr_analysis_top(const struct wr_analysis *a, FILE *out, char *why, size_t n)
{
    struct wr_graph g;
    const char *unit;
    int64_t sum = 0;
    if (wr_analysis_graph(a, WR_REPORT_TOP, &g, &unit, why, n) != 0)
        return -1;
    print_heading(a, &g, unit, out);
    fprintf(out, "%10s %5s%% %5s%% %10s %5s%%\n", "flat", "flat", "sum", "cum",
            "cum");
    for (uint32_t i = 0; i < g.count; i++) {
        const struct wr_node *node = &g.nodes[i];
        sum = wr_add_wrapping(sum, node->flat);
        print_columns(a, node, sum, unit, out);
        fprintf(out, "  %s%s\n", node->label, wr_analysis_inlining(&g, node));
    }
    wr_graph_fini(&g);
    return 0;
}

/* --- tree and peek ------------------------------------------------------- */

static const char ruler[] = "------------------------------------------------"
                            "----------+-------------\n";

static void
print_edges(const struct wr_analysis *a, const struct wr_graph *g,
            const struct wr_node *node, bool in, const char *unit, FILE *out)
{
    const uint32_t *list =
        in ? g->in + node->first_in : g->out + node->first_out;
    uint32_t count = in ? node->in_count : node->out_count;
    for (uint32_t i = 0; i < count; i++) {
        const struct wr_edge *e = &g->edges[list[i]];
        char weight[WR_VALUE_ROOM], share[WR_VALUE_ROOM];
        wr_analysis_value(a, weight, e->weight, unit);
        wr_value_percent(share, e->weight, node->cum);
        fprintf(out, "%50s %s |   %s%s\n", weight, share,
                g->nodes[in ? e->from : e->to].label,
                e->inlined ? " (inline)" : "");
    }
}

/* How many nodes match. */
static uint32_t
count_matching(const struct wr_graph *g, const struct wr_pattern *re)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < g->count; i++)
        count += wr_pattern_matches(re, g->nodes[i].label);
    return count;
}

static void
print_nodes(const struct wr_analysis *a, const struct wr_graph *g,
            const struct wr_pattern *re, const char *unit, FILE *out)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < g->count; i++) {
        const struct wr_node *node = &g->nodes[i];
        if (re && !wr_pattern_matches(re, node->label))
            continue;
        fputs(ruler, out);
        print_edges(a, g, node, true, unit, out);
        sum = wr_add_wrapping(sum, node->flat);
        print_columns(a, node, sum, unit, out);
        fprintf(out, "                | %s\n", node->label);
        print_edges(a, g, node, false, unit, out);
    }
    if (g->count)
        fputs(ruler, out);
}

int
wr_analysis_tree(const struct wr_analysis *a, const char *pattern, FILE *out,
                 char *why, size_t n)
{
    struct wr_graph g;
    struct wr_pattern *re = NULL;
    const char *unit;
    if (pattern && wr_pattern_new(&re, pattern, why, n) != 0)
        return -1;
    int status = wr_analysis_graph(a, pattern ? WR_REPORT_PEEK : WR_REPORT_TREE,
                                   &g, &unit, why, n);
    if (status == 0 && pattern && count_matching(&g, re) == 0) {
        status = wr_profile_fail(why, n, "no function matches %.80s", pattern);
        wr_graph_fini(&g);
    } else if (status == 0) {
        print_heading(a, &g, unit, out);
        fputs(ruler, out);
        fputs("      flat  flat%   sum%        cum   cum%   calls calls% + "
              "context \t \t \n",
              out);
        print_nodes(a, &g, re, unit, out);
        wr_graph_fini(&g);
    }
    wr_pattern_free(re);
    return status;
}
