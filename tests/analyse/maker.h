/* Profiles made by hand, for the tests of this folder.
 *
 *     struct wr_profile *p = maker_heap();
 *     maker_sample(p, (const char *[]){"leaf", "main", NULL}, 10, 640);
 *
 * A heap profile has Go's four sample types; maker_sample gives the same
 * count and bytes to allocated and in use. Each function has one location, in
 * the mapping of "/bin/prog".
 */
#ifndef TESTS_ANALYSE_MAKER_H
#define TESTS_ANALYSE_MAKER_H

#include "unit.h"

#include "analyse/profile.h"

#define MAKER_START 0x400000u

static inline struct wr_profile *
maker_heap(void)
{
    struct wr_profile *p = wr_profile_new();

    wr_profile_add_type(p, "alloc_objects", "count");
    wr_profile_add_type(p, "alloc_space", "bytes");
    wr_profile_add_type(p, "inuse_objects", "count");
    wr_profile_add_type(p, "inuse_space", "bytes");
    p->period_type = (struct wr_value_type){wr_profile_string(p, "space"),
                                            wr_profile_string(p, "bytes")};
    p->period = 524288;
    return p;
}

static inline uint32_t
maker_mapping_at(struct wr_profile *p, uint64_t start, const char *file,
                 const char *build_id)
{
    struct wr_mapping m = {.start = start,
                           .limit = start + 0x10000,
                           .offset = 0x1000,
                           .file = wr_profile_string(p, file),
                           .build_id = wr_profile_string(p, build_id)};

    return wr_profile_mapping(p, &m);
}

static inline uint32_t
maker_function(struct wr_profile *p, const char *name)
{
    struct wr_function f = {.name = wr_profile_string(p, name),
                            .system_name = wr_profile_string(p, name),
                            .file = wr_profile_string(p, "prog.c")};

    return wr_profile_function(p, &f);
}

/* One location with the functions inlined into each other, innermost first;
 * the list ends with NULL. */
static inline uint32_t
maker_location(struct wr_profile *p, const char *const *names)
{
    struct wr_line lines[8];
    uint64_t address = 0;
    uint32_t n = 0,
             mapping = maker_mapping_at(p, MAKER_START, "/bin/prog", "ab");

    for (; names[n]; n++)
        lines[n] = (struct wr_line){maker_function(p, names[n]), 10 + n, 0};
    for (const char *c = names[0]; *c; c++) /* the same in every profile */
        address = address * 31 + (unsigned char)*c;
    return wr_profile_location(p, mapping, MAKER_START + address % 0x10000,
                               lines, n);
}

static inline void
maker_sample(struct wr_profile *p, const char *const *stack, int64_t count,
             int64_t bytes)
{
    uint32_t frames[16], depth = 0;
    int64_t values[4] = {count, bytes, count, bytes};

    for (; stack[depth]; depth++)
        frames[depth] = maker_location(p, (const char *[]){stack[depth], NULL});
    wr_profile_sample(p, frames, depth, values, NULL, 0);
}

#define STACK(...) ((const char *[]){__VA_ARGS__, NULL})

static inline const char *
maker_string(const struct wr_profile *p, uint32_t s)
{
    ck_assert_uint_lt(s, p->string_count);
    return p->strings[s];
}

/* The name of a frame's innermost function. */
static inline const char *
maker_frame(const struct wr_profile *p, uint32_t sample, uint32_t frame)
{
    const struct wr_location *l =
        &p->locations[p->frames[p->samples[sample].first_frame + frame]];

    if (l->line_count == 0)
        return "";
    return maker_string(p, p->functions[p->lines[l->first_line].function].name);
}

static inline int64_t
maker_value(const struct wr_profile *p, uint32_t sample, uint32_t type)
{
    ck_assert_uint_lt(sample, p->sample_count);
    return p->values[(size_t)sample * p->type_count + type];
}

/* A seeded generator: the same tests on every run. */
static inline uint32_t
maker_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

#endif
