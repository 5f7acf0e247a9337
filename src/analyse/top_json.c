/* The rows of top as JSON: numbers as they are, in the unit of the type. */
#include <string.h>
#include "analyse/analysis.h"
#include "analyse/quote.h"

static void
print_text(const char *key, const char *text, FILE *out)
{
    fprintf(out, "\"%s\":", key);
    wr_json_string(out, text);
    fputc(',', out);
}

static void
print_row(const struct wr_profile *p, const struct wr_graph *g,
          const struct wr_node *node, FILE *out)
{
    const char *inlined = wr_analysis_inlining(g, node);
    fputc('{', out);
    print_text("name", node->label, out);
    if (node->place.name)
        print_text("function", p->strings[node->place.name], out);
    if (node->place.file)
        print_text("file", p->strings[node->place.file], out);
    if (node->place.line)
        fprintf(out, "\"line\":%lld,", (long long)node->place.line);
    if (node->place.address)
        fprintf(out, "\"address\":\"0x%llx\",",
                (unsigned long long)node->place.address);
    print_text("inlined",
               !*inlined                           ? "no"
               : strcmp(inlined, " (inline)") == 0 ? "always"
                                                   : "sometimes",
               out);
    fprintf(out, "\"flat\":%lld,\"cum\":%lld}", (long long)node->flat,
            (long long)node->cum);
}

int
wr_analysis_top_json(const struct wr_analysis *a, FILE *out, char *why,
                     size_t n)
{
    const struct wr_profile *p = a->profile;
    const struct wr_value_type *type = &p->types[a->type];
    struct wr_graph g;
    const char *unit;
    if (wr_analysis_graph(a, WR_REPORT_TOP, &g, &unit, why, n) != 0)
        return -1;
    fputs("{\"v\":1,", out);
    print_text("type", p->strings[type->type], out);
    print_text("unit", p->strings[type->unit], out);
    fprintf(out, "\"total\":%lld,\"sites\":%u,\"rows\":[", (long long)a->total,
            g.eligible + g.small);
    for (uint32_t i = 0; i < g.count; i++) {
        fputs(i ? ",\n" : "\n", out);
        print_row(p, &g, &g.nodes[i], out);
    }
    fputs("\n]}\n", out);
    wr_graph_fini(&g);
    return 0;
}
