/* Cores.
 *
 * Invariants:
 * 1. Memory of the program is looked at through memory_at alone, which gives
 *    bytes of the core that are there, or NULL.
 * 2. Parts are sorted by address and do not overlap.
 */
#include "analyse/core.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "analyse/core_inside.h"
#include "analyse/profile.h"
#include "analyse/search.h"
#include "analyse/store.h"

/* What NT_PRSTATUS looks like on a machine. */
static const struct machine {
    uint16_t elf;
    uint8_t words;       /* registers */
    uint8_t sp, storage; /* which of them; storage 0: none */
    uint8_t red_zone;    /* bytes below sp that are in use */
    uint32_t wide;       /* the note that has vector registers */
} machines[] = {{EM_X86_64, 27, 19, 21, 128, NT_X86_XSTATE},
                {EM_AARCH64, 34, 31, 0, 0, NT_FPREGSET}};

enum { STATUS_PID = 32, STATUS_REGISTERS = 112 }; /* bytes from its start */

#define USER_END (UINT64_C(1) << 48)

/* --- Memory -------------------------------------------------------------- */

static uint64_t
part_from(const void *parts, size_t i)
{
    return ((const struct wr_core_part *)parts)[i].from;
}

const void *
wr_core_at(const struct wr_core *c, uint64_t address, uint64_t bytes)
{
    size_t n = wr_search_before(c->parts, c->part_count, part_from, address);
    if (n == 0)
        return NULL;
    const struct wr_core_part *p = &c->parts[n - 1];
    uint64_t inside = address - p->from;
    return inside <= p->bytes && bytes <= p->bytes - inside ? p->at + inside
                                                            : NULL;
}

uint64_t
wr_core_word(const struct wr_core *c, uint64_t address, unsigned bytes)
{
    uint64_t word = 0;
    const void *at = wr_core_at(c, address, bytes);
    if (at)
        memcpy(&word, at, bytes); /* the lowest bytes come first */
    return word;
}

/* --- Notes --------------------------------------------------------------- */

static void
take_thread(struct wr_core *c, const unsigned char *data, size_t bytes)
{
    const struct machine *m = &machines[c->machine];
    if (bytes < STATUS_REGISTERS + 8u * m->words ||
        c->thread_count == WR_CORE_THREADS)
        return;
    struct wr_core_thread *t = &c->threads[c->thread_count++];
    memcpy(&t->tid, data + STATUS_PID, sizeof t->tid);
    memcpy(t->words, data + STATUS_REGISTERS, 8u * m->words);
    t->count = m->words;
    t->sp = t->words[m->sp] - m->red_zone;
    t->storage = m->storage ? t->words[m->storage] : 0;
}

/* Behind the status of its thread. */
static void
take_wide(struct wr_core *c, const unsigned char *data, size_t bytes)
{
    if (c->thread_count == 0)
        return;
    c->threads[c->thread_count - 1].wide = data;
    c->threads[c->thread_count - 1].wide_bytes = bytes;
}

/* NT_FILE: how many, the unit of offsets, then from, end and offset of each,
 * then their paths, each with its 0. */
static void
take_files(struct wr_core *c, const unsigned char *data, size_t bytes)
{
    uint64_t count, unit;
    if (bytes < 16)
        return;
    memcpy(&count, data, 8);
    memcpy(&unit, data + 8, 8);
    if (count > (bytes - 16) / 24 || count > WR_CORE_FILES)
        return;
    const char *name = (const char *)data + 16 + 24 * count;
    const char *end = (const char *)data + bytes;
    for (uint64_t i = 0; i < count && name < end; i++) {
        struct wr_core_file *f = &c->files[c->file_count];
        memcpy(&f->from, data + 16 + 24 * i, 8);
        memcpy(&f->end, data + 24 + 24 * i, 8);
        memcpy(&f->offset, data + 32 + 24 * i, 8);
        f->offset *= unit;
        f->path = name;
        size_t length = strnlen(name, (size_t)(end - name));
        if (name + length == end)
            return;
        c->file_count++;
        name += length + 1;
    }
}

static void
take_notes(struct wr_core *c, const unsigned char *at, size_t bytes)
{
    while (bytes >= sizeof(Elf64_Nhdr)) {
        Elf64_Nhdr n;
        memcpy(&n, at, sizeof n);
        size_t name = (n.n_namesz + (size_t)3) & ~(size_t)3;
        size_t data = (n.n_descsz + (size_t)3) & ~(size_t)3;
        if (name + data > bytes - sizeof n)
            return;
        const unsigned char *from = at + sizeof n + name;
        if (n.n_type == NT_PRSTATUS)
            take_thread(c, from, n.n_descsz);
        else if (n.n_type == NT_FILE)
            take_files(c, from, n.n_descsz);
        else if (n.n_type == machines[c->machine].wide)
            take_wide(c, from, n.n_descsz);
        at = from + data;
        bytes -= sizeof n + name + data;
    }
}

/* --- Parts --------------------------------------------------------------- */

static const char *
take_part(struct wr_core *c, const Elf64_Phdr *p)
{
    if (p->p_offset > c->length || p->p_filesz > c->length - p->p_offset)
        return "it is cut off";
    if (p->p_type == PT_NOTE)
        take_notes(c, c->bytes + p->p_offset, p->p_filesz);
    /* At the top of all addresses is something of the kernel's. */
    if (p->p_type != PT_LOAD || p->p_vaddr >= USER_END)
        return NULL;
    if ((c->part_count > 0 && p->p_vaddr < c->parts[c->part_count - 1].end) ||
        p->p_memsz > USER_END - p->p_vaddr)
        return "it is damaged";
    uint64_t bytes = p->p_filesz < p->p_memsz ? p->p_filesz : p->p_memsz;
    c->parts[c->part_count++] =
        (struct wr_core_part){p->p_vaddr, p->p_vaddr + p->p_memsz,
                              c->bytes + p->p_offset, bytes, p->p_flags};
    return NULL;
}

/* With 0xffff parts and more their number is in the first section. */
static uint64_t
part_number(const struct wr_core *c, const Elf64_Ehdr *e)
{
    Elf64_Shdr first;
    if (e->e_phnum != PN_XNUM)
        return e->e_phnum;
    if (e->e_shoff > c->length || sizeof first > c->length - e->e_shoff)
        return 0;
    memcpy(&first, c->bytes + e->e_shoff, sizeof first);
    return first.sh_info;
}

static const char *
take_parts(struct wr_core *c, const Elf64_Ehdr *e)
{
    uint64_t n = part_number(c, e);
    if (e->e_phentsize != sizeof(Elf64_Phdr) || e->e_phoff > c->length ||
        n > (c->length - e->e_phoff) / sizeof(Elf64_Phdr))
        return "it is cut off";
    c->parts = calloc(n + 1, sizeof *c->parts);
    if (!c->parts)
        return "out of memory";
    for (uint64_t i = 0; i < n; i++) {
        Elf64_Phdr p;
        memcpy(&p, c->bytes + e->e_phoff + i * sizeof p, sizeof p);
        const char *wrong = take_part(c, &p);
        if (wrong)
            return wrong;
    }
    return NULL;
}

/* --- The guide ----------------------------------------------------------- */

static bool
is_guide(const struct wr_guide *g)
{
    return memcmp(g->text, WR_GUIDE_TEXT, sizeof g->text) == 0 &&
           g->version == WR_GUIDE_VERSION && g->bytes == sizeof *g &&
           g->page_shift >= 10 && g->page_shift < 20 &&
           g->window_shift > g->page_shift && g->window_shift < 40 &&
           g->window_bytes >= 16 && g->window_bytes <= 4096 &&
           g->span_bytes >= 32 && g->span_bytes <= 4096 &&
           g->own_count < 1 << 20;
}

static const char *
find_guide(struct wr_core *c)
{
    bool other = false;
    for (size_t i = 0; i < c->part_count; i++) {
        const struct wr_core_part *p = &c->parts[i];
        const unsigned char *end = p->at + p->bytes;
        if (!(p->flags & PF_W))
            continue;
        for (const unsigned char *at = p->at;
             (size_t)(end - at) >= sizeof c->guide &&
             (at = memmem(at, (size_t)(end - at), WR_GUIDE_TEXT, 16));
             at++) {
            if ((size_t)(end - at) < sizeof c->guide)
                break;
            memcpy(&c->guide, at, sizeof c->guide);
            if (is_guide(&c->guide))
                return NULL;
            other = true;
        }
    }
    return other
               ? "another version of Weir was in the program"
               : "Weir was not in the program, or the core has not all of its "
                 "memory (coredump_filter)";
}

/* --- Life ---------------------------------------------------------------- */

static const char *
map_file(struct wr_core *c, const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return strerror(errno);
    void *p = MAP_FAILED;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
        st.st_size >= (off_t)sizeof(Elf64_Ehdr))
        p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (p == MAP_FAILED)
        return "it is no core file";
    c->bytes = p;
    c->length = (size_t)st.st_size;
    return NULL;
}

static const char *
read_core(struct wr_core *c, const char *path)
{
    const char *wrong = map_file(c, path);
    Elf64_Ehdr e;
    if (wrong)
        return wrong;
    memcpy(&e, c->bytes, sizeof e);
    if (memcmp(e.e_ident, ELFMAG, SELFMAG) != 0 || e.e_type != ET_CORE)
        return "it is no core file";
    while (c->machine < sizeof machines / sizeof *machines &&
           machines[c->machine].elf != e.e_machine)
        c->machine++;
    if (e.e_ident[EI_CLASS] != ELFCLASS64 ||
        e.e_ident[EI_DATA] != ELFDATA2LSB ||
        c->machine == sizeof machines / sizeof *machines)
        return "it is the core of a kind of machine that Weir does not know";
    wrong = take_parts(c, &e);
    return wrong ? wrong : find_guide(c);
}

int
wr_core_open(struct wr_core **out, const char *path, char *why, size_t n)
{
    struct wr_core *c = calloc(1, sizeof *c);
    const char *wrong = c ? read_core(c, path) : "out of memory";
    if (!wrong) {
        *out = c;
        return 0;
    }
    wr_core_close(c);
    return wr_profile_fail(why, n, "%s: %s", path, wrong);
}

void
wr_core_close(struct wr_core *c)
{
    if (!c)
        return;
    if (c->bytes)
        munmap((void *)c->bytes, c->length);
    free(c->parts);
    free(c);
}

uint32_t
wr_core_pid(const struct wr_core *c)
{
    return c->thread_count ? c->threads[0].tid : 0;
}

const char *
wr_core_region(const struct wr_core *c)
{
    for (uint64_t n = 1; n < 4096; n++) {
        const char *text = wr_core_at(c, c->guide.region, n);
        if (!text)
            return "";
        if (text[n - 1] == '\0')
            return text;
    }
    return "";
}

/* --- Mappings ------------------------------------------------------------ */

static const struct wr_core_file *
file_at(const struct wr_core *c, uint64_t address)
{
    for (size_t i = 0; i < c->file_count; i++)
        if (c->files[i].from <= address && address < c->files[i].end)
            return &c->files[i];
    return NULL;
}

static void
print_map(FILE *out, uint64_t from, uint64_t end, uint32_t flags,
          const struct wr_core_file *f)
{
    fprintf(out, "%" PRIx64 "-%" PRIx64 " %c%c%cp %" PRIx64 " 00:00 0 %s\n",
            from, end, flags & PF_R ? 'r' : '-', flags & PF_W ? 'w' : '-',
            flags & PF_X ? 'x' : '-', f ? f->offset + (from - f->from) : 0,
            f ? f->path : "");
}

static bool
is_in_parts(const struct wr_core *c, const struct wr_core_file *f)
{
    size_t n = wr_search_before(c->parts, c->part_count, part_from, f->end - 1);
    return n > 0 && c->parts[n - 1].end > f->from;
}

/* Files that the core has nothing of stand between the parts. */
FILE *
wr_core_maps(const struct wr_core *c)
{
    FILE *out = tmpfile();
    size_t file = 0;
    for (size_t i = 0; out && i <= c->part_count; i++) {
        const struct wr_core_part *p = &c->parts[i];
        uint64_t from = i < c->part_count ? p->from : UINT64_MAX;
        for (; file < c->file_count && c->files[file].from < from; file++)
            if (!is_in_parts(c, &c->files[file]))
                print_map(out, c->files[file].from, c->files[file].end, PF_R,
                          &c->files[file]);
        if (i < c->part_count)
            print_map(out, p->from, p->end, p->flags, file_at(c, p->from));
    }
    if (out)
        rewind(out);
    return out;
}
