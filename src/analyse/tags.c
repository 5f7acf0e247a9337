/* Tag filters: a range of numbers, or patterns; for one key or for all. */
#include "analyse/tags.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/labels.h"
#include "analyse/pattern.h"
#include "analyse/store.h"
#include "analyse/units.h"

#define PATTERNS_MAX 32

struct wr_tag_filter {
    char *key; /* NULL: any */
    const uint32_t *units;
    bool range;
    double least, most;
    const char *unit; /* in which the range is given */
    char unit_text[64];
    struct wr_pattern *re[PATTERNS_MAX];
    unsigned count;
};

/* --- Ranges -------------------------------------------------------------- */

struct amount {
    int64_t value;
    char unit[64];
};

/* "-32kb": digits and letters. False: there is none here. */
static bool
take_amount(const char **at, struct amount *a, bool *too_large)
{
    const char *start = *at + (**at == '-' || **at == '+');
    char *end;
    if (!isdigit((unsigned char)*start))
        return false;
    errno = 0;
    a->value = strtoll(*at, &end, 10);
    *too_large |= errno != 0;
    size_t letters = 0;
    while (isalpha((unsigned char)end[letters]))
        letters++;
    snprintf(a->unit, sizeof a->unit, "%.*s", (int)letters, end);
    *at = end + letters;
    return letters < sizeof a->unit;
}

/* "N", "N:", ":N" or "N:M". False: it is none of them, so a pattern. */
static bool
read_range(struct wr_tag_filter *f, const char *text, bool *too_large)
{
    struct amount a, b;
    const char *unit;
    bool below = *text == ':', above = false, two = false;
    const char *at = text + below;
    if (!take_amount(&at, &a, too_large))
        return false;
    if (!below && *at == ':') {
        at++;
        above = *at == '\0';
        two = !above && take_amount(&at, &b, too_large);
    }
    if (*at != '\0')
        return false;
    snprintf(f->unit_text, sizeof f->unit_text, "%s", a.unit);
    double limit = wr_unit_scale(a.value, a.unit, f->unit_text, &f->unit);
    f->least = below ? -INFINITY : limit;
    f->most = above ? INFINITY : limit;
    if (two) {
        f->most = wr_unit_scale(b.value, b.unit, f->unit, &unit);
        return strcmp(unit, f->unit) == 0;
    }
    return true;
}

static bool
in_range(const struct wr_tag_filter *f, const struct wr_profile *p,
         const struct wr_label *l)
{
    const char *unit;
    if (!wr_label_is_number(l) ||
        (f->key && strcmp(f->key, p->strings[l->key]) != 0))
        return false;
    double v =
        wr_unit_scale(l->num, p->strings[f->units[l->key]], f->unit, &unit);
    return strcmp(unit, f->unit) == 0 && f->least <= v && v <= f->most;
}

/* --- Patterns ------------------------------------------------------------ */

static int
read_patterns(struct wr_tag_filter *f, const char *text, char *why, size_t n)
{
    for (;;) {
        size_t length = strcspn(text, ",");
        char *one = strndup(text, length);
        if (!one)
            return wr_profile_fail(why, n, "out of memory");
        int status = f->count == PATTERNS_MAX
                         ? wr_profile_fail(why, n,
                                           "a tag filter has at most %d "
                                           "patterns",
                                           PATTERNS_MAX)
                         : wr_pattern_new(&f->re[f->count], one, why, n);
        free(one);
        if (status != 0)
            return -1;
        f->count++;
        if (text[length] == '\0')
            return 0;
        text += length + 1;
    }
}

static bool
matches_pair(const struct wr_pattern *re, const char *key, const char *value)
{
    char pair[1024], *text = pair;
    size_t n = strlen(key) + strlen(value) + 2;
    if (n > sizeof pair && !(text = malloc(n)))
        return false;
    stpcpy(stpcpy(stpcpy(text, key), ":"), value);
    bool matches = wr_pattern_matches(re, text);
    if (text != pair)
        free(text);
    return matches;
}

/* With a key any of the patterns may match its value; without one each must
 * match some "key:value". */
static bool
label_matches(const struct wr_tag_filter *f, const struct wr_pattern *re,
              const struct wr_profile *p, const struct wr_label *l)
{
    const char *key = p->strings[l->key], *value = p->strings[l->str];
    if (!wr_label_is_text(l))
        return false;
    if (f->key)
        return strcmp(f->key, key) == 0 && wr_pattern_matches(re, value);
    return matches_pair(re, key, value);
}

static bool
any_label_matches(const struct wr_tag_filter *f, const struct wr_pattern *re,
                  const struct wr_profile *p, const struct wr_sample *s)
{
    for (uint32_t i = 0; i < s->label_count; i++)
        if (label_matches(f, re, p, &p->labels[s->first_label + i]))
            return true;
    return false;
}

/* --- The whole ----------------------------------------------------------- */

int
wr_tag_filter_new(struct wr_tag_filter **out, const char *text,
                  const uint32_t *units, char *why, size_t n)
{
    struct wr_tag_filter *f = calloc(1, sizeof *f);
    const char *equals = strchr(text, '=');
    bool too_large = false;
    int status = 0;
    if (f && equals)
        f->key = strndup(text, (size_t)(equals - text));
    if (!f || (equals && !f->key)) {
        free(f);
        return wr_profile_fail(why, n, "out of memory");
    }
    f->units = units;
    text = equals ? equals + 1 : text;
    f->range = read_range(f, text, &too_large);
    if (too_large)
        status =
            wr_profile_fail(why, n, "the number in %.80s is too large", text);
    else if (!f->range)
        status = read_patterns(f, text, why, n);
    if (status != 0)
        wr_tag_filter_free(f);
    else
        *out = f;
    return status;
}

bool
wr_tag_filter_matches(const struct wr_tag_filter *f, const struct wr_profile *p,
                      const struct wr_sample *s)
{
    if (f->range) {
        for (uint32_t i = 0; i < s->label_count; i++)
            if (in_range(f, p, &p->labels[s->first_label + i]))
                return true;
        return false;
    }
    for (unsigned i = 0; i < f->count; i++)
        if (any_label_matches(f, f->re[i], p, s) == (f->key != NULL))
            return f->key != NULL;
    return f->key == NULL;
}

void
wr_tag_filter_free(struct wr_tag_filter *f)
{
    for (unsigned i = 0; f && i < f->count; i++)
        wr_pattern_free(f->re[i]);
    if (f)
        free(f->key);
    free(f);
}
