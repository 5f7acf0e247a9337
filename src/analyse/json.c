/* A profile as JSON: the table of its functions, and every sample. */
#include <stdlib.h>
#include "analyse/export.h"
#include "analyse/filter.h"
#include "analyse/names.h"
#include "analyse/quote.h"
#include "analyse/store.h"
#include "analyse/top.h"

struct writer {
    struct wr_profile *p;
    struct wr_names names;
    struct wr_named named;
    FILE *out;
};

static void
field(const struct writer *w, const char *key, const char *text)
{
    fprintf(w->out, ",\"%s\":", key);
    wr_json_string(w->out, text);
}

static void
number(const struct writer *w, const char *key, int64_t value)
{
    fprintf(w->out, ",\"%s\":%lld", key, (long long)value);
}

static void
print_head(const struct writer *w, const struct wr_export *e)
{
    const struct wr_profile *p = w->p;
    fputs("{\"v\":1", w->out);
    field(w, "title", e->title ? e->title : "");
    field(w, "type", p->strings[p->types[e->type].type]);
    field(w, "unit", p->strings[p->types[e->type].unit]);
    number(w, "total", wr_profile_total(p, e->type));
    number(w, "time_ns", p->time_ns);
    number(w, "duration_ns", p->duration_ns);
    number(w, "period", p->period);
    fputs(",\n\"types\":[", w->out);
    for (uint32_t i = 0; i < p->type_count; i++) {
        fputs(i ? ",{\"type\":" : "{\"type\":", w->out);
        wr_json_string(w->out, p->strings[p->types[i].type]);
        field(w, "unit", p->strings[p->types[i].unit]);
        fputc('}', w->out);
    }
    fputs("],\n\"comments\":[", w->out);
    for (uint32_t i = 0; i < p->comment_count; i++) {
        fputs(i ? "," : "", w->out);
        wr_json_string(w->out, p->strings[p->comments[i]]);
    }
}

static int
print_top(const struct writer *w, uint32_t type)
{
    struct wr_top top;
    if (wr_top_make(&top, w->p, type) != 0)
        return -1;
    fputs("],\n\"top\":[", w->out);
    for (size_t i = 0; i < top.count; i++) {
        const struct wr_top_row *r = &top.rows[i];
        fputs(i ? ",\n{\"name\":" : "{\"name\":", w->out);
        wr_json_string(w->out, r->name);
        number(w, "flat", r->flat);
        number(w, "cum", r->cum);
        fputc('}', w->out);
    }
    wr_top_fini(&top);
    return 0;
}

static void
print_functions(const struct writer *w)
{
    fputs("],\n\"functions\":[", w->out);
    for (uint32_t i = 0; i < w->names.count; i++) {
        const struct wr_names_function *f = &w->names.functions[i];
        fputs(i ? ",\n{\"name\":" : "{\"name\":", w->out);
        wr_json_string(w->out, f->name);
        field(w, "file", f->file);
        field(w, "module", f->module);
        number(w, "line", f->line);
        fputc('}', w->out);
    }
}

static void
print_frame(const struct writer *w, uint32_t at, const char **comma)
{
    const struct wr_location *l = &w->p->locations[at];
    for (uint32_t i = 0; i < l->line_count; i++) {
        fprintf(w->out, "%s%u", *comma, w->named.of_line[l->first_line + i]);
        *comma = ",";
    }
    if (l->line_count == 0)
        fprintf(w->out, "%s%u", *comma, w->named.of_location[at]);
    *comma = ",";
}

static void
print_labels(const struct writer *w, const struct wr_sample *s)
{
    const struct wr_profile *p = w->p;
    fputs("],\"labels\":[", w->out);
    for (uint32_t i = 0; i < s->label_count; i++) {
        const struct wr_label *l = &p->labels[s->first_label + i];
        fputs(i ? ",{\"key\":" : "{\"key\":", w->out);
        wr_json_string(w->out, p->strings[l->key]);
        if (l->str)
            field(w, "text", p->strings[l->str]);
        else
            number(w, "number", l->num);
        if (l->unit)
            field(w, "unit", p->strings[l->unit]);
        fputc('}', w->out);
    }
}

static void
print_sample(const struct writer *w, uint32_t i)
{
    const struct wr_profile *p = w->p;
    const struct wr_sample *s = &p->samples[i];
    const int64_t *values = p->values + (size_t)i * p->type_count;
    const char *comma = "";
    fputs(i ? ",\n{\"stack\":[" : "{\"stack\":[", w->out);
    for (uint32_t n = 0; n < s->depth; n++)
        print_frame(w, p->frames[s->first_frame + n], &comma);
    fputs("],\"values\":[", w->out);
    for (uint32_t n = 0; n < p->type_count; n++)
        fprintf(w->out, "%s%lld", n ? "," : "", (long long)values[n]);
    print_labels(w, s);
    fputs("]}", w->out);
}

static int
print(struct writer *w, const struct wr_export *e)
{
    wr_filter_prune(w->p);
    if (wr_names_add(&w->names, w->p, &w->named) != 0)
        return -1;
    print_head(w, e);
    if (print_top(w, e->type) != 0)
        return -1;
    print_functions(w);
    fputs("],\n\"samples\":[", w->out);
    for (uint32_t i = 0; i < w->p->sample_count; i++)
        print_sample(w, i);
    fputs("]}\n", w->out);
    return 0;
}

int
wr_export_json(const struct wr_export *e, FILE *out, char *why, size_t n)
{
    struct writer w = {.p = e->p, .names.by_line = e->by_line, .out = out};
    if (e->type >= e->p->type_count)
        return wr_profile_fail(why, n, "the profile has no such sample type");
    int rc = print(&w, e);
    wr_named_fini(&w.named);
    wr_names_fini(&w.names);
    return rc == 0 ? 0 : wr_profile_fail(why, n, "out of memory");
}
