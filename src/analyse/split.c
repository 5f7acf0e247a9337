/* Splitting.
 *
 * Invariants:
 * 1. An item stands where the group that holds it ends: all items of a group
 *    have taken the same functions since the root.
 * 2. order is a permutation of the items; groups that were not split yet are
 *    runs of it that do not overlap.
 * 3. part_with is all zero between two splits.
 */
#include "analyse/split.h"

#include <stdlib.h>
#include <string.h>
#include "analyse/store.h"

/* One sample, and how far its stack was followed. */
struct wr_split_item {
    int64_t value; /* not negative */
    uint32_t sample;
    uint32_t frame; /* frames from here to the leaf are still to come */
    uint32_t first; /* where the stack ends: the innermost frame shown */
    uint32_t line;  /* lines of frame `frame` still to come */
    uint8_t side;   /* 0: of the profile, 1: of its base */
    bool is_base;   /* where it counts */
};

/* --- Making ------------------------------------------------------------- */

static void
add_item(struct wr_split *s, uint8_t side, uint32_t sample, int64_t value)
{
    const struct wr_sample *x = &s->stacks[side].p->samples[sample];
    int64_t size = value < 0 ? (int64_t)(0 - (uint64_t)value) : value;
    bool is_base = (side == 1) != (value < 0);
    if (size < 0) /* the one number that has no opposite */
        size = INT64_MAX;
    s->items[s->item_count] =
        (struct wr_split_item){.value = size,
                               .sample = sample,
                               .frame = x->depth,
                               .first = wr_stacks_first(&s->stacks[side], x),
                               .side = side,
                               .is_base = is_base};
    s->order[s->item_count] = s->item_count;
    s->item_count++;
    s->has_base |= is_base;
    int64_t *sum = is_base ? &s->root.base : &s->root.value;
    *sum = wr_add_wrapping(*sum, size);
}

static void
add_items(struct wr_split *s, uint8_t side, uint32_t type)
{
    const struct wr_profile *p = s->stacks[side].p;
    for (uint32_t i = 0; i < p->sample_count; i++) {
        int64_t value = p->values[(size_t)i * p->type_count + type];
        if (value != 0)
            add_item(s, side, i, value);
    }
}

static bool
add_names(struct wr_split *s, uint8_t side, const struct wr_profile *p)
{
    return wr_stacks_init(&s->stacks[side], p) == 0 &&
           wr_names_add(&s->names, p, &s->named[side]) == 0;
}

static bool
make_room(struct wr_split *s, size_t samples)
{
    s->items = calloc(samples + 1, sizeof *s->items);
    s->order = calloc(samples + 1, sizeof *s->order);
    s->part_of = calloc(samples + 1, sizeof *s->part_of);
    s->moved = calloc(samples + 1, sizeof *s->moved);
    s->part_with = calloc((size_t)s->names.count + 1, sizeof *s->part_with);
    return samples < WR_NONE && s->items && s->order && s->part_of &&
           s->moved && s->part_with;
}

int
wr_split_init(struct wr_split *s, const struct wr_split_input *in, char *why,
              size_t n)
{
    const struct wr_profile *p = in->p, *base = in->base;
    uint32_t type = in->type;
    *s = (struct wr_split){.has_base = base != NULL,
                           .names.by_line = in->by_line};
    if (p->failed || (base && base->failed))
        return wr_profile_fail(why, n, "out of memory");
    if (type >= p->type_count)
        return wr_profile_fail(why, n, "the profile has no such sample type");
    s->type = p->strings[p->types[type].type];
    s->unit = p->strings[p->types[type].unit];
    uint32_t base_type = base ? wr_profile_find_type(base, s->type) : 0;
    if (base_type == WR_NONE)
        return wr_profile_fail(why, n, "the base has no sample type %s",
                               s->type);
    size_t samples = (size_t)p->sample_count + (base ? base->sample_count : 0);
    if (!add_names(s, 0, p) || (base && !add_names(s, 1, base)) ||
        !make_room(s, samples)) {
        wr_split_fini(s);
        return wr_profile_fail(why, n, "out of memory");
    }
    add_items(s, 0, type);
    if (base)
        add_items(s, 1, base_type);
    s->root.function = WR_NONE;
    s->root.count = s->item_count;
    return 0;
}

void
wr_split_fini(struct wr_split *s)
{
    for (int side = 0; side < 2; side++) {
        wr_stacks_fini(&s->stacks[side]);
        wr_named_fini(&s->named[side]);
    }
    wr_names_fini(&s->names);
    free(s->items);
    free(s->order);
    free(s->part_of);
    free(s->moved);
    free(s->part_with);
    free(s->parts.parts);
    *s = (struct wr_split){0};
}

/* --- Splitting ---------------------------------------------------------- */

/* Follow a stack by one function; WR_NONE: it ends here. */
static uint32_t
take_function(const struct wr_split *s, struct wr_split_item *item)
{
    const struct wr_stacks *stacks = &s->stacks[item->side];
    const struct wr_named *named = &s->named[item->side];
    const struct wr_profile *p = stacks->p;
    const uint32_t *frames = p->frames + p->samples[item->sample].first_frame;
    bool fresh = item->line == 0;
    if (fresh && item->frame == item->first)
        return WR_NONE;
    if (fresh)
        item->frame--;
    uint32_t at = frames[item->frame];
    const struct wr_location *l = &p->locations[at];
    if (l->line_count == 0)
        return named->of_location[at];
    if (fresh)
        item->line = l->line_count;
    uint32_t line = --item->line;
    if (line == wr_stacks_skip(stacks, at))
        item->line = 0;
    return named->of_line[l->first_line + line];
}

static struct wr_split_group *
part_for(struct wr_split *s, uint32_t function)
{
    struct wr_split_parts *a = &s->parts;
    if (s->part_with[function])
        return &a->parts[s->part_with[function] - 1];
    if (a->count == a->capacity) {
        uint32_t capacity = a->capacity ? a->capacity * 2 : 64;
        void *bigger = realloc(a->parts, capacity * sizeof *a->parts);
        if (!bigger)
            return NULL;
        a->parts = bigger;
        a->capacity = capacity;
    }
    a->parts[a->count] = (struct wr_split_group){.function = function};
    s->part_with[function] = ++a->count;
    return &a->parts[a->count - 1];
}

static void
add_to(int64_t *value, int64_t *base, const struct wr_split_item *item)
{
    int64_t *sum = item->is_base ? base : value;
    *sum = wr_add_wrapping(*sum, item->value);
}

/* Find the part of each item of a group: part_of. False: no memory. */
static bool
assign(struct wr_split *s, const struct wr_split_group *g)
{
    struct wr_split_parts *a = &s->parts;
    a->count = 0;
    a->self = a->base_self = 0;
    bool ok = true;
    for (uint32_t i = g->first; ok && i < g->first + g->count; i++) {
        struct wr_split_item *item = &s->items[s->order[i]];
        uint32_t function = take_function(s, item);
        s->part_of[i] = WR_NONE;
        if (function == WR_NONE) {
            add_to(&a->self, &a->base_self, item);
            continue;
        }
        struct wr_split_group *part = part_for(s, function);
        ok = part != NULL;
        if (ok) {
            s->part_of[i] = (uint32_t)(part - a->parts);
            part->count++;
            add_to(&part->value, &part->base, item);
        }
    }
    for (uint32_t i = 0; i < a->count; i++)
        s->part_with[a->parts[i].function] = 0;
    return ok;
}

/* Bring the items of each part together. Those that ended are left out. */
static void
gather(struct wr_split *s, const struct wr_split_group *g)
{
    struct wr_split_parts *a = &s->parts;
    uint32_t at = g->first;
    for (uint32_t i = 0; i < a->count; i++) {
        a->parts[i].first = at;
        at += a->parts[i].count;
        a->parts[i].count = 0;
    }
    for (uint32_t i = g->first; i < g->first + g->count; i++) {
        if (s->part_of[i] == WR_NONE)
            continue;
        struct wr_split_group *part = &a->parts[s->part_of[i]];
        s->moved[part->first + part->count++] = s->order[i];
    }
    if (at > g->first)
        memcpy(s->order + g->first, s->moved + g->first,
               (at - g->first) * sizeof *s->order);
}

static int
by_value(const void *a, const void *b)
{
    const struct wr_split_group *x = a, *y = b;
    if (x->value != y->value)
        return x->value < y->value ? 1 : -1;
    if (x->base != y->base)
        return x->base < y->base ? 1 : -1;
    return (x->function > y->function) - (x->function < y->function);
}

struct wr_split_parts *
wr_split_next(struct wr_split *s, const struct wr_split_group *g)
{
    struct wr_split_parts *a = &s->parts;
    if (!assign(s, g))
        return NULL;
    gather(s, g);
    if (a->count > 1)
        qsort(a->parts, a->count, sizeof *a->parts, by_value);
    return a;
}

/* --- Walking ------------------------------------------------------------ */

/* Groups still to be split, the next one last. */
struct pending {
    struct {
        struct wr_split_group group;
        uint32_t depth;
    } * list;
    size_t count, capacity;
};

static bool
push(struct pending *p, const struct wr_split_group *g, uint32_t depth)
{
    if (p->count == p->capacity) {
        size_t capacity = p->capacity ? p->capacity * 2 : 256;
        void *bigger = realloc(p->list, capacity * sizeof *p->list);
        if (!bigger)
            return false;
        p->list = bigger;
        p->capacity = capacity;
    }
    p->list[p->count].group = *g;
    p->list[p->count++].depth = depth;
    return true;
}

static bool
fits(uint32_t **path, uint32_t *capacity, uint32_t depth)
{
    if (depth < *capacity)
        return true;
    void *bigger = realloc(*path, (size_t)depth * 2 * sizeof **path);
    if (!bigger)
        return false;
    *path = bigger;
    *capacity = depth * 2;
    return true;
}

int
wr_split_walk(struct wr_split *s, wr_split_visit *visit, void *context)
{
    struct pending todo = {0};
    uint32_t *path = NULL, capacity = 0;
    bool ok = push(&todo, &s->root, 0);
    while (ok && todo.count > 0) {
        struct wr_split_group g = todo.list[--todo.count].group;
        uint32_t depth = todo.list[todo.count].depth;
        struct wr_split_parts *a = wr_split_next(s, &g);
        ok = a && fits(&path, &capacity, depth + 1);
        if (!ok)
            break;
        if (depth > 0)
            path[depth - 1] = g.function;
        if (a->self != 0 || a->base_self != 0)
            visit(context, s, path, depth, a->self, a->base_self);
        for (uint32_t i = a->count; ok && i-- > 0;)
            ok = push(&todo, &a->parts[i], depth + 1);
    }
    free(todo.list);
    free(path);
    return ok ? 0 : -1;
}
