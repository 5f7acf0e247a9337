/* Sites. */
#include "analyse/leak_site.h"

#include <stdlib.h>
#include "analyse/profile.h"

/* --- Sites --------------------------------------------------------------- */

enum { BLOCKS, BYTES }; /* the sample types */

static int
by_bytes(const void *one, const void *other)
{
    const struct wr_leak_site *a = one, *b = other;
    if (a->bytes != b->bytes)
        return a->bytes < b->bytes ? 1 : -1;
    return a->sample < b->sample ? -1 : a->sample > b->sample;
}

struct wr_leak_site *
wr_leak_sites(const struct wr_profile *p)
{
    struct wr_leak_site *list =
        calloc((size_t)p->sample_count + 1, sizeof *list);
    for (uint32_t i = 0; list && i < p->sample_count; i++) {
        const int64_t *v = &p->values[(size_t)i * p->type_count];
        list[i] = (struct wr_leak_site){i, v[BLOCKS], v[BYTES]};
    }
    if (list)
        qsort(list, p->sample_count, sizeof *list, by_bytes);
    return list;
}

/* --- Frames -------------------------------------------------------------- */

void
wr_leak_frames(const struct wr_profile *p, const struct wr_leak_site *s,
               void (*call)(const struct wr_leak_frame *, unsigned, FILE *),
               FILE *out)
{
    const struct wr_sample *sample = &p->samples[s->sample];
    unsigned number = 0;
    for (uint32_t i = 0; i < sample->depth; i++) {
        const struct wr_location *l =
            &p->locations[p->frames[sample->first_frame + i]];
        struct wr_leak_frame f = {.function = "", .file = "", .module = ""};
        if (l->mapping != WR_NONE)
            f.module = p->strings[p->mappings[l->mapping].file];
        for (uint32_t k = 0; k < l->line_count; k++) {
            const struct wr_line *line = &p->lines[l->first_line + k];
            const struct wr_function *fn = &p->functions[line->function];
            f.function = p->strings[fn->name];
            f.file = p->strings[fn->file];
            f.line = line->line;
            call(&f, number++, out);
        }
        if (l->line_count == 0)
            call(&f, number++, out);
    }
}
