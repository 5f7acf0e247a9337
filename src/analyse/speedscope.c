/* speedscope's own format: frames once, then stacks as lists of their
 * numbers, then a weight for each stack. */
#include "analyse/export.h"

#include <stdlib.h>
#include <string.h>
#include "analyse/split.h"
#include "analyse/quote.h"
#include "analyse/store.h"

struct weights {
    FILE *out;
    bool of_base; /* of which of the two profiles */
    int64_t *list;
    size_t count, capacity;
    bool failed;
};

static void
print_frames(const struct wr_names *names, FILE *out)
{
    fputs("{\"frames\":[", out);
    for (uint32_t i = 0; i < names->count; i++) {
        const struct wr_names_function *f = &names->functions[i];
        fprintf(out, "%s{\"name\":", i ? ",\n" : "");
        wr_json_string(out, f->name);
        if (*f->file) {
            fputs(",\"file\":", out);
            wr_json_string(out, f->file);
        }
        if (f->line > 0)
            fprintf(out, ",\"line\":%lld", (long long)f->line);
        fputc('}', out);
    }
    fputs("]}", out);
}

static void
keep_weight(struct weights *w, int64_t value)
{
    if (w->count == w->capacity) {
        size_t capacity = w->capacity ? w->capacity * 2 : 1024;
        void *bigger = realloc(w->list, capacity * sizeof *w->list);
        w->failed |= !bigger;
        if (!bigger)
            return;
        w->list = bigger;
        w->capacity = capacity;
    }
    w->list[w->count++] = value;
}

static void
print_stack(void *context, const struct wr_split *s, const uint32_t *functions,
            uint32_t depth, int64_t value, int64_t base)
{
    struct weights *w = context;
    int64_t mine = w->of_base ? base : value;
    (void)s;
    if (mine == 0 || w->failed)
        return;
    fputs(w->count ? ",\n[" : "[", w->out);
    for (uint32_t i = 0; i < depth; i++)
        fprintf(w->out, "%s%u", i ? "," : "", functions[i]);
    fputc(']', w->out);
    keep_weight(w, mine);
}

static const char *
unit_word(const char *unit)
{
    static const char *const known[] = {"nanoseconds", "microseconds",
                                        "milliseconds", "seconds", "bytes"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i], unit) == 0)
            return unit;
    return "none";
}

/* One of the two profiles. The walk uses up the paths. */
static bool
print_profile(struct wr_split *s, bool of_base, FILE *out)
{
    struct weights w = {.out = out, .of_base = of_base};
    char name[300];
    snprintf(name, sizeof name, "%s%s", s->type,
             !s->has_base ? ""
             : of_base    ? " before"
                          : " after");
    fputs("{\"type\":\"sampled\",\"name\":", out);
    wr_json_string(out, name);
    fprintf(out,
            ",\"unit\":\"%s\",\"startValue\":0,\"endValue\":%lld,\n"
            "\"samples\":[",
            unit_word(s->unit),
            (long long)(of_base ? s->root.base : s->root.value));
    bool ok = wr_split_walk(s, print_stack, &w) == 0 && !w.failed;
    fputs("],\n\"weights\":[", out);
    for (size_t i = 0; i < w.count; i++)
        fprintf(out, "%s%lld", i ? "," : "", (long long)w.list[i]);
    fputs("]}", out);
    free(w.list);
    return ok;
}

static bool
print_base(const struct wr_export *e, FILE *out, char *why, size_t n)
{
    struct wr_split s;
    const struct wr_split_input in = {e->p, e->base, e->type, e->by_line};
    if (wr_split_init(&s, &in, why, n) != 0)
        return false;
    fputs(",\n", out);
    bool ok = print_profile(&s, true, out);
    wr_split_fini(&s);
    return ok;
}

int
wr_export_speedscope(const struct wr_export *e, FILE *out, char *why, size_t n)
{
    struct wr_split s;
    const struct wr_split_input in = {e->p, e->base, e->type, e->by_line};
    if (wr_split_init(&s, &in, why, n) != 0)
        return -1;
    fputs("{\"$schema\":"
          "\"https://www.speedscope.app/file-format-schema.json\",\n"
          "\"exporter\":\"weir\",\"name\":",
          out);
    wr_json_string(out, e->title ? e->title : "");
    fputs(",\"activeProfileIndex\":0,\n\"shared\":", out);
    print_frames(&s.names, out);
    fputs(",\n\"profiles\":[", out);
    bool ok = print_profile(&s, false, out);
    ok = ok && (!s.has_base || print_base(e, out, why, n));
    fputs("]}\n", out);
    wr_split_fini(&s);
    return ok ? 0 : wr_profile_fail(why, n, "out of memory");
}
