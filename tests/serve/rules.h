/* What continuous profilers demand of a profile they fetch, as far as they
 * refuse one that does otherwise: Grafana Alloy and Pyroscope, Parca.
 *
 *     const char *broken = rules_broken(type, bytes, count, RULES_INSTANT);
 *     ck_assert_msg(broken == NULL, "%s", broken);
 *
 * The answer is a sentence, or NULL when every rule holds. RULES_INSTANT is a
 * profile of one moment, or of all that ever was; RULES_DELTA one of a span of
 * time. Only these differ in whether there is a duration.
 */
#ifndef TESTS_SERVE_RULES_H
#define TESTS_SERVE_RULES_H

#include <libdeflate.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/profile.pb-c.h"
#include "analyse/quote.h"
#include "base/clock.h"

#define RULES_BYTES       (4u << 20) /* uncompressed */
#define RULES_SAMPLES     16000
#define RULES_LABELS      100
#define RULES_DEPTH       1000
#define RULES_STRING      (64u << 10)
#define RULES_PAST_S      3600 /* a profile's time may be so far off */
#define RULES_FUTURE_S    600
#define RULES_BINARY_TYPE "application/octet-stream"

enum rules_kind { RULES_INSTANT, RULES_DELTA };

typedef Pprof__Profile rules_profile;

/* The bytes as protobuf, from malloc; NULL: no gzip, or over the limit. */
static inline unsigned char *
rules_unzip(const unsigned char *bytes, size_t count, size_t *length)
{
    unsigned char *plain = malloc(RULES_BYTES);
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    enum libdeflate_result rc =
        libdeflate_gzip_decompress(d, bytes, count, plain, RULES_BYTES, length);
    libdeflate_free_decompressor(d);
    if (rc == LIBDEFLATE_SUCCESS)
        return plain;
    free(plain);
    return NULL;
}

static inline const char *
rules_of_strings(const rules_profile *p)
{
    if (p->n_string_table == 0 || p->string_table[0][0] != 0)
        return "the first string is not empty";
    for (size_t i = 0; i < p->n_string_table; i++) {
        const unsigned char *s = (const unsigned char *)p->string_table[i];
        if (strlen((const char *)s) > RULES_STRING)
            return "a string is too long";
        for (size_t n; *s; s += n)
            if ((n = wr_utf8_length(s)) == 0)
                return "a string is not UTF-8";
    }
    return NULL;
}

static inline const char *
rules_string(const rules_profile *p, int64_t i)
{
    return i >= 0 && (size_t)i < p->n_string_table ? p->string_table[i] : NULL;
}

static inline const char *
rules_of_types(const rules_profile *p)
{
    if (p->n_sample_type == 0)
        return "there is no sample type";
    for (size_t i = 0; i < p->n_sample_type; i++) {
        const char *type = rules_string(p, p->sample_type[i]->type);
        const char *unit = rules_string(p, p->sample_type[i]->unit);
        if (!type || !*type || !unit || !*unit)
            return "a sample type has no name or unit";
        if (strchr(type, '-'))
            return "a sample type has a dash in its name";
    }
    return NULL;
}

static inline const char *
rules_of_mappings(const rules_profile *p)
{
    for (size_t i = 0; i < p->n_mapping; i++) {
        const Pprof__Mapping *m = p->mapping[i];
        if (m->id != i + 1)
            return "mappings are not numbered from 1 on";
        if (!rules_string(p, m->filename) || !rules_string(p, m->build_id))
            return "a mapping's name is no string";
    }
    return NULL;
}

static inline const char *
rules_of_functions(const rules_profile *p)
{
    for (size_t i = 0; i < p->n_function; i++) {
        const Pprof__Function *f = p->function[i];
        if (f->id != i + 1)
            return "functions are not numbered from 1 on";
        if (!rules_string(p, f->name) || !rules_string(p, f->system_name) ||
            !rules_string(p, f->filename))
            return "a function's name is no string";
    }
    return NULL;
}

static inline const char *
rules_of_locations(const rules_profile *p)
{
    for (size_t i = 0; i < p->n_location; i++) {
        const Pprof__Location *l = p->location[i];
        if (l->id != i + 1)
            return "locations are not numbered from 1 on";
        if (l->mapping_id > p->n_mapping)
            return "a location is in a mapping that is not there";
        for (size_t n = 0; n < l->n_line; n++)
            if (l->line[n]->function_id == 0 ||
                l->line[n]->function_id > p->n_function)
                return "a line is of a function that is not there";
    }
    return NULL;
}

static inline const char *
rules_of_sample(const rules_profile *p, const Pprof__Sample *s)
{
    if (s->n_value != p->n_sample_type)
        return "a sample has not one value for each type";
    if (s->n_label > RULES_LABELS)
        return "a sample has too many labels";
    if (s->n_location_id > RULES_DEPTH)
        return "a stack is too deep";
    for (size_t i = 0; i < s->n_location_id; i++)
        if (s->location_id[i] == 0 || s->location_id[i] > p->n_location)
            return "a sample is at a location that is not there";
    for (size_t i = 0; i < s->n_label; i++) {
        const char *key = rules_string(p, s->label[i]->key);
        if (!key || !*key)
            return "a label has no key";
        if (!rules_string(p, s->label[i]->str))
            return "a label's text is no string";
    }
    return NULL;
}

static inline const char *
rules_of_samples(const rules_profile *p)
{
    if (p->n_sample > RULES_SAMPLES)
        return "there are too many samples";
    for (size_t i = 0; i < p->n_sample; i++) {
        const char *broken = rules_of_sample(p, p->sample[i]);
        if (broken)
            return broken;
    }
    return NULL;
}

static inline const char *
rules_of_time(const rules_profile *p, enum rules_kind kind)
{
    int64_t ahead = p->time_nanos / 1000000000 -
                    (int64_t)(wr_clock_ns(CLOCK_REALTIME) / 1000000000);
    if (ahead < -RULES_PAST_S || ahead > RULES_FUTURE_S)
        return "its time is not now";
    if (kind == RULES_INSTANT && p->duration_nanos != 0)
        return "it has a duration and would be taken for a difference";
    if (kind == RULES_DELTA && p->duration_nanos <= 0)
        return "it is a difference without a duration";
    return NULL;
}

static inline const char *
rules_of_profile(const rules_profile *p, enum rules_kind kind)
{
    const char *broken = rules_of_strings(p);
    if (!broken)
        broken = rules_of_types(p);
    if (!broken)
        broken = rules_of_mappings(p);
    if (!broken)
        broken = rules_of_functions(p);
    if (!broken)
        broken = rules_of_locations(p);
    if (!broken)
        broken = rules_of_samples(p);
    return broken ? broken : rules_of_time(p, kind);
}

/* NULL: not a profile. Free it by pprof__profile__free_unpacked
 * (p, NULL). */
static inline rules_profile *
rules_unpack(const unsigned char *bytes, size_t count)
{
    size_t length = 0;
    unsigned char *plain = rules_unzip(bytes, count, &length);
    rules_profile *p =
        plain ? pprof__profile__unpack(NULL, length, plain) : NULL;
    free(plain);
    return p;
}

static inline const char *
rules_broken(const char *type, const unsigned char *bytes, size_t count,
             enum rules_kind kind)
{
    if (strncmp(type, RULES_BINARY_TYPE, strlen(RULES_BINARY_TYPE)) != 0)
        return "its content type is not " RULES_BINARY_TYPE;
    if (count < 3)
        return "there is nothing in it";
    rules_profile *p = rules_unpack(bytes, count);
    if (!p)
        return "it is not a profile of at most 4 MiB, gzipped";
    const char *broken = rules_of_profile(p, kind);
    pprof__profile__free_unpacked(p, NULL);
    return broken;
}

#endif
