/* From bytes to tables: gzip, profile.proto, and the way to the text forms.
 *
 * Invariants:
 * 1. Nothing in the bytes is believed: string and entry numbers are looked
 *    up, counts compared, before they enter a table.
 * 2. Unpacked data is at most UNPACKED_MAX: a small file cannot take all
 *    memory.
 */
#include "analyse/profile.h"

#include <assert.h>
#include <errno.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/legacy.h"
#include "analyse/profile.pb-c.h"
#include "analyse/store.h"

#define UNPACKED_MAX ((size_t)256 << 20)

/* Where the entry with an id of the file stands in our table. */
struct id_entry {
    uint64_t id;
    uint32_t index;
};

struct id_map {
    struct id_entry *entry;
    size_t count;
};

struct reading {
    struct wr_profile *p;
    const Pprof__Profile *m;
    uint32_t *strings; /* ours, by number in the file */
    struct id_map mappings, functions, locations;
    const char *wrong; /* the first thing found wrong */
};

static void
wrong(struct reading *r, const char *what)
{
    if (!r->wrong)
        r->wrong = what;
}

static uint32_t
string_of(struct reading *r, int64_t number)
{
    if (number < 0 || (uint64_t)number >= r->m->n_string_table) {
        wrong(r, "a string number is out of range");
        return 0;
    }
    return r->strings[number];
}

static int
by_id(const void *a, const void *b)
{
    uint64_t x = ((const struct id_entry *)a)->id;
    uint64_t y = ((const struct id_entry *)b)->id;
    return (x > y) - (x < y);
}

static bool
id_map_init(struct id_map *map, size_t count)
{
    map->entry = calloc(count + 1, sizeof *map->entry);
    map->count = map->entry ? count : 0;
    return map->entry != NULL;
}

static void
id_map_seal(struct reading *r, struct id_map *map)
{
    qsort(map->entry, map->count, sizeof *map->entry, by_id);
    for (size_t i = 0; i < map->count; i++)
        if (map->entry[i].id == 0 ||
            (i > 0 && map->entry[i].id == map->entry[i - 1].id))
            wrong(r, "an id is zero or used twice");
}

/* Ids mostly count from 1: look there before searching. */
static uint32_t
id_map_find(const struct id_map *map, uint64_t id)
{
    if (id - 1 < map->count && map->entry[id - 1].id == id)
        return map->entry[id - 1].index;
    struct id_entry key = {id, 0};
    const struct id_entry *e =
        bsearch(&key, map->entry, map->count, sizeof key, by_id);
    return e ? e->index : WR_NONE;
}

static void
get_strings(struct reading *r)
{
    if (r->m->n_string_table && r->m->string_table[0][0] != '\0')
        wrong(r, "the first string is not empty");
    for (size_t i = 0; i < r->m->n_string_table; i++)
        r->strings[i] = wr_profile_string(r->p, r->m->string_table[i]);
}

static void
get_types(struct reading *r)
{
    for (size_t i = 0; i < r->m->n_sample_type; i++) {
        const Pprof__ValueType *v = r->m->sample_type[i];
        wr_profile_add_type(r->p, r->p->strings[string_of(r, v->type)],
                            r->p->strings[string_of(r, v->unit)]);
    }
    if (r->m->period_type)
        r->p->period_type =
            (struct wr_value_type){string_of(r, r->m->period_type->type),
                                   string_of(r, r->m->period_type->unit)};
    if (r->m->n_sample_type == 0)
        wrong(r, "it has no sample types");
}

static void
get_mappings(struct reading *r)
{
    for (size_t i = 0; i < r->m->n_mapping; i++) {
        const Pprof__Mapping *m = r->m->mapping[i];
        struct wr_mapping ours = {
            .start = m->memory_start,
            .limit = m->memory_limit,
            .offset = m->file_offset,
            .file = string_of(r, m->filename),
            .build_id = string_of(r, m->build_id),
            .has_functions = m->has_functions,
            .has_files = m->has_filenames,
            .has_lines = m->has_line_numbers,
            .has_inlines = m->has_inline_frames,
        };
        r->mappings.entry[i] =
            (struct id_entry){m->id, wr_profile_mapping(r->p, &ours)};
    }
    id_map_seal(r, &r->mappings);
}

static void
get_functions(struct reading *r)
{
    for (size_t i = 0; i < r->m->n_function; i++) {
        const Pprof__Function *m = r->m->function[i];
        struct wr_function ours = {string_of(r, m->name),
                                   string_of(r, m->system_name),
                                   string_of(r, m->filename), m->start_line};
        r->functions.entry[i] =
            (struct id_entry){m->id, wr_profile_function(r->p, &ours)};
    }
    id_map_seal(r, &r->functions);
}

static uint32_t
get_location(struct reading *r, const Pprof__Location *m)
{
    struct wr_line *lines = calloc(m->n_line + 1, sizeof *lines);
    uint32_t kept = 0, mapping = WR_NONE, ours = WR_NONE;
    for (size_t i = 0; lines && i < m->n_line; i++) {
        uint32_t f = id_map_find(&r->functions, m->line[i]->function_id);
        if (f != WR_NONE)
            lines[kept++] = (struct wr_line){f, m->line[i]->line, 0};
        else if (m->line[i]->function_id)
            wrong(r, "a line refers to a function that is not there");
    }
    if (m->mapping_id) {
        mapping = id_map_find(&r->mappings, m->mapping_id);
        if (mapping == WR_NONE)
            wrong(r, "a location refers to a mapping that is not there");
    }
    if (lines && !r->wrong)
        ours = wr_profile_location(r->p, mapping, m->address, lines, kept);
    if (ours != WR_NONE)
        r->p->locations[ours].folded = m->is_folded;
    free(lines);
    return ours;
}

static void
get_locations(struct reading *r)
{
    for (size_t i = 0; i < r->m->n_location; i++)
        r->locations.entry[i] = (struct id_entry){
            r->m->location[i]->id, get_location(r, r->m->location[i])};
    id_map_seal(r, &r->locations);
}

static void
get_sample(struct reading *r, const Pprof__Sample *m)
{
    uint32_t *frames = calloc(m->n_location_id + 1, sizeof *frames);
    struct wr_label *labels = calloc(m->n_label + 1, sizeof *labels);
    if (m->n_value != r->p->type_count)
        wrong(r, "a sample has not one value for each sample type");
    for (size_t i = 0; frames && i < m->n_location_id; i++) {
        frames[i] = id_map_find(&r->locations, m->location_id[i]);
        if (frames[i] == WR_NONE)
            wrong(r, "a sample refers to a location that is not there");
    }
    for (size_t i = 0; labels && i < m->n_label; i++)
        labels[i] = (struct wr_label){
            string_of(r, m->label[i]->key), string_of(r, m->label[i]->str),
            m->label[i]->num, string_of(r, m->label[i]->num_unit)};
    if (!frames || !labels)
        r->p->failed = true;
    else if (!r->wrong)
        wr_profile_sample(r->p, frames, (uint32_t)m->n_location_id, m->value,
                          labels, (uint32_t)m->n_label);
    free(frames);
    free(labels);
}

static void
get_rest(struct reading *r)
{
    struct wr_profile *p = r->p;
    const Pprof__Profile *m = r->m;
    for (size_t i = 0; i < m->n_comment; i++)
        wr_profile_comment(p, p->strings[string_of(r, m->comment[i])]);
    p->drop_frames = m->drop_frames ? string_of(r, m->drop_frames) : 0;
    p->keep_frames = m->keep_frames ? string_of(r, m->keep_frames) : 0;
    p->default_type =
        m->default_sample_type ? string_of(r, m->default_sample_type) : 0;
    p->time_ns = m->time_nanos;
    p->duration_ns = m->duration_nanos;
    p->period = m->period;
}

static bool
reading_init(struct reading *r)
{
    r->p = wr_profile_new();
    r->strings = calloc(r->m->n_string_table + 1, sizeof *r->strings);
    return id_map_init(&r->mappings, r->m->n_mapping) &&
           id_map_init(&r->functions, r->m->n_function) &&
           id_map_init(&r->locations, r->m->n_location) && r->p && r->strings;
}

/* The order matters: what is referred to comes first. */
static void
get_all(struct reading *r)
{
    get_strings(r);
    get_types(r);
    get_mappings(r);
    get_functions(r);
    get_locations(r);
    for (size_t i = 0; !r->wrong && i < r->m->n_sample; i++)
        get_sample(r, r->m->sample[i]);
    get_rest(r);
}

static int
decode_proto(struct wr_profile **out, const unsigned char *bytes, size_t length,
             char *why, size_t n)
{
    Pprof__Profile *m = pprof__profile__unpack(NULL, length, bytes);
    if (!m)
        return wr_profile_fail(why, n,
                               "this is not a profile: neither pprof's "
                               "profile.proto nor one of its text forms");
    struct reading r = {.m = m};
    bool memory = reading_init(&r);
    if (memory)
        get_all(&r);
    memory = memory && !r.p->failed;
    pprof__profile__free_unpacked(m, NULL);
    free(r.strings);
    free(r.mappings.entry);
    free(r.functions.entry);
    free(r.locations.entry);
    if (memory && !r.wrong) {
        assert(wr_profile_check(r.p));
        *out = r.p;
        return 0;
    }
    wr_profile_free(r.p);
    return r.wrong
               ? wr_profile_fail(why, n, "the profile is damaged: %s", r.wrong)
               : wr_profile_fail(why, n, "out of memory");
}

/* --- gzip --------------------------------------------------------------- */

struct unpacked {
    unsigned char *bytes;
    size_t length;
    bool no_memory;
};

/* Where to begin: a gzip file ends with the length it unpacks to, which may
 * be a lie, and no byte unpacks to more than about a thousand. */
static size_t
first_room(const unsigned char *packed, size_t n)
{
    size_t says = 0, most = n < UNPACKED_MAX / 1100 ? n * 1100 : UNPACKED_MAX;
    for (size_t i = 0; i < 4 && n >= 18; i++)
        says |= (size_t)packed[n - 4 + i] << 8 * i;
    return says < most ? says + 1 : most;
}

/* Unpack into memory that is made larger until it is enough. */
static enum libdeflate_result
unpack(struct libdeflate_decompressor *d, const void *packed, size_t n,
       struct unpacked *u)
{
    enum libdeflate_result result = LIBDEFLATE_INSUFFICIENT_SPACE;
    size_t room = first_room(packed, n);
    while (result == LIBDEFLATE_INSUFFICIENT_SPACE && !u->no_memory) {
        unsigned char *bigger = realloc(u->bytes, room);
        u->no_memory = !bigger;
        if (!bigger)
            break;
        u->bytes = bigger;
        result = libdeflate_gzip_decompress_ex(d, packed, n, u->bytes, room,
                                               NULL, &u->length);
        if (room == UNPACKED_MAX)
            break;
        room = room > UNPACKED_MAX / 2 ? UNPACKED_MAX : room * 2;
    }
    return result;
}

static int
gunzip(const void *packed, size_t packed_length, struct unpacked *u, char *why,
       size_t n)
{
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    enum libdeflate_result result = LIBDEFLATE_BAD_DATA;
    if (d)
        result = unpack(d, packed, packed_length, u);
    bool no_memory = !d || u->no_memory;
    libdeflate_free_decompressor(d);
    if (!no_memory && result == LIBDEFLATE_SUCCESS)
        return 0;
    free(u->bytes);
    if (no_memory)
        return wr_profile_fail(why, n, "out of memory");
    if (result == LIBDEFLATE_INSUFFICIENT_SPACE)
        return wr_profile_fail(why, n, "the file unpacks to more than 256 MB");
    return wr_profile_fail(why, n, "the gzip data is damaged or cut short");
}

static int
decode_plain(struct wr_profile **out, const void *bytes, size_t length,
             char *why, size_t n)
{
    if (length == 0)
        return wr_profile_fail(why, n, "the profile is empty");
    if (wr_legacy_recognise(bytes, length))
        return wr_legacy_decode(out, bytes, length, why, n);
    return decode_proto(out, bytes, length, why, n);
}

int
wr_profile_decode(struct wr_profile **out, const void *bytes, size_t length,
                  char *why, size_t n)
{
    const unsigned char *b = bytes;
    struct unpacked plain = {.length = 0};
    if (length < 2 || b[0] != 0x1f || b[1] != 0x8b)
        return decode_plain(out, bytes, length, why, n);
    if (gunzip(bytes, length, &plain, why, n) != 0)
        return -1;
    int status = decode_plain(out, plain.bytes, plain.length, why, n);
    free(plain.bytes);
    return status;
}

/* --- Files -------------------------------------------------------------- */

static bool
read_all(FILE *f, unsigned char **bytes, size_t *length)
{
    size_t room = 0;
    do {
        if (*length == room) {
            room = room ? room * 2 : (size_t)64 << 10;
            unsigned char *bigger = realloc(*bytes, room);
            if (!bigger)
                return false;
            *bytes = bigger;
        }
        *length += fread(*bytes + *length, 1, room - *length, f);
    } while (!feof(f) && !ferror(f) && *length < UNPACKED_MAX);
    return !ferror(f);
}

int
wr_profile_read(struct wr_profile **out, const char *path, char *why, size_t n)
{
    FILE *f = fopen(path, "rbe");
    unsigned char *bytes = NULL;
    size_t length = 0;
    if (!f)
        return wr_profile_fail(why, n, "cannot open %.150s: %s", path,
                               strerror(errno));
    bool read = read_all(f, &bytes, &length);
    fclose(f);
    int status = read ? wr_profile_decode(out, bytes, length, why, n)
                      : wr_profile_fail(why, n, "cannot read %.150s", path);
    free(bytes);
    return status;
}
