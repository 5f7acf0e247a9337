/* Control groups. */
#include "serve/group.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "serve/kernel.h"

#define NO_LIMIT 4e18 /* bytes: version 1 says "none" by such a number */

/* The two versions name the same things differently. */
struct wr_group_files {
    const char *mark; /* of the line in /proc/PID/cgroup, before the path */
    const char *mount, *limit, *used, *inactive, *events;
};

static const struct wr_group_files versions[] = {
    {"0::", "/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file ",
     "memory.events"},
    {":memory:", "/sys/fs/cgroup/memory", "memory.limit_in_bytes",
     "memory.usage_in_bytes", "total_inactive_file ", "memory.oom_control"},
};

static bool
read_file(const struct wr_group *g, const char *file, char *text, size_t bytes)
{
    char path[WR_GROUP_PATH + 64];
    snprintf(path, sizeof path, "%s/%s", g->dir, file);
    return wr_kernel_read(text, bytes, path);
}

/* The group of this path and all those that it lies in. */
static void
add_chain(struct wr_groups *g, const char *root, const char *path,
          const struct wr_group_files *files)
{
    char dir[WR_GROUP_PATH];
    int length = (int)strcspn(path, "\n");
    if (length == 1) /* "/": the top itself */
        length = 0;
    int top = snprintf(dir, sizeof dir, "%s%s", root, files->mount);
    int n =
        snprintf(dir, sizeof dir, "%s%s%.*s", root, files->mount, length, path);
    if (top < 0 || n < top || (size_t)n >= sizeof dir)
        return;
    while (g->count < WR_GROUPS_MOST) {
        struct wr_group *one = &g->list[g->count++];
        one->files = files;
        memcpy(one->dir, dir, sizeof dir);
        one->name = (size_t)top;
        char *slash = strrchr(dir + top, '/');
        if (!slash)
            return;
        *slash = 0;
    }
}

void
wr_groups_read(struct wr_groups *g, const char *root, uint32_t pid)
{
    char path[WR_GROUP_PATH], text[4096];
    g->count = 0;
    snprintf(path, sizeof path, "%s/proc/%u/cgroup", root, pid);
    if (!wr_kernel_read(text, sizeof text, path))
        return;
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        const char *line = strstr(text, versions[i].mark);
        if (line)
            add_chain(g, root, line + strlen(versions[i].mark), &versions[i]);
    }
}

double
wr_group_limit(const struct wr_group *g)
{
    char text[64];
    if (!read_file(g, g->files->limit, text, sizeof text))
        return NAN;
    double limit = wr_kernel_number_at(text);
    return limit < NO_LIMIT ? limit : INFINITY;
}

double
wr_group_used(const struct wr_group *g)
{
    char text[WR_KERNEL_TEXT];
    if (!read_file(g, g->files->used, text, sizeof text))
        return NAN;
    double used = wr_kernel_number_at(text);
    double inactive = read_file(g, "memory.stat", text, sizeof text)
                          ? wr_kernel_number(text, g->files->inactive)
                          : NAN;
    return inactive > 0 && inactive < used ? used - inactive : used;
}

double
wr_group_kills(const struct wr_group *g)
{
    char text[1024];
    return read_file(g, g->files->events, text, sizeof text)
               ? wr_kernel_number(text, "oom_kill ")
               : NAN;
}
