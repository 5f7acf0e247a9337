/* A decoder of uncompressed profile.proto, enough to check what we write, and
 * written apart from it: a mistake would have to be made twice.
 *
 *     struct decoded d;
 *     decode(&d, bytes, n);       fails the test where the format is broken
 *     d.sample[0].value[1], decoded_text(&d, d.mapping[0].file), ...
 *
 * decoded_check proves what pprof demands of a profile: numbers that exist,
 * are unique and not 0, and as many values as there are types.
 */
#ifndef TESTS_PROFILE_DECODE_H
#define TESTS_PROFILE_DECODE_H

#include <check.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define DECODED_FRAMES 128

/* As ck_assert, without its system call where all is well. */
static inline void
decode_require(bool good, const char *what)
{
    if (!good)
        ck_abort_msg("a profile is broken: %s", what);
}

/* Room for one more than n entries: doubled when n reaches a power of two. */
static inline void *
decode_room(void *table, size_t n, size_t size)
{
    if ((n & (n - 1)) != 0)
        return table;
    table = realloc(table, (n == 0 ? 1 : 2 * n) * size);
    decode_require(table != NULL, "there is no memory");
    return table;
}

struct wire_part { /* a message, or one field of it */
    const unsigned char *at, *end;
    unsigned field;
    uint64_t number;
    const unsigned char *bytes; /* NULL: the field is a number */
};

struct decoded {
    struct {
        uint64_t type, unit;
    } type[8], period_type;
    struct {
        uint64_t location[DECODED_FRAMES], value[8];
        size_t depth, values;
        uint64_t key, num, unit; /* of its label; key 0: none */
    } * sample;
    struct {
        uint64_t id, start, limit, offset, file, build_id;
    } * mapping;
    struct {
        uint64_t id, mapping, address, function;
    } * location;
    struct {
        uint64_t id, name;
    } function[4];
    struct {
        const unsigned char *bytes;
        size_t length;
    } * string;
    size_t types, samples, mappings, locations, functions, strings;
    uint64_t time, period, comment, default_type;
};

static inline uint64_t
wire_varint(struct wire_part *p)
{
    uint64_t value = 0;

    for (unsigned shift = 0;; shift += 7) {
        decode_require(p->at < p->end && shift < 70, "a number does not end");
        value |= (uint64_t)(*p->at & 0x7f) << shift;
        if ((*p->at++ & 0x80) == 0)
            return value;
    }
}

/* The next field of message m as a part of its own. */
static inline int
wire_next(struct wire_part *m, struct wire_part *field)
{
    uint64_t tag;

    if (m->at == m->end)
        return 0;
    tag = wire_varint(m);
    memset(field, 0, sizeof *field);
    field->field = (unsigned)(tag >> 3);
    field->number = wire_varint(m);
    if ((tag & 7) == 0)
        return 1;
    decode_require((tag & 7) == 2, "a field is no number and no bytes");
    decode_require(field->number <= (uint64_t)(m->end - m->at),
                   "a field is longer than its message");
    field->at = field->bytes = m->at;
    field->end = m->at += field->number;
    return 1;
}

/* The numbers of a flat message by field, to[0..n-1]; others must not be. */
static inline void
wire_numbers(struct wire_part m, uint64_t *to, size_t n)
{
    struct wire_part f;

    memset(to, 0, n * sizeof *to);
    while (wire_next(&m, &f)) {
        decode_require(f.bytes == NULL && f.field < n, "an unknown field");
        to[f.field] = f.number;
    }
}

static inline void
decode_sample(struct decoded *d, struct wire_part m)
{
    struct wire_part f;
    size_t i = d->samples++;
    uint64_t label[5];

    d->sample = decode_room(d->sample, i, sizeof *d->sample);
    memset(&d->sample[i], 0, sizeof d->sample[i]);
    while (wire_next(&m, &f)) {
        decode_require(f.bytes != NULL, "a number in a sample");
        if (f.field == 1)
            while (f.at < f.end) {
                decode_require(d->sample[i].depth < DECODED_FRAMES,
                               "a stack is too deep");
                d->sample[i].location[d->sample[i].depth++] = wire_varint(&f);
            }
        else if (f.field == 2)
            while (f.at < f.end) {
                decode_require(d->sample[i].values < 8, "too many values");
                d->sample[i].value[d->sample[i].values++] = wire_varint(&f);
            }
        else if (f.field == 3) {
            wire_numbers(f, label, 5);
            d->sample[i].key = label[1];
            d->sample[i].num = label[3];
            d->sample[i].unit = label[4];
        } else
            ck_abort_msg("sample field %u", f.field);
    }
}

static inline void
decode_mapping(struct decoded *d, struct wire_part m)
{
    uint64_t n[7];
    size_t i = d->mappings++;

    wire_numbers(m, n, 7);
    d->mapping = decode_room(d->mapping, i, sizeof *d->mapping);
    memcpy(&d->mapping[i], n + 1, sizeof d->mapping[i]);
}

static inline void
decode_location(struct decoded *d, struct wire_part m)
{
    struct wire_part f;
    uint64_t n[5] = {0}, line[3] = {0};
    size_t i = d->locations++;

    while (wire_next(&m, &f)) {
        decode_require(f.field < 5, "an unknown field of a location");
        if (f.bytes != NULL)
            wire_numbers(f, line, 3);
        else
            n[f.field] = f.number;
    }
    d->location = decode_room(d->location, i, sizeof *d->location);
    d->location[i].id = n[1];
    d->location[i].mapping = n[2];
    d->location[i].address = n[3];
    d->location[i].function = line[1];
}

static inline void
decode_string(struct decoded *d, struct wire_part s)
{
    d->string = decode_room(d->string, d->strings, sizeof *d->string);
    d->string[d->strings].bytes = s.bytes;
    d->string[d->strings++].length = (size_t)s.number;
}

static inline void
decode_field(struct decoded *d, struct wire_part f)
{
    uint64_t n[3];

    switch (f.field) {
    case 1:
        wire_numbers(f, n, 3);
        ck_assert_uint_lt(d->types, 8);
        d->type[d->types].type = n[1];
        d->type[d->types++].unit = n[2];
        break;
    case 2:
        decode_sample(d, f);
        break;
    case 3:
        decode_mapping(d, f);
        break;
    case 4:
        decode_location(d, f);
        break;
    case 5:
        wire_numbers(f, n, 3);
        ck_assert_uint_lt(d->functions, 4);
        d->function[d->functions].id = n[1];
        d->function[d->functions++].name = n[2];
        break;
    case 6:
        decode_string(d, f);
        break;
    case 9:
        d->time = f.number;
        break;
    case 11:
        wire_numbers(f, n, 3);
        d->period_type.type = n[1];
        d->period_type.unit = n[2];
        break;
    case 12:
        d->period = f.number;
        break;
    case 13:
        d->comment = f.number;
        break;
    case 14:
        d->default_type = f.number;
        break;
    default:
        ck_abort_msg("profile field %u", f.field);
    }
}

static inline void
decode(struct decoded *d, const void *bytes, size_t n)
{
    struct wire_part all = {.at = bytes}, f;

    all.end = all.at + n;
    memset(d, 0, sizeof *d);
    while (wire_next(&all, &f))
        decode_field(d, f);
}

static inline void
decoded_free(struct decoded *d)
{
    free(d->sample);
    free(d->mapping);
    free(d->location);
    free(d->string);
}

/* The string as C text; good until the fourth call after. */
static inline const char *
decoded_text(const struct decoded *d, uint64_t i)
{
    static char text[4][1024];
    static unsigned turn;
    char *to = text[turn++ % 4];

    ck_assert_msg(i < d->strings, "no string %llu", (unsigned long long)i);
    ck_assert_uint_lt(d->string[i].length, sizeof text[0]);
    memcpy(to, d->string[i].bytes, d->string[i].length);
    to[d->string[i].length] = '\0';
    return to;
}

/* The index of the location with that number. */
static inline size_t
decoded_location(const struct decoded *d, uint64_t id)
{
    for (size_t i = 0; i < d->locations; i++)
        if (d->location[i].id == id)
            return i;
    ck_abort_msg("a sample names location %llu, which is not there",
                 (unsigned long long)id);
    return 0;
}

static inline size_t
decoded_mapping(const struct decoded *d, uint64_t id)
{
    for (size_t i = 0; i < d->mappings; i++)
        if (d->mapping[i].id == id)
            return i;
    ck_abort_msg("a location names mapping %llu, which is not there",
                 (unsigned long long)id);
    return 0;
}

/* Numbers of locations are given in a row here, so one pass proves them
 * unique. */
static inline void
decoded_check(const struct decoded *d)
{
    ck_assert_uint_gt(d->strings, 0);
    ck_assert_uint_eq(d->string[0].length, 0);
    for (size_t i = 0; i < d->locations; i++) {
        decode_require(d->location[i].id == i + 1, "a location's number");
        if (d->location[i].mapping != 0) {
            size_t m = decoded_mapping(d, d->location[i].mapping);

            decode_require(d->location[i].address >= d->mapping[m].start &&
                               d->location[i].address < d->mapping[m].limit,
                           "a location outside of its mapping");
        }
    }
    for (size_t i = 0; i < d->mappings; i++) {
        ck_assert_uint_ne(d->mapping[i].id, 0);
        ck_assert_uint_eq(decoded_mapping(d, d->mapping[i].id), i);
        ck_assert_uint_gt(strlen(decoded_text(d, d->mapping[i].file)), 0);
        (void)decoded_text(d, d->mapping[i].build_id);
    }
    for (size_t i = 0; i < d->samples; i++) {
        decode_require(d->sample[i].values == d->types, "columns");
        decode_require(d->sample[i].depth > 0, "a sample without a location");
        for (size_t j = 0; j < d->sample[i].depth; j++)
            decode_require(d->sample[i].location[j] >= 1 &&
                               d->sample[i].location[j] <= d->locations,
                           "a sample names a location that is not there");
    }
}

#endif
