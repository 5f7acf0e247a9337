/* Filters.
 *
 * Invariants:
 * 1. Nothing is changed before every pattern has been read.
 * 2. Stacks and labels only get shorter, so they are rewritten in place;
 *    samples move towards the start and keep their order.
 * 3. Whether a pattern matches is asked once for each function and mapping.
 */
#include "analyse/filter.h"

#include <stdlib.h>
#include <string.h>
#include "analyse/labels.h"
#include "analyse/pattern.h"
#include "analyse/stack.h"
#include "analyse/store.h"
#include "analyse/tags.h"

/* --- Matching frames ----------------------------------------------------- */

/* What a pattern matches: functions by name or file, mappings by file. */
struct matches {
    bool *function, *mapping;
};

static void
matches_fini(struct matches *m)
{
    free(m->function);
    free(m->mapping);
}

static bool
matches_init(struct matches *m, const struct wr_profile *p,
             const struct wr_pattern *re)
{
    m->function = calloc((size_t)p->function_count + 1, sizeof(bool));
    m->mapping = calloc((size_t)p->mapping_count + 1, sizeof(bool));
    if (!m->function || !m->mapping)
        return false;
    for (uint32_t i = 0; i < p->function_count; i++) {
        const struct wr_function *f = &p->functions[i];
        m->function[i] = wr_pattern_matches(re, p->strings[f->name]) ||
                         wr_pattern_matches(re, p->strings[f->file]);
    }
    for (uint32_t i = 0; i < p->mapping_count; i++)
        m->mapping[i] = wr_pattern_matches(re, p->strings[p->mappings[i].file]);
    return true;
}

static bool
mapping_matches(const struct matches *m, const struct wr_location *l)
{
    return l->mapping != WR_NONE && m->mapping[l->mapping];
}

static bool
line_matches(const struct matches *m, const struct wr_profile *p,
             const struct wr_location *l, uint32_t n)
{
    return m->function[p->lines[l->first_line + n].function];
}

static bool
location_matches(const struct matches *m, const struct wr_profile *p,
                 const struct wr_location *l)
{
    for (uint32_t n = 0; n < l->line_count; n++)
        if (line_matches(m, p, l, n))
            return true;
    return mapping_matches(m, l);
}

/* --- Rewriting samples --------------------------------------------------- */

void
wr_filter_keep(struct wr_profile *p, wr_filter_keep_fn *keep, void *context)
{
    uint32_t kept = 0, types = p->type_count;
    for (uint32_t i = 0; i < p->sample_count; i++) {
        struct wr_sample s = p->samples[i];
        if (!keep(p, &s, p->values + (size_t)i * types, context))
            continue;
        p->samples[kept] = s;
        memmove(p->values + (size_t)kept * types, p->values + (size_t)i * types,
                types * sizeof *p->values);
        kept++;
    }
    p->sample_count = kept;
    wr_profile_reindex(p);
}

/* --- By name ------------------------------------------------------------- */

enum verdict { NEITHER, FOCUSED, IGNORED };

struct by_name {
    enum verdict *verdict; /* by location */
    bool *hidden;          /* by location */
    bool any_hidden;
};

static bool
keep_by_name(struct wr_profile *p, struct wr_sample *s, const int64_t *values,
             void *context)
{
    (void)values;
    const struct by_name *b = context;
    uint32_t *frames = p->frames + s->first_frame, shown = 0;
    bool focused = false;
    for (uint32_t i = 0; i < s->depth; i++) {
        if (b->verdict[frames[i]] == IGNORED)
            return false;
        focused |= b->verdict[frames[i]] == FOCUSED;
    }
    if (!focused || !b->any_hidden)
        return focused;
    for (uint32_t i = 0; i < s->depth; i++)
        if (!b->hidden[frames[i]])
            frames[shown++] = frames[i];
    s->depth = shown;
    return shown > 0;
}

static void
judge_locations(struct wr_profile *p, struct by_name *b,
                const struct matches *focus, const struct matches *ignore,
                unsigned *unmatched)
{
    for (uint32_t i = 0; i < p->location_count; i++) {
        const struct wr_location *l = &p->locations[i];
        if (ignore->function && location_matches(ignore, p, l)) {
            b->verdict[i] = IGNORED;
            *unmatched &= ~(unsigned)WR_FILTER_IGNORE;
        } else if (!focus->function || location_matches(focus, p, l)) {
            b->verdict[i] = FOCUSED;
            *unmatched &= ~(unsigned)WR_FILTER_FOCUS;
        }
    }
}

/* Keep the lines of a location that match (or do not). A location without
 * lines of its own has nothing to show or to hide. */
static void
keep_lines(struct wr_profile *p, uint32_t at, const struct matches *m,
           bool matching)
{
    struct wr_location *l = &p->locations[at];
    struct wr_line *lines = p->lines + l->first_line;
    uint32_t kept = 0;
    bool all = mapping_matches(m, l);
    for (uint32_t n = 0; n < l->line_count; n++)
        if ((all || m->function[lines[n].function]) == matching)
            lines[kept++] = lines[n];
    l->line_count = kept;
}

static void
hide_locations(struct wr_profile *p, struct by_name *b,
               const struct matches *hide, unsigned *unmatched)
{
    for (uint32_t i = 0; hide->function && i < p->location_count; i++) {
        if (!location_matches(hide, p, &p->locations[i]))
            continue;
        *unmatched &= ~(unsigned)WR_FILTER_HIDE;
        keep_lines(p, i, hide, false);
        b->hidden[i] = p->locations[i].line_count == 0;
        b->any_hidden |= b->hidden[i];
    }
}

static void
show_locations(struct wr_profile *p, struct by_name *b,
               const struct matches *show, unsigned *unmatched)
{
    for (uint32_t i = 0; show->function && i < p->location_count; i++) {
        keep_lines(p, i, show, true);
        if (p->locations[i].line_count)
            *unmatched &= ~(unsigned)WR_FILTER_SHOW;
        else
            b->hidden[i] = b->any_hidden = true;
    }
}

enum { FOCUS, IGNORE, HIDE, SHOW, SHOW_FROM, TAGSHOW, TAGHIDE };
#define PATTERNS (TAGHIDE + 1)

static bool
filter_by_name(struct wr_profile *p, struct wr_pattern *const re[PATTERNS],
               unsigned *unmatched)
{
    struct matches m[SHOW + 1] = {{NULL, NULL}};
    struct by_name b = {
        .verdict = calloc((size_t)p->location_count + 1, sizeof *b.verdict),
        .hidden = calloc((size_t)p->location_count + 1, sizeof *b.hidden)};
    bool ok = b.verdict && b.hidden;
    for (int i = FOCUS; i <= SHOW; i++)
        if (re[i])
            ok = matches_init(&m[i], p, re[i]) && ok;
    if (ok) {
        judge_locations(p, &b, &m[FOCUS], &m[IGNORE], unmatched);
        hide_locations(p, &b, &m[HIDE], unmatched);
        show_locations(p, &b, &m[SHOW], unmatched);
        wr_filter_keep(p, keep_by_name, &b);
    }
    for (int i = FOCUS; i <= SHOW; i++)
        matches_fini(&m[i]);
    free(b.verdict);
    free(b.hidden);
    return ok;
}

/* --- Cutting stacks ------------------------------------------------------ */

/* From the root inwards, the first frame at a marked location becomes the
 * outermost. */
static bool
keep_from(struct wr_profile *p, struct wr_sample *s, const int64_t *values,
          void *context)
{
    (void)values;
    const bool *marked = context;
    while (s->depth > 0 && !marked[p->frames[s->first_frame + s->depth - 1]])
        s->depth--;
    return s->depth > 0;
}

static bool
show_from(struct wr_profile *p, const struct wr_pattern *re,
          unsigned *unmatched)
{
    struct matches m = {NULL, NULL};
    bool *marked = calloc((size_t)p->location_count + 1, sizeof *marked);
    bool ok = matches_init(&m, p, re) && marked;
    for (uint32_t i = 0; ok && i < p->location_count; i++) {
        struct wr_location *l = &p->locations[i];
        uint32_t lines = l->line_count;
        while (lines > 0 && !line_matches(&m, p, l, lines - 1))
            lines--;
        marked[i] = lines > 0 || mapping_matches(&m, l);
        if (marked[i] && !mapping_matches(&m, l))
            l->line_count = lines;
        if (marked[i])
            *unmatched &= ~(unsigned)WR_FILTER_SHOW_FROM;
    }
    if (ok)
        wr_filter_keep(p, keep_from, marked);
    matches_fini(&m);
    free(marked);
    return ok;
}

/* --- The profile's own list of frames to drop ---------------------------- */

void
wr_filter_prune(struct wr_profile *p)
{
    struct wr_stacks stacks;
    if (!p->drop_frames || wr_stacks_init(&stacks, p) != 0)
        return;
    for (uint32_t i = 0; i < p->sample_count; i++) {
        uint32_t cut = wr_stacks_first(&stacks, &p->samples[i]);
        p->samples[i].first_frame += cut;
        p->samples[i].depth -= cut;
    }
    for (uint32_t i = 0; i < p->location_count; i++) {
        uint32_t skip = wr_stacks_skip(&stacks, i);
        p->locations[i].first_line += skip;
        p->locations[i].line_count -= skip;
    }
    wr_stacks_fini(&stacks);
    wr_profile_reindex(p);
    p->drop_frames = p->keep_frames = 0;
}

/* --- By label ------------------------------------------------------------ */

struct by_tag {
    struct wr_tag_filter *focus, *ignore;
    unsigned *unmatched;
};

static bool
keep_by_tag(struct wr_profile *p, struct wr_sample *s, const int64_t *values,
            void *context)
{
    (void)values;
    const struct by_tag *b = context;
    bool focused = !b->focus || wr_tag_filter_matches(b->focus, p, s);
    bool ignored = b->ignore && wr_tag_filter_matches(b->ignore, p, s);
    if (focused)
        *b->unmatched &= ~(unsigned)WR_FILTER_TAGFOCUS;
    if (ignored)
        *b->unmatched &= ~(unsigned)WR_FILTER_TAGIGNORE;
    return focused && !ignored;
}

struct by_key {
    const struct wr_pattern *show, *hide;
    unsigned *unmatched;
};

static bool
keep_labels(struct wr_profile *p, struct wr_sample *s, const int64_t *values,
            void *context)
{
    (void)values;
    const struct by_key *b = context;
    struct wr_label *labels = p->labels + s->first_label;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < s->label_count; i++) {
        const char *key = p->strings[labels[i].key];
        bool shown = !b->show || wr_pattern_matches(b->show, key);
        bool hidden = b->hide && wr_pattern_matches(b->hide, key);
        if (shown)
            *b->unmatched &= ~(unsigned)WR_FILTER_TAGSHOW;
        if (hidden)
            *b->unmatched &= ~(unsigned)WR_FILTER_TAGHIDE;
        if (shown && !hidden)
            labels[kept++] = labels[i];
    }
    s->label_count = kept;
    return true;
}

/* --- All of them --------------------------------------------------------- */

static bool
is_set(const char *text)
{
    return text && *text;
}

static unsigned
filters_set(const struct wr_filter *f)
{
    const char *const set[] = {f->focus,     f->ignore,    f->hide,
                               f->show,      f->show_from, f->tagfocus,
                               f->tagignore, f->tagshow,   f->taghide};
    unsigned bits = 0;
    for (unsigned i = 0; i < sizeof set / sizeof *set; i++)
        bits |= is_set(set[i]) ? 1u << i : 0;
    return bits;
}

static int
read_patterns(struct wr_pattern *re[PATTERNS], const struct wr_filter *f,
              char *why, size_t n)
{
    const char *const text[PATTERNS] = {
        [FOCUS] = f->focus,         [IGNORE] = f->ignore,
        [HIDE] = f->hide,           [SHOW] = f->show,
        [SHOW_FROM] = f->show_from, [TAGSHOW] = f->tagshow,
        [TAGHIDE] = f->taghide};
    for (int i = 0; i < PATTERNS; i++)
        if (is_set(text[i]) && wr_pattern_new(&re[i], text[i], why, n) != 0)
            return -1;
    return 0;
}

static bool
apply(struct wr_profile *p, struct wr_pattern *const re[PATTERNS],
      struct by_tag *tags, unsigned *unmatched)
{
    struct by_key keys = {re[TAGSHOW], re[TAGHIDE], unmatched};
    bool ok = true;
    if (re[FOCUS] || re[IGNORE] || re[HIDE] || re[SHOW])
        ok = filter_by_name(p, re, unmatched);
    if (re[SHOW_FROM])
        ok = ok && show_from(p, re[SHOW_FROM], unmatched);
    if (tags->focus || tags->ignore)
        wr_filter_keep(p, keep_by_tag, tags);
    if (re[TAGSHOW] || re[TAGHIDE])
        wr_filter_keep(p, keep_labels, &keys);
    return ok;
}

int
wr_filter_apply(struct wr_profile *p, const struct wr_filter *f,
                const uint32_t *units, unsigned *unmatched, char *why, size_t n)
{
    struct wr_pattern *re[PATTERNS] = {NULL};
    struct by_tag tags = {NULL, NULL, unmatched};
    *unmatched = filters_set(f);
    int status = read_patterns(re, f, why, n);
    if (status == 0 && is_set(f->tagfocus))
        status = wr_tag_filter_new(&tags.focus, f->tagfocus, units, why, n);
    if (status == 0 && is_set(f->tagignore))
        status = wr_tag_filter_new(&tags.ignore, f->tagignore, units, why, n);
    if (status == 0 && !apply(p, re, &tags, unmatched)) {
        p->failed = true;
        status = wr_profile_fail(why, n, "out of memory");
    }
    for (int i = 0; i < PATTERNS; i++)
        wr_pattern_free(re[i]);
    wr_tag_filter_free(tags.focus);
    wr_tag_filter_free(tags.ignore);
    return status;
}
