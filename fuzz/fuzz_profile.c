/* Profiles from outside: protobuf, gzipped or not, and the text forms. What
 * is taken is whole, can be written, and is the same when read again; and it
 * can be drawn and exported. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyse/diff.h"
#include "analyse/export.h"
#include "analyse/flame.h"
#include "analyse/graph.h"
#include "analyse/profile.h"
#include "fuzz.h"

static void
require(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "not so: %s\n", what);
    abort();
}

/* Encode p and read it back. */
static void
round_trip(const struct wr_profile *p)
{
    struct wr_profile *again = NULL;
    unsigned char *bytes = NULL;
    size_t length = 0;
    char why[WR_WHY] = "";

    if (wr_profile_encode(p, false, &bytes, &length, why, sizeof why) != 0) {
        require(why[0] != '\0', "a refusal has a reason");
        return;
    }
    require(wr_profile_decode(&again, bytes, length, why, sizeof why) == 0,
            "what was written can be read");
    wr_profile_check(again);
    require(again->sample_count == p->sample_count, "samples stay");
    for (uint32_t t = 0; t < p->type_count; t++)
        require(wr_profile_total(again, t) == wr_profile_total(p, t),
                "totals stay");
    wr_profile_free(again);
    free(bytes);
}

/* Nothing is lost in a tree, however much of it is left out. */
static void
draw(const struct wr_profile *p, uint32_t type)
{
    struct wr_flame_options o = {.type = type, .node_limit = 50};
    struct wr_flame f;
    char why[WR_WHY] = "";

    require(wr_flame_make(&f, p, NULL, &o, why, sizeof why) == 0,
            "what was read can be drawn");
    int64_t difference =
        (int64_t)((uint64_t)f.nodes[0].value - (uint64_t)f.nodes[0].base);
    uint64_t self = 0;
    for (uint32_t i = 0; i < f.count; i++)
        self += (uint64_t)f.nodes[i].self;
    require(self == (uint64_t)f.nodes[0].value, "selves are the total");
    for (uint32_t i = 0; i < p->sample_count; i++)
        if (p->values[(size_t)i * p->type_count + type] == INT64_MIN)
            difference = wr_profile_total(p, type); /* it has no opposite */
    require(difference == wr_profile_total(p, type), "the total stays");
    wr_flame_fini(&f);
}

/* In every format, against itself as well. */
static void
export_all(struct wr_profile *p, uint32_t type)
{
    static FILE *nowhere;
    char why[WR_WHY] = "";
    struct wr_export e = {.p = p, .type = type, .title = "x"};

    if (!nowhere)
        nowhere = fopen("/dev/null", "w");
    for (int both = 0; both < 2; both++, e.base = p) {
        require(wr_export_folded(&e, nowhere, why, sizeof why) == 0, "folded");
        require(wr_export_speedscope(&e, nowhere, why, sizeof why) == 0,
                "speedscope");
        require(wr_export_svg(&e, nowhere, why, sizeof why) == 0, "SVG");
    }
    require(wr_export_json(&e, nowhere, why, sizeof why) == 0, "JSON");
    struct wr_graph_options how = {.type = type};
    struct wr_diff d;
    require(wr_diff_make(&d, p, p, &how, why, sizeof why) == 0 && d.count == 0,
            "nothing changed");
    wr_diff_fini(&d);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wr_profile *p = NULL;
    char why[WR_WHY] = "";

    if (wr_profile_decode(&p, data, size, why, sizeof why) != 0) {
        require(why[0] != '\0', "a refusal has a reason");
        return 0;
    }
    wr_profile_check(p);
    round_trip(p);
    for (uint32_t type = 0; type < p->type_count && type < 4; type++)
        draw(p, type);
    if (p->type_count > 0)
        export_all(p, wr_profile_default_type(p));
    wr_profile_free(p);
    return 0;
}
