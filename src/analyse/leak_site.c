/* Sites. */
#include "analyse/leak_site.h"

#include <stdlib.h>
#include <string.h>
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

/* --- Guesses ------------------------------------------------------------- */

static int64_t
label_bytes(const struct wr_profile *p, const struct wr_sample *s)
{
    for (uint32_t i = 0; i < s->label_count; i++) {
        const struct wr_label *l = &p->labels[s->first_label + i];
        if (strcmp(p->strings[l->key], "bytes") == 0)
            return l->num;
    }
    return 0;
}

int64_t
wr_leak_block_bytes(const struct wr_profile *p, const struct wr_leak_site *s)
{
    return label_bytes(p, &p->samples[s->sample]);
}

bool
wr_leak_is_unsampled(const struct wr_profile *p, const struct wr_leak_site *s)
{
    static const char name[] = "[not sampled";
    const struct wr_sample *sample = &p->samples[s->sample];
    if (sample->depth != 1)
        return false;
    const struct wr_location *l = &p->locations[p->frames[sample->first_frame]];
    if (l->line_count != 1)
        return false;
    const struct wr_function *f =
        &p->functions[p->lines[l->first_line].function];
    return strncmp(p->strings[f->name], name, sizeof name - 1) == 0;
}

bool
wr_leak_any_unsampled(const struct wr_profile *p)
{
    bool any = false;
    for (uint32_t i = 0; i < p->sample_count && !any; i++)
        any = wr_leak_is_unsampled(p, &(struct wr_leak_site){.sample = i});
    return any;
}

/* Keep the list's order, the biggest first. */
static size_t
put(struct wr_leak_guess *list, size_t n, size_t room, struct wr_leak_site site)
{
    size_t at = n;
    while (at > 0 && list[at - 1].site.blocks < site.blocks)
        at--;
    if (at == room)
        return n;
    if (n < room)
        n++;
    memmove(&list[at + 1], &list[at], (n - at - 1) * sizeof *list);
    list[at].site = site;
    return n;
}

size_t
wr_leak_guess(const struct wr_profile *heap, int64_t bytes,
              struct wr_leak_guess *out, size_t room)
{
    uint32_t type = wr_profile_find_type(heap, "inuse_objects");
    int64_t all = 0;
    size_t n = 0;
    for (uint32_t i = 0; type != WR_NONE && i < heap->sample_count; i++) {
        int64_t blocks = heap->values[(size_t)i * heap->type_count + type];
        if (blocks <= 0 || label_bytes(heap, &heap->samples[i]) != bytes)
            continue;
        all += blocks;
        n = put(out, n, room, (struct wr_leak_site){i, blocks, blocks * bytes});
    }
    for (size_t i = 0; i < n; i++)
        out[i].share = (double)out[i].site.blocks / (double)all;
    return n;
}
