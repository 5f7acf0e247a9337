/* From tables to bytes: profile.proto, and gzip around it.
 *
 * Invariants:
 * 1. An entry's id in the file is its index + 1; 0 is "none". Locations are
 *    numbered anew, those of many stacks first: a number below 128 takes one
 *    byte, and most bytes of a profile are numbers of locations.
 * 2. A number 0 and an empty list are left out, as the format asks; of the
 *    strings none, for they are known by their number.
 * 3. Bytes are written once, in the file's order: a message's length, which
 *    stands before it, gets one byte, and more when the message is known to
 *    be long.
 */
#include "analyse/profile.h"

#include <stdlib.h>
#include <string.h>
#include <libdeflate.h>
#include "analyse/quote.h"
#include "analyse/proto.h"
#include "analyse/store.h"

#define NUMBER_BYTES  10 /* of the longest number */
#define ROOM_AT_FIRST ((size_t)16 << 10)
#define COUNTED_STEP  7 /* no divisor of usual depths */

struct bytes {
    unsigned char *at;
    size_t used, room;
    bool failed; /* no memory */
};

/* The numbers that locations get. */
struct numbers {
    uint32_t *id;    /* of each location */
    uint32_t *order; /* locations by id, from 1 on */
};

/* --- The wire ----------------------------------------------------------- */

static void
grow(struct bytes *b, size_t n)
{
    size_t room = b->room ? b->room : ROOM_AT_FIRST;
    while (n > room - b->used)
        room *= 2;
    unsigned char *bigger = realloc(b->at, room);
    if (!bigger) {
        b->failed = true;
        return;
    }
    b->at = bigger;
    b->room = room;
}

/* Where the next n bytes go, or NULL. */
static inline unsigned char *
room_for(struct bytes *b, size_t n)
{
    if (!b->at || n > b->room - b->used)
        grow(b, n);
    return b->failed ? NULL : b->at + b->used;
}

/* Seven bits a byte, the lowest first; the end of what was written. */
static inline unsigned char *
write_number(unsigned char *to, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *to++ = (unsigned char)(value | 0x80);
    *to++ = (unsigned char)value;
    return to;
}

static inline void
put_number(struct bytes *b, uint64_t value)
{
    unsigned char *to = room_for(b, NUMBER_BYTES);
    if (to)
        b->used = (size_t)(write_number(to, value) - b->at);
}

static void
put_field(struct bytes *b, unsigned field, uint64_t value)
{
    if (value == 0)
        return;
    put_number(b, field << 3);
    put_number(b, value);
}

static void
put_bytes(struct bytes *b, unsigned field, const void *from, size_t n)
{
    put_number(b, field << 3 | 2);
    put_number(b, n);
    unsigned char *to = room_for(b, n);
    if (to)
        memcpy(to, from, n);
    b->used += to ? n : 0;
}

/* A message or a list of numbers: what is put until close is its content. */
static size_t
open_message(struct bytes *b, unsigned field)
{
    put_number(b, field << 3 | 2);
    put_number(b, 0);
    return b->used;
}

static void
close_message(struct bytes *b, size_t start)
{
    unsigned char length[NUMBER_BYTES];
    size_t content = b->used - start;
    size_t more = (size_t)(write_number(length, content) - length) - 1;
    if (!room_for(b, more))
        return;
    if (more)
        memmove(b->at + start + more, b->at + start, content);
    memcpy(b->at + start - 1, length, more + 1);
    b->used += more;
}

/* --- Numbers of locations ----------------------------------------------- */

struct use {
    uint32_t frames, location;
};

static int
by_use(const void *a, const void *b)
{
    const struct use *x = a, *y = b;
    if (x->frames != y->frames)
        return x->frames > y->frames ? -1 : 1;
    return (x->location > y->location) - (x->location < y->location);
}

/* Some of the frames, evenly chosen, tell which locations are in most. */
static void
count_uses(struct use *use, const struct wr_profile *p)
{
    for (uint32_t i = 0; i < p->location_count; i++)
        use[i].location = i;
    for (uint32_t i = 0; i < p->frame_count; i += COUNTED_STEP)
        use[p->frames[i]].frames++;
    qsort(use, p->location_count, sizeof *use, by_use);
}

static bool
number_locations(struct numbers *n, const struct wr_profile *p)
{
    struct use *use = calloc((size_t)p->location_count + 1, sizeof *use);
    n->id = calloc((size_t)p->location_count + 1, sizeof *n->id);
    n->order = calloc((size_t)p->location_count + 1, sizeof *n->order);
    bool ok = use && n->id && n->order;
    if (ok)
        count_uses(use, p);
    for (uint32_t i = 0; ok && i < p->location_count; i++) {
        n->order[i] = use[i].location;
        n->id[use[i].location] = i + 1;
    }
    free(use);
    return ok;
}

/* --- Samples ------------------------------------------------------------ */

static void
put_frames(struct bytes *b, const uint32_t *id, const uint32_t *frames,
           uint32_t depth)
{
    size_t start = open_message(b, SAMPLE_LOCATION);
    unsigned char *to = room_for(b, (size_t)depth * NUMBER_BYTES);
    for (uint32_t i = 0; to && i < depth; i++)
        to = write_number(to, id[frames[i]]);
    b->used = to ? (size_t)(to - b->at) : b->used;
    close_message(b, start);
}

static void
put_values(struct bytes *b, const int64_t *values, uint32_t n)
{
    size_t start = open_message(b, SAMPLE_VALUE);
    for (uint32_t i = 0; i < n; i++)
        put_number(b, (uint64_t)values[i]);
    close_message(b, start);
}

static void
put_label(struct bytes *b, const struct wr_label *l)
{
    size_t start = open_message(b, SAMPLE_LABEL);
    put_field(b, LABEL_KEY, l->key);
    put_field(b, LABEL_TEXT, l->str);
    put_field(b, LABEL_NUMBER, (uint64_t)l->num);
    put_field(b, LABEL_UNIT, l->unit);
    close_message(b, start);
}

static void
put_sample(struct bytes *b, const struct wr_profile *p, const uint32_t *id,
           uint32_t i)
{
    const struct wr_sample *s = &p->samples[i];
    size_t start = open_message(b, PROFILE_SAMPLE);
    if (s->depth)
        put_frames(b, id, p->frames + s->first_frame, s->depth);
    if (p->type_count)
        put_values(b, p->values + (size_t)i * p->type_count, p->type_count);
    for (uint32_t n = 0; n < s->label_count; n++)
        put_label(b, &p->labels[s->first_label + n]);
    close_message(b, start);
}

/* --- The other tables --------------------------------------------------- */

static void
put_type(struct bytes *b, unsigned field, const struct wr_value_type *t)
{
    size_t start = open_message(b, field);
    put_field(b, TYPE_TYPE, t->type);
    put_field(b, TYPE_UNIT, t->unit);
    close_message(b, start);
}

static void
put_mapping(struct bytes *b, const struct wr_mapping *m, uint32_t i)
{
    size_t start = open_message(b, PROFILE_MAPPING);
    put_field(b, MAPPING_ID, (uint64_t)i + 1);
    put_field(b, MAPPING_START, m->start);
    put_field(b, MAPPING_LIMIT, m->limit);
    put_field(b, MAPPING_OFFSET, m->offset);
    put_field(b, MAPPING_FILE, m->file);
    put_field(b, MAPPING_BUILD_ID, m->build_id);
    put_field(b, MAPPING_FUNCTIONS, m->has_functions);
    put_field(b, MAPPING_FILES, m->has_files);
    put_field(b, MAPPING_LINES, m->has_lines);
    put_field(b, MAPPING_INLINES, m->has_inlines);
    close_message(b, start);
}

static void
put_line(struct bytes *b, const struct wr_line *l)
{
    size_t start = open_message(b, LOCATION_LINE);
    put_field(b, LINE_FUNCTION, (uint64_t)l->function + 1);
    put_field(b, LINE_LINE, (uint64_t)l->line);
    close_message(b, start);
}

static void
put_location(struct bytes *b, const struct wr_profile *p,
             const struct wr_location *l, uint32_t id)
{
    size_t start = open_message(b, PROFILE_LOCATION);
    put_field(b, LOCATION_ID, id);
    put_field(b, LOCATION_MAPPING,
              l->mapping == WR_NONE ? 0 : (uint64_t)l->mapping + 1);
    put_field(b, LOCATION_ADDRESS, l->address);
    for (uint32_t n = 0; n < l->line_count; n++)
        put_line(b, &p->lines[l->first_line + n]);
    put_field(b, LOCATION_FOLDED, l->folded);
    close_message(b, start);
}

static void
put_function(struct bytes *b, const struct wr_function *f, uint32_t i)
{
    size_t start = open_message(b, PROFILE_FUNCTION);
    put_field(b, FUNCTION_ID, (uint64_t)i + 1);
    put_field(b, FUNCTION_NAME, f->name);
    put_field(b, FUNCTION_SYSTEM_NAME, f->system_name);
    put_field(b, FUNCTION_FILE, f->file);
    put_field(b, FUNCTION_START, (uint64_t)f->start_line);
    close_message(b, start);
}

static void
put_rest(struct bytes *b, const struct wr_profile *p)
{
    put_field(b, PROFILE_DROP_FRAMES, p->drop_frames);
    put_field(b, PROFILE_KEEP_FRAMES, p->keep_frames);
    put_field(b, PROFILE_TIME, (uint64_t)p->time_ns);
    put_field(b, PROFILE_DURATION, (uint64_t)p->duration_ns);
    if (p->period_type.type)
        put_type(b, PROFILE_PERIOD_TYPE, &p->period_type);
    put_field(b, PROFILE_PERIOD, (uint64_t)p->period);
    for (uint32_t i = 0; i < p->comment_count; i++)
        put_field(b, PROFILE_COMMENT, p->comments[i]);
    put_field(b, PROFILE_DEFAULT_TYPE, p->default_type);
    put_field(b, PROFILE_DOC_URL, p->doc_url);
}

/* Names of files and symbols may hold any bytes, but the format wants UTF-8
 * and readers refuse a whole profile for one byte that is not: '?' it is. */
static void
put_string(struct bytes *b, const char *text)
{
    size_t start, n = strlen(text);
    put_bytes(b, PROFILE_STRING, text, n);
    if (b->failed)
        return;
    start = b->used - n;
    for (size_t i = start; i < b->used;) {
        size_t good = wr_utf8_length((const unsigned char *)text + i - start);
        if (good == 0)
            b->at[i] = '?';
        i += good ? good : 1;
    }
}

/* Memory for a profile of usual numbers, so that the bytes need not move. */
static void
put_tables(struct bytes *b, const struct wr_profile *p, const struct numbers *n)
{
    room_for(b, 2 * (size_t)p->frame_count + 32 * (size_t)p->sample_count);
    for (uint32_t i = 0; i < p->type_count; i++)
        put_type(b, PROFILE_TYPE, &p->types[i]);
    for (uint32_t i = 0; i < p->sample_count; i++)
        put_sample(b, p, n->id, i);
    for (uint32_t i = 0; i < p->mapping_count; i++)
        put_mapping(b, &p->mappings[i], i);
    for (uint32_t i = 0; i < p->location_count; i++)
        put_location(b, p, &p->locations[n->order[i]], i + 1);
    for (uint32_t i = 0; i < p->function_count; i++)
        put_function(b, &p->functions[i], i);
    for (uint32_t i = 0; i < p->string_count; i++)
        put_string(b, p->strings[i]);
    put_rest(b, p);
}

static bool
pack(struct bytes *b, const struct wr_profile *p)
{
    struct numbers n = {NULL, NULL};
    bool ok = !p->failed && number_locations(&n, p);
    if (ok)
        put_tables(b, p, &n);
    free(n.id);
    free(n.order);
    return ok && !b->failed;
}

/* --- gzip --------------------------------------------------------------- */

/* Level 1, as Go: the profile is small and somebody waits for it. */
static bool
compress_gzip(struct bytes *b)
{
    struct libdeflate_compressor *c = libdeflate_alloc_compressor(1);
    size_t most = c ? libdeflate_gzip_compress_bound(c, b->used) : 0;
    struct bytes out = {.at = c ? malloc(most) : NULL};
    if (out.at)
        out.used = libdeflate_gzip_compress(c, b->at, b->used, out.at, most);
    libdeflate_free_compressor(c);
    if (out.used == 0) {
        free(out.at);
        return false;
    }
    free(b->at);
    *b = out;
    return true;
}

int
wr_profile_encode(const struct wr_profile *p, bool gzip, unsigned char **bytes,
                  size_t *length, char *why, size_t n)
{
    struct bytes b = {.used = 0};
    if (!pack(&b, p) || (gzip && !compress_gzip(&b))) {
        free(b.at);
        return wr_profile_fail(why, n, "out of memory");
    }
    /* Compressed, it takes a tenth of the room that it might have taken. */
    unsigned char *fitting = realloc(b.at, b.used + 1);
    *bytes = fitting ? fitting : b.at;
    *length = b.used;
    return 0;
}
