/* Reading text profiles.
 *
 * Invariants:
 * 1. The text is copied and ends in NUL; `at` never passes it.
 * 2. A row is held back until its comment lines are read: its locations get
 *    their names when they are made.
 * 3. The mappings stand at the end of the text but are read first, because a
 *    location's mapping is part of what it is.
 */
#include "analyse/legacy.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/store.h"

#define ROW_FRAMES     1024
#define ROW_NAMES      4096
#define LINES_MAX      64
#define NAME_MAX_BYTES 200 /* of the first line of counts */

const char wr_allocator_frames[] =
    "malloc|calloc|realloc|reallocarray|free|cfree|aligned_alloc|"
    "posix_memalign|memalign|valloc|pvalloc|__libc_malloc|__libc_calloc|"
    "__libc_realloc|__libc_memalign|strdup|strndup|__strdup|__strndup|"
    "operator new.*|operator delete.*|"
    "(std::|std::__1::|__gnu_cxx::)(__new_|new_)?allocator<.*>::allocate|"
    "std::(__1::)?allocator_traits<.*>::allocate|"
    "std::__1::__libcpp_allocate.*|std::__1::__allocate_at_least.*";

struct row_name {
    uint64_t pc;
    struct wr_line line;
};

struct row {
    int64_t values[4];
    int64_t block; /* mean size, a label of heap rows */
    uint64_t pc[ROW_FRAMES];
    struct row_name name[ROW_NAMES];
    uint32_t depth, names;
    bool pending;
};

struct parse {
    struct wr_profile *p;
    char *at;
    struct row *row;
    unsigned long line;
    bool heap, scaled, with_allocs;
    int64_t rate;
    int64_t hz; /* cycles a second of contention rows; 0: nanoseconds */
    const char *wrong;
};

double
wr_sampling_scale(double size, double rate)
{
    return rate > 1 && size > 0 ? 1 / -expm1(-size / rate) : 1;
}

int64_t
wr_round(double value)
{
    if (value >= 9.2e18)
        return INT64_MAX;
    return value <= -9.2e18 ? INT64_MIN : llround(value);
}

/* --- Small pieces ------------------------------------------------------- */

static bool
starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* The next line, ended by NUL, or NULL. */
static char *
next_line(struct parse *s)
{
    char *line = s->at;
    if (*line == '\0')
        return NULL;
    size_t n = strcspn(line, "\n");
    s->at = line + n + (line[n] == '\n');
    line[n] = '\0';
    if (n > 0 && line[n - 1] == '\r')
        line[n - 1] = '\0';
    s->line++;
    return line;
}

static char *
skip_spaces(char *at)
{
    return at + strspn(at, " \t");
}

/* A decimal number and the character behind it ('\0': any). */
static bool
take_number(char **at, int64_t *value, char behind)
{
    char *end, *start = skip_spaces(*at);
    if (!isdigit((unsigned char)start[start[0] == '-']))
        return false;
    errno = 0;
    *value = strtoll(start, &end, 10);
    if (errno)
        return false;
    if (behind) {
        end = skip_spaces(end);
        if (*end++ != behind)
            return false;
    }
    *at = end;
    return true;
}

static bool
take_hex(char **at, uint64_t *value)
{
    char *end, *start = skip_spaces(*at);
    if (!isxdigit((unsigned char)*start))
        return false;
    errno = 0;
    *value = strtoull(start, &end, 16);
    if (errno || end == start)
        return false;
    *at = end;
    return true;
}

/* "IO: IB [AO: AB]" */
static bool
take_counts(char **at, int64_t counts[4])
{
    return take_number(at, &counts[0], ':') && take_number(at, &counts[1], 0) &&
           *(*at = skip_spaces(*at)) == '[' && (++*at, true) &&
           take_number(at, &counts[2], ':') && take_number(at, &counts[3], ']');
}

/* --- Mappings ----------------------------------------------------------- */

/* Behind the permissions: offset, device, inode, path (as in /proc/PID/maps),
 * or path (@offset) build-id. */
static void
take_map_file(struct wr_profile *p, char *at, struct wr_mapping *m)
{
    unsigned major, minor;
    int used = 0;
    uint64_t offset;
    if (sscanf(at, " %lx %x:%x %*u %n", &offset, &major, &minor, &used) == 3 &&
        used > 0) {
        m->offset = offset;
        m->file = wr_profile_string(p, at + used);
        return;
    }
    at = skip_spaces(at);
    size_t n = strcspn(at, " \t");
    m->file = wr_profile_string_n(p, at, n);
    at = skip_spaces(at + n);
    if (at[0] == '(' && at[1] == '@') {
        at += 2;
        if (!take_hex(&at, &m->offset) || *at++ != ')')
            return;
    }
    m->build_id = wr_profile_string(p, skip_spaces(at));
}

void
wr_legacy_mapping(struct wr_profile *p, char *line)
{
    struct wr_mapping m = {0};
    if (!take_hex(&line, &m.start) || *line++ != '-' ||
        !take_hex(&line, &m.limit) || m.limit <= m.start)
        return;
    if (*line == ':')
        line++;
    line = skip_spaces(line);
    size_t n = strspn(line, "-rwxps");
    if (n >= 3 && isspace((unsigned char)line[n])) {
        if (!memchr(line, 'x', n))
            return;
        line += n;
    }
    take_map_file(p, line, &m);
    wr_profile_mapping(p, &m);
}

/* Read the section and cut it off the text. */
static void
take_mappings(struct parse *s)
{
    char *rows = s->at, *line;
    unsigned long rows_line = s->line;
    char *heading = strstr(rows, "MAPPED_LIBRARIES:");
    if (!heading)
        heading = strstr(rows, "--- Memory map: ---");
    if (!heading)
        return;
    s->at = heading;
    next_line(s);
    while ((line = next_line(s)))
        wr_legacy_mapping(s->p, line);
    *heading = '\0';
    s->at = rows;
    s->line = rows_line;
}

uint32_t
wr_legacy_mapping_of(const struct wr_profile *p, uint64_t address)
{
    for (uint32_t i = 0; i < p->mapping_count; i++)
        if (p->mappings[i].start <= address && address < p->mappings[i].limit)
            return i;
    return WR_NONE;
}

/* --- Rows --------------------------------------------------------------- */

/* Names of the frame at pc[i], which the comment lines give in the order of
 * the stack: those from `from` on with its address. A return address that
 * stands `times` times in a row (recursion) shares them evenly. */
static uint32_t
names_of(const struct row *r, uint32_t from, uint64_t pc, uint32_t times)
{
    uint32_t n = 0;
    while (from + n < r->names &&
           (r->name[from + n].pc == pc - 1 || r->name[from + n].pc == pc))
        n++;
    return times ? n / times : n;
}

static uint32_t
run_length(const struct row *r, uint32_t i)
{
    uint32_t n = 1;
    while (i + n < r->depth && r->pc[i + n] == r->pc[i])
        n++;
    return n;
}

/* The location of pc, which has `count` of the row's names from `from` on.
 * A comment line without a name means that it is not known. */
static uint32_t
location_of(struct parse *s, uint64_t pc, uint32_t from, uint32_t count)
{
    struct wr_line lines[LINES_MAX];
    uint32_t n = 0;
    for (uint32_t i = 0; i < count && n < LINES_MAX; i++)
        if (s->row->name[from + i].line.function != WR_NONE)
            lines[n++] = s->row->name[from + i].line;
    return wr_profile_location(s->p, wr_legacy_mapping_of(s->p, pc - 1), pc - 1,
                               lines, n);
}

/* Go names a row's frames but for its own allocator's and the thread's start:
 * where a row has names, frames without a comment line are left out. */
static uint32_t
row_frames(struct parse *s, uint32_t frames[ROW_FRAMES])
{
    const struct row *r = s->row;
    uint32_t depth = 0, from = 0, times;
    for (uint32_t i = 0; i < r->depth; i += times) {
        times = run_length(r, i);
        uint32_t names = names_of(r, from, r->pc[i], times);
        if (r->names && !names)
            continue;
        uint32_t l = location_of(s, r->pc[i], from, names);
        for (uint32_t n = 0; n < times; n++)
            frames[depth++] = l;
        from += names * times;
    }
    return depth;
}

static void
flush_row(struct parse *s)
{
    struct row *r = s->row;
    uint32_t frames[ROW_FRAMES];
    if (!r->pending)
        return;
    uint32_t depth = row_frames(s, frames);
    struct wr_label label = {.key = wr_profile_string(s->p, "bytes"),
                             .num = r->block,
                             .unit = wr_profile_string(s->p, "bytes")};
    wr_profile_sample(s->p, frames, depth, r->values, &label, s->heap);
    r->pending = false;
}

/* "#\t0x4011d6\tmain+0x26\t/src/main.c:12": a name of the row before. */
static void
take_name(struct parse *s, char *line)
{
    struct row *r = s->row;
    uint64_t pc;
    char *at = line + 1;
    if (!r->pending || r->names == ROW_NAMES || !take_hex(&at, &pc))
        return;
    struct row_name *name = &r->name[r->names++];
    *name = (struct row_name){.pc = pc, .line.function = WR_NONE};
    at = skip_spaces(at);
    char *file = strchr(at, '\t');
    if (file)
        *file++ = '\0';
    char *plus = strrchr(at, '+');
    if (*at == '\0' || !plus)
        return;
    *plus = '\0';
    name->line.entry = strtoull(plus + 1, NULL, 16);
    struct wr_function f = {.name = wr_profile_string(s->p, at)};
    f.system_name = f.name;
    char *colon = file ? strrchr(file, ':') : NULL;
    if (colon) {
        *colon = '\0';
        f.file = wr_profile_string(s->p, skip_spaces(file));
        name->line.line = strtoll(colon + 1, NULL, 10);
    }
    name->line.function = wr_profile_function(s->p, &f);
}

static bool
take_addresses(struct parse *s, char *at)
{
    struct row *r = s->row;
    r->depth = r->names = 0;
    for (at = skip_spaces(at); *at; at = skip_spaces(at)) {
        if (r->depth == ROW_FRAMES) {
            s->wrong = "a stack has more than 1024 addresses";
            return false;
        }
        if (!starts_with(at, "0x") || !take_hex(&at, &r->pc[r->depth++])) {
            s->wrong = "an address is not a hexadecimal number";
            return false;
        }
    }
    return true;
}

static void
scale(const struct parse *s, int64_t *count, int64_t *bytes)
{
    if (!s->scaled || *count <= 0 || *bytes <= 0)
        return;
    double factor =
        wr_sampling_scale((double)*bytes / (double)*count, (double)s->rate);
    *count = wr_round((double)*count * factor);
    *bytes = wr_round((double)*bytes * factor);
}

/* Values of a heap row from its counts: in use, then ever allocated. */
static void
set_heap_values(struct parse *s, int64_t counts[4])
{
    struct row *r = s->row;
    int64_t blocks = counts[0] ? counts[0] : counts[2];
    int64_t bytes = counts[0] ? counts[1] : counts[3];
    r->block = blocks > 0 ? bytes / blocks : 0;
    scale(s, &counts[0], &counts[1]);
    scale(s, &counts[2], &counts[3]);
    int64_t *v = r->values;
    if (s->with_allocs) {
        *v++ = counts[2];
        *v++ = counts[3];
    }
    *v++ = counts[0];
    *v++ = counts[1];
}

static bool
take_heap_row(struct parse *s, char *at)
{
    int64_t counts[4];
    if (!take_counts(&at, counts) || *(at = skip_spaces(at)) != '@') {
        s->wrong = "a row is not \"N: BYTES [N: BYTES] @ ADDRESSES\"";
        return false;
    }
    if (!take_addresses(s, at + 1))
        return false;
    set_heap_values(s, counts);
    return s->row->pending = true;
}

static bool
take_count_row(struct parse *s, char *at)
{
    int64_t count;
    if (!take_number(&at, &count, '@')) {
        s->wrong = "a row is not \"N @ ADDRESSES\"";
        return false;
    }
    if (!take_addresses(s, at))
        return false;
    s->row->values[0] = count;
    return s->row->pending = true;
}

/* "CYCLES N @ ADDRESSES": how long was waited, and how often. */
static bool
take_contention_row(struct parse *s, char *at)
{
    int64_t cycles, count;
    if (starts_with(at, "---")) { /* the end of the rows */
        *s->at = '\0';
        return true;
    }
    if (!take_number(&at, &cycles, 0) || !take_number(&at, &count, '@')) {
        s->wrong = "a row is not \"CYCLES N @ ADDRESSES\"";
        return false;
    }
    if (!take_addresses(s, at))
        return false;
    double delay = (double)cycles;
    if (s->rate > 0 && s->hz > 0)
        delay = delay * (double)s->rate / ((double)s->hz / 1e9);
    s->row->values[0] =
        (int64_t)((uint64_t)count * (uint64_t)(s->rate > 0 ? s->rate : 1));
    s->row->values[1] = wr_round(trunc(delay));
    return s->row->pending = true;
}

/* --- jemalloc: "@ ADDRESSES", then "t*: N: BYTES [N: BYTES]" -------------- */

static bool
take_jemalloc_line(struct parse *s, char *at)
{
    int64_t counts[4];
    if (*at == '@')
        return take_addresses(s, at + 1);
    if (!starts_with(at, "t*:"))
        return true; /* the same for one thread */
    at += 3;
    if (!take_counts(&at, counts)) {
        s->wrong = "a row is not \"t*: N: BYTES [N: BYTES]\"";
        return false;
    }
    set_heap_values(s, counts);
    return s->row->pending = s->row->depth > 0;
}

/* --- Headings ----------------------------------------------------------- */

static void
set_heap_types(struct parse *s)
{
    s->heap = true;
    if (s->with_allocs) {
        wr_profile_add_type(s->p, "alloc_objects", "count");
        wr_profile_add_type(s->p, "alloc_space", "bytes");
    }
    wr_profile_add_type(s->p, s->with_allocs ? "inuse_objects" : "objects",
                        "count");
    wr_profile_add_type(s->p, s->with_allocs ? "inuse_space" : "space",
                        "bytes");
    s->p->period_type = (struct wr_value_type){
        wr_profile_string(s->p, "space"), wr_profile_string(s->p, "bytes")};
    s->p->period = s->rate;
    s->p->drop_frames = wr_profile_string(s->p, wr_allocator_frames);
}

/* The word behind '@' says how the rows were sampled. */
static bool
take_sampling(struct parse *s, char *at)
{
    size_t n = strspn(at, "abcdefghijklmnopqrstuvwxyz_0123456789");
    char *rate = at + n + 1;
    s->rate = 1;
    if (at[n] == '/' && !take_number(&rate, &s->rate, 0))
        return false;
    if (n == 4 && starts_with(at, "heap"))
        s->rate /= 2; /* printed doubled, by tradition */
    else if (!(n == 7 && starts_with(at, "heap_v2")) &&
             !(n == 8 && starts_with(at, "heapz_v2")))
        s->rate = 1;
    s->scaled = s->rate > 1;
    return starts_with(at, "heap") || starts_with(at, "growth") ||
           starts_with(at, "fragmentation");
}

static bool
take_heap_heading(struct parse *s, char *line)
{
    char *at = line + strlen("heap profile:");
    int64_t total[4];
    if (!take_counts(&at, total) || *(at = skip_spaces(at)) != '@' ||
        !take_sampling(s, skip_spaces(at + 1))) {
        s->wrong = "the first line is not \"heap profile: ... @ heap/RATE\"";
        return false;
    }
    s->with_allocs = (total[2] != total[0] && total[2] != 0) ||
                     (total[3] != total[1] && total[3] != 0);
    set_heap_types(s);
    return true;
}

static bool
take_jemalloc_heading(struct parse *s, char *line)
{
    char *at = line + strlen("heap_v2/");
    int64_t total[4] = {0};
    if (!take_number(&at, &s->rate, 0) || s->rate < 1) {
        s->wrong = "the first line is not \"heap_v2/RATE\"";
        return false;
    }
    char *totals = next_line(s);
    char *counts = totals ? strchr(totals, ':') : NULL;
    if (counts && (counts++, !take_counts(&counts, total))) {
        s->wrong = "the totals are not \"t*: N: BYTES [N: BYTES]\"";
        return false;
    }
    s->scaled = s->rate > 1;
    s->with_allocs = total[2] != 0;
    set_heap_types(s);
    return true;
}

static bool
take_count_heading(struct parse *s, char *line)
{
    char *end = strstr(line, " profile: total ");
    *end = '\0';
    wr_profile_add_type(s->p, line, "count");
    if (!s->p->failed)
        s->p->period_type = s->p->types[0];
    s->p->period = 1;
    return true;
}

/* "KEY = NUMBER" lines before the rows. */
static bool
take_contention_setting(struct parse *s, char *line)
{
    char *equals = strchr(line, '='), *at = equals + 1;
    int64_t value;
    if (!take_number(&at, &value, 0)) {
        s->wrong = "a setting is not \"KEY = NUMBER\"";
        return false;
    }
    if (starts_with(line, "cycles/second"))
        s->hz = value;
    else if (starts_with(line, "sampling period"))
        s->rate = value;
    else if (starts_with(line, "ms since reset") && value >= 0 &&
             value < INT64_MAX / 1000000)
        s->p->duration_ns = value * 1000000;
    return true;
}

static bool
take_contention_heading(struct parse *s)
{
    wr_profile_add_type(s->p, "contentions", "count");
    wr_profile_add_type(s->p, "delay", "nanoseconds");
    if (!s->p->failed)
        s->p->period_type = s->p->types[0];
    s->rate = 1;
    size_t n = strcspn(s->at, "\n");
    while (memchr(s->at, '=', n) && *s->at != '#') {
        if (!take_contention_setting(s, next_line(s)))
            return false;
        n = strcspn(s->at, "\n");
    }
    s->p->period = s->rate;
    return true;
}

/* --- The whole ---------------------------------------------------------- */

typedef bool (*row_reader)(struct parse *s, char *line);

static row_reader
take_heading(struct parse *s)
{
    char *line = next_line(s);
    if (!line)
        return NULL;
    if (starts_with(line, "heap profile:"))
        return take_heap_heading(s, line) ? take_heap_row : NULL;
    if (starts_with(line, "heap_v2/"))
        return take_jemalloc_heading(s, line) ? take_jemalloc_line : NULL;
    if (starts_with(line, "---"))
        return take_contention_heading(s) ? take_contention_row : NULL;
    if (strstr(line, " profile: total "))
        return take_count_heading(s, line) ? take_count_row : NULL;
    s->wrong = "the first line names no known kind of profile";
    return NULL;
}

static void
parse(struct parse *s)
{
    row_reader take_row = take_heading(s);
    char *line;
    if (!take_row)
        return;
    take_mappings(s);
    while (!s->wrong && (line = next_line(s))) {
        line = skip_spaces(line);
        if (*line == '#') {
            take_name(s, line);
            continue;
        }
        flush_row(s);
        if (*line != '\0')
            take_row(s, line);
    }
    flush_row(s);
}

/* "NAME profile: total N": profiles that count something, also of a
 * program's own. */
static bool
counts_something(const char *bytes, size_t length)
{
    static const char words[] = " profile: total ";
    size_t line = 0, name = 0;
    while (line < length && line < NAME_MAX_BYTES && bytes[line] != '\n')
        line++;
    while (name < line && isgraph((unsigned char)bytes[name]))
        name++;
    return name > 0 && line - name > strlen(words) &&
           memcmp(bytes + name, words, strlen(words)) == 0;
}

bool
wr_legacy_recognise(const char *bytes, size_t length)
{
    static const char *const first[] = {
        "heap profile:", "heap_v2/",
        "--- contention:", "--- mutex:", "--- contentionz "};
    for (size_t i = 0; i < sizeof first / sizeof *first; i++)
        if (length >= strlen(first[i]) &&
            memcmp(bytes, first[i], strlen(first[i])) == 0)
            return true;
    return counts_something(bytes, length);
}

int
wr_legacy_decode(struct wr_profile **out, const char *bytes, size_t length,
                 char *why, size_t n)
{
    char *text = malloc(length + 1);
    struct parse s = {.p = wr_profile_new(), .at = text};
    s.row = calloc(1, sizeof *s.row);
    bool memory = text && s.p && s.row;
    if (memory) {
        memcpy(text, bytes, length);
        text[length] = '\0';
        parse(&s);
        memory = !s.p->failed;
    }
    free(text);
    free(s.row);
    if (memory && !s.wrong) {
        assert(wr_profile_check(s.p));
        *out = s.p;
        return 0;
    }
    wr_profile_free(s.p);
    return s.wrong ? wr_profile_fail(why, n, "line %lu: %s", s.line, s.wrong)
                   : wr_profile_fail(why, n, "out of memory");
}
