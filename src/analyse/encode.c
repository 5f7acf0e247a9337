/* From tables to profile.proto.
 *
 * Invariants:
 * 1. An entry's id in the file is its index + 1; 0 is "none".
 * 2. The message tree borrows: values and strings are the profile's, all
 *    nodes stand in a few arrays of struct tree. Freeing those frees it all.
 */
#include "analyse/profile.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "analyse/profile.pb-c.h"
#include "analyse/store.h"

struct tree {
    Pprof__Profile root;
    Pprof__ValueType period_type, *types;
    Pprof__Sample *samples;
    Pprof__Label *labels;
    Pprof__Mapping *mappings;
    Pprof__Location *locations;
    Pprof__Line *lines;
    Pprof__Function *functions;
    uint64_t *frame_ids;
    int64_t *comments;
    void **pointers; /* one array for all the lists of pointers */
    size_t pointers_used;
};

static bool
tree_allocate(struct tree *t, const struct wr_profile *p)
{
    size_t pointers = (size_t)p->type_count + p->sample_count + p->label_count +
                      p->mapping_count + p->location_count + p->line_count +
                      p->function_count;
    t->types = calloc(p->type_count + 1, sizeof *t->types);
    t->samples = calloc(p->sample_count + 1, sizeof *t->samples);
    t->labels = calloc(p->label_count + 1, sizeof *t->labels);
    t->mappings = calloc(p->mapping_count + 1, sizeof *t->mappings);
    t->locations = calloc(p->location_count + 1, sizeof *t->locations);
    t->lines = calloc(p->line_count + 1, sizeof *t->lines);
    t->functions = calloc(p->function_count + 1, sizeof *t->functions);
    t->frame_ids = calloc(p->frame_count + 1, sizeof *t->frame_ids);
    t->comments = calloc(p->comment_count + 1, sizeof *t->comments);
    t->pointers = calloc(pointers + 1, sizeof *t->pointers);
    return t->types && t->samples && t->labels && t->mappings && t->locations &&
           t->lines && t->functions && t->frame_ids && t->comments &&
           t->pointers;
}

static void
tree_free(struct tree *t)
{
    free(t->types);
    free(t->samples);
    free(t->labels);
    free(t->mappings);
    free(t->locations);
    free(t->lines);
    free(t->functions);
    free(t->frame_ids);
    free(t->comments);
    free(t->pointers);
}

/* A list of pointers to n nodes that stand side by side. */
static void *
point_at(struct tree *t, void *nodes, size_t node_bytes, size_t n)
{
    void **list = t->pointers + t->pointers_used;
    for (size_t i = 0; i < n; i++)
        list[i] = (char *)nodes + i * node_bytes;
    t->pointers_used += n;
    return list;
}

#define POINT_AT(t, nodes, n) point_at(t, nodes, sizeof *(nodes), n)

static void
put_types(struct tree *t, const struct wr_profile *p)
{
    for (uint32_t i = 0; i < p->type_count; i++) {
        pprof__value_type__init(&t->types[i]);
        t->types[i].type = p->types[i].type;
        t->types[i].unit = p->types[i].unit;
    }
    t->root.n_sample_type = p->type_count;
    t->root.sample_type = POINT_AT(t, t->types, p->type_count);
    if (!p->period_type.type)
        return;
    pprof__value_type__init(&t->period_type);
    t->period_type.type = p->period_type.type;
    t->period_type.unit = p->period_type.unit;
    t->root.period_type = &t->period_type;
}

static void
put_labels(struct tree *t, const struct wr_profile *p)
{
    for (uint32_t i = 0; i < p->label_count; i++) {
        pprof__label__init(&t->labels[i]);
        t->labels[i].key = p->labels[i].key;
        t->labels[i].str = p->labels[i].str;
        t->labels[i].num = p->labels[i].num;
        t->labels[i].num_unit = p->labels[i].unit;
    }
}

static void
put_samples(struct tree *t, const struct wr_profile *p)
{
    put_labels(t, p);
    for (uint32_t i = 0; i < p->frame_count; i++)
        t->frame_ids[i] = (uint64_t)p->frames[i] + 1;
    for (uint32_t i = 0; i < p->sample_count; i++) {
        const struct wr_sample *s = &p->samples[i];
        Pprof__Sample *m = &t->samples[i];
        pprof__sample__init(m);
        m->n_location_id = s->depth;
        m->location_id = t->frame_ids + s->first_frame;
        m->n_value = p->type_count;
        m->value = p->values + (size_t)i * p->type_count;
        m->n_label = s->label_count;
        m->label = POINT_AT(t, t->labels + s->first_label, s->label_count);
    }
    t->root.n_sample = p->sample_count;
    t->root.sample = POINT_AT(t, t->samples, p->sample_count);
}

static void
put_mappings(struct tree *t, const struct wr_profile *p)
{
    for (uint32_t i = 0; i < p->mapping_count; i++) {
        const struct wr_mapping *from = &p->mappings[i];
        Pprof__Mapping *m = &t->mappings[i];
        pprof__mapping__init(m);
        m->id = (uint64_t)i + 1;
        m->memory_start = from->start;
        m->memory_limit = from->limit;
        m->file_offset = from->offset;
        m->filename = from->file;
        m->build_id = from->build_id;
        m->has_functions = from->has_functions;
        m->has_filenames = from->has_files;
        m->has_line_numbers = from->has_lines;
        m->has_inline_frames = from->has_inlines;
    }
    t->root.n_mapping = p->mapping_count;
    t->root.mapping = POINT_AT(t, t->mappings, p->mapping_count);
}

static void
put_locations(struct tree *t, const struct wr_profile *p)
{
    for (uint32_t i = 0; i < p->line_count; i++) {
        pprof__line__init(&t->lines[i]);
        t->lines[i].function_id = (uint64_t)p->lines[i].function + 1;
        t->lines[i].line = p->lines[i].line;
    }
    for (uint32_t i = 0; i < p->location_count; i++) {
        const struct wr_location *from = &p->locations[i];
        Pprof__Location *l = &t->locations[i];
        pprof__location__init(l);
        l->id = (uint64_t)i + 1;
        l->mapping_id =
            from->mapping == WR_NONE ? 0 : (uint64_t)from->mapping + 1;
        l->address = from->address;
        l->is_folded = from->folded;
        l->n_line = from->line_count;
        l->line = POINT_AT(t, t->lines + from->first_line, from->line_count);
    }
    t->root.n_location = p->location_count;
    t->root.location = POINT_AT(t, t->locations, p->location_count);
}

static void
put_functions(struct tree *t, const struct wr_profile *p)
{
    for (uint32_t i = 0; i < p->function_count; i++) {
        pprof__function__init(&t->functions[i]);
        t->functions[i].id = (uint64_t)i + 1;
        t->functions[i].name = p->functions[i].name;
        t->functions[i].system_name = p->functions[i].system_name;
        t->functions[i].filename = p->functions[i].file;
        t->functions[i].start_line = p->functions[i].start_line;
    }
    t->root.n_function = p->function_count;
    t->root.function = POINT_AT(t, t->functions, p->function_count);
}

static void
put_rest(struct tree *t, const struct wr_profile *p)
{
    for (uint32_t i = 0; i < p->comment_count; i++)
        t->comments[i] = p->comments[i];
    t->root.n_comment = p->comment_count;
    t->root.comment = t->comments;
    t->root.n_string_table = p->string_count;
    t->root.string_table = (char **)p->strings; /* read only */
    t->root.drop_frames = p->drop_frames;
    t->root.keep_frames = p->keep_frames;
    t->root.time_nanos = p->time_ns;
    t->root.duration_nanos = p->duration_ns;
    t->root.period = p->period;
    t->root.default_sample_type = p->default_type;
}

static bool
pack(const struct wr_profile *p, unsigned char **bytes, size_t *length)
{
    struct tree t = {.pointers_used = 0};
    bool ok = tree_allocate(&t, p);
    if (ok) {
        pprof__profile__init(&t.root);
        put_types(&t, p);
        put_samples(&t, p);
        put_mappings(&t, p);
        put_locations(&t, p);
        put_functions(&t, p);
        put_rest(&t, p);
        *bytes = malloc(pprof__profile__get_packed_size(&t.root) + 1);
        ok = *bytes != NULL;
    }
    if (ok)
        *length = pprof__profile__pack(&t.root, *bytes);
    tree_free(&t);
    return ok;
}

/* Level 1, as Go: the profile is small and somebody waits for it. */
static bool
compress_gzip(unsigned char **bytes, size_t *length)
{
    z_stream z = {.next_in = *bytes, .avail_in = (uInt)*length};
    if (*length > UINT32_MAX ||
        deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    size_t room = deflateBound(&z, *length);
    unsigned char *out = malloc(room);
    z.next_out = out;
    z.avail_out = (uInt)room;
    bool ok = out && deflate(&z, Z_FINISH) == Z_STREAM_END;
    size_t written = z.total_out;
    deflateEnd(&z);
    if (!ok) {
        free(out);
        return false;
    }
    free(*bytes);
    *bytes = out;
    *length = written;
    return true;
}

int
wr_profile_encode(const struct wr_profile *p, bool gzip, unsigned char **bytes,
                  size_t *length, char *why, size_t n)
{
    unsigned char *packed = NULL;
    size_t packed_length = 0;
    if (p->failed || !pack(p, &packed, &packed_length))
        return wr_profile_fail(why, n, "out of memory");
    if (gzip && !compress_gzip(&packed, &packed_length)) {
        free(packed);
        return wr_profile_fail(why, n, "the profile could not be compressed");
    }
    *bytes = packed;
    *length = packed_length;
    return 0;
}
