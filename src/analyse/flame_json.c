/* The call tree as JSON.
 *
 * Invariants:
 * 1. Only functions that nodes have are written, numbered as they come.
 * 2. Every text is written once: strings[0] is "".
 */
#include "analyse/flame.h"

#include <stdlib.h>
#include <string.h>
#include "analyse/quote.h"
#include "analyse/store.h"

struct strings {
    const char **list;
    uint32_t count;
    struct wr_index index;
};

struct tables {
    struct strings strings;
    uint32_t *number;    /* by function of the tree: its number + 1 */
    uint32_t *functions; /* by number: the function of the tree */
    uint32_t count;
};

static bool
same(const void *strings, uint32_t i, const void *key)
{
    return strcmp(((const struct strings *)strings)->list[i], key) == 0;
}

/* There is room: a tree has three strings a function. */
static uint32_t
intern(struct strings *s, const char *text)
{
    uint64_t hash = wr_hash_bytes(3, text, strlen(text));
    uint32_t found = wr_index_find(&s->index, hash, same, s, text);
    if (found != WR_NONE || !wr_index_add(&s->index, hash, s->count))
        return found;
    s->list[s->count] = text;
    return s->count++;
}

/* WR_NONE: no memory. */
static uint32_t
last_string_of(struct tables *t, const struct wr_names_function *f)
{
    uint32_t name = intern(&t->strings, f->name);
    uint32_t file = intern(&t->strings, f->file);
    uint32_t module = intern(&t->strings, f->module);
    return name == WR_NONE || file == WR_NONE ? WR_NONE : module;
}

static bool
collect(struct tables *t, const struct wr_flame *f)
{
    size_t most = (size_t)f->names.count + 1;
    t->number = calloc(most, sizeof *t->number);
    t->functions = calloc(most, sizeof *t->functions);
    t->strings.list = calloc(3 * most, sizeof *t->strings.list);
    if (!t->number || !t->functions || !t->strings.list ||
        intern(&t->strings, "") != 0)
        return false;
    for (uint32_t i = 0; i < f->count; i++) {
        int32_t function = f->nodes[i].function;
        if (function < 0 || t->number[function])
            continue;
        t->functions[t->count] = (uint32_t)function;
        t->number[function] = ++t->count;
        if (last_string_of(t, &f->names.functions[function]) == WR_NONE)
            return false;
    }
    return true;
}

static void
print_functions(struct tables *t, const struct wr_flame *f, FILE *out)
{
    fputs("],\n\"functions\":[", out);
    for (uint32_t i = 0; i < t->count; i++) {
        const struct wr_names_function *x =
            &f->names.functions[t->functions[i]];
        fprintf(out, "%s[%u,%u,%u,%lld]", i ? "," : "",
                intern(&t->strings, x->name), intern(&t->strings, x->file),
                intern(&t->strings, x->module), (long long)x->line);
    }
}

static void
print_nodes(const struct tables *t, const struct wr_flame *f, FILE *out)
{
    fputs("],\n\"nodes\":[", out);
    for (uint32_t i = 0; i < f->count; i++) {
        const struct wr_flame_node *x = &f->nodes[i];
        int32_t function =
            x->function < 0 ? x->function : (int32_t)t->number[x->function] - 1;
        fprintf(out, "%s[%d,%u,%lld,%lld", i ? "," : "", function, x->depth,
                (long long)x->value, (long long)x->self);
        if (f->has_base)
            fprintf(out, ",%lld", (long long)x->base);
        fputc(']', out);
    }
}

static void
print(struct tables *t, const struct wr_flame *f, FILE *out)
{
    fputs("{\"v\":1,\"title\":", out);
    wr_json_string(out, f->title);
    fputs(",\"type\":", out);
    wr_json_string(out, f->type);
    fputs(",\"unit\":", out);
    wr_json_string(out, f->unit);
    fprintf(out, ",\"total\":%lld", (long long)f->nodes[0].value);
    if (f->has_base)
        fprintf(out, ",\"base_total\":%lld", (long long)f->nodes[0].base);
    fputs(",\n\"strings\":[", out);
    for (uint32_t i = 0; i < t->strings.count; i++) {
        if (i > 0)
            fputc(',', out);
        wr_json_string(out, t->strings.list[i]);
    }
    print_functions(t, f, out);
    print_nodes(t, f, out);
    fputs("]}\n", out);
}

int
wr_flame_print_json(const struct wr_flame *f, FILE *out)
{
    struct tables t = {0};
    bool ok = collect(&t, f);
    if (ok)
        print(&t, f, out);
    wr_index_fini(&t.strings.index);
    free(t.strings.list);
    free(t.number);
    free(t.functions);
    return ok ? 0 : -1;
}

int
wr_flame_json(const struct wr_profile *p, const struct wr_profile *base,
              const struct wr_flame_options *o, FILE *out, char *why, size_t n)
{
    struct wr_flame f;
    if (wr_flame_make(&f, p, base, o, why, n) != 0)
        return -1;
    int rc = wr_flame_print_json(&f, out);
    wr_flame_fini(&f);
    return rc == 0 ? 0 : wr_profile_fail(why, n, "out of memory");
}
