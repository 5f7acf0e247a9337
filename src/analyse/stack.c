/* Finding what to leave out, and cutting stacks there. */
#include "analyse/stack.h"

#include <ctype.h>
#include <regex.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/profile.h"

/* Patterns come with files of others. Counted repetition, references back and
 * deep nesting can cost libc's matcher any time and stack; no list of function
 * names needs them. */
static bool
is_tame(const char *pattern)
{
    int depth = 0;
    for (const char *c = pattern; *c; c++) {
        depth += (*c == '(') - (*c == ')');
        if (*c == '{' || depth > 20 || (c[0] == '\\' && isdigit(c[1] & 127)))
            return false;
    }
    return *pattern && strlen(pattern) < 16384;
}

/* Go's regular expressions and POSIX's agree on what such lists use, except
 * for groups that do not capture. NULL: there is none, or none we follow. */
static regex_t *
compile(const char *pattern)
{
    regex_t *re = malloc(sizeof *re);
    char *whole = malloc(strlen(pattern) + 8), *to = whole;
    bool ok = false;
    if (re && whole && is_tame(pattern)) {
        to += sprintf(to, "^(");
        for (const char *from = pattern; *from; from++) {
            *to++ = *from;
            if (from[0] == '(' && from[1] == '?' && from[2] == ':')
                from += 2;
        }
        strcpy(to, ")$");
        ok = regcomp(re, whole, REG_EXTENDED | REG_NOSUB) == 0;
    }
    free(whole);
    if (ok)
        return re;
    free(re);
    return NULL;
}

static void
regex_free(regex_t *re)
{
    if (re)
        regfree(re);
    free(re);
}

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
matches(const regex_t *re, const char *name)
{
    char bare[1024];
    size_t n = bare_length(name);
    if (!re || n >= sizeof bare)
        return false;
    memcpy(bare, name, n);
    bare[n] = '\0';
    return regexec(re, bare[0] == '.' ? bare + 1 : bare, 0, NULL, 0) == 0;
}

/* By function: is it to be left out with everything it called? */
static bool *
dropped_functions(const struct wr_profile *p)
{
    bool *dropped = calloc((size_t)p->function_count + 1, sizeof *dropped);
    regex_t *drop = compile(p->strings[p->drop_frames]);
    regex_t *keep = compile(p->strings[p->keep_frames]);
    for (uint32_t i = 0; dropped && drop && i < p->function_count; i++) {
        const char *name = p->strings[p->functions[i].name];
        dropped[i] = *name && matches(drop, name) && !matches(keep, name);
    }
    regex_free(drop);
    regex_free(keep);
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
