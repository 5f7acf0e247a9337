/* Quiet children.
 *
 * 1. Only processes of this user are looked into, and only those that map a
 *    region's file which is named after another process are asked.
 * 2. A process becomes quiet by being forked, so whoever was found with a
 *    region of its own is never asked.
 * 3. A fork is counted in the region of who forks. Only the fork of a quiet
 *    child is not; but after a look there is none, or the next look is soon.
 */
#include "serve/quiet.h"

#include <ctype.h>
#include <dirent.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/clock.h"
#include "region/read.h"

#define PAUSE_NS   UINT64_C(1000000000)  /* between two looks at processes */
#define PATIENT_NS UINT64_C(60000000000) /* the same, when none is expected */
#define WAIT_NS    UINT64_C(200000000)
#define AT_ONCE    256 /* asked in one go; the next look finds the others */

/* --- One process ------------------------------------------------------- */

/* Is the line of maps about a region that another process made? */
static bool
is_lent(const char *line, struct wr_quiet *q)
{
    static const char deleted[] = " (deleted)";
    const char *path = strchr(line, '/');
    unsigned long start;
    char mode[5];
    if (!path || sscanf(line, "%lx-%*x %4s", &start, mode) != 2 ||
        strcmp(mode, "rw-s") != 0)
        return false;
    size_t n = strcspn(path, "\n");
    const char *name = memrchr(path, '/', n);
    if (n >= sizeof deleted &&
        memcmp(path + n - strlen(deleted), deleted, strlen(deleted)) == 0)
        n -= strlen(deleted);
    size_t suffix = strlen(WR_REGION_SUFFIX);
    if (n < suffix || memcmp(path + n - suffix, WR_REGION_SUFFIX, suffix) != 0)
        return false;
    q->address = start;
    snprintf(q->dir, sizeof q->dir, "%.*s", (int)(name - path), path);
    return strtoul(name + 1, NULL, 10) != q->pid;
}

bool
wr_quiet_find(struct wr_quiet *q, uint32_t pid)
{
    char path[64], *line = NULL;
    size_t room = 0;
    bool found = false;
    snprintf(path, sizeof path, "/proc/%u/maps", pid);
    FILE *maps = fopen(path, "re");
    q->pid = pid;
    while (!found && maps && getline(&line, &room, maps) > 0)
        found = is_lent(line, q);
    free(line);
    if (maps)
        fclose(maps);
    return found;
}

/* It has made its region, or is gone. */
static bool
has_answered(const struct wr_quiet *q)
{
    char path[640], why[128];
    struct wr_region_view v;
    snprintf(path, sizeof path, "%s/%u" WR_REGION_SUFFIX, q->dir, q->pid);
    if (wr_region_open(&v, path, why, sizeof why) != 0)
        return kill((pid_t)q->pid, 0) != 0;
    wr_region_close(&v);
    return true;
}

/* --- All --------------------------------------------------------------- */

static bool
is_ours(const char *name)
{
    char path[64];
    struct stat st;
    snprintf(path, sizeof path, "/proc/%.20s", name);
    return isdigit((unsigned char)name[0]) && stat(path, &st) == 0 &&
           st.st_uid == geteuid();
}

static bool
is_known(uint32_t pid, const uint32_t *known, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (known[i] == pid)
            return true;
    return pid == (uint32_t)getpid();
}

static bool
is_below(const char *path, const char *dir)
{
    size_t n = strlen(dir);
    return strncmp(path, dir, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

static bool
is_below_any(const char *path, char *const *dirs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (dirs[i] && is_below(path, dirs[i]))
            return true;
    return false;
}

static size_t
find_all(struct wr_quiet *list, char *const *dirs, size_t dir_count,
         const uint32_t *known, size_t count)
{
    DIR *d = opendir("/proc");
    struct dirent *e;
    size_t n = 0;
    while (d && n < AT_ONCE && (e = readdir(d)) != NULL) {
        uint32_t pid = (uint32_t)strtoul(e->d_name, NULL, 10);
        if (is_ours(e->d_name) && !is_known(pid, known, count) &&
            wr_quiet_find(&list[n], pid) &&
            is_below_any(list[n].dir, dirs, dir_count))
            n++;
    }
    if (d)
        closedir(d);
    return n;
}

/* Have all of them answered? */
static bool
wait_for(const struct wr_quiet *list, size_t n)
{
    uint64_t until = wr_clock_ns(CLOCK_MONOTONIC) + WAIT_NS;
    for (size_t i = 0; i < n; i++)
        while (!has_answered(&list[i])) {
            if (wr_clock_ns(CLOCK_MONOTONIC) >= until)
                return false;
            nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
        }
    return n < AT_ONCE;
}

/* What the last look left. */
static _Atomic uint64_t last_look, last_forks;
static _Atomic bool all_answered;

/* Is it time to look again? Of several threads one is told so. */
static bool
is_time(uint64_t forks)
{
    uint64_t now = wr_clock_ns(CLOCK_MONOTONIC), last = atomic_load(&last_look);
    bool none_new =
        atomic_load(&all_answered) && atomic_load(&last_forks) == forks;
    return (last == 0 || now - last >= (none_new ? PATIENT_NS : PAUSE_NS)) &&
           atomic_compare_exchange_strong(&last_look, &last, now);
}

static void
ask_all(const struct wr_quiet *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sigqueue((pid_t)list[i].pid, SIGURG,
                 (union sigval){.sival_ptr = (void *)list[i].address});
}

size_t
wr_quiet_ask(const char *const *dirs, size_t dir_count, const uint32_t *known,
             size_t count, uint64_t forks)
{
    if (!is_time(forks))
        return 0;
    struct wr_quiet *list = calloc(AT_ONCE, sizeof *list);
    char *real[WR_REGION_PLACES];
    size_t n = 0;
    if (dir_count > WR_REGION_PLACES)
        dir_count = WR_REGION_PLACES;
    for (size_t i = 0; i < dir_count; i++)
        real[i] = realpath(dirs[i], NULL);
    if (list)
        n = find_all(list, real, dir_count, known, count);
    ask_all(list, n);
    atomic_store(&all_answered, list && wait_for(list, n));
    atomic_store(&last_forks, forks);
    for (size_t i = 0; i < dir_count; i++)
        free(real[i]);
    free(list);
    return n;
}
