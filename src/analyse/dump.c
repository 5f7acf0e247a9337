/* Reports that walk the samples one by one: traces, tags and raw.
 *
 * Invariants:
 * 1. The labels of a sample are shown by key: the values of one key, which
 *    may be several, stand together, and lines are in the order of their
 *    text.
 * 2. Numbers in raw are as in the profile, without a unit.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "analyse/analysis.h"
#include "analyse/labels.h"
#include "analyse/store.h"
#include "analyse/units.h"

/* --- Lines that are sorted before they are printed ----------------------- */

struct lines {
    char **line;
    size_t count, room;
    bool failed;
};

static void
add_line(struct lines *l, char *text)
{
    if (l->count == l->room) {
        size_t room = l->room ? 2 * l->room : 16;
        char **bigger = realloc(l->line, room * sizeof *bigger);
        if (!bigger || !text) {
            free(text);
            l->failed = true;
            return;
        }
        l->line = bigger;
        l->room = room;
    }
    l->line[l->count++] = text;
}

static int
by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* With `between` between them; then it is empty again. */
static void
print_lines(struct lines *l, const char *between, FILE *out)
{
    if (l->count > 1)
        qsort(l->line, l->count, sizeof *l->line, by_text);
    for (size_t i = 0; i < l->count; i++) {
        fprintf(out, "%s%s", i ? between : "", l->line[i]);
        free(l->line[i]);
    }
    l->count = 0;
}

/* --- Labels by key ------------------------------------------------------- */

static bool
is_of_kind(const struct wr_label *l, bool text)
{
    return text ? wr_label_is_text(l) : wr_label_is_number(l);
}

/* Is there a label like l, of its key and kind, among the n before it? */
static bool
was_before(const struct wr_label *l, const struct wr_label *labels, uint32_t n,
           bool text)
{
    for (uint32_t i = 0; i < n; i++)
        if (labels[i].key == l->key && is_of_kind(&labels[i], text))
            return true;
    return false;
}

/* One line per key, made by print_key from the labels that have it. */
typedef void (*key_printer)(const struct wr_analysis *a,
                            const struct wr_label *labels, uint32_t count,
                            uint32_t key, FILE *out);

static bool
collect_keys(const struct wr_analysis *a, const struct wr_sample *s, bool text,
             key_printer print_key, struct lines *lines)
{
    const struct wr_label *labels = a->profile->labels + s->first_label;
    for (uint32_t i = 0; i < s->label_count; i++) {
        char *line = NULL;
        size_t n;
        if (!is_of_kind(&labels[i], text) ||
            was_before(&labels[i], labels, i, text))
            continue;
        FILE *f = open_memstream(&line, &n);
        if (f) {
            print_key(a, labels, s->label_count, labels[i].key, f);
            fclose(f);
        }
        add_line(lines, line);
    }
    return lines->count > 0;
}

/* --- traces -------------------------------------------------------------- */

static void
trace_texts(const struct wr_analysis *a, const struct wr_label *labels,
            uint32_t count, uint32_t key, FILE *out)
{
    const char *const *strings = a->profile->strings;
    fprintf(out, "%10s: ", strings[key]);
    for (uint32_t i = 0; i < count; i++)
        if (labels[i].key == key && wr_label_is_text(&labels[i]))
            fprintf(out, " %s", strings[labels[i].str]);
    fputc('\n', out);
}

static void
trace_numbers(const struct wr_analysis *a, const struct wr_label *labels,
              uint32_t count, uint32_t key, FILE *out)
{
    const char *const *strings = a->profile->strings;
    char value[WR_VALUE_ROOM];
    fprintf(out, "%10s: ", strings[key]);
    for (uint32_t i = 0; i < count; i++)
        if (labels[i].key == key && wr_label_is_number(&labels[i])) {
            wr_value_label(value, labels[i].num, strings[a->units[key]],
                           "auto");
            fprintf(out, " %s", value);
        }
    fputc('\n', out);
}

static const char trace_ruler[] =
    "-----------+-------------------------------------------------------\n";

static void
print_stack(const struct wr_analysis *a, const struct wr_places *places,
            uint32_t sample, FILE *out)
{
    struct wr_profile *p = a->profile;
    const struct wr_sample *s = &p->samples[sample];
    char value[WR_VALUE_ROOM];
    wr_analysis_value(a, value,
                      p->values[(size_t)sample * p->type_count + a->type],
                      a->options->unit);
    for (uint32_t i = 0; i < s->depth; i++) {
        const struct wr_location *l =
            &p->locations[p->frames[s->first_frame + i]];
        uint32_t first, n = wr_places_lines(places, l, &first);
        for (uint32_t k = first; k < first + n; k++) {
            struct wr_place at = wr_place_of(places, l, k);
            fprintf(out, "%10s   %s%s\n", value, wr_place_label(p, &at),
                    k + 1 < first + n ? " (inline)" : "");
            value[0] = '\0';
        }
    }
}

int
wr_analysis_traces(const struct wr_analysis *a, FILE *out, char *why, size_t n)
{
    const struct wr_graph_options o = wr_analysis_places(a);
    struct wr_places places;
    struct lines lines = {.line = NULL};
    if (wr_places_init(&places, a->profile, &o) != 0)
        return wr_profile_fail(why, n, "out of memory");
    wr_analysis_heading(a, a->options->unit, out);
    for (uint32_t i = 0; i < a->profile->sample_count; i++) {
        const struct wr_sample *s = &a->profile->samples[i];
        if (s->depth == 0)
            continue;
        fputs(trace_ruler, out);
        collect_keys(a, s, true, trace_texts, &lines);
        print_lines(&lines, "", out);
        collect_keys(a, s, false, trace_numbers, &lines);
        print_lines(&lines, "", out);
        print_stack(a, &places, i, out);
    }
    fputs(trace_ruler, out);
    wr_places_fini(&places);
    free(lines.line);
    return lines.failed ? wr_profile_fail(why, n, "out of memory") : 0;
}

/* --- tags ---------------------------------------------------------------- */

struct tag {
    uint32_t key;
    const char *text; /* the value, as printed */
    int64_t value;
};

struct tags {
    struct tag *tag;
    size_t count, room;
};

static bool
add_tag(struct tags *t, uint32_t key, const char *text, int64_t value)
{
    if (t->count == t->room) {
        size_t room = t->room ? 2 * t->room : 256;
        struct tag *bigger = realloc(t->tag, room * sizeof *bigger);
        if (!bigger)
            return false;
        t->tag = bigger;
        t->room = room;
    }
    t->tag[t->count++] = (struct tag){key, text, value};
    return true;
}

static bool
collect_tags(const struct wr_analysis *a, uint32_t sample, struct tags *t)
{
    struct wr_profile *p = a->profile;
    const struct wr_sample *s = &p->samples[sample];
    int64_t value = p->values[(size_t)sample * p->type_count + a->type];
    for (uint32_t i = 0; i < s->label_count; i++) {
        const struct wr_label *l = &p->labels[s->first_label + i];
        char number[WR_VALUE_ROOM];
        const char *text = p->strings[l->str];
        if (!wr_label_is_text(l) && !wr_label_is_number(l))
            continue;
        if (wr_label_is_number(l)) {
            wr_value_label(number, l->num, p->strings[a->units[l->key]],
                           a->options->unit);
            uint32_t made = wr_profile_string(p, number);
            text = p->strings[made];
        }
        if (!add_tag(t, l->key, text, value))
            return false;
    }
    return true;
}

static int
same_first(const void *x, const void *y, void *context)
{
    const struct wr_profile *p = context;
    const struct tag *a = x, *b = y;
    int c = strcmp(p->strings[a->key], p->strings[b->key]);
    return c ? c : strcmp(a->text, b->text);
}

static void
sum_equal_tags(struct tags *t, struct wr_profile *p)
{
    size_t kept = 0;
    qsort_r(t->tag, t->count, sizeof *t->tag, same_first, p);
    for (size_t i = 0; i < t->count; i++) {
        struct tag *last = kept ? &t->tag[kept - 1] : NULL;
        if (last && same_first(last, &t->tag[i], p) == 0)
            last->value = wr_add_wrapping(last->value, t->tag[i].value);
        else
            t->tag[kept++] = t->tag[i];
    }
    t->count = kept;
}

static int
big_first(const void *x, const void *y)
{
    const struct tag *a = x, *b = y;
    uint64_t u = wr_magnitude(a->value), v = wr_magnitude(b->value);
    return u != v ? (u < v) - (u > v) : strcmp(a->text, b->text);
}

/* "12 (34%):" of a tag. */
static void
tag_amount(const struct wr_analysis *a, const struct tag *t, char *text,
           size_t room)
{
    char value[WR_VALUE_ROOM], share[WR_VALUE_ROOM];
    wr_analysis_value(a, value, t->value, a->options->unit);
    wr_value_percent(share, t->value, a->total);
    if (a->total > 0)
        snprintf(text, room, "%s (%s):", value, share);
    else
        snprintf(text, room, "%s:", value);
}

/* The tags of one key: their sum, then each, in columns. */
static void
print_key(const struct wr_analysis *a, struct tag *tag, size_t count, FILE *out)
{
    const char *key = a->profile->strings[tag->key];
    char sum[WR_VALUE_ROOM], all[WR_VALUE_ROOM], share[WR_VALUE_ROOM];
    char amount[2 * WR_VALUE_ROOM + 8];
    int64_t total = 0;
    size_t width = 0;
    qsort(tag, count, sizeof *tag, big_first);
    for (size_t i = 0; i < count; i++) {
        total = wr_add_wrapping(total, tag[i].value);
        tag_amount(a, &tag[i], amount, sizeof amount);
        if (strlen(amount) > width)
            width = strlen(amount);
    }
    wr_analysis_value(a, sum, total, a->options->unit);
    wr_analysis_value(a, all, a->total, a->options->unit);
    wr_value_percent(share, total, a->total);
    fprintf(out, " %s: Total %s of %s", key, sum, all);
    fprintf(out, a->total > 0 ? " (%s)\n" : "\n", share);
    for (size_t i = 0; i < count; i++) {
        tag_amount(a, &tag[i], amount, sizeof amount);
        fprintf(out, "%*s %*s %s\n", (int)strlen(key) + 2, "", (int)width,
                amount, tag[i].text);
    }
    fputc('\n', out);
}

int
wr_analysis_tags(const struct wr_analysis *a, FILE *out, char *why, size_t n)
{
    struct tags t = {.tag = NULL};
    bool ok = true;
    for (uint32_t i = 0; ok && i < a->profile->sample_count; i++)
        ok = collect_tags(a, i, &t);
    if (ok && t.count)
        sum_equal_tags(&t, a->profile);
    for (size_t i = 0, next; ok && i < t.count; i = next) {
        for (next = i; next < t.count && t.tag[next].key == t.tag[i].key;)
            next++;
        print_key(a, t.tag + i, next - i, out);
    }
    free(t.tag);
    return ok ? 0 : wr_profile_fail(why, n, "out of memory");
}

/* --- raw ----------------------------------------------------------------- */

static void
raw_texts(const struct wr_analysis *a, const struct wr_label *labels,
          uint32_t count, uint32_t key, FILE *out)
{
    const char *const *strings = a->profile->strings;
    const char *between = "";
    fprintf(out, "%s:[", strings[key]);
    for (uint32_t i = 0; i < count; i++)
        if (labels[i].key == key && wr_label_is_text(&labels[i])) {
            fprintf(out, "%s%s", between, strings[labels[i].str]);
            between = " ";
        }
    fputc(']', out);
}

/* When one number of a key has a unit, all are shown with one. */
static void
raw_numbers(const struct wr_analysis *a, const struct wr_label *labels,
            uint32_t count, uint32_t key, FILE *out)
{
    const char *const *strings = a->profile->strings;
    const char *between = "";
    bool units = false;
    for (uint32_t i = 0; i < count; i++)
        units |= labels[i].key == key && wr_label_is_number(&labels[i]) &&
                 labels[i].unit;
    fprintf(out, "%s:[", strings[key]);
    for (uint32_t i = 0; i < count; i++)
        if (labels[i].key == key && wr_label_is_number(&labels[i])) {
            fprintf(out, "%s%lld%s%s", between, (long long)labels[i].num,
                    units ? " " : "", strings[labels[i].unit]);
            between = " ";
        }
    fputc(']', out);
}

static void
raw_samples(const struct wr_analysis *a, struct lines *lines, FILE *out)
{
    static const char indent[] = "                ";
    const struct wr_profile *p = a->profile;
    for (uint32_t i = 0; i < p->sample_count; i++) {
        const struct wr_sample *s = &p->samples[i];
        for (uint32_t t = 0; t < p->type_count; t++)
            fprintf(out, " %10lld",
                    (long long)p->values[(size_t)i * p->type_count + t]);
        fputs(": ", out);
        for (uint32_t k = 0; k < s->depth; k++)
            fprintf(out, "%u ", p->frames[s->first_frame + k] + 1);
        fputc('\n', out);
        for (int text = 1; text >= 0; text--)
            if (collect_keys(a, s, text, text ? raw_texts : raw_numbers,
                             lines)) {
                fputs(indent, out);
                print_lines(lines, " ", out);
                fputc('\n', out);
            }
    }
}

static void
raw_location(const struct wr_profile *p, uint32_t at, FILE *out)
{
    const struct wr_location *l = &p->locations[at];
    fprintf(out, "%6u: %s%llx ", at + 1, "0x", (unsigned long long)l->address);
    if (l->mapping != WR_NONE)
        fprintf(out, "M=%u ", l->mapping + 1);
    if (l->folded)
        fputs("[F] ", out);
    for (uint32_t i = 0; i < l->line_count; i++) {
        const struct wr_line *line = &p->lines[l->first_line + i];
        const struct wr_function *f = &p->functions[line->function];
        fprintf(out, "%s%s %s:%lld:0 s=%lld", i ? "\n             " : "",
                p->strings[f->name], p->strings[f->file], (long long)line->line,
                (long long)f->start_line);
        if (f->name != f->system_name)
            fprintf(out, "(%s)", p->strings[f->system_name]);
    }
    fputc('\n', out);
}

static void
raw_mapping(const struct wr_profile *p, uint32_t at, FILE *out)
{
    const struct wr_mapping *m = &p->mappings[at];
    fprintf(out, "%u: 0x%llx/0x%llx/0x%llx %s %s %s%s%s%s\n", at + 1,
            (unsigned long long)m->start, (unsigned long long)m->limit,
            (unsigned long long)m->offset, p->strings[m->file],
            p->strings[m->build_id], m->has_functions ? "[FN]" : "",
            m->has_files ? "[FL]" : "", m->has_lines ? "[LN]" : "",
            m->has_inlines ? "[IN]" : "");
}

static void
raw_time(int64_t ns, FILE *out)
{
    time_t seconds = ns / 1000000000 - (ns % 1000000000 < 0);
    long rest = (long)(ns - (int64_t)seconds * 1000000000);
    char date[40], zone[40], part[16] = "";
    struct tm tm;
    if (!localtime_r(&seconds, &tm) ||
        !strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &tm) ||
        !strftime(zone, sizeof zone, "%z %Z", &tm))
        return;
    if (rest)
        snprintf(part, sizeof part, ".%09ld", rest);
    for (size_t n = strlen(part); n && part[n - 1] == '0';)
        part[--n] = '\0';
    fprintf(out, "Time: %s%s %s\n", date, part, zone);
}

static void
raw_heading(const struct wr_profile *p, FILE *out)
{
    const char *const *strings = p->strings;
    for (uint32_t i = 0; i < p->comment_count; i++)
        fprintf(out, "Comment: %s\n", strings[p->comments[i]]);
    if (p->doc_url)
        fprintf(out, "Doc: %s\n", strings[p->doc_url]);
    fprintf(out, "PeriodType: %s %s\nPeriod: %lld\n",
            strings[p->period_type.type], strings[p->period_type.unit],
            (long long)p->period);
    if (p->time_ns)
        raw_time(p->time_ns, out);
    if (p->duration_ns) {
        char text[WR_VALUE_ROOM];
        wr_value_label(text, p->duration_ns, "nanoseconds", "auto");
        fprintf(out, "Duration: %s\n", text);
    }
    fputs("Samples:\n", out);
    for (uint32_t i = 0; i < p->type_count; i++)
        fprintf(out, "%s%s/%s%s", i ? " " : "", strings[p->types[i].type],
                strings[p->types[i].unit],
                p->types[i].type == p->default_type ? "[dflt]" : "");
    fputc('\n', out);
}

int
wr_analysis_raw(const struct wr_analysis *a, FILE *out, char *why, size_t n)
{
    const struct wr_profile *p = a->profile;
    struct lines lines = {.line = NULL};
    raw_heading(p, out);
    raw_samples(a, &lines, out);
    fputs("Locations\n", out);
    for (uint32_t i = 0; i < p->location_count; i++)
        raw_location(p, i, out);
    fputs("Mappings\n", out);
    for (uint32_t i = 0; i < p->mapping_count; i++)
        raw_mapping(p, i, out);
    free(lines.line);
    return lines.failed ? wr_profile_fail(why, n, "out of memory") : 0;
}
