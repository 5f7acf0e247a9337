/* The control groups a process is in, as far as they are about memory.
 *
 *     struct wr_groups g;
 *     wr_groups_read(&g, "", pid);
 *     for (size_t i = 0; i < g.count; i++)
 *         if (wr_group_kills(&g.list[i]) > 0) ...
 *
 * From the process's own group up to the topmost that can be seen; both
 * versions of control groups, one after the other where a system has both. In
 * a container the path may be the host's: then only the top is there, and is
 * its own.
 *
 * root is a prefix for /proc and /sys, "" outside of tests. Units: bytes,
 * numbers; NaN: not known. Threads: any.
 */
#ifndef WR_SERVE_GROUP_H
#define WR_SERVE_GROUP_H

#include <stddef.h>
#include <stdint.h>

#define WR_GROUPS_MOST 16
#define WR_GROUP_PATH  512

struct wr_group {
    const struct wr_group_files *files; /* of its version */
    char dir[WR_GROUP_PATH];            /* where its files are */
    size_t name; /* where in dir its path below the mount begins: "" for the
                    top */
};

struct wr_groups {
    size_t count;
    struct wr_group list[WR_GROUPS_MOST];
};

void wr_groups_read(struct wr_groups *g, const char *root, uint32_t pid);

/* Infinite when it has none. */
double wr_group_limit(const struct wr_group *g);
/* What counts against it: of all its processes, and their files in memory but
 * those that the kernel can drop at once. */
double wr_group_used(const struct wr_group *g);
/* How often the kernel killed for want of memory: one of its processes. */
double wr_group_kills(const struct wr_group *g);

#endif
