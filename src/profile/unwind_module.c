/* Modules: permanent ones from our own list, others from the loader.
 *
 * Invariants
 * 1. permanent[0 .. permanent_count) is sorted by address and complete
 *    before the count is published; it changes only from empty to full, and
 *    back to empty if one of them turns out to have been unloaded.
 * 2. identities[n] is 0 or the identity of the one module that has number n.
 *    It is one word: a reader sees an old or a new identity, never a mix.
 * 3. An identity covers the flush count: after a flush every module is a
 *    stranger, so even a rebuilt library at the same place with tables of
 *    the same shape is not taken for the old one.
 * 4. When the numbers have all been handed out, every note is thrown away
 *    and they are handed out again.
 */
#include <dlfcn.h>
#include <link.h>
#include <stdatomic.h>
#include <string.h>

#include "base/base.h"
#include "profile/unwind_cache.h"
#include "profile/unwind_module.h"

#pragma weak _dl_find_object

enum { PERMANENT_MAX = 128, NUMBERS = 1 << WR_UNWIND_MODULE_BITS };

static struct wr_cfi_module permanent[PERMANENT_MAX];
static _Atomic unsigned permanent_count;
static _Atomic uint64_t identities[NUMBERS]; /* [0] is not used */
static _Atomic uint64_t flushes;

/* One loaded module, in the list's order; the main program comes first. */
static struct wr_cfi_module
module_of(const struct dl_phdr_info *info)
{
    struct wr_cfi_module module = {UINTPTR_MAX, 0, NULL};

    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uintptr_t at = info->dlpi_addr + p->p_vaddr;

        if (p->p_type == PT_LOAD) {
            module.start = wr_min(module.start, at);
            module.end = wr_max(module.end, at + p->p_memsz);
        } else if (p->p_type == PT_GNU_EH_FRAME) {
            module.header = (const uint8_t *)at;
        }
    }
    return module;
}

static int
add_permanent(struct dl_phdr_info *info, size_t bytes, void *count)
{
    struct wr_cfi_module module = module_of(info);
    unsigned i = *(unsigned *)count;

    (void)bytes;
    if (i == PERMANENT_MAX)
        return 1;
    if (module.start >= module.end || !module.header)
        return 0;
    for (; i > 0 && permanent[i - 1].start > module.start; i--)
        permanent[i] = permanent[i - 1];
    permanent[i] = module;
    ++*(unsigned *)count;
    return 0;
}

void
wr_unwind_module_init(void)
{
    unsigned count = 0;

    if (atomic_load(&permanent_count) != 0)
        return;
    dl_iterate_phdr(add_permanent, &count);
    atomic_store(&permanent_count, count);
}

static bool
find_permanent(uintptr_t pc, struct wr_unwind_module *module)
{
    unsigned n = atomic_load_explicit(&permanent_count, memory_order_acquire);
    unsigned low = 0;

    if (n == 0)
        return false;
    while (n > 1) {
        if (permanent[low + n / 2].start <= pc)
            low += n / 2;
        n -= n / 2;
    }
    if (pc < permanent[low].start || pc >= permanent[low].end)
        return false;
    module->cfi = permanent[low];
    module->identity = 0;
    return true;
}

static uint64_t
mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}

/* Where it is, what the loader calls it, and the size of its tables: the
 * 8 bytes after the header's encodings place .eh_frame and count its
 * functions. */
static uint64_t
identity(const struct dl_find_object *object)
{
    uint64_t hash = atomic_load_explicit(&flushes, memory_order_relaxed);
    uint64_t tables;

    memcpy(&tables, (const uint8_t *)object->dlfo_eh_frame + 4, 8);
    hash = mix(hash, (uintptr_t)object->dlfo_map_start);
    hash = mix(hash, (uintptr_t)object->dlfo_map_end);
    hash = mix(hash, (uintptr_t)object->dlfo_link_map);
    hash = mix(hash, (uintptr_t)object->dlfo_eh_frame);
    hash = mix(hash, tables);
    return hash ? hash : 1;
}

bool
wr_unwind_module_find(uintptr_t pc, struct wr_unwind_module *module)
{
    struct dl_find_object object;

    if (find_permanent(pc, module))
        return true;
    if (!_dl_find_object || _dl_find_object((void *)pc, &object) != 0 ||
        !object.dlfo_eh_frame)
        return false;
    module->cfi.start = (uintptr_t)object.dlfo_map_start;
    module->cfi.end = (uintptr_t)object.dlfo_map_end;
    module->cfi.header = object.dlfo_eh_frame;
    module->identity = identity(&object);
    return true;
}

/* All numbers are taken: start again. */
static WR_COLD void
forget_numbers(void)
{
    for (unsigned i = 1; i < NUMBERS; i++)
        atomic_store_explicit(&identities[i], 0, memory_order_relaxed);
    wr_unwind_cache_clear();
}

unsigned
wr_unwind_module_number(const struct wr_unwind_module *module)
{
    if (module->identity == 0)
        return 0;
    for (unsigned i = 1; i < NUMBERS; i++) {
        uint64_t owner = 0;

        if (atomic_compare_exchange_strong(&identities[i], &owner,
                                           module->identity) ||
            owner == module->identity)
            return i;
    }
    forget_numbers();
    atomic_store(&identities[1], module->identity);
    return 1;
}

bool
wr_unwind_module_is(const struct wr_unwind_module *module, unsigned number)
{
    if (module->identity == 0)
        return number == 0;
    return atomic_load_explicit(&identities[number], memory_order_relaxed) ==
           module->identity;
}

/* Is the loader's answer for each permanent module still the one listed? */
static bool
all_still_there(void)
{
    unsigned n = atomic_load(&permanent_count);
    struct dl_find_object object;

    for (unsigned i = 0; i < n && _dl_find_object; i++) {
        if (_dl_find_object((void *)permanent[i].start, &object) != 0 ||
            object.dlfo_eh_frame != permanent[i].header)
            return false;
    }
    return true;
}

bool
wr_unwind_module_flush(void)
{
    atomic_fetch_add(&flushes, 1);
    if (all_still_there())
        return false;
    atomic_store(&permanent_count, 0);
    return true;
}
