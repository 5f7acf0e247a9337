/* Sources: finding regions.
 *
 * 1. A source in a list has an open view; what does not open is not listed.
 * 2. At most one source of a pid is not `replaced`: the one made last.
 */
#include "serve/source.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "serve/quiet.h"

bool
wr_source_is_run(const char *name)
{
    return strncmp(name, "run-", 4) == 0 && name[4] >= '0' && name[4] <= '9';
}

bool
wr_source_is_region(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot && dot != name && strcmp(dot, WR_REGION_SUFFIX) == 0;
}

/* The last part of a path that fills at most `bytes`. False when there is
 * nothing after its last slash. A login shell's dash is no part of it. */
static bool
last_part(char *name, size_t name_bytes, const char *path, size_t bytes)
{
    size_t n = strnlen(path, bytes);
    const char *slash = memrchr(path, '/', n);
    const char *last = slash ? slash + 1 : path;
    n -= (size_t)(last - path);
    if (n > 0 && *last == '-') {
        last++;
        n--;
    }
    snprintf(name, name_bytes, "%.*s", (int)n, last);
    return name[0] != 0;
}

/* A program is known by the name it was called by: many are links, like
 * redis-server, to a file that goes by another of their names. */
static void
describe(struct wr_source *one)
{
    const struct wr_region_header *h = one->view.header;
    one->pid = h->pid;
    one->live = wr_view_alive(&one->view);
    if (h->cmdline_bytes == 0 || !last_part(one->program, sizeof one->program,
                                            h->cmdline, sizeof h->cmdline))
        last_part(one->program, sizeof one->program, h->exe, sizeof h->exe);
}

static struct wr_source *
append(struct wr_sources *s)
{
    if (s->count % 16 == 0) {
        void *list = realloc(s->list, (s->count + 16) * sizeof *s->list);
        if (!list)
            return NULL;
        s->list = list;
    }
    return &s->list[s->count];
}

static int
add_file(struct wr_sources *s, const char *path)
{
    char why[256];
    struct wr_source *one = append(s);
    if (!one)
        return -1;
    memset(one, 0, sizeof *one);
    if (wr_region_open(&one->view, path, why, sizeof why) != 0)
        return 0;
    snprintf(one->path, sizeof one->path, "%s", path);
    describe(one);
    s->count++;
    return 0;
}

static int
scan(struct wr_sources *s, const char *dir, enum wr_scan how)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    int rc = 0;
    if (!d)
        return 0;
    while (rc == 0 && (e = readdir(d)) != NULL) {
        char path[WR_PATH_MAX];
        int n = snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (n < 0 || (size_t)n >= sizeof path)
            continue;
        if (wr_source_is_region(e->d_name))
            rc = add_file(s, path);
        else if (how == WR_SCAN_RUNS && wr_source_is_run(e->d_name))
            rc = scan(s, path, WR_SCAN_HERE);
    }
    closedir(d);
    return rc;
}

static int
scan_places(struct wr_sources *s)
{
    int rc = 0;
    for (unsigned n = 0; rc == 0 && n < WR_REGION_PLACES; n++) {
        char place[WR_PATH_MAX];
        if (wr_region_place(n, place, sizeof place) == 0)
            rc = scan(s, place, WR_SCAN_RUNS);
    }
    return rc;
}

static int
by_pid_and_start(const void *a, const void *b)
{
    const struct wr_source *x = a, *y = b;
    uint64_t xs = x->view.header->start_mono_ns;
    uint64_t ys = y->view.header->start_mono_ns;
    if (x->pid != y->pid)
        return x->pid < y->pid ? -1 : 1;
    return xs < ys ? -1 : xs > ys;
}

static int
by_life(const void *a, const void *b)
{
    const struct wr_source *x = a, *y = b;
    if (x->live != y->live)
        return x->live ? -1 : 1;
    return by_pid_and_start(a, b);
}

static void
sort(struct wr_sources *s)
{
    if (s->count == 0)
        return;
    qsort(s->list, s->count, sizeof *s->list, by_pid_and_start);
    for (size_t i = 0; i + 1 < s->count; i++)
        if (s->list[i].pid == s->list[i + 1].pid) {
            s->list[i].replaced = true;
            s->list[i].live = false;
        }
    qsort(s->list, s->count, sizeof *s->list, by_life);
}

static int
scan_once(struct wr_sources *s, const char *dir, enum wr_scan how)
{
    *s = (struct wr_sources){0};
    int rc = how == WR_SCAN_ALL ? scan_places(s) : scan(s, dir, how);
    if (rc != 0) {
        wr_sources_free(s);
        return -1;
    }
    sort(s);
    return 0;
}

static uint64_t
forks_of(const struct wr_sources *s)
{
    uint64_t forks = 0;
    for (size_t i = 0; i < s->count; i++)
        forks += atomic_load(&s->list[i].view.header->counters.forks);
    return forks;
}

/* Forked children that have no region yet make theirs. */
static size_t
ask_quiet(const struct wr_sources *s, const char *const *dirs, size_t dir_count)
{
    size_t live = wr_sources_live(s);
    uint32_t *known = calloc(live + 1, sizeof *known);
    for (size_t i = 0; known && i < live; i++)
        known[i] = s->list[i].pid;
    size_t asked =
        known ? wr_quiet_ask(dirs, dir_count, known, live, forks_of(s)) : 0;
    free(known);
    return asked;
}

/* In a run's directory the regions of the ended stay: when they count no fork
 * there is nobody to look for. */
static size_t
ask_quiet_here(const struct wr_sources *s, const char *dir)
{
    if (s->count > 0 && forks_of(s) == 0)
        return 0;
    return ask_quiet(s, &dir, 1);
}

static size_t
ask_quiet_in_places(const struct wr_sources *s)
{
    char place[WR_REGION_PLACES][WR_PATH_MAX];
    const char *dirs[WR_REGION_PLACES];
    size_t count = 0;
    for (unsigned n = 0; n < WR_REGION_PLACES; n++)
        if (wr_region_place(n, place[n], sizeof place[n]) == 0)
            dirs[count++] = place[n];
    return ask_quiet(s, dirs, count);
}

int
wr_sources_scan(struct wr_sources *s, const char *dir, enum wr_scan how)
{
    int rc = scan_once(s, dir, how);
    if (rc != 0 || (how == WR_SCAN_ALL ? ask_quiet_in_places(s)
                                       : ask_quiet_here(s, dir)) == 0)
        return rc;
    wr_sources_free(s);
    return scan_once(s, dir, how);
}

/* The shared mapping of this process's region, from a line of its maps:
 * the runtime has hidden names only, so this is how a library beside it finds
 * the region. NULL: another kind of line. */
static const void *
region_mapping(const char *line, size_t *bytes)
{
    unsigned long start, end;
    char mode[5];
    size_t n = strcspn(line, "\n");
    if (n > 10 && strncmp(line + n - 10, " (deleted)", 10) == 0)
        n -= 10;
    size_t suffix = strlen(WR_REGION_SUFFIX);
    if (n < suffix ||
        strncmp(line + n - suffix, WR_REGION_SUFFIX, suffix) != 0 ||
        sscanf(line, "%lx-%lx %4s", &start, &end, mode) != 3 ||
        strcmp(mode, "rw-s") != 0)
        return NULL;
    *bytes = end - start;
    return (const void *)start;
}

/* What is mapped there, or "". */
static void
take_path(char *path, size_t n, const char *line)
{
    const char *from = strchr(line, '/');
    size_t length = from ? strcspn(from, "\n") : 0;
    bool gone =
        length > 10 && strncmp(from + length - 10, " (deleted)", 10) == 0;
    snprintf(path, n, "%.*s", gone || !from ? 0 : (int)length,
             from ? from : "");
}

/* path: room for WR_PATH_MAX. */
static int
open_own_view(struct wr_region_view *v, char *path)
{
    char line[WR_PATH_MAX + 128], why[256];
    FILE *maps = fopen("/proc/self/maps", "re");
    int rc = -1;
    while (rc != 0 && maps && fgets(line, sizeof line, maps)) {
        size_t bytes;
        const void *base = region_mapping(line, &bytes);
        if (base && wr_view_over(v, base, bytes, why, sizeof why) == 0 &&
            v->header->pid == (uint32_t)getpid()) {
            take_path(path, WR_PATH_MAX, line);
            rc = 0;
        }
    }
    if (maps)
        fclose(maps);
    return rc;
}

int
wr_sources_self(struct wr_sources *s)
{
    *s = (struct wr_sources){0};
    struct wr_source *one = calloc(1, sizeof *one);
    if (!one)
        return -1;
    if (open_own_view(&one->view, one->path) != 0) {
        free(one);
        return -1;
    }
    describe(one);
    one->live = true;
    *s = (struct wr_sources){.list = one, .count = 1};
    return 0;
}

void
wr_sources_free(struct wr_sources *s)
{
    for (size_t i = 0; i < s->count; i++)
        wr_region_close(&s->list[i].view);
    free(s->list);
    *s = (struct wr_sources){0};
}

size_t
wr_sources_live(const struct wr_sources *s)
{
    size_t n = 0;
    while (n < s->count && s->list[n].live)
        n++;
    return n;
}

struct wr_source *
wr_sources_find(const struct wr_sources *s, uint32_t pid)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->list[i].pid == pid && !s->list[i].replaced)
            return &s->list[i];
    return NULL;
}

uint64_t
wr_source_threads(const struct wr_source *one)
{
    const struct wr_thread_slot *slot;
    uint64_t n = 0;
    for (uint64_t i = 0; (slot = wr_view_thread(&one->view, i)) != NULL; i++)
        n += atomic_load(&slot->state) == WR_THREAD_RUNNING;
    return n;
}
