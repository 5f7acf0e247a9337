/* Conditions. */
#include "analyse/condition.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "analyse/profile.h"
#include "analyse/store.h"
#include "analyse/top.h"

/* --- Units -------------------------------------------------------------- */

/* Under every name that profiles and people give them. */
static const struct unit {
    const char *word;
    char family;
    double factor;
} units[] = {
    {"b", 'b', 1},          {"byte", 'b', 1},
    {"bytes", 'b', 1},      {"k", 'b', 0x1p10},
    {"kb", 'b', 0x1p10},    {"kib", 'b', 0x1p10},
    {"m", 'b', 0x1p20},     {"mb", 'b', 0x1p20},
    {"mib", 'b', 0x1p20},   {"g", 'b', 0x1p30},
    {"gb", 'b', 0x1p30},    {"gib", 'b', 0x1p30},
    {"t", 'b', 0x1p40},     {"tb", 'b', 0x1p40},
    {"tib", 'b', 0x1p40},   {"ns", 't', 1},
    {"nanosecond", 't', 1}, {"nanoseconds", 't', 1},
    {"us", 't', 1e3},       {"microseconds", 't', 1e3},
    {"ms", 't', 1e6},       {"milliseconds", 't', 1e6},
    {"s", 't', 1e9},        {"seconds", 't', 1e9},
    {"min", 't', 60e9},     {"h", 't', 3600e9},
};

static const struct unit *
unit_of(const char *word)
{
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcasecmp(units[i].word, word) == 0)
            return &units[i];
    return NULL;
}

/* What one of `word` is in the profile's unit; 0: they do not go together. */
static double
factor_of(const char *word, const char *profile_unit)
{
    const struct unit *said = unit_of(word), *had = unit_of(profile_unit);
    if (*word == '\0')
        return 1;
    return said && had && said->family == had->family
               ? said->factor / had->factor
               : 0;
}

/* --- Reading ------------------------------------------------------------ */

static int
wrong(const char *text, const char *reason, char *why, size_t n)
{
    return wr_profile_fail(why, n,
                           "%s: %s; a condition is like inuse>+1MiB, "
                           "inuse_objects>=+5%% or alloc_space>2GiB",
                           text, reason);
}

int
wr_condition_parse(struct wr_condition *c, const char *text, char *why,
                   size_t n)
{
    size_t length = strcspn(text, "<>");
    const char *at = text + length;
    char *end;
    if (*at == '\0')
        return wrong(text, "it has no < or >", why, n);
    if (length >= sizeof c->type)
        return wrong(text, "there is no such sample type", why, n);
    *c = (struct wr_condition){.text = text, .greater = *at == '>'};
    memcpy(c->type, text, length);
    c->or_equal = *++at == '=';
    at += c->or_equal;
    c->change = *at == '+' || *at == '-';
    if (strspn(at + c->change, "0123456789.") == 0)
        return wrong(text, "it has no number", why, n);
    c->number = strtod(at, &end);
    c->unit = end;
    if (strcmp(end, "%") == 0)
        return c->change ? 0
                         : wrong(text,
                                 "a percentage is of a change and needs a "
                                 "sign",
                                 why, n);
    if (!isfinite(c->number) || (*end && !unit_of(end)))
        return wrong(text, "its unit is not known", why, n);
    return 0;
}

/* --- Testing ------------------------------------------------------------ */

static uint32_t
find_type(const struct wr_profile *p, const char *name)
{
    char space[80];
    uint32_t found = wr_profile_find_type(p, name);
    if (found != WR_NONE)
        return found;
    snprintf(space, sizeof space, "%s_space", name);
    return wr_profile_find_type(p, space);
}

static bool
holds(const struct wr_condition *c, double value, double bound)
{
    if (value == bound)
        return c->or_equal;
    return c->greater ? value > bound : value < bound;
}

static void
tell(const struct wr_condition *c, const char *type, int64_t was, int64_t is,
     const char *unit, char *why, size_t n)
{
    char before[80], after[80], change[80];
    int64_t by = (int64_t)((uint64_t)is - (uint64_t)was);
    wr_value_format(before, sizeof before, was, unit);
    wr_value_format(after, sizeof after, is, unit);
    wr_value_format(change, sizeof change, by, unit);
    snprintf(why, n, "%s holds: %s was %s and is %s, %s%s", c->text, type,
             before, after, by > 0 ? "+" : "", change);
}

int
wr_condition_test(const struct wr_condition *c, const struct wr_profile *before,
                  const struct wr_profile *after, uint32_t shown, char *why,
                  size_t n)
{
    uint32_t type = *c->type ? find_type(after, c->type) : shown;
    if (type == WR_NONE)
        return wr_profile_fail(why, n, "%s: no sample type %s in the profile",
                               c->text, c->type);
    const char *name = after->strings[after->types[type].type];
    const char *unit = after->strings[after->types[type].unit];
    uint32_t old = wr_profile_find_type(before, name);
    if (old == WR_NONE)
        return wr_profile_fail(why, n,
                               "%s: no sample type %s in the first profile",
                               c->text, name);
    bool percent = strcmp(c->unit, "%") == 0;
    double factor = percent ? 1 : factor_of(c->unit, unit);
    if (factor == 0)
        return wr_profile_fail(why, n, "%s: %s is in %s", c->text, name, unit);
    int64_t was = wr_profile_total(before, old);
    int64_t is = wr_profile_total(after, type);
    double bound = percent ? c->number * (double)was / 100 : c->number * factor;
    double value = c->change ? (double)is - (double)was : (double)is;
    if (!holds(c, value, bound))
        return 0;
    tell(c, name, was, is, unit, why, n);
    return 1;
}
