/* Invariants:
 * 1. Entries are sorted by start, and those of one start by their place in
 *    the file: what was compiled later stands behind.
 * 2. The file is another program's: it may have any contents and any length,
 *    and be no file at all.
 */
#include "analyse/perf_map.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "analyse/search.h"

#define BYTES_MAX   (64u << 20) /* of a file; what follows is not read */
#define OVERLAP_MAX 64          /* entries looked at before an address */

struct entry {
    uint64_t start, end;
    uint32_t line;
    const char *name;
};

struct wr_perf_map {
    int pid;
    struct stat file; /* when it was read */
    char *text;
    struct entry *entries;
    size_t count, capacity;
};

/* --- The file ------------------------------------------------------------- */

/* The process id as the process itself sees it: the last of NSpid. */
static int
own_pid(int pid)
{
    char path[64], line[256];
    int own = pid;
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, "NSpid:", 6) == 0) {
            const char *last = strrchr(line, '\t');
            own = last ? atoi(last + 1) : pid;
        }
    if (f)
        fclose(f);
    return own;
}

static bool
is_believed(const struct stat *file, int pid)
{
    char path[64];
    struct stat process;
    snprintf(path, sizeof path, "/proc/%d", pid);
    return S_ISREG(file->st_mode) &&
           (file->st_uid == 0 || file->st_uid == geteuid() ||
            (stat(path, &process) == 0 && file->st_uid == process.st_uid));
}

static int
open_believed(const char *path, int pid, struct stat *file)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return -1;
    if (fstat(fd, file) == 0 && is_believed(file, pid))
        return fd;
    close(fd);
    return -1;
}

/* Where the process sees it, else (it has ended) where we do. */
static int
open_file(int pid, struct stat *file)
{
    char path[96];
    snprintf(path, sizeof path, "/proc/%d/root/tmp/perf-%d.map", pid,
             own_pid(pid));
    int fd = open_believed(path, pid, file);
    if (fd >= 0)
        return fd;
    snprintf(path, sizeof path, "/tmp/perf-%d.map", pid);
    return open_believed(path, pid, file);
}

static char *
read_all(int fd, size_t bytes)
{
    char *text = malloc(bytes + 1);
    size_t n = 0;
    ssize_t got;
    while (text && n < bytes && (got = read(fd, text + n, bytes - n)) > 0)
        n += (size_t)got;
    if (text)
        text[n] = '\0';
    return text;
}

/* --- Its lines ------------------------------------------------------------ */

static void
add(struct wr_perf_map *m, const struct entry *e)
{
    if (m->count == m->capacity) {
        size_t more = m->capacity ? m->capacity * 2 : 256;
        struct entry *bigger = realloc(m->entries, more * sizeof *bigger);
        if (!bigger)
            return;
        m->entries = bigger;
        m->capacity = more;
    }
    m->entries[m->count++] = *e;
}

/* A line that is something else is passed over, as is the last one while it is
 * being written. */
static void
read_line(struct wr_perf_map *m, char *line, uint32_t number)
{
    char *rest, *name;
    uint64_t start = strtoull(line, &rest, 16);
    uint64_t bytes = rest != line ? strtoull(rest, &name, 16) : 0;
    if (bytes == 0 || *name != ' ' || start + bytes < start)
        return;
    name += strspn(name, " ");
    if (*name)
        add(m, &(struct entry){start, start + bytes, number, name});
}

static int
by_start(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    return x->line < y->line ? -1 : 1;
}

static void
read_lines(struct wr_perf_map *m)
{
    uint32_t number = 0;
    for (char *line = m->text, *end; (end = strchr(line, '\n')); line = end) {
        *end++ = '\0';
        read_line(m, line, number++);
    }
    if (m->count)
        qsort(m->entries, m->count, sizeof *m->entries, by_start);
}

/* Takes the text over. */
static struct wr_perf_map *
new_map(char *text)
{
    struct wr_perf_map *m = text ? calloc(1, sizeof *m) : NULL;
    if (!m) {
        free(text);
        return NULL;
    }
    m->text = text;
    read_lines(m);
    return m;
}

struct wr_perf_map *
wr_perf_map_parse(const char *bytes, size_t n)
{
    char *text = malloc(n + 1);
    if (text) {
        memcpy(text, bytes, n);
        text[n] = '\0';
    }
    return new_map(text);
}

struct wr_perf_map *
wr_perf_map_open(int pid)
{
    struct stat file;
    int fd = open_file(pid, &file);
    if (fd < 0)
        return NULL;
    size_t n = file.st_size < BYTES_MAX ? (size_t)file.st_size : BYTES_MAX;
    struct wr_perf_map *m = new_map(read_all(fd, n));
    close(fd);
    if (m) {
        m->pid = pid;
        m->file = file;
    }
    return m;
}

bool
wr_perf_map_is_current(const struct wr_perf_map *m)
{
    struct stat now;
    int fd = open_file(m->pid, &now);
    if (fd < 0)
        return false;
    close(fd);
    return now.st_dev == m->file.st_dev && now.st_ino == m->file.st_ino &&
           now.st_size == m->file.st_size &&
           now.st_mtim.tv_sec == m->file.st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == m->file.st_mtim.tv_nsec;
}

void
wr_perf_map_free(struct wr_perf_map *m)
{
    if (!m)
        return;
    free(m->entries);
    free(m->text);
    free(m);
}

/* --- Names ---------------------------------------------------------------- */

static uint64_t
entry_start(const void *entries, size_t i)
{
    return ((const struct entry *)entries)[i].start;
}

const char *
wr_perf_map_name(const struct wr_perf_map *m, uint64_t address)
{
    const struct entry *youngest = NULL;
    size_t i = wr_search_before(m->entries, m->count, entry_start, address);
    for (size_t seen = 0; i-- > 0 && seen < OVERLAP_MAX; seen++)
        if (address < m->entries[i].end &&
            (!youngest || m->entries[i].line > youngest->line))
            youngest = &m->entries[i];
    return youngest ? youngest->name : NULL;
}
