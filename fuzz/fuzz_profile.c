/* Profiles from outside: protobuf, gzipped or not, and the text forms. What
 * is taken is whole, can be written, and is the same when read again; and it
 * can be drawn, exported and reported on, filtered, and taken off itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyse/analysis.h"
#include "analyse/base.h"
#include "analyse/diff.h"
#include "analyse/export.h"
#include "analyse/flame.h"
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
    require(wr_profile_check(again), "the tables hold");
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

static FILE *nowhere;

/* In every format, against itself as well. */
static void
export_all(struct wr_profile *p, uint32_t type)
{
    char why[WR_WHY] = "";
    struct wr_export e = {.p = p, .type = type, .title = "x"};

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

/* What a profile and itself differ in. */
static void
take_off(struct wr_profile *p, const uint8_t *data, size_t size)
{
    const struct wr_base_options how = {.mark = false};
    struct wr_profile *base;
    char why[WR_WHY] = "";

    require(wr_profile_decode(&base, data, size, why, sizeof why) == 0,
            "what was read once is read again");
    if (wr_base_take(p, base, &how, why, sizeof why) == 0)
        require(p->sample_count == 0, "nothing is left");
    else
        require(why[0] != '\0', "a refusal has a reason");
    require(wr_profile_check(p), "the tables hold");
    wr_profile_free(base);
}

/* The reports with some filters, which the number chooses. */
static void
report(struct wr_profile *p, unsigned number)
{
    static const char *const patterns[] = {"", "a", "^$", "[^m]", "o.*o", "."};
    struct wr_analysis_options o = WR_ANALYSIS_DEFAULTS;
    const struct wr_filter filter = {.focus = patterns[number % 3],
                                     .hide = patterns[number / 3 % 4],
                                     .show = patterns[number / 12 % 6],
                                     .tagfocus = number % 5 ? "" : "0:100kb",
                                     .taghide = patterns[number / 7 % 3]};
    struct wr_analysis a;
    char why[WR_WHY] = "";

    o.granularity = (enum wr_granularity)(number % 5);
    o.no_inlines = number & 32;
    o.node_count = number % 11 ? 3 : -1;
    wr_filter_prune(p);
    require(wr_analysis_begin(&a, p, wr_profile_default_type(p), &filter, &o,
                              why, sizeof why) == 0,
            "good filters are taken");
    require(wr_profile_check(p), "the tables hold");
    require(wr_analysis_top(&a, nowhere, why, sizeof why) == 0, "top");
    require(wr_analysis_tree(&a, NULL, nowhere, why, sizeof why) == 0, "tree");
    require(wr_analysis_traces(&a, nowhere, why, sizeof why) == 0, "traces");
    require(wr_analysis_tags(&a, nowhere, why, sizeof why) == 0, "tags");
    require(wr_analysis_raw(&a, nowhere, why, sizeof why) == 0, "raw");
    if (wr_analysis_tree(&a, "a", nowhere, why, sizeof why) != 0)
        require(why[0] != '\0', "a refusal has a reason");
    wr_analysis_end(&a);
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
    if (!nowhere)
        nowhere = fopen("/dev/null", "w");
    require(wr_profile_check(p), "the tables hold");
    round_trip(p);
    for (uint32_t type = 0; type < p->type_count && type < 4; type++)
        draw(p, type);
    if (p->type_count > 0)
        export_all(p, wr_profile_default_type(p));
    if (p->type_count > 0)
        report(p, data[size / 2] * 3u + data[size - 1]);
    wr_profile_free(p);
    if (wr_profile_decode(&p, data, size, why, sizeof why) == 0) {
        take_off(p, data, size);
        wr_profile_free(p);
    }
    return 0;
}
