/* The tables of a profile.
 *
 * Invariants:
 * 1. strings[0] is "", and no two strings, mappings, functions or locations
 *    are equal; nor samples, but those that a file has twice or a filter made
 *    equal. The indices that find equals hold every entry; that of samples is
 *    completed when somebody looks for one.
 * 2. A location's lines and a sample's frames and labels are runs in one
 *    shared array each, no two of which overlap. Runs never get longer: they
 *    are replaced then. Filters make them shorter.
 * 3. An entry refers only to entries that exist: what is added with a wrong
 *    index is not added.
 * 4. After a failed allocation nothing is added any more; what is there stays
 *    readable.
 */
#include "analyse/profile.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/store.h"

#define CHUNK_BYTES ((size_t)64 << 10)
#define BYTES_MAX   ((size_t)2 << 30) /* of the tables of one profile */

/* String bytes; strings never move, so pointers to them stay good. */
struct chunk {
    struct chunk *next;
    size_t used, bytes;
    char text[];
};

struct wr_profile_store {
    struct wr_index strings, mappings, functions, locations;
    struct wr_index samples; /* of the first so many: the rest when needed */
    uint32_t samples_indexed;
    struct chunk *chunks;
    uint32_t capacity[WR_STORE_TABLES];
    size_t bytes; /* of tables and strings */
};

/* --- Growing ------------------------------------------------------------ */

/* Room for `more` entries behind `used` in the array at *array. */
static bool
reserve(struct wr_profile *p, enum wr_store_table t, void *array_pointer,
        size_t entry_bytes, size_t used, size_t more)
{
    void **array = array_pointer;
    size_t capacity = p->store->capacity[t];
    if (p->failed)
        return false;
    if (used + more <= capacity)
        return true;
    while (capacity < used + more)
        capacity = capacity ? capacity * 2 : 64;
    size_t growth = (capacity - p->store->capacity[t]) * entry_bytes;
    p->too_large = capacity >= WR_NONE || growth > BYTES_MAX - p->store->bytes;
    void *bigger =
        p->too_large ? NULL : realloc(*array, capacity * entry_bytes);
    if (!bigger) {
        p->failed = true;
        return false;
    }
    p->store->bytes += growth;
    *array = bigger;
    p->store->capacity[t] = (uint32_t)capacity;
    return true;
}

#define RESERVE(p, table, array, used, more)                                   \
    reserve(p, table, &(p)->array, sizeof *(p)->array, used, more)

/* --- Hashing ------------------------------------------------------------ */

uint64_t
wr_hash_bytes(uint64_t seed, const void *bytes, size_t n)
{
    const unsigned char *b = bytes;
    uint64_t h = seed ^ (n * UINT64_C(0x9e3779b97f4a7c15));
    for (; n >= 8; n -= 8, b += 8) {
        uint64_t word;
        memcpy(&word, b, 8);
        h = wr_hash_word(h, word);
    }
    uint64_t tail = 0;
    if (n) /* b may be NULL otherwise */
        memcpy(&tail, b, n);
    return wr_hash_word(h, tail);
}

static bool
index_grow(struct wr_index *x)
{
    uint32_t slots = x->mask ? (x->mask + 1) * 2 : 64;
    struct wr_index_slot *slot = calloc(slots, sizeof *slot);
    if (!slot)
        return false;
    for (uint32_t i = 0; x->mask && i <= x->mask; i++) {
        if (!x->slot[i].number)
            continue;
        uint32_t at = x->slot[i].hash & (slots - 1);
        while (slot[at].number)
            at = (at + 1) & (slots - 1);
        slot[at] = x->slot[i];
    }
    free(x->slot);
    x->slot = slot;
    x->mask = slots - 1;
    return true;
}

uint32_t
wr_index_find(const struct wr_index *x, uint64_t hash, wr_index_equal equal,
              const void *context, const void *key)
{
    if (!x->mask)
        return WR_NONE;
    uint32_t short_hash = (uint32_t)(hash >> 32);
    for (uint32_t at = short_hash & x->mask; x->slot[at].number;
         at = (at + 1) & x->mask)
        if (x->slot[at].hash == short_hash &&
            equal(context, x->slot[at].number - 1, key))
            return x->slot[at].number - 1;
    return WR_NONE;
}

bool
wr_index_add(struct wr_index *x, uint64_t hash, uint32_t entry)
{
    if (x->used >= x->mask - x->mask / 4 && !index_grow(x))
        return false;
    uint32_t short_hash = (uint32_t)(hash >> 32);
    uint32_t at = short_hash & x->mask;
    while (x->slot[at].number)
        at = (at + 1) & x->mask;
    x->slot[at] = (struct wr_index_slot){short_hash, entry + 1};
    x->used++;
    return true;
}

void
wr_index_fini(struct wr_index *x)
{
    free(x->slot);
    *x = (struct wr_index){0};
}

/* --- Strings ------------------------------------------------------------ */

struct text {
    const char *bytes;
    size_t n;
};

static bool
string_equal(const void *profile, uint32_t i, const void *key)
{
    const struct wr_profile *p = profile;
    const struct text *t = key;
    return strncmp(p->strings[i], t->bytes, t->n) == 0 &&
           p->strings[i][t->n] == '\0';
}

static char *
chunk_take(struct wr_profile *p, size_t n)
{
    struct chunk *c = p->store->chunks;
    if (!c || c->bytes - c->used < n) {
        size_t bytes = n > CHUNK_BYTES ? n : CHUNK_BYTES;
        c = malloc(sizeof *c + bytes);
        if (!c)
            return NULL;
        *c = (struct chunk){.next = p->store->chunks, .bytes = bytes};
        p->store->chunks = c;
    }
    char *text = c->text + c->used;
    c->used += n;
    return text;
}

uint32_t
wr_profile_string_n(struct wr_profile *p, const char *text, size_t n)
{
    struct text key = {text, strnlen(text, n)};
    uint64_t hash = wr_hash_bytes(1, text, key.n);
    uint32_t found =
        wr_index_find(&p->store->strings, hash, string_equal, p, &key);
    if (found != WR_NONE)
        return found;
    if (!RESERVE(p, WR_STORE_STRINGS, strings, p->string_count, 1))
        return 0;
    char *copy = chunk_take(p, key.n + 1);
    if (!copy || !wr_index_add(&p->store->strings, hash, p->string_count)) {
        p->failed = true;
        return 0;
    }
    memcpy(copy, text, key.n);
    copy[key.n] = '\0';
    p->strings[p->string_count] = copy;
    return p->string_count++;
}

uint32_t
wr_profile_string(struct wr_profile *p, const char *text)
{
    return wr_profile_string_n(p, text, strlen(text));
}

/* --- Life --------------------------------------------------------------- */

/* So that even a run of nothing is a pointer into its array. */
static bool
shared_arrays_exist(struct wr_profile *p)
{
    return RESERVE(p, WR_STORE_LINES, lines, 0, 1) &&
           RESERVE(p, WR_STORE_FRAMES, frames, 0, 1) &&
           RESERVE(p, WR_STORE_LABELS, labels, 0, 1) &&
           RESERVE(p, WR_STORE_VALUES, values, 0, 1);
}

struct wr_profile *
wr_profile_new(void)
{
    struct wr_profile *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->store = calloc(1, sizeof *p->store);
    if (p->store && shared_arrays_exist(p) && wr_profile_string(p, "") == 0 &&
        !p->failed)
        return p;
    wr_profile_free(p);
    return NULL;
}

static void
store_free(struct wr_profile_store *s)
{
    if (!s)
        return;
    wr_index_fini(&s->strings);
    wr_index_fini(&s->mappings);
    wr_index_fini(&s->functions);
    wr_index_fini(&s->locations);
    wr_index_fini(&s->samples);
    for (struct chunk *c = s->chunks, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    free(s);
}

void
wr_profile_free(struct wr_profile *p)
{
    if (!p)
        return;
    store_free(p->store);
    free(p->types);
    free(p->strings);
    free(p->mappings);
    free(p->functions);
    free(p->locations);
    free(p->lines);
    free(p->samples);
    free(p->values);
    free(p->frames);
    free(p->labels);
    free(p->comments);
    free(p);
}

void
wr_profile_add_type(struct wr_profile *p, const char *type, const char *unit)
{
    assert(p->sample_count == 0);
    if (!RESERVE(p, WR_STORE_TYPES, types, p->type_count, 1))
        return;
    p->types[p->type_count++] = (struct wr_value_type){
        wr_profile_string(p, type), wr_profile_string(p, unit)};
}

void
wr_profile_comment(struct wr_profile *p, const char *text)
{
    uint32_t s = wr_profile_string(p, text);
    for (uint32_t i = 0; i < p->comment_count; i++)
        if (p->comments[i] == s)
            return;
    if (RESERVE(p, WR_STORE_COMMENTS, comments, p->comment_count, 1))
        p->comments[p->comment_count++] = s;
}

/* --- Mappings and functions --------------------------------------------- */

static bool
mapping_equal(const void *profile, uint32_t i, const void *key)
{
    const struct wr_mapping *a =
        &((const struct wr_profile *)profile)->mappings[i];
    const struct wr_mapping *b = key;
    return a->start == b->start && a->limit == b->limit &&
           a->offset == b->offset && a->file == b->file &&
           a->build_id == b->build_id;
}

uint32_t
wr_profile_mapping(struct wr_profile *p, const struct wr_mapping *m)
{
    uint64_t hash = wr_hash_word(
        wr_hash_word(wr_hash_word(m->file, m->start), m->limit), m->build_id);
    uint32_t found =
        wr_index_find(&p->store->mappings, hash, mapping_equal, p, m);
    if (found != WR_NONE || m->file >= p->string_count ||
        m->build_id >= p->string_count)
        return found;
    if (!RESERVE(p, WR_STORE_MAPPINGS, mappings, p->mapping_count, 1))
        return WR_NONE;
    if (!wr_index_add(&p->store->mappings, hash, p->mapping_count)) {
        p->failed = true;
        return WR_NONE;
    }
    p->mappings[p->mapping_count] = *m;
    return p->mapping_count++;
}

static bool
function_equal(const void *profile, uint32_t i, const void *key)
{
    const struct wr_function *a =
        &((const struct wr_profile *)profile)->functions[i];
    const struct wr_function *b = key;
    return a->name == b->name && a->system_name == b->system_name &&
           a->file == b->file && a->start_line == b->start_line;
}

uint32_t
wr_profile_function(struct wr_profile *p, const struct wr_function *f)
{
    uint64_t hash = wr_hash_word(
        wr_hash_word(wr_hash_word(wr_hash_word(5, f->name), f->system_name),
                     f->file),
        (uint64_t)f->start_line);
    uint32_t found =
        wr_index_find(&p->store->functions, hash, function_equal, p, f);
    if (found != WR_NONE || f->name >= p->string_count ||
        f->system_name >= p->string_count || f->file >= p->string_count)
        return found;
    if (!RESERVE(p, WR_STORE_FUNCTIONS, functions, p->function_count, 1))
        return WR_NONE;
    if (!wr_index_add(&p->store->functions, hash, p->function_count)) {
        p->failed = true;
        return WR_NONE;
    }
    p->functions[p->function_count] = *f;
    return p->function_count++;
}

/* --- Locations ---------------------------------------------------------- */

struct location_key {
    uint64_t address;
    uint32_t mapping, line_count;
    const struct wr_line *lines;
};

static uint64_t
location_hash(const struct location_key *k)
{
    uint64_t h = wr_hash_word(wr_hash_word(7, k->address), k->mapping);
    for (uint32_t i = 0; i < k->line_count; i++)
        h = wr_hash_word(wr_hash_word(h, k->lines[i].function),
                         (uint64_t)k->lines[i].line);
    return h;
}

static bool
location_equal(const void *profile, uint32_t i, const void *key)
{
    const struct wr_profile *p = profile;
    const struct wr_location *l = &p->locations[i];
    const struct location_key *k = key;
    if (l->address != k->address || l->mapping != k->mapping ||
        l->line_count != k->line_count)
        return false;
    for (uint32_t n = 0; n < k->line_count; n++) {
        const struct wr_line *a = &p->lines[l->first_line + n];
        if (a->function != k->lines[n].function || a->line != k->lines[n].line)
            return false;
    }
    return true;
}

static bool
lines_append(struct wr_profile *p, const struct wr_line *lines, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (lines[i].function >= p->function_count)
            return false;
    if (n == 0)
        return true;
    if (!RESERVE(p, WR_STORE_LINES, lines, p->line_count, n))
        return false;
    memcpy(p->lines + p->line_count, lines, n * sizeof *lines);
    p->line_count += n;
    return true;
}

uint32_t
wr_profile_location(struct wr_profile *p, uint32_t mapping, uint64_t address,
                    const struct wr_line *lines, uint32_t line_count)
{
    struct location_key key = {address, mapping, line_count, lines};
    uint64_t hash = location_hash(&key);
    uint32_t found =
        wr_index_find(&p->store->locations, hash, location_equal, p, &key);
    if (found != WR_NONE)
        return found;
    uint32_t first = p->line_count;
    if ((mapping != WR_NONE && mapping >= p->mapping_count) ||
        !RESERVE(p, WR_STORE_LOCATIONS, locations, p->location_count, 1) ||
        !lines_append(p, lines, line_count))
        return WR_NONE;
    if (!wr_index_add(&p->store->locations, hash, p->location_count)) {
        p->failed = true;
        return WR_NONE;
    }
    p->locations[p->location_count] =
        (struct wr_location){.address = address,
                             .mapping = mapping,
                             .first_line = first,
                             .line_count = line_count};
    return p->location_count++;
}

/* The index must find the location by its new lines: it is entered again,
 * and its old entry, which equals nothing any more, stays behind. */
void
wr_profile_set_lines(struct wr_profile *p, uint32_t location,
                     const struct wr_line *lines, uint32_t line_count)
{
    struct wr_location *l = &p->locations[location];
    uint32_t first = p->line_count;
    assert(location < p->location_count);
    if (!lines_append(p, lines, line_count))
        return;
    l->first_line = first;
    l->line_count = line_count;
    struct location_key key = {l->address, l->mapping, line_count, lines};
    if (!wr_index_add(&p->store->locations, location_hash(&key), location))
        p->failed = true;
}

/* --- Samples ------------------------------------------------------------ */

struct sample_key {
    const uint32_t *frames;
    const struct wr_label *labels;
    uint32_t depth, label_count;
};

static uint64_t
sample_hash(const struct sample_key *k)
{
    uint64_t h = wr_hash_bytes(11, k->frames, k->depth * sizeof *k->frames);
    for (uint32_t i = 0; i < k->label_count; i++) {
        const struct wr_label *l = &k->labels[i];
        h = wr_hash_word(wr_hash_word(h, l->key),
                         ((uint64_t)l->str << 32) ^ (uint64_t)l->num);
    }
    return h;
}

static bool
labels_equal(const struct wr_label *a, const struct wr_label *b, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (a[i].key != b[i].key || a[i].str != b[i].str ||
            a[i].num != b[i].num || a[i].unit != b[i].unit)
            return false;
    return true;
}

static bool
sample_equal(const void *profile, uint32_t i, const void *key)
{
    const struct wr_profile *p = profile;
    const struct wr_sample *s = &p->samples[i];
    const struct sample_key *k = key;
    if (s->depth != k->depth || s->label_count != k->label_count)
        return false;
    if (k->depth && memcmp(p->frames + s->first_frame, k->frames,
                           k->depth * sizeof *k->frames) != 0)
        return false;
    return labels_equal(p->labels + s->first_label, k->labels, k->label_count);
}

static bool
sample_valid(const struct wr_profile *p, const struct sample_key *k)
{
    uint32_t last = 0;
    for (uint32_t i = 0; i < k->depth; i++)
        last = k->frames[i] > last ? k->frames[i] : last;
    if (k->depth && last >= p->location_count)
        return false;
    for (uint32_t i = 0; i < k->label_count; i++)
        if (k->labels[i].key >= p->string_count ||
            k->labels[i].str >= p->string_count ||
            k->labels[i].unit >= p->string_count)
            return false;
    return true;
}

/* A new sample with values of zero, or WR_NONE. */
static uint32_t
sample_append(struct wr_profile *p, const struct sample_key *k)
{
    size_t values = (size_t)p->sample_count * p->type_count;
    if (!sample_valid(p, k) ||
        !RESERVE(p, WR_STORE_SAMPLES, samples, p->sample_count, 1) ||
        !RESERVE(p, WR_STORE_VALUES, values, values, p->type_count) ||
        !RESERVE(p, WR_STORE_FRAMES, frames, p->frame_count, k->depth) ||
        !RESERVE(p, WR_STORE_LABELS, labels, p->label_count, k->label_count))
        return WR_NONE;
    p->samples[p->sample_count] = (struct wr_sample){
        p->frame_count, k->depth, p->label_count, k->label_count};
    if (k->depth)
        memcpy(p->frames + p->frame_count, k->frames,
               k->depth * sizeof *k->frames);
    p->frame_count += k->depth;
    for (uint32_t i = 0; i < k->label_count; i++)
        p->labels[p->label_count++] = k->labels[i];
    for (uint32_t i = 0; i < p->type_count; i++)
        p->values[values + i] = 0;
    return p->sample_count++;
}

/* Enter the samples that were added without a look for equal ones. */
static void
index_samples(struct wr_profile *p)
{
    struct wr_profile_store *store = p->store;
    while (store->samples_indexed < p->sample_count && !p->failed) {
        const struct wr_sample *s = &p->samples[store->samples_indexed];
        struct sample_key key = {p->frames + s->first_frame,
                                 p->labels + s->first_label, s->depth,
                                 s->label_count};
        if (!wr_index_add(&store->samples, sample_hash(&key),
                          store->samples_indexed++))
            p->failed = true;
    }
}

static void
add_values(struct wr_profile *p, uint32_t sample, const int64_t *values)
{
    if (sample == WR_NONE)
        return;
    int64_t *into = p->values + (size_t)sample * p->type_count;
    for (uint32_t i = 0; i < p->type_count; i++)
        into[i] = wr_add_wrapping(into[i], values[i]);
}

void
wr_profile_sample(struct wr_profile *p, const uint32_t *frames, uint32_t depth,
                  const int64_t *values, const struct wr_label *labels,
                  uint32_t label_count)
{
    struct sample_key key = {frames, labels, depth, label_count};
    index_samples(p);
    uint32_t at = wr_index_find(&p->store->samples, sample_hash(&key),
                                sample_equal, p, &key);
    add_values(p, at != WR_NONE ? at : sample_append(p, &key), values);
}

void
wr_profile_new_sample(struct wr_profile *p, const uint32_t *frames,
                      uint32_t depth, const int64_t *values,
                      const struct wr_label *labels, uint32_t label_count)
{
    struct sample_key key = {frames, labels, depth, label_count};
    add_values(p, sample_append(p, &key), values);
}

/* Find the samples anew, after the caller rewrote them. */
void
wr_profile_reindex(struct wr_profile *p)
{
    wr_index_fini(&p->store->samples);
    p->store->samples_indexed = 0;
}

void
wr_profile_reserve_samples(struct wr_profile *p, size_t samples, size_t frames,
                           size_t labels)
{
    if (RESERVE(p, WR_STORE_SAMPLES, samples, p->sample_count, samples) &&
        RESERVE(p, WR_STORE_VALUES, values,
                (size_t)p->sample_count * p->type_count,
                samples * p->type_count) &&
        RESERVE(p, WR_STORE_FRAMES, frames, p->frame_count, frames))
        RESERVE(p, WR_STORE_LABELS, labels, p->label_count, labels);
}

bool
wr_profile_reserve_labels(struct wr_profile *p, size_t more)
{
    return RESERVE(p, WR_STORE_LABELS, labels, p->label_count, more);
}

/* --- Asking ------------------------------------------------------------- */

uint32_t
wr_profile_find_type(const struct wr_profile *p, const char *name)
{
    for (uint32_t i = 0; i < p->type_count; i++)
        if (strcmp(p->strings[p->types[i].type], name) == 0)
            return i;
    return WR_NONE;
}

uint32_t
wr_profile_default_type(const struct wr_profile *p)
{
    uint32_t named = p->default_type
                         ? wr_profile_find_type(p, p->strings[p->default_type])
                         : WR_NONE;
    if (named != WR_NONE)
        return named;
    return p->type_count ? p->type_count - 1 : WR_NONE;
}

int64_t
wr_profile_total(const struct wr_profile *p, uint32_t type)
{
    int64_t total = 0;
    for (uint32_t i = 0; type < p->type_count && i < p->sample_count; i++)
        total =
            wr_add_wrapping(total, p->values[(size_t)i * p->type_count + type]);
    return total;
}

static bool
locations_hold(const struct wr_profile *p)
{
    for (uint32_t i = 0; i < p->location_count; i++) {
        const struct wr_location *l = &p->locations[i];
        if ((l->mapping != WR_NONE && l->mapping >= p->mapping_count) ||
            l->first_line + l->line_count > p->line_count)
            return false;
    }
    return true;
}

static bool
samples_hold(const struct wr_profile *p)
{
    for (uint32_t i = 0; i < p->sample_count; i++) {
        const struct wr_sample *s = &p->samples[i];
        if (s->first_frame + s->depth > p->frame_count ||
            s->first_label + s->label_count > p->label_count)
            return false;
    }
    return true;
}

bool
wr_profile_check(const struct wr_profile *p)
{
    if (p->string_count == 0 || p->strings[0][0] != '\0')
        return false;
    for (uint32_t i = 0; i < p->line_count; i++)
        if (p->lines[i].function >= p->function_count)
            return false;
    for (uint32_t i = 0; i < p->frame_count; i++)
        if (p->frames[i] >= p->location_count)
            return false;
    return locations_hold(p) && samples_hold(p);
}
