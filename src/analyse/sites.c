/* Invariants
 * 1. index leads from a name, file and line to the one site that has them.
 */
#include "analyse/sites.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/names.h"
#include "analyse/path.h"
#include "analyse/store.h"

/* What makes a site, in a profile's words; and the hash of it. */
struct key {
    const char *name, *file;
    int64_t line; /* the address in the file where nothing is known */
};

struct types {
    uint32_t of[4]; /* inuse_space, inuse_objects, alloc_space, ... */
};

static int
find_types(struct types *t, const struct wr_profile *p)
{
    static const char *const names[] = {"inuse_space", "inuse_objects",
                                        "alloc_space", "alloc_objects"};
    for (int i = 0; i < 4; i++) {
        t->of[i] = wr_profile_find_type(p, names[i]);
        if (t->of[i] == WR_NONE)
            return -1;
    }
    return 0;
}

/* --- Frames -------------------------------------------------------------- */

static const char *
module_of(const struct wr_profile *p, const struct wr_location *l)
{
    return l->mapping == WR_NONE ? ""
                                 : p->strings[p->mappings[l->mapping].file];
}

/* The address in the module's file. */
static int64_t
offset_of(const struct wr_profile *p, const struct wr_location *l)
{
    if (l->mapping == WR_NONE)
        return (int64_t)l->address;
    const struct wr_mapping *m = &p->mappings[l->mapping];
    return (int64_t)(l->address - m->start + m->offset);
}

static struct key
key_of_line(const struct wr_profile *p, const struct wr_line *line)
{
    const struct wr_function *f = &p->functions[line->function];
    return (struct key){p->strings[f->name], p->strings[f->file], line->line};
}

/* The innermost frame of a sample. Nameless ones are called by their module,
 * which is told from a file by its having no name. */
static struct key
key_of(const struct wr_profile *p, const struct wr_sample *x)
{
    if (x->depth == 0)
        return (struct key){"[no stack]", "", 0};
    const struct wr_location *l = &p->locations[p->frames[x->first_frame]];
    if (l->line_count > 0)
        return key_of_line(p, &p->lines[l->first_line]);
    return (struct key){"", module_of(p, l), offset_of(p, l)};
}

static void
format_place(char *text, size_t bytes, const struct key *k)
{
    const char *file = wr_path_base(k->file);
    if (!*file)
        snprintf(text, bytes, "%s", "");
    else if (!*k->name)
        snprintf(text, bytes, "%s+0x%" PRIx64, file, (uint64_t)k->line);
    else if (k->line > 0)
        snprintf(text, bytes, "%s:%" PRId64, file, k->line);
    else
        snprintf(text, bytes, "%s", file);
}

/* --- The table ----------------------------------------------------------- */

static bool
same(const void *table, uint32_t i, const void *key)
{
    const struct wr_site *s = &((const struct wr_sites *)table)->list[i];
    const struct key *k = key;
    const char *name = *k->name ? k->name : "[module]";
    return s->line == k->line && strcmp(s->name, name) == 0 &&
           strcmp(s->file, k->file) == 0;
}

static uint64_t
hash_of(const struct key *k)
{
    uint64_t hash = wr_hash_bytes((uint64_t)k->line, k->name, strlen(k->name));
    return wr_hash_bytes(hash, k->file, strlen(k->file));
}

static bool
make_site(struct wr_site *site, const struct key *k)
{
    char place[512];
    format_place(place, sizeof place, k);
    *site = (struct wr_site){.line = k->line, .sample = WR_NONE};
    site->name = strdup(*k->name ? k->name : "[module]");
    site->place = strdup(place);
    site->file = strdup(k->file);
    return site->name && site->place && site->file;
}

static void
free_site(struct wr_site *site)
{
    free(site->name);
    free(site->place);
    free(site->file);
}

static bool
grow(struct wr_sites *s)
{
    uint32_t capacity = s->capacity ? s->capacity * 2 : 128;
    if (s->count < s->capacity)
        return true;
    void *bigger = realloc(s->list, capacity * sizeof *s->list);
    if (!bigger)
        return false;
    s->list = bigger;
    s->capacity = capacity;
    return true;
}

/* WR_NONE: no memory. */
static uint32_t
find_or_add(struct wr_sites *s, const struct key *k)
{
    uint64_t hash = hash_of(k);
    uint32_t found = wr_index_find(&s->index, hash, same, s, k);
    if (found != WR_NONE)
        return found;
    if (!grow(s))
        return WR_NONE;
    struct wr_site *site = &s->list[s->count];
    if (!make_site(site, k) || !wr_index_add(&s->index, hash, s->count)) {
        free_site(site);
        return WR_NONE;
    }
    return s->count++;
}

static void
add(struct wr_site_values *to, const struct types *t, const int64_t *values)
{
    to->inuse_bytes += values[t->of[0]];
    to->inuse_blocks += values[t->of[1]];
    to->alloc_bytes += values[t->of[2]];
    to->alloc_blocks += values[t->of[3]];
}

/* Does a sample matter more than another? */
static bool
is_more(const int64_t *a, const int64_t *b, const struct types *t)
{
    if (a[t->of[0]] != b[t->of[0]])
        return a[t->of[0]] > b[t->of[0]];
    return a[t->of[2]] > b[t->of[2]];
}

static const int64_t *
values_of(const struct wr_profile *p, uint32_t sample)
{
    return &p->values[(size_t)sample * p->type_count];
}

static void
note_stack(struct wr_site *site, const struct wr_profile *p, uint32_t sample,
           const struct types *t)
{
    site->stacks++;
    if (site->sample == WR_NONE ||
        is_more(values_of(p, sample), values_of(p, site->sample), t))
        site->sample = sample;
}

/* Which of a site's two values, and of the totals. */
static struct wr_site_values *
slot(struct wr_site *site, bool mark)
{
    return mark ? &site->mark : &site->now;
}

static void
clear(struct wr_sites *s, bool mark)
{
    for (uint32_t i = 0; i < s->count; i++) {
        struct wr_site *site = &s->list[i];
        *slot(site, mark) = (struct wr_site_values){0};
        if (!mark) {
            site->stacks = 0;
            site->sample = WR_NONE;
        }
    }
    *(mark ? &s->total_mark : &s->total) = (struct wr_site_values){0};
}

static int
fill(struct wr_sites *s, const struct wr_profile *p, bool mark)
{
    struct types t;
    if (find_types(&t, p) != 0)
        return -1;
    clear(s, mark);
    for (uint32_t i = 0; i < p->sample_count; i++) {
        struct key k = key_of(p, &p->samples[i]);
        uint32_t site = find_or_add(s, &k);
        if (site == WR_NONE)
            return -1;
        add(slot(&s->list[site], mark), &t, values_of(p, i));
        add(mark ? &s->total_mark : &s->total, &t, values_of(p, i));
        if (!mark)
            note_stack(&s->list[site], p, i, &t);
    }
    return 0;
}

int
wr_sites_update(struct wr_sites *s, const struct wr_profile *p)
{
    return fill(s, p, false);
}

void
wr_sites_mark(struct wr_sites *s)
{
    for (uint32_t i = 0; i < s->count; i++)
        s->list[i].mark = s->list[i].now;
    s->total_mark = s->total;
}

int
wr_sites_mark_from(struct wr_sites *s, const struct wr_profile *p)
{
    return fill(s, p, true);
}

void
wr_sites_fini(struct wr_sites *s)
{
    for (uint32_t i = 0; i < s->count; i++)
        free_site(&s->list[i]);
    free(s->list);
    wr_index_fini(&s->index);
    *s = (struct wr_sites){0};
}

/* --- Frames of a stack --------------------------------------------------- */

bool
wr_sites_frame(const struct wr_profile *p, uint32_t sample, uint32_t n,
               const char **name, char *place, size_t bytes)
{
    const struct wr_sample *x = &p->samples[sample];
    for (uint32_t i = 0; i < x->depth; i++) {
        const struct wr_location *l =
            &p->locations[p->frames[x->first_frame + i]];
        uint32_t lines = l->line_count > 0 ? l->line_count : 1;
        if (n >= lines) {
            n -= lines;
            continue;
        }
        struct key k = {"", module_of(p, l), offset_of(p, l)};
        if (l->line_count > 0)
            k = key_of_line(p, &p->lines[l->first_line + n]);
        format_place(place, bytes, &k);
        *name = k.name;
        return true;
    }
    return false;
}
