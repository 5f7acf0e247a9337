/* Invariants
 * 1. Entry i of the region's table and known[i] are about the same segment;
 *    both are written under wr_region_lock and never change, but for `gone`.
 * 2. known[i].gone is 0 while the module is loaded, else counters.unloads
 *    when it was missed. last_gone is the highest of them.
 */
#include "profile/module.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <string.h>

#include "base/base.h"
#include "base/text.h"
#include "os/os.h"
#include "region/counters.h"
#include "region/history_write.h"
#include "region/region.h"

/* glibc 2.35 and newer; elsewhere stacks have addresses without modules. */
extern int _dl_find_object(void *, struct dl_find_object *)
    __attribute__((weak));

enum { MOST = 512 };
/* What is seen before so much time has passed belongs to the start. */
#define START_NS UINT64_C(1000000000)

static struct known {
    uintptr_t start, end;
    const void *link_map, *eh_frame;
    _Atomic uint64_t gone;
} known[MOST];
static _Atomic uint32_t known_count;
static _Atomic uint64_t last_gone;
uintptr_t wr_module_weir_start, wr_module_weir_end;

static bool
find_object(uintptr_t pc, struct dl_find_object *found)
{
    return _dl_find_object != NULL && _dl_find_object((void *)pc, found) == 0;
}

void
wr_module_start(void)
{
    struct dl_find_object o;

    if (find_object((uintptr_t)wr_module_start, &o)) {
        wr_module_weir_start = (uintptr_t)o.dlfo_map_start;
        wr_module_weir_end = (uintptr_t)o.dlfo_map_end;
    }
}

/* The newest noted module that covers pc, or -1. */
static int
index_of(uintptr_t pc)
{
    uint32_t n = atomic_load_explicit(&known_count, memory_order_acquire);

    for (uint32_t i = n; i-- > 0;)
        if (pc - known[i].start < known[i].end - known[i].start)
            return (int)i;
    return -1;
}

/* ---- what the mapped file says of itself ---- */

static const ElfW(Phdr) *
    segment_of(const struct dl_find_object *o, uintptr_t pc, uintptr_t bias)
{
    const ElfW(Ehdr) *e = o->dlfo_map_start;
    const ElfW(Phdr) * p;

    if (memcmp(e->e_ident, ELFMAG, SELFMAG) != 0)
        return NULL;
    p = (const void *)((const char *)e + e->e_phoff);
    for (unsigned i = 0; i < e->e_phnum; i++)
        if (p[i].p_type == PT_LOAD && (p[i].p_flags & PF_X) != 0 &&
            pc - bias - p[i].p_vaddr < p[i].p_memsz)
            return &p[i];
    return NULL;
}

static void
copy_build_id(struct wr_module *m, const char *note, size_t bytes)
{
    while (bytes > sizeof(ElfW(Nhdr))) {
        const ElfW(Nhdr) *n = (const void *)note;
        size_t name = wr_align_up(n->n_namesz, 4);
        size_t whole = sizeof *n + name + wr_align_up(n->n_descsz, 4);

        if (whole > bytes)
            return;
        if (n->n_type == NT_GNU_BUILD_ID && n->n_namesz == 4) {
            m->build_id_len = (uint32_t)wr_min(n->n_descsz, sizeof m->build_id);
            memcpy(m->build_id, note + sizeof *n + name, m->build_id_len);
            return;
        }
        note += whole;
        bytes -= whole;
    }
}

static void
read_build_id(struct wr_module *m, const struct dl_find_object *o,
              uintptr_t bias)
{
    const ElfW(Ehdr) *e = o->dlfo_map_start;
    const ElfW(Phdr) *p = (const void *)((const char *)e + e->e_phoff);

    for (unsigned i = 0; i < e->e_phnum && m->build_id_len == 0; i++)
        if (p[i].p_type == PT_NOTE)
            copy_build_id(m, (const char *)bias + p[i].p_vaddr, p[i].p_memsz);
}

static void
copy_path(struct wr_module *m, const struct link_map *map)
{
    const char *name = map->l_name;

    if (name[0] == '\0') { /* the program itself */
        name = wr_region->exe;
        m->main_program = 1;
    }
    memcpy(m->path, name, wr_min(strlen(name), sizeof m->path - 1));
}

static bool
describe(struct wr_module *m, const struct dl_find_object *o, uintptr_t pc)
{
    uintptr_t bias = o->dlfo_link_map->l_addr;
    const ElfW(Phdr) *segment = segment_of(o, pc, bias);

    if (segment == NULL)
        return false;
    memset(m, 0, sizeof *m);
    m->start = wr_align_down(bias + segment->p_vaddr, 4096);
    m->end = wr_align_up(bias + segment->p_vaddr + segment->p_memsz, 4096);
    m->file_offset = wr_align_down(segment->p_offset, 4096);
    m->bias = bias;
    m->born = wr_count_get(unloads);
    read_build_id(m, o, bias);
    copy_path(m, o->dlfo_link_map);
    return true;
}

/* Region lock held. */
static void
add_module(const struct dl_find_object *o, uintptr_t pc)
{
    uint32_t n = atomic_load_explicit(&known_count, memory_order_relaxed);
    struct wr_module *m = n < MOST ? wr_region_new_module() : NULL;

    if (m == NULL || !describe(m, o, pc))
        return;
    known[n].start = m->start;
    known[n].end = m->end;
    known[n].link_map = o->dlfo_link_map;
    known[n].eh_frame = o->dlfo_eh_frame;
    atomic_store_explicit(&known_count, n + 1, memory_order_release);
    wr_region_publish(WR_TABLE_MODULES, n + 1);
    if (wr_history_uptime() >= START_NS)
        wr_history_mark(WR_MARK_CODE, wr_os_tid(), m->start, m->path);
}

static bool
is_noted(uintptr_t pc)
{
    int i = index_of(pc);

    return i >= 0 &&
           atomic_load_explicit(&known[i].gone, memory_order_relaxed) == 0;
}

static bool
is_new(uintptr_t pc, struct dl_find_object *found)
{
    return !is_noted(pc) && find_object(pc, found);
}

/* Region lock held. */
static void
note(const struct dl_find_object *o, uintptr_t pc)
{
    if (!is_noted(pc))
        add_module(o, pc);
}

void
wr_module_note(const uintptr_t *pc, size_t n)
{
    struct dl_find_object o;

    for (size_t i = 0; i < n; i++) {
        if (!is_new(pc[i] - 1, &o))
            continue;
        wr_lock_take(&wr_region_lock);
        note(&o, pc[i] - 1);
        wr_lock_give(&wr_region_lock);
    }
}

void
wr_module_try_note(const uintptr_t *pc, size_t n)
{
    struct dl_find_object o;

    for (size_t i = 0; i < n; i++) {
        if (!is_new(pc[i] - 1, &o) || !wr_lock_try(&wr_region_lock))
            continue;
        note(&o, pc[i] - 1);
        wr_lock_give(&wr_region_lock);
    }
}

static bool
still_there(const struct known *k)
{
    struct dl_find_object o;

    return find_object(k->start, &o) && o.dlfo_link_map == k->link_map &&
           o.dlfo_eh_frame == k->eh_frame;
}

static void
mark_unload(uint32_t i)
{
    const struct wr_module *m;

    if (wr_region == NULL || i >= wr_region_used(WR_TABLE_MODULES))
        return;
    m = wr_region_entry(WR_TABLE_MODULES, i);
    wr_history_mark(WR_MARK_UNLOAD, wr_os_tid(), m->start, m->path);
}

void
wr_module_unloaded(void)
{
    uint64_t now;
    uint32_t n = atomic_load_explicit(&known_count, memory_order_acquire);

    wr_count_add(unloads, 1);
    now = wr_count_get(unloads);
    for (uint32_t i = 0; i < n; i++) {
        if (atomic_load(&known[i].gone) != 0 || still_there(&known[i]))
            continue;
        atomic_store(&known[i].gone, now);
        mark_unload(i);
        atomic_store(&last_gone, now);
    }
}

bool
wr_module_unchanged(const uintptr_t *pc, size_t n, uint32_t unloads)
{
    uint32_t count;

    if (wr_likely(atomic_load_explicit(&last_gone, memory_order_acquire) <=
                  unloads))
        return true;
    count = atomic_load_explicit(&known_count, memory_order_acquire);
    for (uint32_t i = 0; i < count; i++) {
        if (atomic_load_explicit(&known[i].gone, memory_order_relaxed) <=
            unloads)
            continue;
        for (size_t k = 0; k < n; k++)
            if (pc[k] - 1 - known[i].start < known[i].end - known[i].start)
                return false;
    }
    return true;
}

void
wr_module_name(struct wr_text *t, uintptr_t pc)
{
    struct dl_find_object o;
    const char *path;

    if (!find_object(pc, &o)) {
        wr_text_hex(t, pc);
        return;
    }
    path = o.dlfo_link_map->l_name;
    if (path[0] == '\0')
        path = wr_region != NULL ? wr_region->exe : "program";
    wr_text_str(t, strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path);
    wr_text_str(t, "+");
    wr_text_hex(t, pc - o.dlfo_link_map->l_addr);
}
