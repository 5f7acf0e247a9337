/* Reading /proc and the control groups.
 *
 * 1. A file that is missing or says something unexpected leaves its values
 *    NaN and nothing else.
 */
#include "serve/proc.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_BYTES 16384
#define UNLIMITED  18446744073709551616.0 /* 2^64 */
#define NO_LIMIT   4e18 /* bytes: groups of version 1 say "none" like this */

/* A file's beginning as a string; false: there is none. */
static bool
slurp(char *text, size_t bytes, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t have = 0;
    if (fd < 0)
        return false;
    for (ssize_t n;
         have < bytes - 1 && (n = read(fd, text + have, bytes - 1 - have)) > 0;)
        have += (size_t)n;
    close(fd);
    text[have] = 0;
    return have > 0;
}

static double
number_at(const char *text)
{
    char *end;
    double value = strtod(text, &end);
    return end == text ? NAN : value;
}

/* The number after a line's first word. */
static double
number_of(const char *text, const char *word)
{
    size_t n = strlen(word);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, word, n) == 0)
            return number_at(line + n);
    }
    return NAN;
}

static bool
slurp_proc(char *text, size_t bytes, const char *root, uint32_t pid,
           const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/proc/%u/%s", root, pid, name);
    return slurp(text, bytes, path);
}

/* --- /proc/PID ---------------------------------------------------------- */

/* The name in parentheses may hold anything, so counting starts behind its
 * end; the first field there is the third of proc(5). */
static void
read_stat(struct wr_proc *p, const char *root, uint32_t pid,
          double boot_seconds)
{
    char text[2048];
    unsigned long long minor, major, user, system, start, size;
    long threads, pages;
    double tick = (double)sysconf(_SC_CLK_TCK);
    if (!slurp_proc(text, sizeof text, root, pid, "stat"))
        return;
    const char *rest = strrchr(text, ')');
    if (!rest || sscanf(rest + 1,
                        " %*c %*d %*d %*d %*d %*d %*u %llu %*u %llu %*u %llu "
                        "%llu %*d %*d %*d %*d %ld %*d %llu %llu %ld",
                        &minor, &major, &user, &system, &threads, &start, &size,
                        &pages) != 8)
        return;
    p->cpu_seconds = (double)(user + system) / tick;
    p->threads = (double)threads;
    p->minor_faults = (double)minor;
    p->major_faults = (double)major;
    p->start_seconds = boot_seconds + (double)start / tick;
    p->virtual_bytes = (double)size;
    p->resident_bytes = (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static double
limit_of(const char *text, const char *name)
{
    const char *line = strstr(text, name);
    if (!line)
        return NAN;
    line += strlen(name);
    line += strspn(line, " ");
    return strncmp(line, "unlimited", 9) == 0 ? UNLIMITED : number_at(line);
}

static void
read_limits(struct wr_proc *p, const char *root, uint32_t pid)
{
    char text[4096];
    if (!slurp_proc(text, sizeof text, root, pid, "limits"))
        return;
    p->max_fds = limit_of(text, "Max open files");
    p->virtual_max = limit_of(text, "Max address space");
}

static void
count_fds(struct wr_proc *p, const char *root, uint32_t pid)
{
    char path[PATH_MAX];
    const struct dirent *e;
    snprintf(path, sizeof path, "%s/proc/%u/fd", root, pid);
    DIR *d = opendir(path);
    if (!d)
        return;
    p->open_fds = 0;
    while ((e = readdir(d)) != NULL)
        p->open_fds += e->d_name[0] != '.';
    closedir(d);
}

static void
count_processors(struct wr_proc *p, uint32_t pid)
{
    cpu_set_t set;
    if (sched_getaffinity((pid_t)pid, sizeof set, &set) == 0)
        p->processors = CPU_COUNT(&set);
}

/* --- Limits of memory --------------------------------------------------- */

static void
read_machine(struct wr_proc *p, const char *root)
{
    char path[PATH_MAX], text[FILE_BYTES];
    snprintf(path, sizeof path, "%s/proc/meminfo", root);
    if (!slurp(text, sizeof text, path))
        return;
    p->memory_limit = number_of(text, "MemTotal:") * 1024;
    p->memory_used = p->memory_limit - number_of(text, "MemAvailable:") * 1024;
}

/* The two versions of control groups name the same things differently. */
static const struct group_files {
    const char *mark; /* of the line in /proc/PID/cgroup, before the path */
    const char *mount, *limit, *used, *inactive;
} versions[] = {
    {"0::", "/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file "},
    {":memory:", "/sys/fs/cgroup/memory", "memory.limit_in_bytes",
     "memory.usage_in_bytes", "total_inactive_file "},
};

/* A file of the group at dir, as a number. */
static double
group_number(const char *dir, const char *file)
{
    char path[PATH_MAX + 64], text[64];
    snprintf(path, sizeof path, "%s/%s", dir, file);
    return slurp(text, sizeof text, path) ? number_at(text) : NAN;
}

static double
group_used(const char *dir, const struct group_files *f)
{
    static const char stat[] = "memory.stat";
    char path[PATH_MAX + 64], text[FILE_BYTES];
    double used = group_number(dir, f->used);
    snprintf(path, sizeof path, "%s/%s", dir, stat);
    double inactive =
        slurp(text, sizeof text, path) ? number_of(text, f->inactive) : NAN;
    return inactive > 0 && inactive < used ? used - inactive : used;
}

/* From the process's group up to the topmost that can be seen. In a container
 * the path may be the host's: then only the top is there, and is its own. */
static void
read_groups(struct wr_proc *p, const char *root, const char *group,
            const struct group_files *f)
{
    char dir[PATH_MAX];
    int top = snprintf(dir, sizeof dir, "%s%s", root, f->mount);
    int n = snprintf(dir, sizeof dir, "%s%s%.*s", root, f->mount,
                     (int)strcspn(group, "\n"), group);
    if (top < 0 || n < top || (size_t)n >= sizeof dir)
        return;
    for (;;) {
        double limit = group_number(dir, f->limit);
        if (limit < NO_LIMIT && !(limit >= p->memory_limit)) {
            p->memory_limit = limit;
            p->memory_used = group_used(dir, f);
        }
        char *slash = strrchr(dir + top, '/');
        if (!slash)
            return;
        *slash = 0;
    }
}

static void
read_memory_limit(struct wr_proc *p, const char *root, uint32_t pid)
{
    char text[FILE_BYTES];
    read_machine(p, root);
    if (!slurp_proc(text, sizeof text, root, pid, "cgroup"))
        return;
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        const char *line = strstr(text, versions[i].mark);
        if (line)
            read_groups(p, root, line + strlen(versions[i].mark), &versions[i]);
    }
}

/* --- All of it ---------------------------------------------------------- */

void
wr_proc_read(struct wr_proc *p, const char *root, uint32_t pid,
             double boot_seconds)
{
    double *value = (double *)p; /* there is nothing else in it */
    for (size_t i = 0; i < sizeof *p / sizeof *value; i++)
        value[i] = NAN;
    read_stat(p, root, pid, boot_seconds);
    read_limits(p, root, pid);
    count_fds(p, root, pid);
    count_processors(p, pid);
    read_memory_limit(p, root, pid);
}

double
wr_proc_boot_seconds(const char *root)
{
    char path[PATH_MAX], text[FILE_BYTES];
    snprintf(path, sizeof path, "%s/proc/stat", root);
    FILE *f = fopen(path, "re");
    double seconds = NAN;
    while (f && isnan(seconds) && fgets(text, sizeof text, f))
        seconds = number_of(text, "btime ");
    if (f)
        fclose(f);
    return seconds;
}
