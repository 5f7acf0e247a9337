/* A heap profile of any size, the same each time: for benchmarks of readers.
 *
 *     bench_profiles SAMPLES FRAMES FILE
 *
 * A program of 4,000 functions with three call sites each, in eight files.
 * A stack is a walk from main: each call goes to one of four functions of its
 * caller, the first most often, so that stacks share their outer frames as
 * those of programs do, and hardly any two are the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include "analyse/profile.h"

#define FUNCTIONS 4000
#define SITES     3
#define MODULES   8
#define CALLEES   4
#define FRAMES    1000

static uint64_t state = 20240501;

static uint32_t
chance(uint32_t below)
{
    uint64_t x = state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((x ^ (x >> 31)) % below);
}

static uint32_t location[FUNCTIONS][SITES];

static void
add_types(struct wr_profile *p)
{
    wr_profile_add_type(p, "alloc_objects", "count");
    wr_profile_add_type(p, "alloc_space", "bytes");
    wr_profile_add_type(p, "inuse_objects", "count");
    wr_profile_add_type(p, "inuse_space", "bytes");
    p->period_type = (struct wr_value_type){wr_profile_string(p, "space"),
                                            wr_profile_string(p, "bytes")};
    p->period = 65536;
}

static void
add_functions(struct wr_profile *p)
{
    uint32_t mappings[MODULES];
    char text[64];
    for (uint32_t i = 0; i < MODULES; i++) {
        snprintf(text, sizeof text, "/usr/lib/bench/lib%u.so", i);
        struct wr_mapping m = {.start = (i + 1) * UINT64_C(0x10000000),
                               .limit = (i + 2) * UINT64_C(0x10000000),
                               .file = wr_profile_string(p, text),
                               .has_functions = true,
                               .has_files = true,
                               .has_lines = true};
        mappings[i] = wr_profile_mapping(p, &m);
    }
    for (uint32_t i = 0; i < FUNCTIONS; i++) {
        snprintf(text, sizeof text, "module_%u_function_%u", i % MODULES, i);
        struct wr_function f = {.name = wr_profile_string(p, text)};
        f.system_name = f.name;
        snprintf(text, sizeof text, "/build/bench/src/file_%u.c", i / 20);
        f.file = wr_profile_string(p, text);
        uint32_t function = wr_profile_function(p, &f);
        for (uint32_t n = 0; n < SITES; n++) {
            struct wr_line line = {function, 10 + i % 20 * 50 + n * 7, 0};
            uint64_t at = (i % MODULES + 1) * UINT64_C(0x10000000) + i * 512;
            location[i][n] = wr_profile_location(p, mappings[i % MODULES],
                                                 at + n * 40, &line, 1);
        }
    }
}

static void
add_sample(struct wr_profile *p, uint32_t depth)
{
    uint32_t frames[FRAMES], function = 0;
    for (uint32_t i = depth; i-- > 0;) {
        frames[i] = location[function][chance(SITES)];
        uint32_t callee = chance(10) < 6 ? 0 : chance(CALLEES);
        function = (function * 7 + callee * 1009 + 1) % FUNCTIONS;
    }
    int64_t size = 16 << chance(12), count = 1 + chance(500);
    int64_t live = chance(3) ? chance((uint32_t)count) : 0;
    int64_t values[4] = {count, count * size, live, live * size};
    struct wr_label label = {.key = wr_profile_string(p, "bytes"),
                             .num = size,
                             .unit = wr_profile_string(p, "bytes")};
    wr_profile_sample(p, frames, depth, values, &label, 1);
}

int
main(int argc, char **argv)
{
    struct wr_profile *p = wr_profile_new();
    unsigned char *bytes;
    size_t length;
    char why[WR_WHY] = "usage: bench_profiles SAMPLES FRAMES FILE";
    FILE *f = argc == 4 ? fopen(argv[3], "wb") : NULL;
    uint32_t depth = argc == 4 ? (uint32_t)atoi(argv[2]) : 0;
    if (!p || !f || depth == 0 || depth > FRAMES) {
        fprintf(stderr, "%s\n", why);
        return 2;
    }
    add_types(p);
    add_functions(p);
    for (long i = 0; i < atol(argv[1]); i++)
        add_sample(p, depth);
    if (wr_profile_encode(p, true, &bytes, &length, why, sizeof why) != 0 ||
        fwrite(bytes, 1, length, f) != length || fclose(f) != 0) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    free(bytes);
    wr_profile_free(p);
    return 0;
}
