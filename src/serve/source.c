/* Sources: finding regions.
 *
 * 1. A source in a list has an open view; what does not open is not listed.
 * 2. At most one source of a pid is not `replaced`: the one made last.
 * 3. Nothing is removed but *.weir files whose process is gone, and what a
 *    run left in its own run-* directory. Links are not followed.
 */
#include "serve/source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

bool
wr_source_is_run(const char *name)
{
    return strncmp(name, "run-", 4) == 0 && name[4] >= '0' && name[4] <= '9';
}

static bool
is_region(const char *name)
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
        if (is_region(e->d_name))
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

int
wr_sources_scan(struct wr_sources *s, const char *dir, enum wr_scan how)
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

static int
open_own_view(struct wr_region_view *v)
{
    char line[WR_PATH_MAX + 128], why[256];
    FILE *maps = fopen("/proc/self/maps", "re");
    int rc = -1;
    while (rc != 0 && maps && fgets(line, sizeof line, maps)) {
        size_t bytes;
        const void *base = region_mapping(line, &bytes);
        if (base && wr_view_over(v, base, bytes, why, sizeof why) == 0 &&
            v->header->pid == (uint32_t)getpid())
            rc = 0;
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
    if (open_own_view(&one->view) != 0) {
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

/* Was the file written, or its directory changed, less than age ago? The
 * writes of a mapping do not touch a file's time, so this is the time when
 * the region was made, or a little later: the exit time is better. */
static bool
is_young(const struct wr_source *one, unsigned age)
{
    struct stat st;
    time_t last = (time_t)(atomic_load(&one->view.header->end_ns) / 1000000000);
    if (last == 0 && stat(one->path, &st) == 0)
        last = st.st_mtime;
    return time(NULL) - last < (time_t)age;
}

/* Remove a run's directory with all its files. It has no folders in it. */
static void
remove_run(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    if (!d)
        return;
    while ((e = readdir(d)) != NULL)
        if (e->d_name[0] != '.')
            unlinkat(dirfd(d), e->d_name, 0);
    closedir(d);
    rmdir(dir);
}

struct old_run {
    char path[WR_PATH_MAX];
    time_t last;
};

static int
newest_first(const void *a, const void *b)
{
    time_t x = ((const struct old_run *)a)->last;
    time_t y = ((const struct old_run *)b)->last;
    return x > y ? -1 : x < y;
}

/* The process whose number the text begins with is there. */
static bool
process_exists(const char *text)
{
    pid_t pid = (pid_t)strtol(text, NULL, 10);
    return pid > 0 && (kill(pid, 0) == 0 || errno == EPERM);
}

/* The weir that made a run, "run-<pid>-...", is still there. */
static bool
is_supervised(const char *name)
{
    return process_exists(name + 4);
}

/* The runs in dir whose weir is gone: a list from malloc. */
static size_t
ended_runs(const char *dir, struct old_run **list)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    size_t n = 0;
    *list = NULL;
    while (d && (e = readdir(d)) != NULL) {
        struct old_run run;
        struct stat st;
        int len = snprintf(run.path, sizeof run.path, "%s/%s", dir, e->d_name);
        if (!wr_source_is_run(e->d_name) || len >= (int)sizeof run.path ||
            lstat(run.path, &st) != 0 || !S_ISDIR(st.st_mode) ||
            is_supervised(e->d_name))
            continue;
        run.last = st.st_mtime;
        void *more = realloc(*list, (n + 1) * sizeof run);
        if (!more)
            break;
        *list = more;
        (*list)[n++] = run;
    }
    if (d)
        closedir(d);
    return n;
}

static void
sweep_runs(const char *dir, unsigned age, size_t keep)
{
    struct old_run *list;
    size_t n = ended_runs(dir, &list);
    time_t now = time(NULL);
    if (n > 1)
        qsort(list, n, sizeof *list, newest_first);
    for (size_t i = 0; i < n; i++) {
        struct wr_sources s;
        if (i < keep && now - list[i].last < (time_t)age)
            continue;
        if (wr_sources_scan(&s, list[i].path, WR_SCAN_HERE) != 0)
            continue;
        if (wr_sources_live(&s) == 0)
            remove_run(list[i].path);
        wr_sources_free(&s);
    }
    free(list);
}

/* A file "<pid>...": not a region, and nobody is going to make it one. */
static bool
is_unfinished(const char *path, const char *name)
{
    char why[256];
    struct wr_region_view view;
    if (!is_region(name) || name[0] < '1' || name[0] > '9' ||
        process_exists(name))
        return false;
    bool good = wr_region_open(&view, path, why, sizeof why) == 0;
    if (good)
        wr_region_close(&view);
    return !good;
}

void
wr_sources_drop_unfinished(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    while (d && (e = readdir(d)) != NULL) {
        char path[WR_PATH_MAX];
        int n = snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (n > 0 && (size_t)n < sizeof path && is_unfinished(path, e->d_name))
            unlink(path);
    }
    if (d)
        closedir(d);
}

size_t
wr_sources_sweep(const char *dir, unsigned age, size_t keep)
{
    struct wr_sources s;
    size_t removed = 0;
    if (wr_sources_scan(&s, dir, WR_SCAN_HERE) != 0)
        return 0;
    for (size_t i = 0; i < s.count; i++)
        if (!s.list[i].live && !is_young(&s.list[i], age))
            removed += unlink(s.list[i].path) == 0;
    wr_sources_free(&s);
    wr_sources_drop_unfinished(dir);
    sweep_runs(dir, age, keep);
    return removed;
}
