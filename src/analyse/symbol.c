/* Binaries and addresses that were looked up, and profiles given names.
 *
 * Invariants:
 * 1. A binary is known by its build id, or by its path where it has none, so
 *    that the libraries of a hundred processes are opened once; and not at all
 *    when the names kept on disk are enough.
 * 2. Frames found are kept: frames[] holds them in runs, and known[] says
 *    which run belongs to (binary, address); a run of none is remembered too.
 * 3. When too many binaries are open, everything is forgotten at once: names
 *    in frames[] are the binaries'.
 * 4. On disk is kept what debug information says of a build id, which never
 *    changes; not what a symbol table says, for debug information may come.
 */
#include "analyse/symbol.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/binary.h"
#include "analyse/debuginfod.h"
#include "analyse/demangle.h"
#include "analyse/symbol_cache.h"
#include "analyse/perf_map.h"
#include "analyse/store.h"
#include "region/read.h"

#define BINARIES_MAX 256u
#define WAIT_MS      2000u
#define PERF_MAPS    8u /* of processes, read and kept */

struct entry {
    char *key; /* build id or path; "": another entry took its place */
    bool has_id, tried;
    bool fetched;             /* it was opened with all that servers had */
    struct wr_binary *binary; /* NULL: not opened, or not to be opened */
    struct wr_cache *names;   /* from the disk, or NULL */
    uint32_t found, saved;    /* addresses: in the binary, of these on disk */
    struct wr_code_segment segments[WR_BINARY_SEGMENTS]; /* of the binary */
    uint32_t segment_count;
};

struct known {
    uint64_t address;
    uint32_t binary;
    uint32_t first, count; /* in frames */
};

struct process_code {
    int pid;
    struct wr_perf_map *map;
};

struct wr_symboliser {
    struct entry binaries[BINARIES_MAX];
    uint32_t binary_count;
    struct wr_index index; /* of known */
    struct known *known;
    uint32_t known_count, known_capacity;
    struct wr_frame *frames;
    uint32_t frame_count, frame_capacity;
    char **demangled; /* names we own */
    uint32_t demangled_count, demangled_capacity;
    struct wr_debuginfod *debuginfod; /* NULL: no servers */
    unsigned patience_ms;             /* after WAIT_MS */
    void (*tell)(void);               /* that it is needed */
    struct process_code code[PERF_MAPS];
    unsigned next_code;
};

/* What is asked: where a file may be found, and which it must be. */
struct wanted {
    const char *path, *build_id;
    int pid;
    bool is_main;
};

/* --- Life --------------------------------------------------------------- */

struct wr_symboliser *
wr_symboliser_new(void)
{
    struct wr_symboliser *s = calloc(1, sizeof *s);
    if (s)
        s->debuginfod = wr_debuginfod_new();
    return s;
}

void
wr_symboliser_be_patient(struct wr_symboliser *s, unsigned ms,
                         void (*tell)(void))
{
    s->patience_ms = ms;
    s->tell = tell;
}

/* Room for one more in the array at *array. */
static bool
grow(void *array_pointer, size_t entry_bytes, uint32_t count,
     uint32_t *capacity)
{
    void **array = array_pointer;
    if (count < *capacity)
        return true;
    uint32_t more = *capacity ? *capacity * 2 : 256;
    void *bigger = realloc(*array, more * entry_bytes);
    if (!bigger)
        return false;
    *array = bigger;
    *capacity = more;
    return true;
}

/* --- Names -------------------------------------------------------------- */

/* Takes a name over, which may be NULL. */
static const char *
keep(struct wr_symboliser *s, char *name)
{
    if (!name || !grow(&s->demangled, sizeof *s->demangled, s->demangled_count,
                       &s->demangled_capacity)) {
        free(name);
        return NULL;
    }
    return s->demangled[s->demangled_count++] = name;
}

static struct wr_frame
frame_from(struct wr_symboliser *s, const struct wr_dwarf_frame *f)
{
    const char *linkage = f->linkage ? f->linkage : f->name;
    const char *name = linkage ? keep(s, wr_demangle(linkage)) : NULL;
    if (!name && f->whole)
        name = keep(s, wr_demangle_shorten(f->whole));
    if (!name)
        name = f->name ? f->name : linkage;
    return (struct wr_frame){.name = name ? name : "",
                             .system_name = linkage ? linkage : "",
                             .file = f->file ? f->file : "",
                             .line = f->line,
                             .entry = f->entry};
}

/* --- Binaries ----------------------------------------------------------- */

/* Where it says it is; for a process that still runs, also as that process
 * sees it, and its program even when the file was replaced or deleted. */
static struct wr_binary *
open_file(const struct wanted *w, const char *debug, const char *shared)
{
    char path[WR_PATH_MAX + 64];
    struct wr_binary *b =
        wr_binary_open_with(w->path, w->build_id, debug, shared);
    if (!b && w->pid && w->path[0] == '/') {
        snprintf(path, sizeof path, "/proc/%d/root%s", w->pid, w->path);
        b = wr_binary_open_with(path, w->build_id, debug, shared);
    }
    if (!b && w->pid && w->is_main) {
        snprintf(path, sizeof path, "/proc/%d/exe", w->pid);
        b = wr_binary_open_with(path, w->build_id, debug, shared);
    }
    return b;
}

static bool
has_lines(const struct entry *e)
{
    return e->binary ? wr_binary_has_lines(e->binary) : e->names != NULL;
}

/* With what servers have sent of its debug information so far. */
static void
open_with_fetched(struct wr_symboliser *s, struct entry *e,
                  const struct wanted *w)
{
    char debug[WR_PATH_MAX * 2], shared[WR_PATH_MAX * 2];
    bool fetched = e->has_id && wr_debuginfod_found(s->debuginfod, e->key,
                                                    debug, sizeof debug);
    e->binary = open_file(w, fetched ? debug : NULL, NULL);
    if (!e->binary ||
        !wr_debuginfod_found(s->debuginfod, wr_binary_lacks(e->binary), shared,
                             sizeof shared)) {
        e->fetched = fetched && !has_lines(e);
        return;
    }
    wr_binary_close(e->binary);
    e->binary = open_file(w, fetched ? debug : NULL, shared);
    e->fetched = true;
}

static void
open_binary(struct wr_symboliser *s, struct entry *e, const struct wanted *w)
{
    if (e->tried)
        return;
    e->tried = true;
    open_with_fetched(s, e, w);
    if (e->binary)
        e->segment_count = wr_binary_segments(e->binary, e->segments);
}

static uint32_t
add_entry(struct wr_symboliser *s, const char *key, const struct wanted *w)
{
    struct entry e = {.key = strdup(key), .has_id = *w->build_id != '\0'};
    if (e.key && e.has_id)
        e.names = wr_cache_load(key);
    if (e.key && !e.names)
        open_binary(s, &e, w);
    if (!e.binary && !e.names) {
        free(e.key);
        return WR_NONE;
    }
    s->binaries[s->binary_count] = e;
    return s->binary_count++;
}

static uint32_t
find_binary(struct wr_symboliser *s, const struct wanted *w)
{
    const char *key = *w->build_id ? w->build_id : w->path;
    if (*w->path == '\0')
        return WR_NONE;
    for (uint32_t i = 0; i < s->binary_count; i++)
        if (strcmp(s->binaries[i].key, key) == 0)
            return i;
    return s->binary_count < BINARIES_MAX ? add_entry(s, key, w) : WR_NONE;
}

/* The address of an offset of the file, in the file's own terms; or 0. */
static uint64_t
address_in(const struct entry *e, uint64_t offset)
{
    return e->binary ? wr_code_address(e->segments, e->segment_count, offset)
                     : wr_cache_address(e->names, offset);
}

/* --- Addresses ---------------------------------------------------------- */

static bool
known_equal(const void *symboliser, uint32_t i, const void *key)
{
    const struct known *a =
        &((const struct wr_symboliser *)symboliser)->known[i];
    const struct known *b = key;
    return a->address == b->address && a->binary == b->binary;
}

static void
add_frame(struct wr_symboliser *s, struct known *k, struct wr_frame f)
{
    if (!grow(&s->frames, sizeof *s->frames, s->frame_count,
              &s->frame_capacity))
        return;
    s->frames[s->frame_count++] = f;
    k->count++;
}

static bool
find_in_names(struct wr_symboliser *s, struct known *k)
{
    struct wr_frame f[WR_DWARF_FRAMES];
    const struct wr_cache *names = s->binaries[k->binary].names;
    int n = names ? wr_cache_frames(names, k->address, f) : -1;
    for (int i = 0; i < n; i++)
        add_frame(s, k, f[i]);
    return n >= 0;
}

static void
find_in_binary(struct wr_symboliser *s, struct known *k)
{
    struct wr_dwarf_frame f[WR_DWARF_FRAMES];
    struct entry *e = &s->binaries[k->binary];
    size_t n = e->binary ? wr_binary_frames(e->binary, k->address, f) : 0;
    for (size_t i = 0; i < n; i++)
        add_frame(s, k, frame_from(s, &f[i]));
    e->found++;
}

/* The run of frames at an address of a binary, from memory or anew. */
static struct known
look_up(struct wr_symboliser *s, uint32_t binary, const struct wanted *w,
        uint64_t address)
{
    struct known k = {.address = address, .binary = binary};
    uint64_t hash = wr_hash_word(binary, address);
    uint32_t at = wr_index_find(&s->index, hash, known_equal, s, &k);
    if (at != WR_NONE)
        return s->known[at];
    k.first = s->frame_count;
    if (!find_in_names(s, &k)) {
        open_binary(s, &s->binaries[binary], w);
        find_in_binary(s, &k);
    }
    if (grow(&s->known, sizeof *s->known, s->known_count, &s->known_capacity) &&
        wr_index_add(&s->index, hash, s->known_count))
        s->known[s->known_count++] = k;
    return k;
}

/* --- Names on disk ------------------------------------------------------ */

static void
save_names_of(struct wr_symboliser *s, uint32_t binary)
{
    struct entry *e = &s->binaries[binary];
    struct wr_found found = {
        .segments = e->segments,
        .segment_count = e->segment_count,
        .places = malloc((s->known_count + 1) * sizeof *found.places)};
    for (uint32_t i = 0; found.places && i < s->known_count; i++) {
        const struct known *k = &s->known[i];
        if (k->binary == binary)
            found.places[found.count++] = (struct wr_place){
                k->address, k->count ? s->frames + k->first : NULL, k->count};
    }
    if (found.places)
        wr_cache_save(e->key, e->names, &found);
    free(found.places);
    e->saved = e->found;
}

static bool
is_whole(const struct entry *e)
{
    return wr_binary_has_lines(e->binary) && !*wr_binary_lacks(e->binary);
}

/* While more and more is found, a file is written anew when it grows by an
 * eighth: what that costs stays in proportion. */
static void
save_names(struct wr_symboliser *s, bool all)
{
    for (uint32_t i = 0; i < s->binary_count; i++) {
        const struct entry *e = &s->binaries[i];
        uint32_t more = e->found - e->saved;
        if (e->has_id && *e->key && more && e->binary && is_whole(e) &&
            (all || more >= e->saved / 8))
            save_names_of(s, i);
    }
}

/* --- The end ------------------------------------------------------------ */

static void
forget(struct wr_symboliser *s)
{
    save_names(s, true);
    for (uint32_t i = 0; i < s->binary_count; i++) {
        wr_binary_close(s->binaries[i].binary);
        wr_cache_free(s->binaries[i].names);
        free(s->binaries[i].key);
    }
    for (uint32_t i = 0; i < s->demangled_count; i++)
        free(s->demangled[i]);
    wr_index_fini(&s->index);
    s->binary_count = s->known_count = s->frame_count = s->demangled_count = 0;
}

void
wr_symboliser_free(struct wr_symboliser *s)
{
    if (!s)
        return;
    forget(s);
    for (unsigned i = 0; i < PERF_MAPS; i++)
        wr_perf_map_free(s->code[i].map);
    wr_debuginfod_free(s->debuginfod);
    free(s->known);
    free(s->frames);
    free(s->demangled);
    free(s);
}

/* --- Debug files from servers ------------------------------------------- */

/* The build id of debug information that is not here; NULL: all is, or can't
 * be had. */
static const char *
missing(const struct entry *e)
{
    if (!e->has_id || !e->binary || e->fetched || *e->key == '\0')
        return NULL;
    if (!wr_binary_has_lines(e->binary))
        return e->key;
    return *wr_binary_lacks(e->binary) ? wr_binary_lacks(e->binary) : NULL;
}

/* It may have come: then the binary is opened anew, under a number for which
 * nothing is known. */
static uint32_t
open_with_more(struct wr_symboliser *s, uint32_t binary, const struct wanted *w)
{
    struct entry *old = &s->binaries[binary];
    char path[WR_PATH_MAX * 2];
    if (*old->key == '\0') /* for another mapping of the file */
        return find_binary(s, w);
    if (!missing(old) || s->binary_count == BINARIES_MAX ||
        !wr_debuginfod_found(s->debuginfod, missing(old), path, sizeof path))
        return binary;
    uint32_t new = add_entry(s, old->key, w);
    if (new == WR_NONE)
        return binary;
    *old->key = '\0';
    return new;
}

/* --- Profiles ----------------------------------------------------------- */

struct naming {
    struct wr_profile *p;
    struct wr_symboliser *s;
    struct wanted *wanted; /* by mapping */
    uint32_t *binaries;    /* by mapping; WR_NONE: nothing to be found */
};

static void
set_location(struct wr_profile *p, struct wr_symboliser *s, uint32_t location,
             const struct known *k)
{
    struct wr_line lines[WR_DWARF_FRAMES];
    for (uint32_t i = 0; i < k->count; i++) {
        const struct wr_frame *f = &s->frames[k->first + i];
        struct wr_function ours = {wr_profile_string(p, f->name),
                                   wr_profile_string(p, f->system_name),
                                   wr_profile_string(p, f->file), 0};
        lines[i] =
            (struct wr_line){wr_profile_function(p, &ours), f->line, f->entry};
    }
    if (k->count)
        wr_profile_set_lines(p, location, lines, k->count);
}

static bool
naming_init(struct naming *n, int pid)
{
    const struct wr_profile *p = n->p;
    n->wanted = malloc(((size_t)p->mapping_count + 1) * sizeof *n->wanted);
    n->binaries = malloc(((size_t)p->mapping_count + 1) * sizeof *n->binaries);
    for (uint32_t i = 0; n->wanted && n->binaries && i < p->mapping_count;
         i++) {
        const struct wr_mapping *m = &p->mappings[i];
        n->wanted[i] =
            (struct wanted){p->strings[m->file], p->strings[m->build_id], pid,
                            m->file == p->mappings[0].file};
        n->binaries[i] =
            m->has_functions ? WR_NONE : find_binary(n->s, &n->wanted[i]);
    }
    return n->wanted && n->binaries;
}

/* The address in its file of a location that has no names; 0: nothing to be
 * done there. */
static uint64_t
address_of(const struct naming *n, uint32_t location)
{
    const struct wr_location *l = &n->p->locations[location];
    if (l->line_count || l->mapping == WR_NONE ||
        n->binaries[l->mapping] == WR_NONE)
        return 0;
    const struct wr_mapping *m = &n->p->mappings[l->mapping];
    return address_in(&n->s->binaries[n->binaries[l->mapping]],
                      l->address - m->start + m->offset);
}

/* Open every binary of which some address is not known. */
static void
open_what_is_needed(struct naming *n)
{
    struct wr_frame f[WR_DWARF_FRAMES];
    for (uint32_t i = 0; i < n->p->location_count; i++) {
        uint64_t address = address_of(n, i);
        uint32_t mapping = n->p->locations[i].mapping;
        if (!address)
            continue;
        struct entry *e = &n->s->binaries[n->binaries[mapping]];
        if (!e->tried && wr_cache_frames(e->names, address, f) < 0)
            open_binary(n->s, e, &n->wanted[mapping]);
    }
}

/* Ask servers for the debug information that is missing, for all binaries at
 * once. true: some of it was not asked for before. */
static bool
ask_servers(struct naming *n)
{
    struct wr_symboliser *s = n->s;
    bool asked = false;
    for (uint32_t i = 0; s->debuginfod && i < n->p->mapping_count; i++) {
        const char *build_id = n->binaries[i] != WR_NONE
                                   ? missing(&s->binaries[n->binaries[i]])
                                   : NULL;
        if (build_id && wr_debuginfod_want(s->debuginfod, build_id))
            asked = true;
    }
    if (asked && !wr_debuginfod_wait(s->debuginfod, WAIT_MS) &&
        s->patience_ms) {
        s->tell();
        wr_debuginfod_wait(s->debuginfod, s->patience_ms);
    }
    for (uint32_t i = 0; s->debuginfod && i < n->p->mapping_count; i++)
        if (n->binaries[i] != WR_NONE)
            n->binaries[i] = open_with_more(s, n->binaries[i], &n->wanted[i]);
    return asked;
}

static void
set_flags(struct naming *n)
{
    for (uint32_t i = 0; i < n->p->mapping_count; i++) {
        struct wr_mapping *m = &n->p->mappings[i];
        if (n->binaries[i] == WR_NONE)
            continue;
        m->has_functions = true;
        m->has_files = m->has_lines = m->has_inlines =
            has_lines(&n->s->binaries[n->binaries[i]]);
    }
}

static void
name_locations(struct naming *n)
{
    for (uint32_t i = 0; i < n->p->location_count && !n->p->failed; i++) {
        uint64_t address = address_of(n, i);
        uint32_t mapping = n->p->locations[i].mapping;
        if (!address)
            continue;
        struct known k =
            look_up(n->s, n->binaries[mapping], &n->wanted[mapping], address);
        set_location(n->p, n->s, i, &k);
    }
}

/* --- Code made at run time ---------------------------------------------- */

/* The map of a process, as it is now. */
static const struct wr_perf_map *
code_of(struct wr_symboliser *s, int pid)
{
    unsigned i = 0;
    while (i < PERF_MAPS && !(s->code[i].map && s->code[i].pid == pid))
        i++;
    if (i < PERF_MAPS && wr_perf_map_is_current(s->code[i].map))
        return s->code[i].map;
    if (i == PERF_MAPS)
        i = s->next_code++ % PERF_MAPS;
    wr_perf_map_free(s->code[i].map);
    s->code[i] = (struct process_code){pid, wr_perf_map_open(pid)};
    return s->code[i].map;
}

static bool
is_nameless_code(const struct wr_location *l)
{
    return l->line_count == 0 && l->mapping == WR_NONE && l->address != 0;
}

static void
name_code(struct wr_profile *p, struct wr_symboliser *s, int pid)
{
    uint32_t i = 0;
    while (i < p->location_count && !is_nameless_code(&p->locations[i]))
        i++;
    const struct wr_perf_map *map =
        i < p->location_count ? code_of(s, pid) : NULL;
    for (; map && i < p->location_count && !p->failed; i++) {
        const char *name = is_nameless_code(&p->locations[i])
                               ? wr_perf_map_name(map, p->locations[i].address)
                               : NULL;
        if (!name)
            continue;
        uint32_t text = wr_profile_string(p, name);
        struct wr_function f = {.name = text, .system_name = text};
        struct wr_line line = {.function = wr_profile_function(p, &f)};
        wr_profile_set_lines(p, i, &line, 1);
    }
}

void
wr_profile_symbolise(struct wr_profile *p, struct wr_symboliser *s, int pid,
                     bool runs)
{
    struct naming n = {.p = p, .s = s};
    if (s->binary_count > BINARIES_MAX / 2)
        forget(s);
    if (naming_init(&n, runs ? pid : 0)) {
        open_what_is_needed(&n);
        if (ask_servers(&n)) /* a file that came may share another's */
            ask_servers(&n);
        set_flags(&n);
        name_locations(&n);
        save_names(s, false);
    }
    free(n.wanted);
    free(n.binaries);
    if (pid)
        name_code(p, s, pid);
}

/* --- Single addresses --------------------------------------------------- */

const char *
wr_symboliser_name(struct wr_symboliser *s, const struct wr_region_view *view,
                   uint64_t pc)
{
    char build_id[2 * sizeof((struct wr_module *)0)->build_id + 1] = "";
    const struct wr_module *m = wr_view_module_at(view, pc, UINT32_MAX, NULL);
    if (!m) {
        const struct wr_perf_map *map = code_of(s, (int)view->header->pid);
        return map ? wr_perf_map_name(map, pc) : NULL;
    }
    for (uint32_t i = 0; i < m->build_id_len && i < sizeof m->build_id; i++)
        snprintf(build_id + (size_t)2 * i, 3, "%02x", m->build_id[i]);
    struct wanted w = {m->path, build_id, (int)view->header->pid,
                       m->main_program != 0};
    uint32_t binary = find_binary(s, &w);
    if (binary == WR_NONE)
        return NULL;
    uint64_t address =
        address_in(&s->binaries[binary], pc - m->start + m->file_offset);
    struct known k = look_up(s, binary, &w, address);
    return k.count && *s->frames[k.first].name ? s->frames[k.first].name : NULL;
}

size_t
wr_symboliser_frames(struct wr_symboliser *s, const char *path,
                     uint64_t address, const struct wr_frame **frames)
{
    struct wanted w = {path, "", 0, false};
    uint32_t binary = find_binary(s, &w);
    if (binary == WR_NONE)
        return 0;
    struct known k = look_up(s, binary, &w, address);
    *frames = k.count ? s->frames + k.first : NULL;
    return k.count;
}
