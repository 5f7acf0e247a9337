/* Origins. */
#include "analyse/origin.h"

#include <stdlib.h>
#include <string.h>
#include "analyse/path.h"
#include "analyse/pattern.h"
#include "analyse/quote.h"

/* Call it for each function of a stack, innermost first, until it says true:
 * did it? */
static bool
each_function(const struct wr_profile *p, uint32_t bucket,
              bool (*call)(const struct wr_origin *, void *), void *arg)
{
    if (bucket >= p->sample_count)
        return false;
    const struct wr_sample *s = &p->samples[bucket];
    for (uint32_t i = 0; i < s->depth; i++) {
        const struct wr_location *l =
            &p->locations[p->frames[s->first_frame + i]];
        struct wr_origin o = {"[unknown]", "", 0};
        if (l->mapping != WR_NONE)
            o.function = wr_path_base(p->strings[p->mappings[l->mapping].file]);
        for (uint32_t k = 0; k < l->line_count; k++) {
            const struct wr_line *line = &p->lines[l->first_line + k];
            const struct wr_function *f = &p->functions[line->function];
            o = (struct wr_origin){p->strings[f->name], p->strings[f->file],
                                   line->line};
            if (call(&o, arg))
                return true;
        }
        if (l->line_count == 0 && call(&o, arg))
            return true;
    }
    return false;
}

static bool
sounds_like_allocator(const char *name)
{
    static const char *const sounds[] = {"alloc",        "Alloc",   "ALLOC",
                                         "strdup",       "strndup", "memdup",
                                         "operator new", "Malloc"};
    for (size_t i = 0; i < sizeof sounds / sizeof *sounds; i++)
        if (strstr(name, sounds[i]))
            return true;
    return false;
}

static bool
take_first(const struct wr_origin *o, void *out)
{
    struct wr_origin *first = out;
    bool last = !sounds_like_allocator(o->function);
    if (last || !first->function)
        *first = *o;
    return last;
}

bool
wr_origin_find(const struct wr_profile *p, uint32_t bucket,
               struct wr_origin *out)
{
    struct wr_origin found = {.function = NULL};
    each_function(p, bucket, take_first, &found);
    if (!found.function)
        return false;
    *out = found;
    return true;
}

void
wr_origin_text(const struct wr_profile *p, uint32_t bucket, char *text,
               size_t n)
{
    struct wr_origin o;
    *text = '\0';
    if (!wr_origin_find(p, bucket, &o))
        return;
    if (o.file[0] && o.line)
        snprintf(text, n, "%s (%s:%lld)", o.function, wr_path_base(o.file),
                 (long long)o.line);
    else
        snprintf(text, n, "%s", o.function);
}

struct numbered {
    struct wr_origin o;
    uint32_t bucket;
};

/* Texts are interned: the same have one address. */
static int
by_place(const void *one, const void *other)
{
    const struct numbered *a = one, *b = other;
    if (a->o.function != b->o.function)
        return (uintptr_t)a->o.function < (uintptr_t)b->o.function ? -1 : 1;
    if (a->o.file != b->o.file)
        return (uintptr_t)a->o.file < (uintptr_t)b->o.file ? -1 : 1;
    if (a->o.line != b->o.line)
        return a->o.line < b->o.line ? -1 : 1;
    return a->bucket < b->bucket ? -1 : a->bucket > b->bucket;
}

static bool
is_same_place(const struct wr_origin *a, const struct wr_origin *b)
{
    return a->function && a->function == b->function && a->file == b->file &&
           a->line == b->line;
}

int
wr_origin_same(struct wr_same *same, const struct wr_profile *p)
{
    uint32_t n = p->sample_count;
    struct numbered *list = calloc((size_t)n + 1, sizeof *list);
    *same = (struct wr_same){calloc((size_t)n + 1, sizeof *same->first), n};
    bool ok = list && same->first;
    for (uint32_t i = 0; ok && i < n; i++) {
        list[i].bucket = i;
        (void)wr_origin_find(p, i, &list[i].o);
    }
    if (ok)
        qsort(list, n, sizeof *list, by_place);
    for (uint32_t i = 0, first = 0; ok && i < n; i++) {
        if (!is_same_place(&list[first].o, &list[i].o))
            first = i;
        same->first[list[i].bucket] = list[first].bucket;
    }
    free(list);
    return ok ? 0 : -1;
}

static bool
matches(const struct wr_origin *o, void *re)
{
    return wr_pattern_matches(re, o->function) ||
           (o->file[0] && wr_pattern_matches(re, o->file));
}

bool
wr_origin_matches(const struct wr_profile *p, uint32_t bucket,
                  const struct wr_pattern *re)
{
    return each_function(p, bucket, matches, (void *)re);
}

struct printing {
    FILE *out;
    unsigned count;
};

static bool
print(const struct wr_origin *o, void *printing)
{
    struct printing *to = printing;
    fputs(to->count++ ? ",{\"function\":" : "{\"function\":", to->out);
    wr_json_string(to->out, o->function);
    fputs(",\"file\":", to->out);
    wr_json_string(to->out, o->file);
    fprintf(to->out, ",\"line\":%lld}", (long long)o->line);
    return false;
}

void
wr_origin_json(const struct wr_profile *p, uint32_t bucket, FILE *out)
{
    struct printing to = {out, 0};
    fputs(",\"stack\":[", out);
    each_function(p, bucket, print, &to);
    fputc(']', out);
}
