/* Spots.
 *
 * Invariants:
 * 1. maps[] is sorted by address, as the kernel lists it. What follows a
 *    file's writable mapping as its zeroes has no name there: a module's parts
 *    know how far they reach.
 * 2. A file is opened when the first address of it is looked at.
 */
#include "analyse/spots.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "analyse/path.h"
#include "analyse/search.h"
#include "analyse/snapshot.h"
#include "analyse/symbol.h"
#include "analyse/units.h"
#include "analyse/variable.h"

enum {
    RED_ZONE = 128,      /* bytes below the stack pointer that may be in use */
    CONTROL_BLOCK = 4096 /* of a thread, above its storage: libc's business */
};

struct map {
    uint64_t from, end, offset;
    bool writable, runs;
    char *path; /* "" or the file; "[stack]" and the like */
    uint32_t module;
};

struct module {
    const char *path; /* a map's */
    bool tried;
    struct wr_variables *variables; /* NULL: not to be had */
    uint64_t bias;
    uint64_t low, high; /* of what is loaded */
};

#define NO_MODULE UINT32_MAX

struct wr_spots {
    struct wr_spots_options o;
    struct map *maps;
    size_t map_count, map_room;
    struct module *modules;
    uint32_t module_count, module_room;
    char (*thread_name)[32]; /* by the snapshot's threads */
    uint64_t storage;        /* of a thread, of all modules that have some */
};

/* --- Maps ---------------------------------------------------------------- */

/* Room for one more. */
static bool
grow(void *array_pointer, size_t entry_bytes, size_t count, size_t *room)
{
    void **array = array_pointer;
    if (count < *room)
        return true;
    size_t more = *room ? *room * 2 : 64;
    void *bigger = realloc(*array, more * entry_bytes);
    if (!bigger)
        return false;
    *array = bigger;
    *room = more;
    return true;
}

/* The module of that path, which the last one may be: a file's mappings stand
 * together. */
static uint32_t
module_of(struct wr_spots *s, const char *path)
{
    size_t room = s->module_room;
    if (path[0] != '/')
        return NO_MODULE;
    if (s->module_count &&
        strcmp(s->modules[s->module_count - 1].path, path) == 0)
        return s->module_count - 1;
    if (!grow(&s->modules, sizeof *s->modules, s->module_count, &room))
        return NO_MODULE;
    s->module_room = (uint32_t)room;
    s->modules[s->module_count] = (struct module){.path = path};
    return s->module_count++;
}

static bool
read_map(struct wr_spots *s, const char *line)
{
    struct map m = {.from = 0};
    char flags[5] = "";
    int at = 0;
    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*s %*s %n",
               &m.from, &m.end, flags, &m.offset, &at) < 4)
        return true;
    m.path = strndup(at ? line + at : "", at ? strcspn(line + at, "\n") : 0);
    if (!m.path ||
        !grow(&s->maps, sizeof *s->maps, s->map_count, &s->map_room)) {
        free(m.path);
        return false;
    }
    m.writable = flags[1] == 'w';
    m.runs = flags[2] == 'x';
    m.module = module_of(s, m.path);
    s->maps[s->map_count++] = m;
    return true;
}

static bool
read_maps(struct wr_spots *s)
{
    char *line = NULL;
    size_t room = 0;
    bool ok = true;
    while (ok && s->o.maps && getline(&line, &room, s->o.maps) > 0)
        ok = read_map(s, line);
    free(line);
    return ok;
}

static uint64_t
map_start(const void *maps, size_t i)
{
    return ((const struct map *)maps)[i].from;
}

static const struct map *
map_at(const struct wr_spots *s, uint64_t address)
{
    size_t n = wr_search_before(s->maps, s->map_count, map_start, address);
    return n && address < s->maps[n - 1].end ? &s->maps[n - 1] : NULL;
}

/* --- Modules ------------------------------------------------------------- */

/* Not a pipe that would keep us waiting. */
static struct wr_variables *
open_regular(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) ? wr_variables_open(path)
                                                       : NULL;
}

static struct wr_variables *
open_file(const struct wr_spots *s, const char *path)
{
    char there[4200];
    struct wr_variables *v = NULL;
    if (s->o.pid) {
        snprintf(there, sizeof there, "/proc/%d/root%s", s->o.pid, path);
        v = open_regular(there);
    }
    return v ? v : open_regular(path);
}

/* Where it was loaded: a mapping's file offset lies in one of its parts. */
static void
place_module(struct module *module, const struct map *m)
{
    struct wr_loaded part;
    module->low = UINT64_MAX;
    for (size_t i = 0; wr_variables_part(module->variables, i, &part); i++) {
        uint64_t page = part.offset & ~UINT64_C(4095);
        if (m->offset == page)
            module->bias = m->from - (part.address & ~UINT64_C(4095));
    }
    for (size_t i = 0; wr_variables_part(module->variables, i, &part); i++) {
        uint64_t from = module->bias + part.address;
        if (from < module->low)
            module->low = from;
        if (from + part.bytes > module->high)
            module->high = from + part.bytes;
    }
}

static struct module *
use_module(struct wr_spots *s, uint32_t i)
{
    struct module *module = &s->modules[i];
    if (module->tried)
        return module;
    module->tried = true;
    module->variables = open_file(s, module->path);
    for (size_t k = 0; module->variables && k < s->map_count; k++)
        if (s->maps[k].module == i) {
            place_module(module, &s->maps[k]);
            break;
        }
    return module;
}

/* The module that loaded what is at the address: the mapping's own, or one
 * of which a part reaches into a mapping without a name. */
static struct module *
module_at(struct wr_spots *s, const struct map *m, uint64_t address)
{
    if (m->module != NO_MODULE)
        return use_module(s, m->module);
    for (; m > s->maps && m->path[0] == '\0'; m--) {
        if (m[-1].end != m->from)
            return NULL;
        if (m[-1].module == NO_MODULE)
            continue;
        struct module *module = use_module(s, m[-1].module);
        return address < module->high ? module : NULL;
    }
    return NULL;
}

/* --- Threads ------------------------------------------------------------- */

static void
read_thread_names(struct wr_spots *s)
{
    const struct wr_snapshot *snapshot = s->o.snapshot;
    char path[64];
    for (uint32_t i = 0; i < snapshot->thread_count && s->o.pid; i++) {
        snprintf(path, sizeof path, "/proc/%d/task/%u/comm", s->o.pid,
                 snapshot->threads[i]->tid);
        FILE *f = fopen(path, "re");
        if (f && fgets(s->thread_name[i], sizeof *s->thread_name, f))
            s->thread_name[i][strcspn(s->thread_name[i], "\n")] = '\0';
        if (f)
            fclose(f);
    }
}

static void
set_thread(const struct wr_spots *s, uint32_t i, struct wr_spot *out)
{
    out->tid = s->o.snapshot->threads[i]->tid;
    out->thread = s->thread_name[i];
}

/* The main thread's stack is a mapping. */
static uint64_t
stack_end(const struct wr_spots *s, const struct wr_snapshot_thread *t)
{
    const struct map *m = map_at(s, t->sp);
    return t->stack_hi ? t->stack_hi : m ? m->end : t->sp;
}

static void
name_function(struct wr_spots *s, uint64_t pc, struct wr_spot *out)
{
    const struct map *m = map_at(s, pc);
    struct module *module =
        m && m->module != NO_MODULE ? use_module(s, m->module) : NULL;
    const struct wr_frame *frames;
    if (!module)
        return;
    out->module = wr_path_base(module->path);
    size_t n = wr_symboliser_frames(s->o.symboliser, module->path,
                                    pc - module->bias, &frames);
    if (n == 0)
        return;
    out->name = frames[n - 1].name; /* whose frame it is: none inlined */
    out->file = frames[n - 1].file;
    out->line = (int)frames[n - 1].line;
}

static void
fill_frame(struct wr_spots *s, const struct wr_snapshot_thread *t,
           uint64_t address, struct wr_spot *out)
{
    const struct wr_snapshot_frame *f = wr_snapshot_frames(t);
    uint32_t i = 0;
    out->start = t->sp;
    out->bytes = stack_end(s, t) - t->sp;
    if (t->frames == 0)
        return;
    while (i + 1 < t->frames && f[i + 1].sp <= address)
        i++;
    uint64_t end = i + 1 < t->frames ? f[i + 1].sp : stack_end(s, t);
    out->start = f[i].sp <= address ? f[i].sp : t->sp;
    out->bytes = end - out->start;
    name_function(s, f[i].pc - 1, out);
}

static bool
find_stack(struct wr_spots *s, uint64_t address, struct wr_spot *out)
{
    for (uint32_t i = 0; i < s->o.snapshot->thread_count; i++) {
        const struct wr_snapshot_thread *t = s->o.snapshot->threads[i];
        if (address < t->sp || address >= stack_end(s, t))
            continue;
        out->kind = WR_SPOT_STACK;
        set_thread(s, i, out);
        fill_frame(s, t, address, out);
        return true;
    }
    return false;
}

/* Of the program itself the storage ends right below the control block. */
static void
name_storage(struct wr_spots *s, uint64_t control, uint64_t address,
             struct wr_spot *out)
{
    struct module *first = s->module_count ? use_module(s, 0) : NULL;
    uint64_t bytes =
        first && first->variables ? wr_variables_storage(first->variables) : 0;
    struct wr_variable found;
    if (address + bytes < control || address >= control ||
        !wr_thread_variable_at(first->variables, address - (control - bytes),
                               &found))
        return;
    out->start = control - bytes + found.start;
    out->bytes = found.bytes;
    out->name = found.name;
    out->module = wr_path_base(first->path);
}

static uint64_t
all_storage(struct wr_spots *s)
{
    for (uint32_t i = 0; i < s->module_count && s->storage == 0; i++)
        (void)use_module(s, i);
    if (s->storage == 0) {
        s->storage = 64;
        for (uint32_t i = 0; i < s->module_count; i++)
            if (s->modules[i].variables)
                s->storage +=
                    wr_variables_storage(s->modules[i].variables) + 64;
    }
    return s->storage;
}

static bool
find_storage(struct wr_spots *s, uint64_t address, struct wr_spot *out)
{
    for (uint32_t i = 0; i < s->o.snapshot->thread_count; i++) {
        uint64_t control = s->o.snapshot->threads[i]->storage;
        if (control == 0 || address >= control + CONTROL_BLOCK ||
            address + all_storage(s) < control)
            continue;
        out->kind = WR_SPOT_THREAD;
        out->start = control - all_storage(s);
        set_thread(s, i, out);
        name_storage(s, control, address, out);
        return true;
    }
    return false;
}

/* --- Asking -------------------------------------------------------------- */

static bool
find_own(const struct wr_spots *s, uint64_t address, struct wr_spot *out)
{
    for (uint64_t i = 0; i < s->o.snapshot->own_count; i++) {
        const struct wr_snapshot_range *r = &s->o.snapshot->own[i];
        if (address < r->from || address >= r->end)
            continue;
        out->kind = WR_SPOT_OWN;
        out->start = r->from;
        out->bytes = r->end - r->from;
        return true;
    }
    return false;
}

static void
name_data(const struct module *module, uint64_t address, struct wr_spot *out)
{
    struct wr_variable found;
    if (!module->variables ||
        !wr_variable_at(module->variables, address - module->bias, &found))
        return;
    out->kind = WR_SPOT_GLOBAL;
    out->start = module->bias + found.start;
    out->bytes = found.bytes;
    out->name = found.name;
    out->file = found.file;
    out->line = found.line;
}

/* The mappings of a core do not always say. */
static bool
is_code(const struct module *module, const struct map *m, uint64_t address)
{
    struct wr_loaded part;
    for (size_t i = 0;
         module->variables && wr_variables_part(module->variables, i, &part);
         i++)
        if (part.runs && address - module->bias - part.address < part.bytes)
            return true;
    return m->runs;
}

static void
find_in_module(struct wr_spots *s, const struct map *m,
               const struct module *module, uint64_t address,
               struct wr_spot *out)
{
    out->module = wr_path_base(module->path);
    out->start = module->bias;
    if (is_code(module, m, address)) {
        out->kind = WR_SPOT_CODE;
        name_function(s, address, out);
        return;
    }
    out->kind = WR_SPOT_DATA;
    name_data(module, address, out);
}

void
wr_spots_find(struct wr_spots *s, uint64_t address, struct wr_spot *out)
{
    const struct map *m = map_at(s, address);
    struct module *module;
    *out = (struct wr_spot){.kind = WR_SPOT_NOTHING,
                            .thread = "",
                            .name = "",
                            .module = "",
                            .file = "",
                            .start = address};
    if (find_own(s, address, out) || !m) {
        ;
    } else if ((module = module_at(s, m, address))) {
        find_in_module(s, m, module, address, out);
    } else if (!find_storage(s, address, out) && !find_stack(s, address, out)) {
        out->kind = WR_SPOT_MAPPING;
        out->name = m->path;
        out->start = m->from;
        out->bytes = m->end - m->from;
    }
    out->offset = address - out->start;
}

void
wr_spots_root(struct wr_spots *s, const struct wr_root_word *word,
              struct wr_spot *out)
{
    if (word->kind == WR_SNAPSHOT_MEMORY) {
        wr_spots_find(s, word->address, out);
        return;
    }
    *out = (struct wr_spot){.kind = word->kind == WR_SNAPSHOT_REGISTERS
                                        ? WR_SPOT_REGISTERS
                                        : WR_SPOT_KEPT,
                            .tid = word->tid,
                            .thread = "",
                            .name = "",
                            .module = "",
                            .file = ""};
    for (uint32_t i = 0; i < s->o.snapshot->thread_count; i++)
        if (s->o.snapshot->threads[i]->tid == word->tid)
            set_thread(s, i, out);
}

struct wr_spots *
wr_spots_open(const struct wr_spots_options *o)
{
    struct wr_spots *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->o = *o;
    s->thread_name =
        calloc(o->snapshot->thread_count + 1, sizeof *s->thread_name);
    if (!s->thread_name || !read_maps(s)) {
        wr_spots_close(s);
        return NULL;
    }
    read_thread_names(s);
    return s;
}

void
wr_spots_close(struct wr_spots *s)
{
    if (!s)
        return;
    for (uint32_t i = 0; i < s->module_count; i++)
        wr_variables_close(s->modules[i].variables);
    for (size_t i = 0; i < s->map_count; i++)
        free(s->maps[i].path);
    free(s->maps);
    free(s->modules);
    free(s->thread_name);
    free(s);
}

/* --- Text ---------------------------------------------------------------- */

static void
place_text(const struct wr_spot *spot, char *text, size_t n)
{
    if (spot->file[0] && spot->line)
        snprintf(text, n, "%s%s%s:%d", spot->module, *spot->module ? ", " : "",
                 wr_path_base(spot->file), spot->line);
    else
        snprintf(text, n, "%s", spot->module);
}

static void
thread_text(const struct wr_spot *spot, char *text, size_t n)
{
    if (spot->thread[0])
        snprintf(text, n, "thread %u (%s)", spot->tid, spot->thread);
    else
        snprintf(text, n, "thread %u", spot->tid);
}

static void
mapping_text(const struct wr_spot *spot, char *text, size_t n)
{
    char bytes[WR_VALUE_ROOM];
    wr_value_format(bytes, sizeof bytes, (int64_t)spot->bytes, "bytes");
    snprintf(text, n, "%s 0x%llx (%s%s%s)",
             spot->name[0] ? "mapping" : "mapped memory",
             (unsigned long long)spot->start, bytes, spot->name[0] ? ", " : "",
             spot->name);
}

void
wr_spot_text(const struct wr_spot *spot, char *text, size_t n)
{
    char place[300], thread[64];
    place_text(spot, place, sizeof place);
    thread_text(spot, thread, sizeof thread);
    switch (spot->kind) {
    case WR_SPOT_GLOBAL:
        snprintf(text, n, "global %s (%s)", spot->name, place);
        break;
    case WR_SPOT_DATA:
        snprintf(text, n, "data of %s", spot->module);
        break;
    case WR_SPOT_THREAD:
        snprintf(text, n, "thread-local %s%s of %s",
                 spot->name[0] ? "variable " : "storage", spot->name, thread);
        break;
    case WR_SPOT_STACK:
        snprintf(text, n,
                 spot->name[0] ? "stack of %s, in %s (%s)" : "stack of %s",
                 thread, spot->name, place);
        break;
    case WR_SPOT_REGISTERS:
        snprintf(text, n, "registers of %s", thread);
        break;
    case WR_SPOT_KEPT:
        snprintf(text, n, "an epoll set, in the kernel");
        break;
    case WR_SPOT_MAPPING:
        mapping_text(spot, text, n);
        break;
    case WR_SPOT_CODE:
        snprintf(text, n, "code of %s%s%s", spot->module,
                 spot->name[0] ? ": " : "", spot->name);
        break;
    case WR_SPOT_OWN:
        snprintf(text, n,
                 "Weir's own memory: its tables, or pages of the "
                 "heap that are free");
        break;
    default:
        snprintf(text, n, "nothing: no memory is mapped there");
    }
}

const char *
wr_spot_word(enum wr_spot_kind kind)
{
    static const char *const words[] = {
        "global", "data",    "thread-local", "stack", "registers",
        "kernel", "mapping", "code",         "weir",  "unmapped"};
    return words[kind];
}
