/* Profiles from outside: protobuf, gzipped or not, and the text forms. What
 * is taken is whole, can be written, and is the same when read again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    wr_profile_free(p);
    return 0;
}
