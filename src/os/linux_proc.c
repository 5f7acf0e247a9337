/* What Linux tells of the process in /proc and in its control group.
 *
 * Invariants
 * 1. As in linux.c: only raw system calls.
 */
#include <string.h>
#include <sys/resource.h>

#include "base/text.h"
#include "os/os.h"
#include "os/syscall.h"

enum { STAT_BYTES = 1024, GROUP_BYTES = 1024 };

/* Fields of /proc/PID/stat, as proc(5) counts them. */
enum {
    STAT_MINOR_FAULTS = 10,
    STAT_MAJOR_FAULTS = 12,
    STAT_USER_TICKS = 14,
    STAT_SYSTEM_TICKS = 15,
    STAT_THREADS = 20,
    STAT_RSS_PAGES = 24
};
#define TICK_NS UINT64_C(10000000) /* what user programs see is fixed */

static uint64_t
number_at(const char *p)
{
    uint64_t n = 0;

    for (; *p >= '0' && *p <= '9'; p++)
        n = n * 10 + (uint64_t)(*p - '0');
    return n;
}

/* ---- usage ---- */

/* Field n of a line whose field 3 begins at p. */
static uint64_t
field(const char *p, int n)
{
    for (int i = 3; i < n && p != NULL; i++) {
        p = strchr(p, ' ');
        if (p != NULL)
            p++;
    }
    return p == NULL ? 0 : number_at(p);
}

static bool
usage_from_stat(struct wr_os_usage *u)
{
    char buf[STAT_BYTES];
    long n = wr_os_read_file("/proc/self/stat", buf, sizeof buf - 1);
    const char *p;

    if (n <= 0)
        return false;
    buf[n] = '\0';
    p = strrchr(buf, ')'); /* the name before it may hold anything */
    if (p == NULL || p[1] == '\0')
        return false;
    p += 2;
    u->minor_faults = field(p, STAT_MINOR_FAULTS);
    u->major_faults = field(p, STAT_MAJOR_FAULTS);
    u->cpu_ns =
        (field(p, STAT_USER_TICKS) + field(p, STAT_SYSTEM_TICKS)) * TICK_NS;
    u->threads = field(p, STAT_THREADS);
    u->rss = field(p, STAT_RSS_PAGES) * wr_os_page_bytes();
    return true;
}

static uint64_t
time_ns(const struct timeval *t)
{
    return (uint64_t)t->tv_sec * 1000000000 + (uint64_t)t->tv_usec * 1000;
}

void
wr_os_usage(struct wr_os_usage *u, bool may_open)
{
    struct rusage r;

    memset(u, 0, sizeof *u);
    if (may_open && usage_from_stat(u))
        return;
    if (wr_syscall2(SYS_getrusage, RUSAGE_SELF, &r) != 0)
        return;
    u->minor_faults = (uint64_t)r.ru_minflt;
    u->major_faults = (uint64_t)r.ru_majflt;
    u->cpu_ns = time_ns(&r.ru_utime) + time_ns(&r.ru_stime);
}

/* ---- limit ---- */

/* The number in root + group + name; 0: none there, "max", or as much as
 * none. */
static uint64_t
limit_in(const char *root, const char *group, const char *name)
{
    struct wr_text path;
    char buf[32];
    uint64_t limit;
    long n;

    wr_text_init(&path);
    wr_text_str(&path, root);
    wr_text_str(&path, group);
    wr_text_str(&path, name);
    n = wr_os_read_file(path.buf, buf, sizeof buf - 1);
    if (n <= 0)
        return 0;
    buf[n] = '\0';
    limit = number_at(buf);
    return limit >> 62 != 0 ? 0 : limit;
}

/* The lowest limit of a group and those it lies in. group is cut up. */
static uint64_t
lowest(const char *root, char *group, const char *name)
{
    uint64_t low = 0;

    for (;;) {
        uint64_t limit = limit_in(root, group, name);
        char *end = strrchr(group, '/');

        if (limit != 0 && (low == 0 || limit < low))
            low = limit;
        if (end == NULL)
            return low;
        *end = '\0';
    }
}

/* The path of the group in the line with that mark; NULL: there is none. */
static char *
group_of(char *lines, const char *mark, char *path)
{
    const char *at = strstr(lines, mark);
    size_t n;

    if (at == NULL)
        return NULL;
    at += strlen(mark);
    n = strcspn(at, "\n");
    memcpy(path, at, n);
    path[n] = '\0';
    return path;
}

uint64_t
wr_os_memory_limit(void)
{
    char lines[GROUP_BYTES], path[GROUP_BYTES];
    long n = wr_os_read_file("/proc/self/cgroup", lines, sizeof lines - 1);
    uint64_t limit = 0;

    if (n <= 0)
        return 0;
    lines[n] = '\0';
    if (group_of(lines, "0::", path) != NULL)
        limit = lowest("/sys/fs/cgroup", path, "/memory.max");
    if (limit == 0 && group_of(lines, ":memory:", path) != NULL)
        limit = lowest("/sys/fs/cgroup/memory", path, "/memory.limit_in_bytes");
    return limit;
}
