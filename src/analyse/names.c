/* The table of functions. */
#include "analyse/names.h"

#include <stdlib.h>
#include <string.h>
#include "analyse/path.h"
#include "analyse/store.h"

static bool
same(const void *names, uint32_t i, const void *key)
{
    const struct wr_names_function *a =
        &((const struct wr_names *)names)->functions[i];
    const struct wr_names_function *b = key;
    return strcmp(a->name, b->name) == 0 &&
           strcmp(wr_path_base(a->module), wr_path_base(b->module)) == 0;
}

static bool
grow(struct wr_names *n)
{
    uint32_t capacity = n->capacity ? n->capacity * 2 : 256;
    if (n->count < n->capacity)
        return true;
    void *bigger = realloc(n->functions, capacity * sizeof *n->functions);
    if (!bigger)
        return false;
    n->functions = bigger;
    n->capacity = capacity;
    return true;
}

/* WR_NONE: no memory. */
static uint32_t
find_or_add(struct wr_names *n, const struct wr_names_function *f)
{
    const char *module = wr_path_base(f->module);
    uint64_t hash = wr_hash_bytes(17, f->name, strlen(f->name));
    hash = wr_hash_bytes(hash, module, strlen(module));
    uint32_t found = wr_index_find(&n->index, hash, same, n, f);
    if (found != WR_NONE)
        return found;
    if (!grow(n) || !wr_index_add(&n->index, hash, n->count))
        return WR_NONE;
    n->functions[n->count] = *f;
    return n->count++;
}

/* The text becomes the table's, or is freed. */
static bool
keep(struct wr_names *n, char *text)
{
    uint32_t count = n->made_count;
    if ((count & (count - 1)) == 0) { /* the room is the next power of two */
        size_t room = count ? 2 * (size_t)count : 1;
        void *bigger = realloc(n->made, room * sizeof *n->made);
        if (!bigger) {
            free(text);
            return false;
        }
        n->made = bigger;
    }
    n->made[n->made_count++] = text;
    return true;
}

/* As find_or_add, with a name that was made for this. After a failure the
 * table is not looked at any more. */
static uint32_t
find_or_keep(struct wr_names *n, struct wr_names_function *f, char *name)
{
    uint32_t before = n->count;
    f->name = name;
    uint32_t found = find_or_add(n, f);
    if (n->count == before)
        free(name);
    else if (!keep(n, name))
        return WR_NONE;
    return found;
}

static uint32_t
of_module(struct wr_names *n, const char *module)
{
    const char *base = wr_path_base(module);
    struct wr_names_function f = {
        .name = "<unknown>", .file = "", .module = module};
    char *name;
    if (*base == '\0')
        return find_or_add(n, &f);
    return asprintf(&name, "[%s]", base) < 0 ? WR_NONE
                                             : find_or_keep(n, &f, name);
}

static uint32_t
of_line(struct wr_names *n, const struct wr_profile *p,
        const struct wr_line *line, const char *module)
{
    const struct wr_function *known = &p->functions[line->function];
    bool start = known->start_line && !n->by_line;
    struct wr_names_function f = {.name = p->strings[known->name],
                                  .file = p->strings[known->file],
                                  .module = module,
                                  .line =
                                      start ? known->start_line : line->line};
    char *name;
    if (*f.name == '\0')
        return of_module(n, module);
    if (!n->by_line || line->line == 0)
        return find_or_add(n, &f);
    return asprintf(&name, "%s:%lld", f.name, (long long)line->line) < 0
               ? WR_NONE
               : find_or_keep(n, &f, name);
}

int
wr_names_add(struct wr_names *n, const struct wr_profile *p,
             struct wr_named *named)
{
    uint32_t worst = 0;
    named->of_line = calloc((size_t)p->line_count + 1, sizeof(uint32_t));
    named->of_location =
        calloc((size_t)p->location_count + 1, sizeof(uint32_t));
    if (!named->of_line || !named->of_location)
        return -1;
    for (uint32_t i = 0; i < p->location_count && worst != WR_NONE; i++) {
        const struct wr_location *l = &p->locations[i];
        const char *module = l->mapping == WR_NONE
                                 ? ""
                                 : p->strings[p->mappings[l->mapping].file];
        if (l->line_count == 0)
            worst = named->of_location[i] = of_module(n, module);
        for (uint32_t k = 0; k < l->line_count && worst != WR_NONE; k++)
            worst = named->of_line[l->first_line + k] =
                of_line(n, p, &p->lines[l->first_line + k], module);
    }
    return worst == WR_NONE ? -1 : 0;
}

void
wr_names_fini(struct wr_names *n)
{
    wr_index_fini(&n->index);
    for (uint32_t i = 0; i < n->made_count; i++)
        free(n->made[i]);
    free(n->made);
    free(n->functions);
    *n = (struct wr_names){0};
}

void
wr_named_fini(struct wr_named *named)
{
    free(named->of_line);
    free(named->of_location);
    *named = (struct wr_named){0};
}
