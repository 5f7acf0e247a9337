/* Sweeping.
 *
 * A run's directory is named run-<pid of its weir>-<seconds of its start>:
 * who uses it and how old it is can be told without looking into it.
 */
#include "serve/sweep.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "region/leaks.h"
#include "serve/source.h"

/* --- Regions ----------------------------------------------------------- */

/* Ended less than age ago. The writes of a mapping do not touch its file's
 * time, which tells when the region was made: the exit time is better. */
static bool
is_young(const struct wr_source *one, unsigned age)
{
    struct stat st;
    time_t last = (time_t)(atomic_load(&one->view.header->end_ns) / 1000000000);
    if (last == 0 && stat(one->path, &st) == 0)
        last = st.st_mtime;
    return time(NULL) - last < (time_t)age;
}

size_t
wr_sweep_regions(const char *dir, unsigned age)
{
    struct wr_sources s;
    size_t removed = 0;
    if (wr_sources_scan(&s, dir, WR_SCAN_HERE) != 0)
        return 0;
    for (size_t i = 0; i < s.count; i++)
        if (!s.list[i].live && !is_young(&s.list[i], age))
            removed += unlink(s.list[i].path) == 0;
    wr_sources_free(&s);
    wr_sweep_unfinished(dir);
    return removed;
}

/* The process whose number the text begins with is there. */
static bool
process_exists(const char *text)
{
    pid_t pid = (pid_t)strtol(text, NULL, 10);
    return pid > 0 && (kill(pid, 0) == 0 || errno == EPERM);
}

/* A request or an answer (region/ask.h), whole or not: "<region>.<kind>". */
static bool
is_letter(const char *name)
{
    return strstr(name, WR_REGION_SUFFIX ".") != NULL;
}

/* What a program left to be read after its end: it goes with the region. */
static bool
is_last_letter(const char *path)
{
    static const char end[] = WR_LEAKS_LAST_SUFFIX;
    char region[WR_PATH_MAX];
    size_t n = strlen(path), rest = sizeof end - 1;
    if (n < rest || strcmp(path + n - rest, end) != 0)
        return false;
    snprintf(region, sizeof region, "%.*s", (int)(n - rest), path);
    return access(region, F_OK) == 0;
}

/* A file "<pid>...": not a region, and nobody is going to make it one; or a
 * letter that nobody took. */
static bool
is_unfinished(const char *path, const char *name)
{
    char why[256];
    struct wr_region_view view;
    if (name[0] < '1' || name[0] > '9' || process_exists(name))
        return false;
    if (is_letter(name))
        return !is_last_letter(path);
    if (!wr_source_is_region(name))
        return false;
    bool good = wr_region_open(&view, path, why, sizeof why) == 0;
    if (good)
        wr_region_close(&view);
    return !good;
}

void
wr_sweep_unfinished(const char *dir)
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

/* --- Runs -------------------------------------------------------------- */

/* The newest first: the number after the last dash is the start. */
static int
newest_first(const struct dirent **a, const struct dirent **b)
{
    long x = strtol(strrchr((*a)->d_name, '-') + 1, NULL, 10);
    long y = strtol(strrchr((*b)->d_name, '-') + 1, NULL, 10);
    return x > y ? -1 : x < y;
}

static int
is_run(const struct dirent *e)
{
    return wr_source_is_run(e->d_name);
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

static void
remove_if_ended(const char *dir, const char *name)
{
    char path[WR_PATH_MAX];
    struct wr_sources s;
    struct stat st;
    int n = snprintf(path, sizeof path, "%s/%s", dir, name);
    if (n < 0 || (size_t)n >= sizeof path || process_exists(name + 4) ||
        lstat(path, &st) != 0 || !S_ISDIR(st.st_mode) ||
        wr_sources_scan(&s, path, WR_SCAN_HERE) != 0)
        return;
    if (wr_sources_live(&s) == 0)
        remove_run(path);
    wr_sources_free(&s);
}

void
wr_sweep_runs(const char *dir, size_t keep)
{
    struct dirent **list;
    int n = scandir(dir, &list, is_run, newest_first);
    bool many = n >= 0 && (size_t)n > keep + keep / 4;
    for (int i = 0; i < n; i++) {
        if (many && (size_t)i >= keep)
            remove_if_ended(dir, list[i]->d_name);
        free(list[i]);
    }
    if (n >= 0)
        free(list);
}
