/* Bases.
 *
 * Invariants:
 * 1. Types are matched by name; of a name that a profile has twice, nothing
 *    is taken.
 * 2. A value that is scaled is rounded to the nearest integer, and samples of
 *    which nothing is left are dropped.
 */
#include "analyse/base.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/labels.h"
#include "analyse/legacy.h"
#include "analyse/store.h"
#include "analyse/units.h"

#define TYPES_MAX 64

/* --- Sample types -------------------------------------------------------- */

static const char *
type_name(const struct wr_profile *p, uint32_t type)
{
    return p->strings[p->types[type].type];
}

/* The only type with that name. */
static uint32_t
only_type(const struct wr_profile *p, const char *name)
{
    uint32_t found = WR_NONE;
    for (uint32_t i = 0; i < p->type_count; i++)
        if (strcmp(type_name(p, i), name) == 0) {
            if (found != WR_NONE)
                return WR_NONE;
            found = i;
        }
    return found;
}

/* Keep the types of[0..count), in that order. */
static bool
keep_types(struct wr_profile *p, const uint32_t *of, uint32_t count)
{
    bool same = count == p->type_count, has_default = false;
    struct wr_value_type types[TYPES_MAX];
    int64_t values[TYPES_MAX];
    for (uint32_t i = 0; i < count; i++) {
        same &= of[i] == i;
        types[i] = p->types[of[i]];
        has_default |= types[i].type == p->default_type;
    }
    if (same)
        return true;
    for (uint32_t s = 0; s < p->sample_count; s++) {
        for (uint32_t i = 0; i < count; i++)
            values[i] = p->values[(size_t)s * p->type_count + of[i]];
        memcpy(p->values + (size_t)s * count, values, count * sizeof *values);
    }
    memcpy(p->types, types, count * sizeof *types);
    p->type_count = count;
    if (!has_default)
        p->default_type = types[0].type;
    return true;
}

static int
keep_common_types(struct wr_profile *a, struct wr_profile *b, char *why,
                  size_t n)
{
    uint32_t of_a[TYPES_MAX], of_b[TYPES_MAX], count = 0;
    for (uint32_t i = 0; i < a->type_count && count < TYPES_MAX; i++) {
        uint32_t other = only_type(b, type_name(a, i));
        if (other == WR_NONE || only_type(a, type_name(a, i)) != i)
            continue;
        of_a[count] = i;
        of_b[count++] = other;
    }
    if (count == 0)
        return wr_profile_fail(
            why, n, "the profiles count different things: %.60s and %.60s",
            a->type_count ? type_name(a, a->type_count - 1) : "nothing",
            b->type_count ? type_name(b, b->type_count - 1) : "nothing");
    keep_types(a, of_a, count);
    keep_types(b, of_b, count);
    return 0;
}

/* --- Scaling ------------------------------------------------------------- */

static void
scale(struct wr_profile *p, const double *ratio)
{
    bool any = false;
    for (uint32_t i = 0; i < p->type_count; i++)
        any |= ratio[i] != 1;
    if (!any)
        return;
    for (size_t i = 0; i < (size_t)p->sample_count * p->type_count; i++) {
        double by = ratio[i % p->type_count];
        if (by != 1)
            p->values[i] = wr_round(round((double)p->values[i] * by));
    }
    wr_profile_drop_zero_samples(p);
}

/* How many of the unit `to` one of `from` is; 0: they do not convert. */
static double
ratio_of(const char *from, const char *to)
{
    const char *unit, *own;
    if (strcmp(from, to) == 0)
        return 1;
    double ratio = wr_unit_scale(1, from, to, &unit);
    wr_unit_scale(1, to, to, &own);
    return strcmp(unit, own) == 0 && unit != to ? ratio : 0;
}

/* Both in the finer unit. */
static bool
align_units(struct wr_profile *a, struct wr_profile *b)
{
    double by_a[TYPES_MAX], by_b[TYPES_MAX];
    for (uint32_t i = 0; i < a->type_count; i++) {
        double ratio = ratio_of(a->strings[a->types[i].unit],
                                b->strings[b->types[i].unit]);
        if (ratio == 0)
            return false;
        by_a[i] = ratio > 1 ? ratio : 1;
        by_b[i] = ratio < 1 ? ratio_of(b->strings[b->types[i].unit],
                                       a->strings[a->types[i].unit])
                            : 1;
        if (ratio > 1)
            a->types[i].unit =
                wr_profile_string(a, b->strings[b->types[i].unit]);
        if (ratio < 1)
            b->types[i].unit =
                wr_profile_string(b, a->strings[a->types[i].unit]);
    }
    scale(a, by_a);
    scale(b, by_b);
    return true;
}

/* Period types that convert become one; others are left, and refused when the
 * profiles are added. */
static void
align_periods(struct wr_profile *a, struct wr_profile *b)
{
    double ratio = ratio_of(a->strings[a->period_type.unit],
                            b->strings[b->period_type.unit]);
    if (ratio > 1) {
        a->period = wr_round((double)a->period * ratio);
        a->period_type.unit =
            wr_profile_string(a, b->strings[b->period_type.unit]);
    } else if (ratio > 0 && ratio < 1) {
        b->period = wr_round((double)b->period / ratio);
        b->period_type.unit =
            wr_profile_string(b, a->strings[a->period_type.unit]);
    }
}

int
wr_base_align(struct wr_profile *a, struct wr_profile *b, char *why, size_t n)
{
    if (keep_common_types(a, b, why, n) != 0)
        return -1;
    if (!align_units(a, b))
        return wr_profile_fail(
            why, n, "the profiles count %.60s in units that do not convert",
            type_name(a, 0));
    align_periods(a, b);
    return 0;
}

/* --- Adding and taking off ----------------------------------------------- */

static void
normalise(struct wr_profile *p, const struct wr_profile *base)
{
    double ratio[TYPES_MAX];
    for (uint32_t i = 0; i < p->type_count; i++) {
        int64_t own = wr_profile_total(p, i);
        ratio[i] = own ? (double)wr_profile_total(base, i) / (double)own : 0;
    }
    scale(p, ratio);
}

static uint32_t
copied(struct wr_profile *to, const struct wr_profile *from, uint32_t string)
{
    return wr_profile_string(to, from->strings[string]);
}

static void
copy_heading(struct wr_profile *to, const struct wr_profile *from)
{
    for (uint32_t i = 0; i < from->type_count; i++)
        wr_profile_add_type(to, from->strings[from->types[i].type],
                            from->strings[from->types[i].unit]);
    to->period_type.type = copied(to, from, from->period_type.type);
    to->period_type.unit = copied(to, from, from->period_type.unit);
    to->default_type = copied(to, from, from->default_type);
    to->drop_frames = copied(to, from, from->drop_frames);
    to->keep_frames = copied(to, from, from->keep_frames);
}

/* Both go into a new profile: what is equal within one of them is then one
 * thing too, as when pprof adds profiles up. */
static int
join(struct wr_profile *p, const struct wr_profile *other, char *why, size_t n)
{
    struct wr_profile *sum = wr_profile_new();
    if (!sum)
        return wr_profile_fail(why, n, "out of memory");
    copy_heading(sum, p);
    int status = wr_profile_merge(sum, p, why, n);
    if (status == 0)
        status = wr_profile_merge(sum, other, why, n);
    if (status == 0) {
        sum->duration_ns = wr_add_wrapping(p->duration_ns, other->duration_ns);
        wr_profile_drop_zero_samples(sum);
        struct wr_profile old = *p;
        *p = *sum;
        *sum = old;
    }
    wr_profile_free(sum);
    return status;
}

int
wr_base_add(struct wr_profile *p, struct wr_profile *other, char *why, size_t n)
{
    return wr_base_align(p, other, why, n) == 0 ? join(p, other, why, n) : -1;
}

int
wr_base_take(struct wr_profile *p, struct wr_profile *base,
             const struct wr_base_options *how, char *why, size_t n)
{
    if (how->mark)
        wr_profile_add_label(base, WR_LABEL_BASE, "true", 0);
    if (wr_base_align(p, base, why, n) != 0)
        return -1;
    if (how->normalise)
        normalise(p, base);
    for (size_t i = 0; i < (size_t)base->sample_count * base->type_count; i++)
        base->values[i] = (int64_t)(0 - (uint64_t)base->values[i]);
    return join(p, base, why, n);
}
