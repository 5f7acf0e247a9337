/* The contract of watch.h on Linux: userfaultfd protects pages against writing,
 * and lets the writer go on by itself (WP_ASYNC); the scan of
 * /proc/self/pagemap finds the pages that lost their protection, and protects
 * them anew in the same step.
 *
 * Neither may be in the headers of the system we are built on, so what is used
 * of them stands here.
 */
#include <errno.h>
#include <fcntl.h>

#include "base/base.h"
#include "os/os.h"
#include "os/syscall.h"
#include "os/watch.h"

enum { USER_MODE_ONLY = 1, MODE_WP = 2 };
enum { PM_WP_MATCHING = 1, PM_CHECK_WPASYNC = 2 };
enum { PAGE_IS_WRITTEN = 2, PAGE_IS_PRESENT = 8, PAGE_IS_SWAPPED = 16 };
enum { PIECE = 4 << 20, MOST = 128, PAGES_MOST = 256, PAGE = 4096 };

#define UFFD_API    UINT64_C(0xaa)
#define UNPOPULATED (UINT64_C(1) << 13)
#define ASYNC       (UINT64_C(1) << 15)

/* As _IOWR and _IOR make them: direction, size, letter, number. */
#define IO(direction, letter, number, bytes)                                   \
    ((direction) << 30 | (uint64_t)(bytes) << 16 | (letter) << 8 | (number))
#define IO_API        IO(UINT64_C(3), 0xaa, 0x3f, sizeof(struct api))
#define IO_REGISTER   IO(UINT64_C(3), 0xaa, 0x00, sizeof(struct registration))
#define IO_UNREGISTER IO(UINT64_C(2), 0xaa, 0x01, sizeof(struct range))
#define IO_PROTECT    IO(UINT64_C(3), 0xaa, 0x06, sizeof(struct protection))
#define IO_SCAN       IO(UINT64_C(3), 'f', 16, sizeof(struct scan))

struct api {
    uint64_t api, features, ioctls;
};

struct range {
    uint64_t start, bytes;
};

struct registration {
    struct range range;
    uint64_t mode, ioctls;
};

struct protection {
    struct range range;
    uint64_t mode; /* 0: it may be written */
};

struct region {
    uint64_t start, end, categories;
};

struct scan {
    uint64_t bytes, flags, start, end, walk_end;
    uint64_t regions, room, pages_most;
    uint64_t inverted, all_of, any_of, tell;
};

static bool
open_faults(struct wr_os_watch *w)
{
    struct api api = {.api = UFFD_API, .features = ASYNC | UNPOPULATED};
    long fd = wr_syscall1(SYS_userfaultfd, O_CLOEXEC | USER_MODE_ONLY);

    if (wr_syscall_failed(fd))
        return false;
    w->faults = (int)fd;
    return wr_syscall3(SYS_ioctl, fd, IO_API, &api) == 0 &&
           (api.features & ASYNC) != 0;
}

static long
scan(const struct wr_os_watch *w, struct scan *s)
{
    s->bytes = sizeof *s;
    s->flags = PM_WP_MATCHING | PM_CHECK_WPASYNC;
    s->all_of = s->tell = PAGE_IS_WRITTEN;
    return wr_syscall3(SYS_ioctl, w->pages, IO_SCAN, s);
}

/* Does the system know the scan? */
static bool
open_pages(struct wr_os_watch *w)
{
    struct scan s = {.start = 0, .end = 0};
    long fd = wr_syscall4(SYS_openat, AT_FDCWD, "/proc/thread-self/pagemap",
                          O_RDONLY | O_CLOEXEC, 0);

    if (wr_syscall_failed(fd))
        return false;
    w->pages = (int)fd;
    return scan(w, &s) == 0;
}

bool
wr_os_watch_open(struct wr_os_watch *w)
{
    w->faults = w->pages = -1;
    if (open_faults(w) && open_pages(w))
        return true;
    wr_os_watch_close(w);
    return false;
}

void
wr_os_watch_close(struct wr_os_watch *w)
{
    if (w->pages >= 0)
        wr_os_close(w->pages);
    if (w->faults >= 0)
        wr_os_close(w->faults);
    w->faults = w->pages = -1;
}

bool
wr_os_watch_begin(struct wr_os_watch *w, uintptr_t from, uintptr_t end)
{
    struct registration r = {{from, end - from}, MODE_WP, 0};

    return wr_syscall3(SYS_ioctl, w->faults, IO_REGISTER, &r) == 0;
}

/* All that is there of it is protected from now on. What is not there yet will
 * come unprotected, and so as written. */
static bool
begin(struct wr_os_watch *w, uintptr_t from, uintptr_t end)
{
    struct scan s = {.start = from, .end = end};

    return wr_os_watch_begin(w, from, end) && scan(w, &s) >= 0;
}

/* A part of [*at, stop) is not watched: the pages before it may have been
 * protected anew, and are not told then. So all of it counts as written. */
static size_t
watch_more(struct wr_os_watch *w, uintptr_t *at, uintptr_t stop,
           struct wr_os_stretch *out)
{
    if (!begin(w, *at, stop))
        return SIZE_MAX;
    out[0] = (struct wr_os_stretch){*at, stop};
    *at = stop;
    return 1;
}

/* A walk that was whole may say that it ended before: where nothing was found
 * there is nothing. */
static uintptr_t
walked_to(const struct scan *s, long n)
{
    return n == 0 ? s->end : wr_min(s->walk_end, s->end);
}

/* Only pages that are any of these; 0: all. SIZE_MAX: a part is not watched, or
 * it cannot be known. */
static size_t
take(struct wr_os_watch *w, uintptr_t *at, uintptr_t end,
     struct wr_os_stretch *out, size_t room, uint64_t any_of, bool *watched)
{
    struct region found[MOST];
    struct scan s = {.start = *at,
                     .end = wr_min(end, *at + PIECE),
                     .regions = (uintptr_t)found,
                     .room = wr_min(room, (size_t)MOST),
                     .pages_most = PAGES_MOST,
                     .any_of = any_of};
    long n;

    WR_ASSERT(room > 0 && *at % PAGE == 0 && end % PAGE == 0);
    n = scan(w, &s);
    *watched = n != -EPERM;
    if (n < 0 || (n > 0 && s.walk_end <= *at))
        return SIZE_MAX;
    for (long i = 0; i < n; i++)
        out[i] = (struct wr_os_stretch){found[i].start, found[i].end};
    *at = walked_to(&s, n);
    return (size_t)n;
}

size_t
wr_os_watch_take(struct wr_os_watch *w, uintptr_t *at, uintptr_t end,
                 struct wr_os_stretch *out, size_t room)
{
    bool watched;
    size_t n = take(w, at, end, out, room, 0, &watched);

    return watched ? n : watch_more(w, at, wr_min(end, *at + PIECE), out);
}

size_t
wr_os_watch_take_begun(struct wr_os_watch *w, uintptr_t *at, uintptr_t end,
                       struct wr_os_stretch *out, size_t room)
{
    bool watched;

    return take(w, at, end, out, room, PAGE_IS_PRESENT | PAGE_IS_SWAPPED,
                &watched);
}

void
wr_os_watch_rest(struct wr_os_watch *w, uintptr_t from, uintptr_t end)
{
    for (uintptr_t stop; from < end; from = stop) {
        struct protection p;

        stop = wr_min(end, from + PIECE);
        p = (struct protection){{from, stop - from}, 0};
        (void)wr_syscall3(SYS_ioctl, w->faults, IO_PROTECT, &p);
    }
}

void
wr_os_watch_drop(struct wr_os_watch *w, uintptr_t from, uintptr_t end)
{
    for (uintptr_t stop; from < end; from = stop) {
        struct range r;

        stop = wr_min(end, from + PIECE);
        r = (struct range){from, stop - from};
        (void)wr_syscall3(SYS_ioctl, w->faults, IO_UNREGISTER, &r);
    }
}
