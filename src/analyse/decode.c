/* From bytes to tables: gzip, profile.proto, and the way to the text forms.
 *
 * Invariants:
 * 1. Nothing in the bytes is believed: string and entry numbers are looked
 *    up, counts compared, before they enter a table.
 * 2. Unpacked data is at most WR_GZIP_MAX, and the tables have a limit of
 *    their own (analyse/profile.c): a small file cannot take all memory.
 * 3. A profile's fields come in any order, and what is referred to must be
 *    there before what refers to it: the bytes are walked through once for
 *    each kind of entry. Walking is cheap, an entry says how long it is.
 */
#include "analyse/profile.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/gzip.h"
#include "analyse/legacy.h"
#include "analyse/proto.h"
#include "analyse/store.h"
#include "analyse/wire.h"

#define COMMENTS_MAX 4096
#define ENTRIES_MAX  (1u << 24) /* of a kind; samples have no such limit */
#define ENTRY_MAX    ((size_t)64 << 20) /* bytes for the lists of one entry */

/* --- Entries by their ids ------------------------------------------------ */

/* Where the entry with an id of the file stands in our table. */
struct id_entry {
    uint64_t id;
    uint32_t index;
};

struct id_map {
    struct id_entry *entry;
    uint32_t count, room;
};

struct reading {
    struct wr_profile *p;
    struct wr_wire whole;
    uint32_t *strings; /* ours, by number in the file */
    uint32_t string_count, string_room, types;
    struct id_map mappings, functions, locations;
    /* Of one entry, used again for the next. */
    struct wr_line *lines;
    uint32_t *frames;
    struct wr_label *labels;
    int64_t *values;
    size_t line_room, frame_room, label_room, value_room;
    const char *wrong; /* the first thing found wrong */
    bool cut;          /* and that is the encoding itself */
};

static void
wrong(struct reading *r, const char *what)
{
    if (!r->wrong)
        r->wrong = what;
}

static int
by_id(const void *a, const void *b)
{
    uint64_t x = ((const struct id_entry *)a)->id;
    uint64_t y = ((const struct id_entry *)b)->id;
    return (x > y) - (x < y);
}

/* Make room for one more behind the first n of an array. False: no memory,
 * and the profile failed. */
static bool
grow(struct reading *r, void *array_pointer, size_t entry, size_t n,
     size_t *room)
{
    void **array = array_pointer;
    if (n < *room)
        return true;
    size_t more = *room ? 2 * *room : 64;
    if (more * entry > ENTRY_MAX) {
        wrong(r, "a stack or a list of labels has no end");
        return false;
    }
    void *bigger = realloc(*array, more * entry);
    if (!bigger) {
        r->p->failed = true;
        return false;
    }
    *array = bigger;
    *room = more;
    return true;
}

static void
id_map_add(struct reading *r, struct id_map *map, uint64_t id, uint32_t index)
{
    if (map->count < map->room)
        map->entry[map->count++] = (struct id_entry){id, index};
    else
        r->p->failed = true;
}

static void
id_map_seal(struct reading *r, struct id_map *map)
{
    bool sorted = true;
    for (uint32_t i = 1; i < map->count && sorted; i++)
        sorted = map->entry[i - 1].id < map->entry[i].id;
    if (!sorted)
        qsort(map->entry, map->count, sizeof *map->entry, by_id);
    for (uint32_t i = 0; i < map->count; i++)
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
        map->count ? bsearch(&key, map->entry, map->count, sizeof key, by_id)
                   : NULL;
    return e ? e->index : WR_NONE;
}

/* --- Walking ------------------------------------------------------------- */

static bool
next(struct reading *r, struct wr_wire *w, struct wr_wire_field *f)
{
    if (wr_wire_next(w, f))
        return true;
    r->cut |= w->bad;
    if (w->bad)
        wrong(r, "it is cut short or overwritten");
    return false;
}

/* A number where a number must be. */
static uint64_t
number(struct reading *r, const struct wr_wire_field *f)
{
    if (f->type != WR_WIRE_NUMBER)
        wrong(r, "a field has not the type it must have");
    return f->number;
}

static bool
is_message(struct reading *r, const struct wr_wire_field *f)
{
    if (f->type != WR_WIRE_BYTES)
        wrong(r, "a field has not the type it must have");
    return f->type == WR_WIRE_BYTES;
}

static uint32_t
string_of(struct reading *r, const struct wr_wire_field *f)
{
    uint64_t n = number(r, f);
    if (n < r->string_count)
        return r->strings[n];
    wrong(r, "a string number is out of range");
    return 0;
}

/* Call take for each field of that number of the profile. */
static void
for_each(struct reading *r, uint32_t field,
         void (*take)(struct reading *r, const struct wr_wire_field *f))
{
    struct wr_wire w = r->whole;
    struct wr_wire_field f;
    while (!r->wrong && !r->p->failed && next(r, &w, &f))
        if (f.field == field)
            take(r, &f);
}

static void
for_each_message(struct reading *r, uint32_t field,
                 void (*take)(struct reading *r, struct wr_wire *w))
{
    struct wr_wire w = r->whole;
    struct wr_wire_field f;
    while (!r->wrong && !r->p->failed && next(r, &w, &f))
        if (f.field == field && is_message(r, &f))
            take(r, &f.bytes);
}

/* --- Small entries ------------------------------------------------------- */

static void
take_string(struct reading *r, const struct wr_wire_field *f)
{
    if (!is_message(r, f))
        return;
    size_t n = (size_t)(f->bytes.end - f->bytes.at);
    if (r->string_count == 0 && n > 0)
        wrong(r, "the first string is not empty");
    if (r->string_count < r->string_room)
        r->strings[r->string_count++] =
            wr_profile_string_n(r->p, (const char *)f->bytes.at, n);
}

static struct wr_value_type
read_type(struct reading *r, struct wr_wire *w)
{
    struct wr_value_type type = {0, 0};
    struct wr_wire_field f;
    while (next(r, w, &f))
        if (f.field == TYPE_TYPE)
            type.type = string_of(r, &f);
        else if (f.field == TYPE_UNIT)
            type.unit = string_of(r, &f);
    return type;
}

static void
take_type(struct reading *r, struct wr_wire *w)
{
    struct wr_value_type type = read_type(r, w);
    wr_profile_add_type(r->p, r->p->strings[type.type],
                        r->p->strings[type.unit]);
}

static void
take_period_type(struct reading *r, struct wr_wire *w)
{
    r->p->period_type = read_type(r, w);
}

static void
take_mapping(struct reading *r, struct wr_wire *w)
{
    struct wr_mapping m = {0};
    struct wr_wire_field f;
    uint64_t id = 0;
    while (next(r, w, &f))
        switch (f.field) {
        case MAPPING_ID:
            id = number(r, &f);
            break;
        case MAPPING_START:
            m.start = number(r, &f);
            break;
        case MAPPING_LIMIT:
            m.limit = number(r, &f);
            break;
        case MAPPING_OFFSET:
            m.offset = number(r, &f);
            break;
        case MAPPING_FILE:
            m.file = string_of(r, &f);
            break;
        case MAPPING_BUILD_ID:
            m.build_id = string_of(r, &f);
            break;
        case MAPPING_FUNCTIONS:
            m.has_functions = number(r, &f);
            break;
        case MAPPING_FILES:
            m.has_files = number(r, &f);
            break;
        case MAPPING_LINES:
            m.has_lines = number(r, &f);
            break;
        case MAPPING_INLINES:
            m.has_inlines = number(r, &f);
            break;
        default:
            break;
        }
    id_map_add(r, &r->mappings, id, wr_profile_mapping(r->p, &m));
}

static void
take_function(struct reading *r, struct wr_wire *w)
{
    struct wr_function fn = {0};
    struct wr_wire_field f;
    uint64_t id = 0;
    while (next(r, w, &f))
        switch (f.field) {
        case FUNCTION_ID:
            id = number(r, &f);
            break;
        case FUNCTION_NAME:
            fn.name = string_of(r, &f);
            break;
        case FUNCTION_SYSTEM_NAME:
            fn.system_name = string_of(r, &f);
            break;
        case FUNCTION_FILE:
            fn.file = string_of(r, &f);
            break;
        case FUNCTION_START:
            fn.start_line = (int64_t)number(r, &f);
            break;
        default:
            break;
        }
    id_map_add(r, &r->functions, id, wr_profile_function(r->p, &fn));
}

/* --- Locations ----------------------------------------------------------- */

/* A line of no function says nothing. */
static void
take_line(struct reading *r, struct wr_wire *w, uint32_t *count)
{
    struct wr_line line = {.function = WR_NONE};
    struct wr_wire_field f;
    uint64_t id = 0;
    while (next(r, w, &f))
        if (f.field == LINE_FUNCTION)
            id = number(r, &f);
        else if (f.field == LINE_LINE)
            line.line = (int64_t)number(r, &f);
    if (id == 0)
        return;
    line.function = id_map_find(&r->functions, id);
    if (line.function == WR_NONE)
        wrong(r, "a line refers to a function that is not there");
    else if (grow(r, &r->lines, sizeof line, *count, &r->line_room))
        r->lines[(*count)++] = line;
}

static void
take_location(struct reading *r, struct wr_wire *w)
{
    struct wr_wire_field f;
    uint64_t id = 0, address = 0;
    uint32_t mapping = WR_NONE, lines = 0, ours = WR_NONE;
    bool folded = false;
    while (next(r, w, &f))
        switch (f.field) {
        case LOCATION_ID:
            id = number(r, &f);
            break;
        case LOCATION_ADDRESS:
            address = number(r, &f);
            break;
        case LOCATION_FOLDED:
            folded = number(r, &f);
            break;
        case LOCATION_MAPPING:
            mapping = id_map_find(&r->mappings, number(r, &f));
            break;
        case LOCATION_LINE:
            if (is_message(r, &f))
                take_line(r, &f.bytes, &lines);
            break;
        default:
            break;
        }
    if (!r->wrong)
        ours = wr_profile_location(r->p, mapping, address, r->lines, lines);
    if (ours != WR_NONE)
        r->p->locations[ours].folded |= folded;
    id_map_add(r, &r->locations, id, ours);
}

/* --- Samples ------------------------------------------------------------- */

static void
add_frame(struct reading *r, uint64_t id, uint32_t *depth)
{
    uint32_t frame = id_map_find(&r->locations, id);
    if (frame == WR_NONE)
        wrong(r, "a sample refers to a location that is not there");
    else if (grow(r, &r->frames, sizeof frame, *depth, &r->frame_room))
        r->frames[(*depth)++] = frame;
}

static void
add_value(struct reading *r, uint64_t value, uint32_t *count)
{
    if (grow(r, &r->values, sizeof *r->values, *count, &r->value_room))
        r->values[(*count)++] = (int64_t)value;
}

/* Numbers come one by one, or packed behind each other. */
static void
take_numbers(struct reading *r, struct wr_wire_field *f, uint32_t *count,
             void (*add)(struct reading *r, uint64_t n, uint32_t *count))
{
    uint64_t n;
    if (f->type == WR_WIRE_NUMBER) {
        add(r, f->number, count);
        return;
    }
    if (!is_message(r, f))
        return;
    while (!r->wrong && !r->p->failed && wr_wire_packed(&f->bytes, &n))
        add(r, n, count);
    if (f->bytes.bad)
        wrong(r, "a list of numbers is cut short");
}

static void
take_label(struct reading *r, struct wr_wire *w, uint32_t *count)
{
    struct wr_label label = {0};
    struct wr_wire_field f;
    while (next(r, w, &f))
        switch (f.field) {
        case LABEL_KEY:
            label.key = string_of(r, &f);
            break;
        case LABEL_TEXT:
            label.str = string_of(r, &f);
            break;
        case LABEL_NUMBER:
            label.num = (int64_t)number(r, &f);
            break;
        case LABEL_UNIT:
            label.unit = string_of(r, &f);
            break;
        default:
            break;
        }
    if (grow(r, &r->labels, sizeof label, *count, &r->label_room))
        r->labels[(*count)++] = label;
}

static void
take_sample(struct reading *r, struct wr_wire *w)
{
    struct wr_wire_field f;
    uint32_t depth = 0, values = 0, labels = 0;
    while (next(r, w, &f))
        if (f.field == SAMPLE_LOCATION)
            take_numbers(r, &f, &depth, add_frame);
        else if (f.field == SAMPLE_VALUE)
            take_numbers(r, &f, &values, add_value);
        else if (f.field == SAMPLE_LABEL && is_message(r, &f))
            take_label(r, &f.bytes, &labels);
    if (values != r->p->type_count)
        wrong(r, "a sample has not one value for each sample type");
    if (!r->wrong && !r->p->failed)
        wr_profile_new_sample(r->p, r->frames, depth, r->values, r->labels,
                              labels);
}

/* --- The whole ----------------------------------------------------------- */

static void
take_comment(struct reading *r, uint64_t n, uint32_t *count)
{
    if (n >= r->string_count)
        wrong(r, "a string number is out of range");
    else if (r->p->comment_count == COMMENTS_MAX)
        wrong(r, "it has too many comments");
    else
        wr_profile_comment(r->p, r->p->strings[r->strings[n]]);
    ++*count;
}

static void
take_rest(struct reading *r, const struct wr_wire_field *field)
{
    struct wr_profile *p = r->p;
    struct wr_wire_field f = *field;
    uint32_t comments = 0;
    switch (f.field) {
    case PROFILE_DROP_FRAMES:
        p->drop_frames = string_of(r, &f);
        break;
    case PROFILE_KEEP_FRAMES:
        p->keep_frames = string_of(r, &f);
        break;
    case PROFILE_DEFAULT_TYPE:
        p->default_type = string_of(r, &f);
        break;
    case PROFILE_DOC_URL:
        p->doc_url = string_of(r, &f);
        break;
    case PROFILE_TIME:
        p->time_ns = (int64_t)number(r, &f);
        break;
    case PROFILE_DURATION:
        p->duration_ns = (int64_t)number(r, &f);
        break;
    case PROFILE_PERIOD:
        p->period = (int64_t)number(r, &f);
        break;
    case PROFILE_COMMENT:
        take_numbers(r, &f, &comments, take_comment);
        break;
    default:
        break;
    }
}

static void
read_rest(struct reading *r)
{
    struct wr_wire w = r->whole;
    struct wr_wire_field f;
    while (!r->wrong && next(r, &w, &f))
        take_rest(r, &f);
}

static bool
id_map_init(struct id_map *map, uint32_t count)
{
    map->entry = calloc((size_t)count + 1, sizeof *map->entry);
    map->room = count;
    return map->entry != NULL;
}

/* Count the entries, so that their maps have room. */
static bool
reading_init(struct reading *r)
{
    struct wr_wire w = r->whole;
    struct wr_wire_field f;
    uint32_t mappings = 0, functions = 0, locations = 0;
    while (next(r, &w, &f)) {
        mappings += f.field == PROFILE_MAPPING;
        functions += f.field == PROFILE_FUNCTION;
        locations += f.field == PROFILE_LOCATION;
        r->string_room += f.field == PROFILE_STRING;
        r->types += f.field == PROFILE_TYPE;
    }
    if (mappings > ENTRIES_MAX || functions > ENTRIES_MAX ||
        locations > ENTRIES_MAX || r->string_room > ENTRIES_MAX)
        wrong(r, "it has too many entries");
    if (r->wrong)
        return true;
    r->p = wr_profile_new();
    r->strings = calloc((size_t)r->string_room + 1, sizeof *r->strings);
    return r->p && r->strings && id_map_init(&r->mappings, mappings) &&
           id_map_init(&r->functions, functions) &&
           id_map_init(&r->locations, locations) &&
           grow(r, &r->lines, sizeof *r->lines, 0, &r->line_room) &&
           grow(r, &r->frames, sizeof *r->frames, 0, &r->frame_room) &&
           grow(r, &r->labels, sizeof *r->labels, 0, &r->label_room) &&
           grow(r, &r->values, sizeof *r->values, 0, &r->value_room);
}

static void
reading_fini(struct reading *r)
{
    free(r->strings);
    free(r->mappings.entry);
    free(r->functions.entry);
    free(r->locations.entry);
    free(r->lines);
    free(r->frames);
    free(r->labels);
    free(r->values);
}

/* The order matters: what is referred to comes first. */
static void
read_all_entries(struct reading *r)
{
    for_each(r, PROFILE_STRING, take_string);
    for_each_message(r, PROFILE_TYPE, take_type);
    for_each_message(r, PROFILE_PERIOD_TYPE, take_period_type);
    if (r->types == 0)
        wrong(r, "it has no sample types");
    for_each_message(r, PROFILE_MAPPING, take_mapping);
    id_map_seal(r, &r->mappings);
    for_each_message(r, PROFILE_FUNCTION, take_function);
    id_map_seal(r, &r->functions);
    for_each_message(r, PROFILE_LOCATION, take_location);
    id_map_seal(r, &r->locations);
    for_each_message(r, PROFILE_SAMPLE, take_sample);
    read_rest(r);
}

static int
failure(const struct reading *r, char *why, size_t n)
{
    /* Other files, too, may begin like a profile. */
    if (r->cut && r->types == 0)
        return wr_profile_fail(why, n,
                               "this is not a profile: neither pprof's "
                               "profile.proto nor one of its text forms");
    if (r->wrong)
        return wr_profile_fail(why, n, "the profile is damaged: %s", r->wrong);
    if (r->p && r->p->too_large)
        return wr_profile_fail(why, n,
                               "the profile is too large: it would take "
                               "more than 2 GB of memory");
    return wr_profile_fail(why, n, "out of memory");
}

static int
decode_proto(struct wr_profile **out, const unsigned char *bytes, size_t length,
             char *why, size_t n)
{
    struct reading r = {.whole = {bytes, bytes + length, false}};
    bool memory = reading_init(&r);
    if (memory && !r.wrong)
        read_all_entries(&r);
    reading_fini(&r);
    if (memory && !r.wrong && !r.p->failed) {
        assert(wr_profile_check(r.p));
        *out = r.p;
        return 0;
    }
    int status = failure(&r, why, n);
    wr_profile_free(r.p);
    return status;
}

/* --- Of any kind --------------------------------------------------------- */

static int
decode_plain(struct wr_profile **out, const void *bytes, size_t length,
             char *why, size_t n)
{
    if (length == 0)
        return wr_profile_fail(why, n, "the profile is empty");
    if (wr_legacy_recognise(bytes, length))
        return wr_legacy_decode(out, bytes, length, why, n);
    if (wr_legacy_cpu_recognise(bytes, length))
        return wr_legacy_cpu_decode(out, bytes, length, why, n);
    return decode_proto(out, bytes, length, why, n);
}

int
wr_profile_decode(struct wr_profile **out, const void *bytes, size_t length,
                  char *why, size_t n)
{
    unsigned char *plain;
    size_t plain_length;
    if (!wr_gzip_is(bytes, length))
        return decode_plain(out, bytes, length, why, n);
    if (wr_gzip_unpack(bytes, length, &plain, &plain_length, why, n) != 0)
        return -1;
    int status = decode_plain(out, plain, plain_length, why, n);
    free(plain);
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
    } while (!feof(f) && !ferror(f) && *length < WR_GZIP_MAX);
    return !ferror(f);
}

/* The same of bytes that are not needed any more once they are unpacked. */
static int
decode_file(struct wr_profile **out, unsigned char *bytes, size_t length,
            char *why, size_t n)
{
    unsigned char *plain = bytes;
    int status = 0;
    if (wr_gzip_is(bytes, length)) {
        status = wr_gzip_unpack(bytes, length, &plain, &length, why, n);
        free(bytes);
    }
    if (status != 0)
        return status;
    status = decode_plain(out, plain, length, why, n);
    free(plain);
    return status;
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
    bool read = read_all(f, &bytes, &length), whole = feof(f);
    fclose(f);
    if (read && whole)
        return decode_file(out, bytes, length, why, n);
    free(bytes);
    return read ? wr_profile_fail(why, n,
                                  "the file has more than 256 MB: that is "
                                  "more than weir reads")
                : wr_profile_fail(why, n, "cannot read %.150s", path);
}
