/* Variables.
 *
 * Invariants:
 * 1. The tables are sorted by address, and made when first needed.
 * 2. Of several names of one address the one with the fewest underscores in
 *    front comes first, global ones before local ones.
 */
#include "analyse/variable.h"

#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/binary.h"
#include "analyse/search.h"

struct symbol {
    uint64_t start, bytes;
    const char *name;
    int rank;
};

struct table {
    struct symbol *list;
    size_t count;
};

struct declared {
    uint64_t start;
    const char *file;
    int line;
};

struct wr_variables {
    struct wr_binary *binary;
    Dwfl_Module *module;
    uint64_t bias;
    Elf *elf;
    bool read, lines_read;
    struct table global, thread;
    struct declared *declared;
    size_t declared_count, declared_room;
};

/* --- Life ---------------------------------------------------------------- */

struct wr_variables *
wr_variables_open(const char *path)
{
    struct wr_variables *v = calloc(1, sizeof *v);
    GElf_Addr bias;
    if (v)
        v->binary = wr_binary_open(path, "");
    if (!v || !v->binary) {
        free(v);
        return NULL;
    }
    v->module = wr_binary_module(v->binary, &v->bias);
    v->elf = dwfl_module_getelf(v->module, &bias);
    return v;
}

void
wr_variables_close(struct wr_variables *v)
{
    if (!v)
        return;
    wr_binary_close(v->binary);
    free(v->global.list);
    free(v->thread.list);
    free(v->declared);
    free(v);
}

/* --- Symbols ------------------------------------------------------------- */

static int
by_start(const void *one, const void *other)
{
    const struct symbol *a = one, *b = other;
    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    if (a->rank != b->rank)
        return a->rank - b->rank;
    return strcmp(a->name, b->name);
}

static void
add_symbol(struct wr_variables *v, const GElf_Sym *s, uint64_t address,
           const char *name)
{
    int type = GELF_ST_TYPE(s->st_info);
    bool own = type == STT_TLS;
    struct table *t = own ? &v->thread : &v->global;
    if (!name || !*name || s->st_shndx == SHN_UNDEF || s->st_size == 0 ||
        (type != STT_OBJECT && type != STT_COMMON && !own))
        return;
    int rank = GELF_ST_BIND(s->st_info) == STB_LOCAL ? 100 : 0;
    t->list[t->count++] =
        (struct symbol){own ? s->st_value : address - v->bias, s->st_size, name,
                        rank + (int)strspn(name, "_")};
}

static void
read_symbols(struct wr_variables *v)
{
    int n = dwfl_module_getsymtab(v->module);
    v->read = true;
    if (n <= 0)
        return;
    v->global.list = calloc((size_t)n, sizeof *v->global.list);
    v->thread.list = calloc((size_t)n, sizeof *v->thread.list);
    for (int i = 0; v->global.list && v->thread.list && i < n; i++) {
        GElf_Sym s;
        GElf_Addr address;
        const char *name = dwfl_module_getsym_info(v->module, i, &s, &address,
                                                   NULL, NULL, NULL);
        if (name)
            add_symbol(v, &s, address, name);
    }
    if (v->global.count)
        qsort(v->global.list, v->global.count, sizeof(struct symbol), by_start);
    if (v->thread.count)
        qsort(v->thread.list, v->thread.count, sizeof(struct symbol), by_start);
}

static uint64_t
symbol_start(const void *list, size_t i)
{
    return ((const struct symbol *)list)[i].start;
}

static bool
find(const struct table *t, uint64_t address, struct wr_variable *out)
{
    size_t i = wr_search_before(t->list, t->count, symbol_start, address);
    if (i == 0)
        return false;
    uint64_t start = t->list[i - 1].start;
    while (i > 1 && t->list[i - 2].start == start)
        i--;
    for (size_t k = i - 1; k < t->count && t->list[k].start == start; k++)
        if (address - start < t->list[k].bytes) {
            *out = (struct wr_variable){t->list[k].name, start,
                                        t->list[k].bytes, "", 0};
            return true;
        }
    return false;
}

/* --- Files and lines ----------------------------------------------------- */

static int
by_declared(const void *one, const void *other)
{
    const struct declared *a = one, *b = other;
    return a->start < b->start ? -1 : a->start > b->start;
}

static bool
is_at(Dwarf_Die *die, uint64_t *address)
{
    Dwarf_Attribute attribute;
    Dwarf_Op *op;
    size_t n;
    if (dwarf_attr_integrate(die, DW_AT_location, &attribute) == NULL ||
        dwarf_getlocation(&attribute, &op, &n) != 0 || n != 1 ||
        op[0].atom != DW_OP_addr)
        return false;
    *address = op[0].number;
    return true;
}

static void
declare(struct wr_variables *v, Dwarf_Die *die, uint64_t bias)
{
    uint64_t address;
    int line = 0;
    if (!is_at(die, &address))
        return;
    if (v->declared_count == v->declared_room) {
        size_t room = v->declared_room ? 2 * v->declared_room : 256;
        void *more = realloc(v->declared, room * sizeof *v->declared);
        if (!more)
            return;
        v->declared = more;
        v->declared_room = room;
    }
    const char *file = dwarf_decl_file(die);
    (void)dwarf_decl_line(die, &line);
    v->declared[v->declared_count++] =
        (struct declared){address + bias - v->bias, file ? file : "", line};
}

/* Of a unit, and of the namespaces in it. */
static void
read_scope(struct wr_variables *v, Dwarf_Die *scope, uint64_t bias)
{
    Dwarf_Die die;
    if (dwarf_child(scope, &die) != 0)
        return;
    do {
        if (dwarf_tag(&die) == DW_TAG_variable)
            declare(v, &die, bias);
        else if (dwarf_tag(&die) == DW_TAG_namespace)
            read_scope(v, &die, bias);
    } while (dwarf_siblingof(&die, &die) == 0);
}

static void
read_lines(struct wr_variables *v)
{
    Dwarf_Die *unit = NULL;
    Dwarf_Addr bias;
    v->lines_read = true;
    while ((unit = dwfl_module_nextcu(v->module, unit, &bias)))
        read_scope(v, unit, bias);
    if (v->declared_count)
        qsort(v->declared, v->declared_count, sizeof *v->declared, by_declared);
}

static uint64_t
declared_start(const void *list, size_t i)
{
    return ((const struct declared *)list)[i].start;
}

static void
add_line(struct wr_variables *v, struct wr_variable *out)
{
    if (!v->lines_read)
        read_lines(v);
    size_t i = wr_search_before(v->declared, v->declared_count, declared_start,
                                out->start);
    if (i == 0 || v->declared[i - 1].start != out->start)
        return;
    out->file = v->declared[i - 1].file;
    out->line = v->declared[i - 1].line;
}

/* --- Asking -------------------------------------------------------------- */

bool
wr_variable_at(struct wr_variables *v, uint64_t address,
               struct wr_variable *out)
{
    if (!v->read)
        read_symbols(v);
    if (!find(&v->global, address, out))
        return false;
    add_line(v, out);
    return true;
}

bool
wr_thread_variable_at(struct wr_variables *v, uint64_t address,
                      struct wr_variable *out)
{
    if (!v->read)
        read_symbols(v);
    return find(&v->thread, address, out);
}

bool
wr_variables_part(const struct wr_variables *v, size_t i, struct wr_loaded *out)
{
    size_t n = 0;
    GElf_Phdr p;
    if (elf_getphdrnum(v->elf, &n) != 0)
        return false;
    for (size_t k = 0; k < n; k++)
        if (gelf_getphdr(v->elf, (int)k, &p) && p.p_type == PT_LOAD &&
            i-- == 0) {
            *out = (struct wr_loaded){p.p_offset, p.p_vaddr, p.p_memsz,
                                      (p.p_flags & PF_W) != 0,
                                      (p.p_flags & PF_X) != 0};
            return true;
        }
    return false;
}

uint64_t
wr_variables_storage(const struct wr_variables *v)
{
    size_t n = 0;
    GElf_Phdr p;
    if (elf_getphdrnum(v->elf, &n) != 0)
        return 0;
    for (size_t k = 0; k < n; k++)
        if (gelf_getphdr(v->elf, (int)k, &p) && p.p_type == PT_TLS) {
            uint64_t align = p.p_align ? p.p_align : 1;
            return (p.p_memsz + align - 1) / align * align;
        }
    return 0;
}
