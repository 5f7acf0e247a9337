/* The contract of pages.h on Linux: its pagemap in /proc says of each page of
 * the process whether it is in memory or swapped out, mincore whether the
 * file's page is in memory.
 *
 * Invariants
 * 1. entry[0 .. known) tell of the pages from p->from on.
 */
#include <fcntl.h>
#include <sys/sysinfo.h>

#include "base/base.h"
#include "os/os.h"
#include "os/pages.h"
#include "os/syscall.h"

#define PRESENT (UINT64_C(1) << 63)
#define SWAPPED (UINT64_C(1) << 62)
#define SHARED                                                                 \
    (UINT64_C(1) << 61)           /* the file's page, not the process's own    \
                                   */
#define GUARD (UINT64_C(1) << 58) /* a page that may not be touched */

enum { PAGE = 4096 };

void
wr_os_pages_open(struct wr_os_pages *p)
{
    long fd = wr_syscall4(SYS_openat, AT_FDCWD, "/proc/thread-self/pagemap",
                          O_RDONLY | O_CLOEXEC, 0);

    p->file = wr_syscall_failed(fd) ? -1 : (int)fd;
    p->known = 0;
}

void
wr_os_pages_close(struct wr_os_pages *p)
{
    if (p->file >= 0)
        wr_os_close(p->file);
    p->file = -1;
}

/* Has the process the page, and how? */
static enum wr_os_held
held_by_process(uint64_t entry)
{
    if ((entry & GUARD) != 0)
        return WR_PAGES_NONE;
    if ((entry & SWAPPED) != 0)
        return WR_PAGES_AWAY;
    return (entry & (PRESENT | SHARED)) == PRESENT ? WR_PAGES_HERE
                                                   : WR_PAGES_NONE;
}

static bool
learn(struct wr_os_pages *p, uintptr_t from, uintptr_t end)
{
    size_t n = wr_min((end - from + PAGE - 1) / PAGE, wr_countof(p->entry));
    long got;

    if (from >= p->from && from - p->from < p->known * PAGE)
        return true;
    p->known = 0;
    if (p->file < 0)
        return false;
    got = wr_syscall4(SYS_pread64, p->file, p->entry, n * sizeof *p->entry,
                      from / PAGE * sizeof *p->entry);
    if (got <= 0)
        return false;
    p->from = from;
    p->known = (size_t)got / sizeof *p->entry;
    return p->known > 0;
}

enum wr_os_held
wr_os_pages_next(struct wr_os_pages *p, uintptr_t from, uintptr_t end,
                 uintptr_t *stop)
{
    uintptr_t at = wr_align_down(from, PAGE);
    enum wr_os_held held = WR_PAGES_HERE;

    *stop = end;
    if (!learn(p, at, end))
        return WR_PAGES_HERE;
    held = held_by_process(p->entry[(at - p->from) / PAGE]);
    while (at < end && at - p->from < p->known * PAGE &&
           held_by_process(p->entry[(at - p->from) / PAGE]) == held)
        at += PAGE;
    *stop = wr_min(at, end);
    return held;
}

/* ---- files ---- */

enum wr_os_held
wr_os_file_pages_next(uintptr_t from, uintptr_t end, uintptr_t *stop)
{
    unsigned char there[1024];
    uintptr_t first = wr_align_down(from, PAGE);
    size_t n = wr_min((end - first + PAGE - 1) / PAGE, sizeof there), same = 1;

    *stop = end;
    if (wr_syscall3(SYS_mincore, first, n * PAGE, there) != 0)
        return WR_PAGES_AWAY;
    while (same < n && (there[same] & 1) == (there[0] & 1))
        same++;
    *stop = wr_min(first + same * PAGE, end);
    return (there[0] & 1) != 0 ? WR_PAGES_HERE : WR_PAGES_AWAY;
}

bool
wr_os_swaps(void)
{
    struct sysinfo now;

    return wr_syscall1(SYS_sysinfo, &now) != 0 || now.freeswap < now.totalswap;
}
