/* What Linux tells of the process in /proc.
 *
 * Invariants
 * 1. As in linux.c: only raw system calls.
 */
#include <string.h>
#include <sys/resource.h>

#include "os/os.h"
#include "os/process.h"
#include "os/syscall.h"

enum { STAT_BYTES = 1024, STATUS_BYTES = 4096 };

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

uint64_t
wr_os_switches(void)
{
    struct rusage r;

    if (wr_syscall2(SYS_getrusage, RUSAGE_THREAD, &r) != 0)
        return 0;
    return (uint64_t)r.ru_nvcsw;
}

/* ---- held ---- */

/* The kilobytes behind that name in the lines of /proc/self/status. */
static uint64_t
status_bytes(const char *lines, const char *name)
{
    const char *at = strstr(lines, name);

    if (at == NULL)
        return 0;
    at += strlen(name);
    at += strspn(at, " \t");
    return number_at(at) * 1024;
}

uint64_t
wr_os_held(void)
{
    char buf[STATUS_BYTES];
    long n = wr_os_read_file("/proc/self/status", buf, sizeof buf - 1);

    if (n <= 0)
        return 0;
    buf[n] = '\0';
    return status_bytes(buf, "\nRssAnon:") + status_bytes(buf, "\nRssShmem:");
}
