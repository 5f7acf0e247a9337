/* Binaries and addresses that were looked up, and profiles given names.
 *
 * Invariants:
 * 1. A binary is known by its build id, or by its path where it has none, so
 *    that the libraries of a hundred processes are opened once.
 * 2. Frames found are kept: frames[] holds them in runs, and known[] says
 *    which run belongs to (binary, address); a run of none is remembered too.
 * 3. When too many binaries are open, everything is forgotten at once: names
 *    in frames[] are the binaries'.
 */
#include "analyse/symbol.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/binary.h"
#include "analyse/demangle.h"
#include "analyse/store.h"
#include "region/read.h"

#define BINARIES_MAX 256u

struct entry {
    struct wr_binary *binary;
    char *key; /* build id or path */
};

struct known {
    uint64_t address;
    uint32_t binary;
    uint32_t first, count; /* in frames */
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
    return calloc(1, sizeof(struct wr_symboliser));
}

static void
forget(struct wr_symboliser *s)
{
    for (uint32_t i = 0; i < s->binary_count; i++) {
        wr_binary_close(s->binaries[i].binary);
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
    free(s->known);
    free(s->frames);
    free(s->demangled);
    free(s);
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

/* A readable name of ours, or NULL. */
static const char *
demangle(struct wr_symboliser *s, const char *linkage)
{
    char *name = wr_demangle(linkage);
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
    const char *name = linkage ? demangle(s, linkage) : NULL;
    if (!name)
        name = f->name ? f->name : linkage;
    return (struct wr_frame){.name = name ? name : "",
                             .system_name = linkage ? linkage : "",
                             .file = f->file ? f->file : "",
                             .line = f->line,
                             .entry = f->entry};
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
find_frames(struct wr_symboliser *s, struct known *k)
{
    struct wr_dwarf_frame found[WR_DWARF_FRAMES];
    size_t n =
        wr_binary_frames(s->binaries[k->binary].binary, k->address, found);
    k->first = s->frame_count;
    for (size_t i = 0; i < n; i++) {
        struct wr_frame f = frame_from(s, &found[i]);
        if (!grow(&s->frames, sizeof *s->frames, s->frame_count,
                  &s->frame_capacity))
            break;
        s->frames[s->frame_count++] = f;
        k->count++;
    }
}

/* The run of frames at an address of a binary, from memory or anew. */
static struct known
look_up(struct wr_symboliser *s, uint32_t binary, uint64_t address)
{
    struct known k = {.address = address, .binary = binary};
    uint64_t hash = wr_hash_word(binary, address);
    uint32_t at = wr_index_find(&s->index, hash, known_equal, s, &k);
    if (at != WR_NONE)
        return s->known[at];
    find_frames(s, &k);
    if (grow(&s->known, sizeof *s->known, s->known_count, &s->known_capacity) &&
        wr_index_add(&s->index, hash, s->known_count))
        s->known[s->known_count++] = k;
    return k;
}

/* --- Binaries ----------------------------------------------------------- */

/* Where it says it is; for a process that still runs, also as that process
 * sees it, and its program even when the file was replaced or deleted. */
static struct wr_binary *
open_wanted(const struct wanted *w)
{
    char path[WR_PATH_MAX + 64];
    struct wr_binary *b = wr_binary_open(w->path, w->build_id);
    if (!b && w->pid && w->path[0] == '/') {
        snprintf(path, sizeof path, "/proc/%d/root%s", w->pid, w->path);
        b = wr_binary_open(path, w->build_id);
    }
    if (!b && w->pid && w->is_main) {
        snprintf(path, sizeof path, "/proc/%d/exe", w->pid);
        b = wr_binary_open(path, w->build_id);
    }
    return b;
}

static uint32_t
find_binary(struct wr_symboliser *s, const struct wanted *w)
{
    const char *key = *w->build_id ? w->build_id : w->path;
    for (uint32_t i = 0; i < s->binary_count; i++)
        if (strcmp(s->binaries[i].key, key) == 0)
            return i;
    if (*w->path == '\0' || s->binary_count == BINARIES_MAX)
        return WR_NONE;
    char *copy = strdup(key);
    struct wr_binary *b = copy ? open_wanted(w) : NULL;
    if (!b) {
        free(copy);
        return WR_NONE;
    }
    s->binaries[s->binary_count] = (struct entry){b, copy};
    return s->binary_count++;
}

/* --- Profiles ----------------------------------------------------------- */

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

static uint32_t
open_mapping(struct wr_profile *p, struct wr_symboliser *s, uint32_t i, int pid)
{
    struct wr_mapping *m = &p->mappings[i];
    struct wanted w = {p->strings[m->file], p->strings[m->build_id], pid,
                       m->file == p->mappings[0].file};
    uint32_t binary = m->has_functions ? WR_NONE : find_binary(s, &w);
    if (binary != WR_NONE) {
        bool lines = wr_binary_has_lines(s->binaries[binary].binary);
        m->has_functions = true;
        m->has_files = m->has_lines = m->has_inlines = lines;
    }
    return binary;
}

static void
symbolise(struct wr_profile *p, struct wr_symboliser *s,
          const uint32_t *binaries)
{
    for (uint32_t i = 0; i < p->location_count && !p->failed; i++) {
        const struct wr_location *l = &p->locations[i];
        if (l->line_count || l->mapping == WR_NONE ||
            binaries[l->mapping] == WR_NONE)
            continue;
        const struct wr_mapping *m = &p->mappings[l->mapping];
        uint32_t binary = binaries[l->mapping];
        uint64_t address = wr_binary_address(s->binaries[binary].binary,
                                             l->address - m->start + m->offset);
        if (!address)
            continue;
        struct known k = look_up(s, binary, address);
        set_location(p, s, i, &k);
    }
}

void
wr_profile_symbolise(struct wr_profile *p, struct wr_symboliser *s, int pid)
{
    if (s->binary_count > BINARIES_MAX / 2)
        forget(s);
    uint32_t *binaries =
        malloc(((size_t)p->mapping_count + 1) * sizeof *binaries);
    for (uint32_t i = 0; binaries && i < p->mapping_count; i++)
        binaries[i] = open_mapping(p, s, i, pid);
    if (binaries)
        symbolise(p, s, binaries);
    free(binaries);
}

/* --- Single addresses --------------------------------------------------- */

const char *
wr_symboliser_name(struct wr_symboliser *s, const struct wr_region_view *view,
                   uint64_t pc)
{
    char build_id[2 * sizeof((struct wr_module *)0)->build_id + 1] = "";
    const struct wr_module *m = wr_view_module_at(view, pc, UINT32_MAX, NULL);
    if (!m)
        return NULL;
    for (uint32_t i = 0; i < m->build_id_len && i < sizeof m->build_id; i++)
        snprintf(build_id + (size_t)2 * i, 3, "%02x", m->build_id[i]);
    struct wanted w = {m->path, build_id, (int)view->header->pid,
                       m->main_program != 0};
    uint32_t binary = find_binary(s, &w);
    if (binary == WR_NONE)
        return NULL;
    uint64_t address = wr_binary_address(s->binaries[binary].binary,
                                         pc - m->start + m->file_offset);
    struct known k = look_up(s, binary, address);
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
    struct known k = look_up(s, binary, address);
    *frames = k.count ? s->frames + k.first : NULL;
    return k.count;
}
