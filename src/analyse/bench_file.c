/* Reading results of benchmarks.
 *
 * 1. A config that was made does not change: it is remembered as the values
 *    that its keys had, and later keys are none in it.
 */
#include "analyse/bench_file.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NO_MEMORY UINT32_MAX

enum { LONGEST_UNIT = 200, PLAIN_UNIT = 2 * LONGEST_UNIT };

struct reader {
    struct wr_benches *b;
    const char *path;
    FILE *complaints;
    uint32_t file;
    uint32_t config; /* of now, if it is made */
    bool made;
    long line, bad;
};

static bool
word_equal(const void *context, uint32_t i, const void *key)
{
    const struct wr_words *w = context;
    return strcmp(w->text[i], key) == 0;
}

uint32_t
wr_words_add(struct wr_words *w, const char *text)
{
    uint64_t hash = wr_hash_bytes(0, text, strlen(text));
    uint32_t i = wr_index_find(&w->index, hash, word_equal, w, text);
    if (i != WR_NONE)
        return i;
    if (w->count == w->capacity) {
        uint32_t room = w->capacity ? 2 * w->capacity : 16;
        char **more = realloc(w->text, room * sizeof *more);
        if (!more)
            return NO_MEMORY;
        w->text = more;
        w->capacity = room;
    }
    char *copy = strdup(text);
    if (!copy || !wr_index_add(&w->index, hash, w->count)) {
        free(copy);
        return NO_MEMORY;
    }
    w->text[w->count] = copy;
    return w->count++;
}

void
wr_words_fini(struct wr_words *w)
{
    for (uint32_t i = 0; i < w->count; i++)
        free(w->text[i]);
    free(w->text);
    wr_index_fini(&w->index);
}

/* The next word of a line, which is cut off; NULL: there is none. */
static char *
take_word(char **rest)
{
    char *from = *rest + strspn(*rest, " \t\n\v\f\r");
    char *end = from + strcspn(from, " \t\n\v\f\r");
    *rest = *end ? end + 1 : end;
    *end = '\0';
    return from == end ? NULL : from;
}

static int
complain(struct reader *r, const char *what)
{
    fprintf(r->complaints, "%s:%ld: %s\n", r->path, r->line, what);
    r->bad++;
    return 0;
}

double
wr_bench_unit_plain(const char *unit, char *plain)
{
    double factor = 1;
    bool below = false;
    while (*unit) {
        size_t n = strcspn(unit, "*/- \t");
        const char *word = unit;
        size_t length = n;
        if (!below && n == 2 && strncmp(unit, "ns", 2) == 0) {
            factor /= 1e9;
            word = "sec";
            length = 3;
        } else if (!below && n == 2 && strncmp(unit, "MB", 2) == 0) {
            factor *= 1e6;
            word = "B";
            length = 1;
        }
        memcpy(plain, word, length);
        plain += length;
        unit += n;
        if (*unit == '*' || *unit == '/')
            below = *unit == '/';
        if (*unit)
            *plain++ = *unit++;
    }
    *plain = '\0';
    return factor;
}

bool
wr_bench_unit_is_bytes(const char *unit)
{
    bool below = false;
    while (*unit) {
        size_t n = strcspn(unit, "*/- \t");
        bool bytes = (n == 1 && *unit == 'B') ||
                     (n == 5 && strncmp(unit, "bytes", 5) == 0) ||
                     (n == 2 && strncmp(unit, "MB", 2) == 0);
        if (bytes && !below)
            return true;
        unit += n;
        if (*unit == '*' || *unit == '/')
            below = *unit == '/';
        unit += *unit != '\0';
    }
    return false;
}

static enum wr_bench_better
better_of(const char *unit)
{
    if (strcmp(unit, "sec/op") == 0 || strcmp(unit, "B/op") == 0 ||
        strcmp(unit, "allocs/op") == 0)
        return WR_BENCH_LOWER;
    return strcmp(unit, "B/s") == 0 ? WR_BENCH_HIGHER : WR_BENCH_NEITHER;
}

/* A unit by its plain name. */
static uint32_t
add_unit(struct wr_benches *b, const char *plain)
{
    uint32_t before = b->units.count;
    uint32_t unit = wr_words_add(&b->units, plain);
    if (unit == before) {
        void *more = realloc(b->facts, (before + 1) * sizeof *b->facts);
        if (!more)
            return NO_MEMORY;
        b->facts = more;
        b->facts[unit] =
            (struct wr_bench_unit_facts){.better = better_of(plain)};
    }
    return unit;
}

static int
add_result(struct wr_benches *b, const struct wr_bench_result *result)
{
    if (b->count == b->capacity) {
        size_t room = b->capacity ? 2 * b->capacity : 256;
        void *more = realloc(b->results, room * sizeof *b->results);
        if (!more)
            return -1;
        b->results = more;
        b->capacity = room;
    }
    b->results[b->count++] = *result;
    return 0;
}

static bool
same_config(const struct wr_benches *b, const struct wr_bench_config *c)
{
    for (uint32_t i = 0; i < b->key_count; i++)
        if ((i < c->keys ? c->value[i] : 0) != b->keys[i].now)
            return false;
    return true;
}

/* The config of now. */
static int
make_config(struct reader *r)
{
    struct wr_benches *b = r->b;
    for (r->config = 0; r->config < b->config_count; r->config++)
        if (same_config(b, &b->configs[r->config]))
            return r->made = true, 0;
    void *more =
        realloc(b->configs, (b->config_count + 1) * sizeof *b->configs);
    if (!more)
        return -1;
    b->configs = more;
    struct wr_bench_config *c = &b->configs[b->config_count];
    c->keys = b->key_count;
    c->value = calloc(c->keys + 1, sizeof *c->value);
    if (!c->value)
        return -1;
    for (uint32_t i = 0; i < c->keys; i++)
        c->value[i] = b->keys[i].now;
    b->config_count++;
    r->made = true;
    return 0;
}

static struct wr_bench_key *
find_key(struct wr_benches *b, const char *name)
{
    for (uint32_t i = 0; i < b->key_count; i++)
        if (strcmp(b->keys[i].name, name) == 0)
            return &b->keys[i];
    void *more = realloc(b->keys, (b->key_count + 1) * sizeof *b->keys);
    if (!more)
        return NULL;
    b->keys = more;
    struct wr_bench_key *key = &b->keys[b->key_count];
    *key = (struct wr_bench_key){.name = strdup(name)};
    if (!key->name)
        return NULL;
    b->key_count++;
    return key;
}

/* "key: value" with a key that begins with a small letter and has neither
 * blanks nor capitals. Other lines are not ours. */
static int
read_key(struct reader *r, char *line)
{
    char *colon = line;
    while (*colon && *colon != ':' && !isspace((unsigned char)*colon) &&
           !isupper((unsigned char)*colon))
        colon++;
    char *value = colon + 1 + strspn(colon + (*colon == ':'), " \t");
    if (!islower((unsigned char)*line) || *colon != ':' || colon == line ||
        (!strchr("\r\n", colon[1]) && value == colon + 1))
        return 0;
    *colon = '\0';
    for (unsigned i = 0; i < r->b->ignored_count; i++)
        if (strcmp(r->b->ignored[i], line) == 0)
            return 0;
    value[strcspn(value, "\r\n")] = '\0';
    struct wr_bench_key *key = find_key(r->b, line);
    if (!key)
        return -1;
    uint32_t number = *value ? wr_words_add(&key->values, value) : WR_NONE;
    if (*value && number == NO_MEMORY)
        return -1;
    key->now = *value ? number + 1 : 0;
    r->made = false;
    return 0;
}

/* "Unit name key=value...": exact or not, and which way is better. */
static int
read_unit(struct reader *r, char *rest)
{
    char *name = take_word(&rest), *fact;
    if (!name)
        return complain(r, "a unit without a name");
    if (strlen(name) > LONGEST_UNIT)
        return complain(r, "a unit of more than 200 characters");
    char plain[PLAIN_UNIT];
    wr_bench_unit_plain(name, plain);
    uint32_t unit = add_unit(r->b, plain);
    if (unit == NO_MEMORY)
        return -1;
    struct wr_bench_unit_facts *facts = &r->b->facts[unit];
    while ((fact = take_word(&rest)) != NULL) {
        if (!strchr(fact, '='))
            return complain(r, "a unit's facts are written key=value");
        if (strcmp(fact, "assume=exact") == 0)
            facts->exact = true;
        if (strcmp(fact, "better=higher") == 0)
            facts->better = WR_BENCH_HIGHER;
        if (strcmp(fact, "better=lower") == 0)
            facts->better = WR_BENCH_LOWER;
    }
    return 0;
}

/* A value and its unit. 1, 0: no more, -1: no memory, or a complaint. */
static int
read_pair(struct reader *r, char **rest, uint32_t name)
{
    char *number = take_word(rest), *unit = take_word(rest), *end;
    if (!number)
        return 0;
    double value = strtod(number, &end);
    if (*end || end == number || !isfinite(value))
        return complain(r, "a result has something that is no number");
    if (!unit || strlen(unit) > LONGEST_UNIT)
        return complain(r, "a number without a unit, or with a very long one");
    char plain[PLAIN_UNIT];
    value *= wr_bench_unit_plain(unit, plain);
    struct wr_bench_result result = {.config = r->config,
                                     .name = name,
                                     .file = r->file,
                                     .unit = add_unit(r->b, plain),
                                     .value = value};
    if (result.unit == NO_MEMORY || add_result(r->b, &result) != 0)
        return -1;
    return 1;
}

static bool
is_count(const char *text)
{
    return *text && text[strspn(text, "0123456789")] == '\0';
}

static int
read_result(struct reader *r, char *rest)
{
    size_t first = r->b->count;
    long bad = r->bad;
    bool alone = rest[strcspn(rest, " \t\n")] != ' ' &&
                 rest[strcspn(rest, " \t\n")] != '\t';
    /* "Benchmark" is a name, too: of nothing. */
    const char *word = isspace((unsigned char)*rest) ? "" : take_word(&rest);
    if (alone)
        return 0; /* go test -v: it begins */
    uint32_t name = wr_words_add(&r->b->names, word);
    char *iterations = take_word(&rest);
    if (name == NO_MEMORY || (!r->made && make_config(r) != 0))
        return -1;
    if (!iterations || !is_count(iterations))
        return complain(r, "a benchmark without its number of iterations");
    int status;
    while ((status = read_pair(r, &rest, name)) > 0)
        ;
    if (r->bad > bad)
        r->b->count = first; /* half a line is none */
    else if (status == 0 && r->b->count == first)
        return complain(r, "a benchmark without a measurement");
    return status;
}

static int
read_line(struct reader *r, char *line)
{
    if (strncmp(line, "Benchmark", 9) == 0)
        return read_result(r, line + 9);
    if (strncmp(line, "Unit", 4) == 0 && isspace((unsigned char)line[4]))
        return read_unit(r, line + 4);
    return read_key(r, line);
}

long
wr_benches_read(struct wr_benches *b, FILE *file, const char *path,
                const char *label, FILE *complaints)
{
    struct reader r = {.b = b, .path = path, .complaints = complaints};
    char *line = NULL;
    size_t room = 0;
    int status = 0;
    for (uint32_t i = 0; i < b->key_count; i++)
        b->keys[i].now = 0;
    r.file = wr_words_add(&b->files, label);
    while (r.file != NO_MEMORY && status == 0 &&
           getline(&line, &room, file) >= 0) {
        r.line++;
        status = read_line(&r, line);
    }
    free(line);
    if (r.file == NO_MEMORY || status < 0)
        return fprintf(complaints, "%s: no memory for it\n", path), -1;
    if (ferror(file))
        return fprintf(complaints, "%s: %s\n", path, strerror(errno)), -1;
    return r.bad;
}

void
wr_benches_fini(struct wr_benches *b)
{
    wr_words_fini(&b->names);
    wr_words_fini(&b->files);
    wr_words_fini(&b->units);
    for (uint32_t i = 0; i < b->key_count; i++) {
        free(b->keys[i].name);
        wr_words_fini(&b->keys[i].values);
    }
    for (uint32_t i = 0; i < b->config_count; i++)
        free(b->configs[i].value);
    free(b->keys);
    free(b->configs);
    free(b->facts);
    free(b->results);
    *b = (struct wr_benches){0};
}

const char *
wr_bench_config_value(const struct wr_benches *b, uint32_t config, uint32_t key)
{
    const struct wr_bench_config *c = &b->configs[config];
    uint32_t value = key < c->keys ? c->value[key] : 0;
    return value ? b->keys[key].values.text[value - 1] : "";
}
