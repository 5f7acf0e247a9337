/* Callers.
 *
 * Functions are told apart by the string of their name, so a table of all
 * strings holds the sums.
 */
#include "analyse/caller.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/profile.h"

/* The string of the name that follows the innermost `name` in a stack; a
 * function that calls itself is no caller. 0: none. */
static uint32_t
caller_in(const struct wr_profile *p, const struct wr_sample *s,
          const char *name)
{
    bool inside = false;
    for (uint32_t i = 0; i < s->depth; i++) {
        const struct wr_location *l =
            &p->locations[p->frames[s->first_frame + i]];
        for (uint32_t n = 0; n < l->line_count; n++) {
            uint32_t f = p->lines[l->first_line + n].function;
            uint32_t string = p->functions[f].name;
            bool same = strcmp(p->strings[string], name) == 0;
            if (inside && !same)
                return string;
            inside |= same;
        }
    }
    return 0;
}

const char *
wr_caller_biggest(const struct wr_profile *p, uint32_t type, const char *name,
                  int64_t *value)
{
    int64_t *sum = calloc((size_t)p->string_count + 1, sizeof *sum);
    uint32_t best = 0;
    for (uint32_t i = 0; sum && i < p->sample_count; i++) {
        uint32_t caller = caller_in(p, &p->samples[i], name);
        if (caller == 0)
            continue;
        sum[caller] += p->values[(size_t)i * p->type_count + type];
        if (best == 0 || sum[caller] > sum[best])
            best = caller;
    }
    *value = best ? sum[best] : 0;
    free(sum);
    return best && *value > 0 ? p->strings[best] : NULL;
}
