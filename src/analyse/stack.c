/* Finding what to leave out, and cutting stacks there. */
#include "analyse/stack.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/pattern.h"
#include "analyse/profile.h"

/* A name without its arguments: "a::(anonymous namespace)::f(int)" ends
 * before "(int)". */
static size_t
bare_length(const char *name)
{
    static const char *const kept[] = {"(anonymous namespace)", "operator()"};
    size_t n = 0;
    for (;;) {
        if (strncmp(name + n, kept[0], strlen(kept[0])) == 0)
            n += strlen(kept[0]);
        else if (strncmp(name + n, kept[1], strlen(kept[1])) == 0)
            n += strlen(kept[1]);
        else if (name[n] == '\0' || name[n] == '(')
            return n;
        else
            n++;
    }
}

static bool
matches(const struct wr_pattern *re, const char *name)
{
    char bare[1024];
    size_t n = bare_length(name);
    if (!re || n >= sizeof bare)
        return false;
    memcpy(bare, name, n);
    bare[n] = '\0';
    return wr_pattern_matches(re, bare[0] == '.' ? bare + 1 : bare);
}

/* By function: is it to be left out with everything it called? */
static bool *
dropped_functions(const struct wr_profile *p)
{
    bool *dropped = calloc((size_t)p->function_count + 1, sizeof *dropped);
    struct wr_pattern *drop = wr_pattern_tame(p->strings[p->drop_frames]);
    struct wr_pattern *keep = wr_pattern_tame(p->strings[p->keep_frames]);
    for (uint32_t i = 0; dropped && drop && i < p->function_count; i++) {
        const char *name = p->strings[p->functions[i].name];
        dropped[i] = *name && matches(drop, name) && !matches(keep, name);
    }
    wr_pattern_free(drop);
    wr_pattern_free(keep);
    return dropped;
}

/* By location: how many of its lines, innermost first, are left out. */
static uint32_t *
dropped_lines(const struct wr_profile *p)
{
    bool *dropped = dropped_functions(p);
    uint32_t *lines = calloc((size_t)p->location_count + 1, sizeof *lines);
    for (uint32_t i = 0; dropped && lines && i < p->location_count; i++) {
        const struct wr_location *l = &p->locations[i];
        uint32_t n = l->line_count;
        while (n > 0 && !dropped[p->lines[l->first_line + n - 1].function])
            n--;
        lines[i] = n;
    }
    if (!dropped) {
        free(lines);
        lines = NULL;
    }
    free(dropped);
    return lines;
}

int
wr_stacks_init(struct wr_stacks *s, const struct wr_profile *p)
{
    *s = (struct wr_stacks){.p = p, .dropped = dropped_lines(p)};
    return s->dropped ? 0 : -1;
}

void
wr_stacks_fini(struct wr_stacks *s)
{
    free(s->dropped);
    *s = (struct wr_stacks){0};
}

/* A stack is never emptied. */
uint32_t
wr_stacks_first(const struct wr_stacks *s, const struct wr_sample *x)
{
    const struct wr_profile *p = s->p;
    bool own = false;
    for (uint32_t i = x->depth; i-- > 0;) {
        uint32_t l = p->frames[x->first_frame + i];
        if (s->dropped[l] == 0)
            own = true;
        else if (own)
            return s->dropped[l] == p->locations[l].line_count ? i + 1 : i;
    }
    return 0;
}

uint32_t
wr_stacks_skip(const struct wr_stacks *s, uint32_t location)
{
    uint32_t n = s->dropped[location];
    return n < s->p->locations[location].line_count ? n : 0;
}
