/* Reading /proc and the control groups.
 *
 * 1. A file that is missing or says something unexpected leaves its values
 *    NaN and nothing else.
 */
#include "serve/proc.h"

#include <dirent.h>
#include <limits.h>
#include <math.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "serve/group.h"
#include "serve/kernel.h"

#define UNLIMITED 18446744073709551616.0 /* 2^64 */

static bool
slurp_proc(char *text, size_t bytes, const char *root, uint32_t pid,
           const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/proc/%u/%s", root, pid, name);
    return wr_kernel_read(text, bytes, path);
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
    return strncmp(line, "unlimited", 9) == 0 ? UNLIMITED
                                              : wr_kernel_number_at(line);
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
    char path[PATH_MAX], text[WR_KERNEL_TEXT];
    snprintf(path, sizeof path, "%s/proc/meminfo", root);
    if (!wr_kernel_read(text, sizeof text, path))
        return;
    p->memory_limit = wr_kernel_number(text, "MemTotal:") * 1024;
    p->memory_used =
        p->memory_limit - wr_kernel_number(text, "MemAvailable:") * 1024;
}

static void
read_memory_limit(struct wr_proc *p, const char *root, uint32_t pid)
{
    struct wr_groups g;
    read_machine(p, root);
    wr_groups_read(&g, root, pid);
    for (size_t i = 0; i < g.count; i++) {
        double limit = wr_group_limit(&g.list[i]);
        if (isfinite(limit) && !(limit >= p->memory_limit)) {
            p->memory_limit = limit;
            p->memory_used = wr_group_used(&g.list[i]);
        }
    }
}

void
wr_proc_memory(double *limit, double *used, const char *root, uint32_t pid)
{
    struct wr_proc p = {.memory_limit = NAN, .memory_used = NAN};
    read_memory_limit(&p, root, pid);
    *limit = p.memory_limit;
    *used = p.memory_used;
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
    char path[PATH_MAX], text[WR_KERNEL_TEXT];
    snprintf(path, sizeof path, "%s/proc/stat", root);
    FILE *f = fopen(path, "re");
    double seconds = NAN;
    while (f && isnan(seconds) && fgets(text, sizeof text, f))
        seconds = wr_kernel_number(text, "btime ");
    if (f)
        fclose(f);
    return seconds;
}
