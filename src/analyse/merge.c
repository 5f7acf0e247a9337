/* Joining profiles: sums, differences, labels.
 *
 * Invariants:
 * 1. Numbers of `from` are translated to numbers of `into` table by table:
 *    mappings, functions, locations, then samples.
 * 2. Two mappings are one when file (or build id), size and offset agree. A
 *    location of the second then moves with it to the first's addresses.
 * 3. On failure `into` is as before, except for entries nobody refers to.
 */
#include "analyse/profile.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/store.h"

#define PAGE 4096

int
wr_profile_fail(char *why, size_t n, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why, n, format, args);
    va_end(args);
    return -1;
}

struct join {
    struct wr_profile *into;
    const struct wr_profile *from;
    int64_t sign;
    uint32_t *strings, *mappings, *functions, *locations;
};

static const char *
type_name(const struct wr_profile *p, uint32_t i)
{
    return p->strings[p->types[i].type];
}

static bool
same_text(const struct wr_profile *a, uint32_t i, const struct wr_profile *b,
          uint32_t j)
{
    return strcmp(a->strings[i], b->strings[j]) == 0;
}

static int
check_types(const struct wr_profile *a, const struct wr_profile *b, char *why,
            size_t n)
{
    if (a->type_count != b->type_count)
        return wr_profile_fail(
            why, n, "the profiles have %u and %u sample types: not of one kind",
            a->type_count, b->type_count);
    for (uint32_t i = 0; i < a->type_count; i++)
        if (!same_text(a, a->types[i].type, b, b->types[i].type) ||
            !same_text(a, a->types[i].unit, b, b->types[i].unit))
            return wr_profile_fail(
                why, n, "the profiles count different things: %.60s and %.60s",
                type_name(a, i), type_name(b, i));
    if (!same_text(a, a->period_type.type, b, b->period_type.type) ||
        !same_text(a, a->period_type.unit, b, b->period_type.unit))
        return wr_profile_fail(
            why, n, "the profiles have different period types: %.60s and %.60s",
            a->strings[a->period_type.type], b->strings[b->period_type.type]);
    return 0;
}

static void
join_strings(struct join *j)
{
    for (uint32_t i = 0; i < j->from->string_count; i++)
        j->strings[i] = wr_profile_string(j->into, j->from->strings[i]);
}

/* Two builds of a list of mappings may differ in the last page. */
static uint64_t
pages_of(const struct wr_mapping *m)
{
    return (m->limit - m->start + PAGE - 1) / PAGE;
}

/* A mapping of `into` that is the same piece of the same file. */
static uint32_t
find_mapping(const struct wr_profile *p, const struct wr_mapping *m)
{
    for (uint32_t i = 0; i < p->mapping_count; i++) {
        const struct wr_mapping *a = &p->mappings[i];
        bool same_file = a->build_id || m->build_id ? a->build_id == m->build_id
                                                    : a->file == m->file;
        if (same_file && a->offset == m->offset && pages_of(a) == pages_of(m) &&
            (a->file || a->build_id || a->start == m->start))
            return i;
    }
    return WR_NONE;
}

static void
join_mappings(struct join *j)
{
    for (uint32_t i = 0; i < j->from->mapping_count; i++) {
        struct wr_mapping m = j->from->mappings[i];
        m.file = j->strings[m.file];
        m.build_id = j->strings[m.build_id];
        uint32_t at = find_mapping(j->into, &m);
        j->mappings[i] = at != WR_NONE ? at : wr_profile_mapping(j->into, &m);
    }
}

static void
join_functions(struct join *j)
{
    for (uint32_t i = 0; i < j->from->function_count; i++) {
        struct wr_function f = j->from->functions[i];
        f.name = j->strings[f.name];
        f.system_name = j->strings[f.system_name];
        f.file = j->strings[f.file];
        j->functions[i] = wr_profile_function(j->into, &f);
    }
}

/* The line count that fits every location: inline chains are short. */
static uint32_t
longest_chain(const struct wr_profile *p)
{
    uint32_t most = 1;
    for (uint32_t i = 0; i < p->location_count; i++)
        if (p->locations[i].line_count > most)
            most = p->locations[i].line_count;
    return most;
}

static bool
join_locations(struct join *j)
{
    const struct wr_profile *from = j->from;
    struct wr_line *lines = calloc(longest_chain(from), sizeof *lines);
    if (!lines)
        return false;
    for (uint32_t i = 0; i < from->location_count; i++) {
        const struct wr_location *l = &from->locations[i];
        uint64_t address = l->address;
        uint32_t mapping = WR_NONE;
        for (uint32_t n = 0; n < l->line_count; n++) {
            lines[n] = from->lines[l->first_line + n];
            lines[n].function = j->functions[lines[n].function];
        }
        if (l->mapping != WR_NONE) {
            mapping = j->mappings[l->mapping];
            if (mapping != WR_NONE)
                address += j->into->mappings[mapping].start -
                           from->mappings[l->mapping].start;
        }
        j->locations[i] = wr_profile_location(j->into, mapping, address, lines,
                                              l->line_count);
    }
    free(lines);
    return !j->into->failed;
}

static uint32_t
deepest(const struct wr_profile *p)
{
    uint32_t most = 1;
    for (uint32_t i = 0; i < p->sample_count; i++) {
        if (p->samples[i].depth > most)
            most = p->samples[i].depth;
        if (p->samples[i].label_count > most)
            most = p->samples[i].label_count;
    }
    return most;
}

static void
join_sample(struct join *j, uint32_t i, uint32_t *frames,
            struct wr_label *labels, int64_t *values)
{
    const struct wr_profile *from = j->from;
    const struct wr_sample *s = &from->samples[i];
    for (uint32_t n = 0; n < s->depth; n++)
        frames[n] = j->locations[from->frames[s->first_frame + n]];
    for (uint32_t n = 0; n < s->label_count; n++) {
        labels[n] = from->labels[s->first_label + n];
        labels[n].key = j->strings[labels[n].key];
        labels[n].str = j->strings[labels[n].str];
        labels[n].unit = j->strings[labels[n].unit];
    }
    for (uint32_t n = 0; n < from->type_count; n++) {
        int64_t v = from->values[(size_t)i * from->type_count + n];
        values[n] = j->sign < 0 ? (int64_t)(0 - (uint64_t)v) : v;
    }
    wr_profile_sample(j->into, frames, s->depth, values, labels,
                      s->label_count);
}

static bool
join_samples(struct join *j)
{
    uint32_t most = deepest(j->from);
    uint32_t *frames = calloc(most, sizeof *frames);
    struct wr_label *labels = calloc(most, sizeof *labels);
    int64_t *values = calloc(j->from->type_count + 1, sizeof *values);
    bool ok = frames && labels && values;
    for (uint32_t i = 0; ok && i < j->from->sample_count; i++)
        join_sample(j, i, frames, labels, values);
    free(frames);
    free(labels);
    free(values);
    return ok && !j->into->failed;
}

static int
join(struct wr_profile *into, const struct wr_profile *from, int64_t sign,
     char *why, size_t n)
{
    if (check_types(into, from, why, n) != 0)
        return -1;
    struct join j = {into, from, sign, NULL, NULL, NULL, NULL};
    j.strings = calloc(from->string_count + 1, sizeof *j.strings);
    j.mappings = calloc(from->mapping_count + 1, sizeof *j.mappings);
    j.functions = calloc(from->function_count + 1, sizeof *j.functions);
    j.locations = calloc(from->location_count + 1, sizeof *j.locations);
    bool ok = j.strings && j.mappings && j.functions && j.locations;
    if (ok) {
        join_strings(&j);
        join_mappings(&j);
        join_functions(&j);
        ok = join_locations(&j) && join_samples(&j);
    }
    free(j.strings);
    free(j.mappings);
    free(j.functions);
    free(j.locations);
    assert(wr_profile_check(into));
    return ok ? 0 : wr_profile_fail(why, n, "out of memory");
}

int
wr_profile_merge(struct wr_profile *into, const struct wr_profile *from,
                 char *why, size_t n)
{
    if (join(into, from, 1, why, n) != 0)
        return -1;
    for (uint32_t i = 0; i < from->comment_count; i++)
        wr_profile_comment(into, from->strings[from->comments[i]]);
    if (into->time_ns == 0 ||
        (from->time_ns != 0 && from->time_ns < into->time_ns))
        into->time_ns = from->time_ns;
    if (from->duration_ns > into->duration_ns)
        into->duration_ns = from->duration_ns;
    if (from->period > into->period)
        into->period = from->period;
    if (!into->doc_url)
        into->doc_url = wr_profile_string(into, from->strings[from->doc_url]);
    if (!into->drop_frames)
        into->drop_frames =
            wr_profile_string(into, from->strings[from->drop_frames]);
    return 0;
}

static bool
all_zero(const int64_t *values, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (values[i] != 0)
            return false;
    return true;
}

void
wr_profile_drop_zero_samples(struct wr_profile *p)
{
    uint32_t kept = 0, types = p->type_count;
    for (uint32_t i = 0; i < p->sample_count; i++) {
        const int64_t *values = p->values + (size_t)i * types;
        if (all_zero(values, types))
            continue;
        p->samples[kept] = p->samples[i];
        memmove(p->values + (size_t)kept * types, values,
                types * sizeof *values);
        kept++;
    }
    p->sample_count = kept;
    wr_profile_reindex(p);
}

int
wr_profile_subtract(struct wr_profile *into, const struct wr_profile *from,
                    char *why, size_t n)
{
    if (join(into, from, -1, why, n) != 0)
        return -1;
    wr_profile_drop_zero_samples(into);
    if (into->time_ns > from->time_ns && from->time_ns > 0)
        into->duration_ns = into->time_ns - from->time_ns;
    return 0;
}

/* Each sample's run of labels moves to the end of the array, one longer. */
void
wr_profile_add_label(struct wr_profile *p, const char *key, const char *str,
                     int64_t num)
{
    struct wr_label label = {.key = wr_profile_string(p, key),
                             .str = str ? wr_profile_string(p, str) : 0,
                             .num = str ? 0 : num};
    for (uint32_t i = 0; i < p->sample_count; i++) {
        struct wr_sample *s = &p->samples[i];
        if (!wr_profile_reserve_labels(p, s->label_count + 1))
            break;
        uint32_t first = p->label_count;
        for (uint32_t n = 0; n < s->label_count; n++)
            p->labels[p->label_count++] = p->labels[s->first_label + n];
        p->labels[p->label_count++] = label;
        s->first_label = first;
        s->label_count++;
    }
    wr_profile_reindex(p);
}
