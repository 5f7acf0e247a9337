/* Looking at a program before it is run.
 *
 * 1. A file may be anything: every offset is checked against its length
 *    before it is followed.
 * 2. When in doubt there is no obstacle: the loader has the last word.
 */
#include "weir/program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "weir/cmd.h"

#define SCRIPT_DEPTH 4 /* the kernel follows as many */

#if __SIZEOF_POINTER__ == 8
#define OWN_CLASS ELFCLASS64
#else
#define OWN_CLASS ELFCLASS32
#endif

typedef ElfW(Ehdr) elf_head;
typedef ElfW(Phdr) elf_segment;
typedef ElfW(Shdr) elf_section;
typedef ElfW(Dyn) elf_dynamic;
typedef ElfW(Sym) elf_symbol;

struct file {
    const unsigned char *base;
    size_t bytes;
};

/* n bytes at an offset of the file, or NULL. What is read as a table must
 * lie where tables lie: at a multiple of 8. */
static const void *
at(const struct file *f, uint64_t offset, uint64_t n)
{
    if (offset > f->bytes || n > f->bytes - offset)
        return NULL;
    return f->base + offset;
}

static const void *
table_at(const struct file *f, uint64_t offset, uint64_t n)
{
    return offset % 8 == 0 ? at(f, offset, n) : NULL;
}

static const elf_head *
elf_header(const struct file *f)
{
    const elf_head *e = at(f, 0, sizeof *e);
    if (!e || memcmp(e->e_ident, ELFMAG, SELFMAG) != 0)
        return NULL;
    return e;
}

static const elf_segment *
segment(const struct file *f, const elf_head *e, unsigned i)
{
    if (i >= e->e_phnum || e->e_phentsize != sizeof(elf_segment))
        return NULL;
    return table_at(f, e->e_phoff + (uint64_t)i * sizeof(elf_segment),
                    sizeof(elf_segment));
}

static const elf_segment *
segment_of_type(const struct file *f, const elf_head *e, uint32_t type)
{
    const elf_segment *p;
    for (unsigned i = 0; (p = segment(f, e, i)) != NULL; i++)
        if (p->p_type == type)
            return p;
    return NULL;
}

/* Where in the file the bytes of an address are; UINT64_MAX: nowhere. */
static uint64_t
offset_of(const struct file *f, const elf_head *e, uint64_t address)
{
    const elf_segment *p;
    for (unsigned i = 0; (p = segment(f, e, i)) != NULL; i++)
        if (p->p_type == PT_LOAD && address >= p->p_vaddr &&
            address - p->p_vaddr < p->p_filesz)
            return address - p->p_vaddr + p->p_offset;
    return UINT64_MAX;
}

/* The names the loader knows of the program: its dynamic string table. */
static const char *
dynamic_strings(const struct file *f, const elf_head *e, size_t *bytes)
{
    const elf_segment *p = segment_of_type(f, e, PT_DYNAMIC);
    const elf_dynamic *d = p ? table_at(f, p->p_offset, p->p_filesz) : NULL;
    uint64_t table = 0, size = 0;
    for (size_t i = 0; d && i < p->p_filesz / sizeof *d; i++) {
        if (d[i].d_tag == DT_STRTAB)
            table = d[i].d_un.d_ptr;
        if (d[i].d_tag == DT_STRSZ)
            size = d[i].d_un.d_val;
    }
    *bytes = size;
    return table ? at(f, offset_of(f, e, table), size) : NULL;
}

/* Does the program, or a library it asks for, bring a malloc that watches
 * memory itself? Names are whole strings of the table. */
static bool
has_sanitizer(const struct file *f, const elf_head *e)
{
    static const char *const mark[] = {"__asan_init", "__tsan_init",
                                       "__msan_init", "__lsan_init",
                                       "__hwasan_init"};
    static const char *const library[] = {"libasan.so", "libtsan.so",
                                          "liblsan.so", "libhwasan.so",
                                          "libclang_rt."};
    size_t bytes;
    const char *s = dynamic_strings(f, e, &bytes);
    for (size_t i = 0; s && i < bytes;) {
        size_t n = strnlen(s + i, bytes - i);
        for (size_t k = 0; k < sizeof mark / sizeof *mark; k++) {
            size_t prefix = strlen(library[k]);
            if ((n == strlen(mark[k]) && memcmp(s + i, mark[k], n) == 0) ||
                (n > prefix && memcmp(s + i, library[k], prefix) == 0))
                return true;
        }
        i += n + 1;
    }
    return false;
}

/* The section headers; NULL: none that make sense. */
static const elf_section *
sections(const struct file *f, const elf_head *e)
{
    if (e->e_shentsize != sizeof(elf_section))
        return NULL;
    return table_at(f, e->e_shoff, (uint64_t)e->e_shnum * sizeof(elf_section));
}

static bool
has_section(const struct file *f, const elf_head *e, const char *name)
{
    const elf_section *s = sections(f, e);
    if (!s || e->e_shstrndx >= e->e_shnum)
        return false;
    const elf_section *names = &s[e->e_shstrndx];
    size_t n = strlen(name) + 1;
    for (unsigned i = 0; i < e->e_shnum; i++) {
        if (s[i].sh_name >= names->sh_size)
            continue;
        const char *text = at(f, names->sh_offset + s[i].sh_name, n);
        if (text && memcmp(text, name, n) == 0)
            return true;
    }
    return false;
}

/* Does the program define malloc for itself and all its libraries? Then a
 * preloaded one would never be asked. */
static bool
defines_malloc(const struct file *f, const elf_head *e)
{
    size_t bytes;
    const char *names = dynamic_strings(f, e, &bytes);
    const elf_section *s = sections(f, e);
    for (unsigned i = 0; s && names && i < e->e_shnum; i++) {
        const elf_symbol *y = s[i].sh_type == SHT_DYNSYM
                                  ? table_at(f, s[i].sh_offset, s[i].sh_size)
                                  : NULL;
        for (size_t n = 0; y && n < s[i].sh_size / sizeof *y; n++)
            if (y[n].st_shndx != SHN_UNDEF && y[n].st_name < bytes &&
                bytes - y[n].st_name >= sizeof "malloc" &&
                memcmp(names + y[n].st_name, "malloc", sizeof "malloc") == 0)
                return true;
    }
    return false;
}

static bool
other_loader(const struct file *f, const elf_segment *interp)
{
    const char *name = at(f, interp->p_offset, interp->p_filesz);
    size_t n = name ? strnlen(name, interp->p_filesz) : 0;
    const char *slash = n ? memrchr(name, '/', n) : NULL;
    const char *last = slash ? slash + 1 : name;
    n -= slash ? (size_t)(last - name) : 0;
    if (!name)
        return false;
    return !(n >= 8 && memcmp(last, "ld-linux", 8) == 0) &&
           !(n >= 4 && memcmp(last, "ld64", 4) == 0) &&
           !(n >= 4 && memcmp(last, "ld.s", 4) == 0);
}

/* The head of this very program, as the linker placed it. */
extern const elf_head __ehdr_start __attribute__((visibility("hidden")));

static enum wr_obstacle
inspect_elf(const struct file *f, const elf_head *e)
{
    if (e->e_ident[EI_CLASS] != OWN_CLASS ||
        e->e_machine != __ehdr_start.e_machine)
        return WR_OBSTACLE_MACHINE;
    if (has_section(f, e, ".go.buildinfo"))
        return WR_OBSTACLE_GO;
    const elf_segment *interp = segment_of_type(f, e, PT_INTERP);
    if (!interp)
        return WR_OBSTACLE_STATIC;
    if (other_loader(f, interp))
        return WR_OBSTACLE_LOADER;
    if (has_sanitizer(f, e))
        return WR_OBSTACLE_SANITIZER;
    if (defines_malloc(f, e))
        return WR_OBSTACLE_MALLOC;
    return WR_OBSTACLE_NONE;
}

/* Will the kernel give the program rights that its caller has not? */
static bool
changes_rights(const char *path, const struct stat *st)
{
    if ((st->st_mode & S_ISUID) && st->st_uid != geteuid())
        return true;
    if ((st->st_mode & S_ISGID) && (st->st_mode & S_IXGRP) &&
        st->st_gid != getegid())
        return true;
    return getuid() != 0 && getxattr(path, "security.capability", NULL, 0) > 0;
}

/* --- Finding ----------------------------------------------------------- */

/* The first executable file of that name in PATH: 0 or an exit status. */
static int
search_path(char *path, size_t bytes, const char *command)
{
    const char *list = getenv("PATH");
    int status = WR_EXIT_MISSING, err = ENOENT;
    if (!list)
        list = "/usr/local/bin:/usr/bin:/bin";
    for (const char *p = list;;) {
        size_t n = strcspn(p, ":");
        struct stat st;
        int len = snprintf(path, bytes, "%.*s%s%s", (int)n, p, n ? "/" : "./",
                           command);
        if (len > 0 && (size_t)len < bytes && stat(path, &st) == 0 &&
            S_ISREG(st.st_mode)) {
            if (access(path, X_OK) == 0)
                return 0;
            status = WR_EXIT_CANNOT;
            err = EACCES;
        }
        if (!p[n])
            break;
        p += n + 1;
    }
    errno = err;
    return status;
}

static int
find_path(char *path, size_t bytes, const char *command)
{
    struct stat st;
    if (*command && !strchr(command, '/'))
        return search_path(path, bytes, command);
    if (snprintf(path, bytes, "%s", command) >= (int)bytes) {
        errno = ENAMETOOLONG;
        return WR_EXIT_CANNOT;
    }
    if (stat(path, &st) != 0)
        return errno == ENOENT || errno == ENOTDIR ? WR_EXIT_MISSING
                                                   : WR_EXIT_CANNOT;
    if (S_ISDIR(st.st_mode)) {
        errno = EISDIR;
        return WR_EXIT_CANNOT;
    }
    return access(path, X_OK) == 0 ? 0 : WR_EXIT_CANNOT;
}

/* The interpreter a script asks for: its path, or with env(1) the program
 * that env will start. False when the line makes no sense. */
static bool
interpreter(char *path, size_t bytes, const struct file *f)
{
    char line[256], *save;
    size_t n = f->bytes - 2 < sizeof line - 1 ? f->bytes - 2 : sizeof line - 1;
    memcpy(line, f->base + 2, n);
    line[n] = 0;
    line[strcspn(line, "\n")] = 0;
    char *word = strtok_r(line, " \t\r", &save);
    if (!word)
        return false;
    const char *slash = strrchr(word, '/');
    if (strcmp(slash ? slash + 1 : word, "env") == 0) {
        while ((word = strtok_r(NULL, " \t\r", &save)) != NULL)
            if (word[0] != '-' && !strchr(word, '='))
                break;
        if (!word)
            return false;
    }
    return find_path(path, bytes, word) == 0;
}

static void inspect(struct wr_program *p, int depth);

static void
inspect_file(struct wr_program *p, const struct file *f, const struct stat *st,
             int depth)
{
    const elf_head *e = elf_header(f);
    if (e) {
        p->obstacle = inspect_elf(f, e);
        if (p->obstacle == WR_OBSTACLE_NONE && changes_rights(p->subject, st))
            p->obstacle = WR_OBSTACLE_SETID;
    } else if (f->bytes > 2 && memcmp(f->base, "#!", 2) == 0) {
        char next[PATH_MAX];
        if (depth < SCRIPT_DEPTH && interpreter(next, sizeof next, f)) {
            memcpy(p->subject, next, sizeof next);
            inspect(p, depth + 1);
        }
    } else if (depth == 0) {
        p->shell = true;
    }
}

static void
inspect(struct wr_program *p, int depth)
{
    struct stat st;
    int fd = open(p->subject, O_RDONLY | O_CLOEXEC);
    if (fd < 0) /* executable but not readable: the loader will see */
        return;
    if (fstat(fd, &st) == 0 && st.st_size > 0) {
        struct file f = {.bytes = (size_t)st.st_size};
        void *m = mmap(NULL, f.bytes, PROT_READ, MAP_PRIVATE, fd, 0);
        if (m != MAP_FAILED) {
            f.base = m;
            inspect_file(p, &f, &st, depth);
            munmap(m, f.bytes);
        }
    }
    close(fd);
}

int
wr_program_find(struct wr_program *p, const char *command)
{
    memset(p, 0, sizeof *p);
    int status = find_path(p->path, sizeof p->path, command);
    if (status != 0)
        return status;
    memcpy(p->subject, p->path, sizeof p->subject);
    inspect(p, 0);
    return 0;
}

const char *
wr_obstacle_text(enum wr_obstacle o)
{
    switch (o) {
    case WR_OBSTACLE_STATIC:
        return "is linked statically, so no library can be put before its "
               "malloc. Link it dynamically, or link Weir into it (-lweir).";
    case WR_OBSTACLE_SETID:
        return "changes its user, group or capabilities when it starts, and "
               "the loader then ignores LD_PRELOAD. Run weir as that user, or "
               "run a copy without these rights.";
    case WR_OBSTACLE_GO:
        return "is a Go program: its memory is Go's, not malloc's. Import "
               "net/http/pprof in it; weir top reads those profiles too.";
    case WR_OBSTACLE_SANITIZER:
        return "is built with a sanitizer, which must keep its own malloc. "
               "Build it without -fsanitize for a profile.";
    case WR_OBSTACLE_MALLOC:
        return "has its own malloc linked in (an allocator, or a sanitizer), "
               "which comes before any library's. Build it to use libc's.";
    case WR_OBSTACLE_LOADER:
        return "uses another C library's loader (musl?), for which this Weir "
               "is not built. Build Weir with that C library.";
    case WR_OBSTACLE_MACHINE:
        return "is made for another processor or word size than this Weir. "
               "Install the Weir of that architecture.";
    case WR_OBSTACLE_NONE:
        break;
    }
    return "";
}
