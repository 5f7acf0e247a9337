/* Opening files for their names.
 *
 * Invariants:
 * 1. elfutils' dwfl finds and joins file, debug file and compressed or shared
 *    (dwz) sections; it calls us to look for the debug file, and we look on
 *    this machine only: who waits for servers is debuginfod.c.
 * 2. A name comes from DWARF, else from the symbol table, else it is made of
 *    the address where the function starts.
 * 3. Symbols are sorted by address; of those at one address the best name
 *    comes first.
 */
#include "analyse/binary.h"

#include <dwarf.h>
#include <elfutils/libdwelf.h>
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libdeflate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>
#include "analyse/search.h"

struct symbol {
    uint64_t address, size;
    const char *name;
    int rank; /* smaller is better */
};

/* A name we made up; they live as long as the binary. */
struct made_name {
    struct made_name *next;
    char text[];
};

struct wr_binary {
    Dwfl *dwfl;
    Dwfl_Module *module;
    Elf *elf;
    uint64_t bias;       /* dwfl's address - the file's */
    uint64_t dwarf_bias; /* dwfl's address - the debug information's */
    struct wr_dwarf *dwarf;
    Dwarf *shared; /* debug information that several files share */
    int shared_fd;
    char lacks[2 * 64 + 1]; /* its build id, while it is not here */
    struct symbol *symbols;
    size_t symbol_count;
    bool symbols_read;
    struct made_name *made;
};

/* What is known of a file before it is opened. */
struct given {
    const char *path, *build_id;
    const char *debug_file, *shared_file; /* NULL: none */
    bool taken;                           /* debug_file was asked for */
};

/* --- Build ids ---------------------------------------------------------- */

static bool
same_build_id(Elf *elf, const char *wanted)
{
    const void *bytes;
    ssize_t n = dwelf_elf_gnu_build_id(elf, &bytes);
    if (n <= 0 || strlen(wanted) != (size_t)n * 2)
        return false;
    for (ssize_t i = 0; i < n; i++) {
        char hex[3];
        snprintf(hex, sizeof hex, "%02x", ((const unsigned char *)bytes)[i]);
        if (memcmp(hex, wanted + 2 * i, 2) != 0)
            return false;
    }
    return true;
}

static bool
is_wanted(int fd, const char *build_id)
{
    elf_version(EV_CURRENT);
    Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
    bool wanted = elf && elf_kind(elf) == ELF_K_ELF &&
                  (!*build_id || same_build_id(elf, build_id));
    elf_end(elf);
    return wanted;
}

/* --- Separate debug files ----------------------------------------------- */

static bool
has_checksum(int fd, uint32_t wanted)
{
    unsigned char bytes[64 << 10];
    uint32_t crc = libdeflate_crc32(0, NULL, 0);
    ssize_t n;
    while ((n = read(fd, bytes, sizeof bytes)) > 0)
        crc = libdeflate_crc32(crc, bytes, (size_t)n);
    return n == 0 && crc == wanted && lseek(fd, 0, SEEK_SET) == 0;
}

/* The file that .gnu_debuglink names: beside the program, in .debug there,
 * or under /usr/lib/debug. */
static int
open_debuglink(const char *file, const char *link, uint32_t checksum,
               char **found)
{
    static const char *const forms[] = {"%s%.*s/%s", "%s%.*s/.debug/%s",
                                        "%s%.*s/%s"};
    static const char *const roots[] = {"", "", "/usr/lib/debug"};
    const char *slash = strrchr(file, '/');
    int directory = slash ? (int)(slash - file) : 1;
    if (!slash)
        file = ".";
    for (int i = 0; i < 3; i++) {
        char path[1024];
        snprintf(path, sizeof path, forms[i], roots[i], directory, file, link);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0 && has_checksum(fd, checksum)) {
            *found = strdup(path);
            return fd;
        }
        if (fd >= 0)
            close(fd);
    }
    return -1;
}

static int
open_wanted(const char *path, const char *build_id)
{
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0 || is_wanted(fd, build_id))
        return fd;
    close(fd);
    return -1;
}

/* The debug file that the caller has; a second call is for the shared one,
 * which is none of dwfl's business. */
static int
open_given(struct given *given, char **found)
{
    int fd =
        given->taken ? -1 : open_wanted(given->debug_file, given->build_id);
    given->taken = true;
    if (fd >= 0)
        *found = strdup(given->debug_file);
    return fd;
}

static int
find_debug_file(Dwfl_Module *module, void **userdata, const char *name,
                Dwarf_Addr base, const char *file, const char *link,
                GElf_Word checksum, char **found)
{
    int fd = dwfl_build_id_find_debuginfo(module, userdata, name, base, file,
                                          link, checksum, found);
    if (fd < 0 && link && file)
        fd = open_debuglink(file, link, checksum, found);
    if (fd < 0 && file && *userdata)
        fd = open_given(*userdata, found);
    return fd;
}

static int
find_no_file(Dwfl_Module *module, void **userdata, const char *name,
             Dwarf_Addr base, char **file, Elf **elf)
{
    (void)module, (void)userdata, (void)name, (void)base, (void)file, (void)elf;
    return -1;
}

static const Dwfl_Callbacks callbacks = {
    .find_elf = find_no_file,
    .find_debuginfo = find_debug_file,
    .section_address = dwfl_offline_section_address,
};

/* --- Opening ------------------------------------------------------------ */

/* The kernel's own code, copied into a file: every process has the same. */
static int
open_vdso(void)
{
    const unsigned char *image =
        (const unsigned char *)getauxval(AT_SYSINFO_EHDR);
    Elf64_Ehdr header;
    int fd = image ? memfd_create("vdso", MFD_CLOEXEC) : -1;
    if (fd < 0)
        return -1;
    memcpy(&header, image, sizeof header);
    size_t bytes = header.e_shoff + (size_t)header.e_shnum * header.e_shentsize;
    if (write(fd, image, bytes) == (ssize_t)bytes)
        return fd;
    close(fd);
    return -1;
}

/* dwz moves what several debug files have in common into one that they share:
 * it goes by a build id of its own. */
static void
open_shared(struct wr_binary *b, Dwarf *dw, const struct given *given)
{
    const char *name;
    const unsigned char *id;
    ssize_t n = dwelf_dwarf_gnu_debugaltlink(dw, &name, (const void **)&id);
    if (n <= 0 || (size_t)n * 2 >= sizeof b->lacks || dwarf_getalt(dw))
        return;
    for (ssize_t i = 0; i < n; i++)
        snprintf(b->lacks + 2 * i, 3, "%02x", id[i]);
    b->shared_fd = open_wanted(*name == '/' ? name : NULL, b->lacks);
    if (b->shared_fd < 0)
        b->shared_fd = open_wanted(given->shared_file, b->lacks);
    if (b->shared_fd >= 0)
        b->shared = dwarf_begin(b->shared_fd, DWARF_C_READ);
    if (b->shared) {
        dwarf_setalt(dw, b->shared);
        b->lacks[0] = '\0';
    }
}

static void
open_dwarf(struct wr_binary *b, const struct given *given)
{
    Dwarf_Addr bias;
    Dwarf *dw = dwfl_module_getdwarf(b->module, &bias);
    if (dw) {
        b->dwarf_bias = bias;
        b->dwarf = wr_dwarf_new(dw);
        open_shared(b, dw, given);
    }
}

/* Takes fd over, also when it fails. */
static struct wr_binary *
open_fd(int fd, struct given *given)
{
    struct wr_binary *b = calloc(1, sizeof *b);
    GElf_Addr bias = 0;
    if (b)
        b->shared_fd = -1;
    if (b && (b->dwfl = dwfl_begin(&callbacks)))
        b->module = dwfl_report_offline(b->dwfl, given->path, given->path, fd);
    if (b && b->module) {
        void **userdata;
        dwfl_module_info(b->module, &userdata, NULL, NULL, NULL, NULL, NULL,
                         NULL);
        *userdata = given; /* until open_dwarf has been */
        dwfl_report_end(b->dwfl, NULL, NULL);
        b->elf = dwfl_module_getelf(b->module, &bias);
        b->bias = bias;
        if (b->elf) {
            open_dwarf(b, given);
            *userdata = NULL;
            return b;
        }
    } else {
        close(fd);
    }
    wr_binary_close(b);
    return NULL;
}

struct wr_binary *
wr_binary_open(const char *path, const char *build_id)
{
    return wr_binary_open_with(path, build_id, NULL, NULL);
}

struct wr_binary *
wr_binary_open_with(const char *path, const char *build_id,
                    const char *debug_file, const char *shared_file)
{
    struct given given = {path, build_id, debug_file, shared_file, false};
    int fd = strcmp(path, "[vdso]") == 0 ? open_vdso()
                                         : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    if (!is_wanted(fd, build_id)) {
        close(fd);
        return NULL;
    }
    return open_fd(fd, &given);
}

void
wr_binary_close(struct wr_binary *b)
{
    if (!b)
        return;
    wr_dwarf_free(b->dwarf);
    free(b->symbols);
    for (struct made_name *m = b->made, *next; m; m = next) {
        next = m->next;
        free(m);
    }
    if (b->dwfl)
        dwfl_end(b->dwfl);
    if (b->shared)
        dwarf_end(b->shared);
    if (b->shared_fd >= 0)
        close(b->shared_fd);
    free(b);
}

Dwfl_Module *
wr_binary_module(const struct wr_binary *b, uint64_t *bias)
{
    *bias = b->bias;
    return b->module;
}

bool
wr_binary_has_lines(const struct wr_binary *b)
{
    return b->dwarf != NULL;
}

const char *
wr_binary_lacks(const struct wr_binary *b)
{
    return b->lacks;
}

uint32_t
wr_binary_segments(const struct wr_binary *b,
                   struct wr_code_segment s[WR_BINARY_SEGMENTS])
{
    uint32_t count = 0;
    size_t n;
    GElf_Phdr p;
    if (elf_getphdrnum(b->elf, &n) != 0)
        return 0;
    for (size_t i = 0; i < n && count < WR_BINARY_SEGMENTS; i++)
        if (gelf_getphdr(b->elf, (int)i, &p) && p.p_type == PT_LOAD &&
            (p.p_flags & PF_X))
            s[count++] =
                (struct wr_code_segment){p.p_offset, p.p_filesz, p.p_vaddr};
    return count;
}

uint64_t
wr_binary_address(const struct wr_binary *b, uint64_t offset)
{
    struct wr_code_segment s[WR_BINARY_SEGMENTS];
    return wr_code_address(s, wr_binary_segments(b, s), offset);
}

/* --- Symbols ------------------------------------------------------------ */

/* Of several names for one address: functions before labels, global before
 * weak before local, then the one with fewer underscores in front. */
static int
rank_of(const GElf_Sym *s, const char *name)
{
    int type = GELF_ST_TYPE(s->st_info), bind = GELF_ST_BIND(s->st_info);
    int rank = type == STT_NOTYPE ? 1000 : 0;
    rank += bind == STB_GLOBAL ? 0 : bind == STB_WEAK ? 100 : 200;
    return rank + (int)strspn(name, "_");
}

static bool
is_code(const GElf_Sym *s, const char *name)
{
    int type = GELF_ST_TYPE(s->st_info);
    return name && *name && s->st_shndx != SHN_UNDEF &&
           (type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_NOTYPE);
}

static int
by_address(const void *a, const void *b)
{
    const struct symbol *x = a, *y = b;
    if (x->address != y->address)
        return x->address < y->address ? -1 : 1;
    if (x->rank != y->rank)
        return x->rank - y->rank;
    return strcmp(x->name, y->name);
}

static void
read_symbols(struct wr_binary *b)
{
    int n = dwfl_module_getsymtab(b->module);
    b->symbols_read = true;
    b->symbols = n > 0 ? calloc((size_t)n, sizeof *b->symbols) : NULL;
    for (int i = 0; b->symbols && i < n; i++) {
        GElf_Sym s;
        GElf_Addr address;
        const char *name = dwfl_module_getsym_info(b->module, i, &s, &address,
                                                   NULL, NULL, NULL);
        if (is_code(&s, name))
            b->symbols[b->symbol_count++] = (struct symbol){
                address - b->bias, s.st_size, name, rank_of(&s, name)};
    }
    if (b->symbol_count)
        qsort(b->symbols, b->symbol_count, sizeof *b->symbols, by_address);
}

static uint64_t
symbol_start(const void *symbols, size_t i)
{
    return ((const struct symbol *)symbols)[i].address;
}

/* The symbol whose bytes hold the address. One without a size, as assembler
 * code has, reaches to the next symbol. */
static const struct symbol *
find_symbol(struct wr_binary *b, uint64_t address)
{
    if (!b->symbols_read)
        read_symbols(b);
    size_t i =
        wr_search_before(b->symbols, b->symbol_count, symbol_start, address);
    if (i == 0)
        return NULL;
    uint64_t start = b->symbols[i - 1].address;
    while (i > 1 && b->symbols[i - 2].address == start)
        i--;
    for (size_t n = i - 1;
         n < b->symbol_count && b->symbols[n].address == start; n++)
        if (b->symbols[n].size == 0 || address - start < b->symbols[n].size)
            return &b->symbols[n];
    return NULL;
}

/* Name the frame by the symbol table; what it has of file and line stays. */
static bool
name_by_symbol(struct wr_binary *b, uint64_t address, struct wr_dwarf_frame *f)
{
    const struct symbol *s = find_symbol(b, address);
    if (!s)
        return false;
    f->name = f->linkage = s->name;
    f->entry = address - s->address;
    return true;
}

/* The function's whole name, with its namespaces. */
static void
add_linkage(struct wr_binary *b, uint64_t address, struct wr_dwarf_frame *f)
{
    const struct symbol *s = find_symbol(b, address);
    if (s && s->name[0] == '_' && (s->name[1] == 'Z' || s->name[1] == 'R'))
        f->linkage = s->name;
}

/* --- Stripped functions -------------------------------------------------- */

static const char *
make_name(struct wr_binary *b, uint64_t start)
{
    const char *path =
        dwfl_module_info(b->module, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    const char *slash = strrchr(path, '/');
    size_t n = strlen(path) + 32;
    struct made_name *m = malloc(sizeof *m + n);
    if (!m)
        return NULL;
    snprintf(m->text, n, "%s@0x%llx", slash ? slash + 1 : path,
             (unsigned long long)start);
    m->next = b->made;
    b->made = m;
    return m->text;
}

/* .eh_frame_hdr: four bytes that say how the rest is written, a pointer, the
 * number of entries, the entries. Linkers write it in one way only. */
struct starts_header {
    uint8_t version, pointer_form, count_form, table_form;
    int32_t pointer;
    uint32_t count;
    struct {
        int32_t start, rules; /* from the header's own address */
    } entry[];
};

struct starts {
    const struct starts_header *header;
    uint64_t address; /* of the header */
    size_t count;
};

static bool
find_header(const struct wr_binary *b, GElf_Phdr *p)
{
    size_t n = 0;
    elf_getphdrnum(b->elf, &n);
    for (size_t i = 0; i < n; i++)
        if (gelf_getphdr(b->elf, (int)i, p) && p->p_type == PT_GNU_EH_FRAME)
            return true;
    return false;
}

static bool
read_starts(const struct wr_binary *b, struct starts *s)
{
    GElf_Phdr p;
    if (!find_header(b, &p))
        return false;
    Elf_Data *data = elf_getdata_rawchunk(b->elf, (int64_t)p.p_offset,
                                          p.p_filesz, ELF_T_BYTE);
    const struct starts_header *h = data ? data->d_buf : NULL;
    if (!h || data->d_size < sizeof *h || h->version != 1 ||
        h->count_form != (DW_EH_PE_absptr | DW_EH_PE_udata4) ||
        h->table_form != (DW_EH_PE_datarel | DW_EH_PE_sdata4))
        return false;
    *s = (struct starts){h, p.p_vaddr,
                         (data->d_size - sizeof *h) / sizeof h->entry[0]};
    if (s->count > h->count)
        s->count = h->count;
    return true;
}

static uint64_t
function_start(const void *starts, size_t i)
{
    const struct starts *s = starts;
    return s->address + (uint64_t)(int64_t)s->header->entry[i].start;
}

/* The unwind tables, which stripping leaves, know where each function starts:
 * "python3.11@0x1015a0" tells apart what has no name. */
static bool
name_by_start(struct wr_binary *b, uint64_t address, struct wr_dwarf_frame *f)
{
    struct starts s;
    size_t before = 0;
    if (read_starts(b, &s))
        before = wr_search_before(&s, s.count, function_start, address);
    if (before == 0)
        return false;
    uint64_t start = function_start(&s, before - 1);
    f->name = f->linkage = make_name(b, start);
    f->entry = address - start;
    return f->name != NULL;
}

size_t
wr_binary_frames(struct wr_binary *b, uint64_t address,
                 struct wr_dwarf_frame f[WR_DWARF_FRAMES])
{
    size_t n = 0;
    f[0] = (struct wr_dwarf_frame){0};
    if (b->dwarf)
        n = wr_dwarf_frames(b->dwarf, address + b->bias - b->dwarf_bias, f);
    if (n == 0 || !f[0].name) /* then n is at most 1 */
        return name_by_symbol(b, address, f) || name_by_start(b, address, f);
    if (f[n - 1].mangles && !f[n - 1].linkage)
        add_linkage(b, address, &f[n - 1]);
    return n;
}
