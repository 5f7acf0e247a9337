/* The contract of kept.h on Linux. The caller is a thread with descriptors of
 * its own: to look into one of the program's it takes a duplicate.
 *
 * Invariants
 * 1. No descriptor of the program is written to, or read from in a way that
 *    takes something out of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/base.h"
#include "base/text.h"
#include "os/kept.h"
#include "os/os.h"
#include "os/process.h"
#include "os/syscall.h"

enum { PIECE = 64 << 10, LINE = 160 };

struct look {
    void (*visit)(const void *from, size_t bytes, void *arg);
    void *arg;
    bool deadly; /* some calls may be, to this process */
    bool unread;
    int end[2];  /* of a pipe of ours; -1: not made yet */
    long handle; /* of the program, to get at its descriptors */
};

/* One looks at a time. The words of a set are as many as its lines. */
static _Alignas(8) char piece[PIECE];

/* "/proc/PID/" and that, of the process whose memory this is. */
static void
name_file(struct wr_text *path, const char *folder, const char *name)
{
    wr_text_init(path);
    wr_text_str(path, "/proc/");
    wr_text_uint(path, wr_os_home());
    wr_text_str(path, folder);
    wr_text_str(path, name);
}

static long
open_file(const char *folder, const char *name)
{
    struct wr_text path;

    name_file(&path, folder, name);
    return wr_syscall4(SYS_openat, AT_FDCWD, path.buf, O_RDONLY | O_CLOEXEC, 0);
}

/* ---- files that the system makes up: lines ---- */

static uint64_t
hex_after(const char *line, const char *key)
{
    const char *s = strstr(line, key);
    uint64_t n = 0;

    for (s = s != NULL ? s + strlen(key) : ""; *s == ' ' || *s == '\t';)
        s++;
    for (;; s++)
        if (*s >= '0' && *s <= '9')
            n = n * 16 + (uint64_t)(*s - '0');
        else if (*s >= 'a' && *s <= 'f')
            n = n * 16 + (uint64_t)(*s - 'a' + 10);
        else
            return n;
}

static void
visit_word(struct look *k, uint64_t word)
{
    if (word != 0)
        k->visit(&word, sizeof word, k->arg);
}

static bool
begins(const char *line, const char *with)
{
    return strncmp(line, with, strlen(with)) == 0;
}

/* "tfd: 5 events: 19 data: 7f00aa10 pos:0 ..." for each member of a set; a
 * counter; "signal: 12/00007f00aa10" of a timer; a ring. */
static void
take_line(struct look *k, const char *line)
{
    if (begins(line, "tfd:"))
        visit_word(k, hex_after(line, " data:"));
    else if (begins(line, "eventfd-count:"))
        visit_word(k, hex_after(line, "eventfd-count:"));
    else if (begins(line, "signal:"))
        visit_word(k, hex_after(line, "/"));
    else if (begins(line, "SqMask:"))
        k->unread = true;
}

static void
take_lines(struct look *k, int fd)
{
    char text[1024], line[LINE];
    size_t used = 0;
    long n;

    while ((n = wr_syscall3(SYS_read, fd, text, sizeof text)) > 0)
        for (long i = 0; i < n; i++) {
            if (text[i] != '\n' && used < sizeof line - 1) {
                line[used++] = text[i];
                continue;
            }
            line[used] = '\0';
            take_line(k, line);
            used = 0;
        }
    wr_os_close(fd);
}

/* Is there such a line? What is behind the key, in octal. */
static bool
find_number(struct wr_text *path, const char *key, uint64_t *number)
{
    char text[2048];
    long n = wr_os_read_file(path->buf, text, sizeof text - 1);
    const char *s;

    if (n <= 0)
        return false;
    text[n] = '\0';
    s = strstr(text, key);
    *number = 0;
    for (s = s != NULL ? s + strlen(key) : text + n; *s == ' ' || *s == '\t';)
        s++;
    for (; *s >= '0' && *s <= '7'; s++)
        *number = *number * 8 + (uint64_t)(*s - '0');
    return true;
}

/* ---- filters of system calls ---- */

enum { DIES, LIVES };
enum { LOOKS = 10000, LOOK_NS = 100000 };

static struct {
    unsigned filters; /* that were in place */
    int outcome;
} trial;

/* 0: none; 1: some; else one more than there are. They only become more. */
static unsigned
count_filters(void)
{
    static const char status[] = "/proc/thread-self/status";
    char text[4096];
    long n = wr_os_read_file(status, text, sizeof text - 1);

    if (n <= 0)
        return 1;
    text[n] = '\0';
    if (hex_after(text, "\nSeccomp:") == 0)
        return 0;
    return 1 + (unsigned)hex_after(text, "\nSeccomp_filters:");
}

/* Each call that a look makes, of no descriptor at all. Nobody wants a core of
 * it. */
static void
try_calls(void)
{
    int n = 0, end[2];

    (void)wr_syscall2(SYS_prctl, PR_SET_DUMPABLE, 0);
    if (wr_syscall2(SYS_pipe2, end, O_CLOEXEC | O_NONBLOCK) == 0) {
        wr_os_close(end[0]);
        wr_os_close(end[1]);
    }
    (void)wr_syscall3(SYS_ioctl, -1, FIONREAD, &n);
    (void)wr_syscall2(SYS_fcntl, -1, F_GETFL);
    (void)wr_syscall2(SYS_fcntl, -1, F_GETPIPE_SZ);
    (void)wr_syscall3(SYS_fcntl, -1, F_SETPIPE_SZ, PIECE);
    (void)wr_syscall4(SYS_tee, -1, -1, PIECE, SPLICE_F_NONBLOCK);
    (void)wr_syscall6(SYS_getsockopt, -1, SOL_SOCKET, SO_DOMAIN, 0, 0, 0);
    (void)wr_syscall6(SYS_getsockopt, -1, SOL_SOCKET, SO_PEEK_OFF, 0, 0, 0);
    (void)wr_syscall6(SYS_setsockopt, -1, SOL_SOCKET, SO_PEEK_OFF, 0, 0, 0);
    (void)wr_syscall6(SYS_recvfrom, -1, 0, 0, MSG_PEEK | MSG_DONTWAIT, 0, 0);
    (void)wr_syscall2(SYS_pidfd_open, -1, 0);
    (void)wr_syscall3(SYS_pidfd_getfd, -1, -1, 0);
}

static int
outcome_of(long copy)
{
    int status;
    uint32_t never = 0;

    for (int i = 0; (status = wr_os_copy_ended(copy)) == -2; i++) {
        if (i == LOOKS)
            wr_os_copy_kill(copy); /* who decides takes too long */
        wr_os_wait(&never, 0, LOOK_NS);
    }
    return status == 0 ? LIVES : DIES;
}

void
wr_os_kept_prepare(void)
{
    unsigned filters = count_filters();
    long copy;

    if (filters == 0 || (filters > 1 && filters == trial.filters))
        return;
    trial.filters = filters;
    copy = wr_os_copy();
    if (copy == 0) {
        try_calls();
        wr_os_end(0);
    }
    trial.outcome = copy > 0 ? outcome_of(copy) : DIES;
}

static bool
may_be_deadly(void)
{
    unsigned filters = count_filters();

    return filters != 0 && (filters != trial.filters || trial.outcome == DIES);
}

/* ---- pipes and sockets: bytes ---- */

static long
bytes_waiting(int fd)
{
    int n = 0;
    long failed = wr_syscall3(SYS_ioctl, fd, FIONREAD, &n);

    return wr_syscall_failed(failed) ? 0 : n;
}

static bool
make_pipe(struct look *k, long bytes)
{
    if (k->end[0] < 0 &&
        wr_syscall2(SYS_pipe2, k->end, O_CLOEXEC | O_NONBLOCK) != 0)
        return false;
    return wr_syscall3(SYS_fcntl, k->end[0], F_SETPIPE_SZ, bytes) >= bytes;
}

/* What is in it is also put into a pipe of ours, and read there. An end that
 * only writes belongs to a reader that is seen by itself, or elsewhere. */
static void
look_into_pipe(struct look *k, int fd)
{
    long room = wr_syscall2(SYS_fcntl, fd, F_GETPIPE_SZ), n;

    if (bytes_waiting(fd) == 0 ||
        (wr_syscall2(SYS_fcntl, fd, F_GETFL) & O_ACCMODE) == O_WRONLY)
        return;
    if (wr_syscall_failed(room) || !make_pipe(k, room) ||
        wr_syscall_failed(
            wr_syscall4(SYS_tee, fd, k->end[1], room, SPLICE_F_NONBLOCK))) {
        k->unread = true;
        return;
    }
    while ((n = wr_syscall3(SYS_read, k->end[0], piece, PIECE)) > 0)
        k->visit(piece, (size_t)n, k->arg);
}

static bool
is_local_socket(int fd)
{
    int domain = 0;
    uint32_t bytes = sizeof domain;
    long failed = wr_syscall6(SYS_getsockopt, fd, SOL_SOCKET, SO_DOMAIN,
                              (long)&domain, (long)&bytes, 0);

    return !wr_syscall_failed(failed) && domain == AF_UNIX;
}

static bool
look_from(int fd, int offset)
{
    return wr_syscall6(SYS_setsockopt, fd, SOL_SOCKET, SO_PEEK_OFF,
                       (long)&offset, sizeof offset, 0) == 0;
}

/* Message by message: the place to look at moves on by itself. */
static void
look_into_socket(struct look *k, int fd)
{
    int before = -1;
    uint32_t bytes = sizeof before;
    long n;

    if (bytes_waiting(fd) == 0 || !is_local_socket(fd))
        return;
    (void)wr_syscall6(SYS_getsockopt, fd, SOL_SOCKET, SO_PEEK_OFF,
                      (long)&before, (long)&bytes, 0);
    if (!look_from(fd, 0)) {
        k->unread = true;
        return;
    }
    while ((n = wr_syscall6(SYS_recvfrom, fd, (long)piece, PIECE,
                            MSG_PEEK | MSG_DONTWAIT, 0, 0)) > 0)
        k->visit(piece, (size_t)n, k->arg);
    (void)look_from(fd, before);
}

/* ---- descriptors ---- */

struct entry { /* as the kernel lists a directory */
    uint64_t inode;
    int64_t offset;
    uint16_t bytes;
    uint8_t type;
    char name[];
};

/* Sets, counters, rings: the kernel's files that are of no kind. */
static void
look_at_info(struct look *k, const char *number)
{
    long fd = open_file("/fdinfo/", number);

    if (wr_syscall_failed(fd))
        k->unread |= fd != -ENOENT;
    else
        take_lines(k, (int)fd);
}

static long
duplicate(const struct look *k, const char *number)
{
    long theirs = 0;

    for (const char *s = number; *s >= '0' && *s <= '9'; s++)
        theirs = theirs * 10 + (*s - '0');
    return k->deadly || wr_syscall_failed(k->handle)
               ? -EPERM
               : wr_syscall3(SYS_pidfd_getfd, k->handle, theirs, 0);
}

static bool
only_writes(const char *number)
{
    struct wr_text path;
    uint64_t flags;

    name_file(&path, "/fdinfo/", number);
    return find_number(&path, "flags:", &flags) &&
           (flags & O_ACCMODE) == O_WRONLY;
}

/* What has no duplicate is opened anew: who reads it will not see that. */
static void
look_for_pipe(struct look *k, const char *number)
{
    long fd = duplicate(k, number);
    struct wr_text path;

    if (wr_syscall_failed(fd) && only_writes(number))
        return;
    name_file(&path, "/fd/", number);
    if (wr_syscall_failed(fd) && !k->deadly)
        fd = wr_syscall4(SYS_openat, AT_FDCWD, path.buf,
                         O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0);
    if (wr_syscall_failed(fd)) {
        k->unread = true;
        return;
    }
    look_into_pipe(k, (int)fd);
    wr_os_close((int)fd);
}

/* Is its number in the system's list of local sockets? */
static bool
is_listed(uint64_t inode)
{
    char text[1024];
    uint64_t n = 0;
    long bytes, fd = open_file("/net/unix", "");

    if (wr_syscall_failed(fd))
        return true;
    while ((bytes = wr_syscall3(SYS_read, fd, text, sizeof text)) > 0)
        for (long i = 0; i < bytes && inode != 0; i++) {
            bool digit = text[i] >= '0' && text[i] <= '9';

            if (!digit && n == inode)
                inode = 0; /* found */
            n = digit ? n * 10 + (uint64_t)(text[i] - '0') : 0;
        }
    wr_os_close((int)fd);
    return inode == 0;
}

static void
look_for_socket(struct look *k, const char *number, uint64_t inode)
{
    long fd = duplicate(k, number);

    if (wr_syscall_failed(fd)) {
        k->unread |= is_listed(inode);
        return;
    }
    look_into_socket(k, (int)fd);
    wr_os_close((int)fd);
}

static void
look_at(struct look *k, const char *number)
{
    struct wr_text path;
    struct statx is;
    unsigned kind;

    name_file(&path, "/fd/", number);
    if (*number < '0' || *number > '9' ||
        wr_syscall6(SYS_statx, AT_FDCWD, (long)path.buf, 0,
                    STATX_TYPE | STATX_INO, (long)&is, 0) != 0)
        return;
    kind = is.stx_mode & S_IFMT;
    if (kind == 0)
        look_at_info(k, number);
    else if (kind == S_IFIFO)
        look_for_pipe(k, number);
    else if (kind == S_IFSOCK)
        look_for_socket(k, number, is.stx_ino);
}

static void
look_at_all(struct look *k, int folder)
{
    _Alignas(8) char list[2048];
    long n;

    while ((n = wr_syscall3(SYS_getdents64, folder, list, sizeof list)) > 0)
        for (long at = 0; at < n;) {
            const struct entry *e = (const void *)(list + at);

            look_at(k, e->name);
            at += e->bytes;
        }
    wr_os_close(folder);
}

static void
look_at_timers(struct look *k)
{
    long fd = open_file("/timers", "");

    if (!wr_syscall_failed(fd)) /* not every system shows them */
        take_lines(k, (int)fd);
}

bool
wr_os_kept(void (*visit)(const void *from, size_t bytes, void *arg), void *arg)
{
    struct look k = {.visit = visit, .arg = arg, .end = {-1, -1}};
    long folder = open_file("/fd", "");

    if (wr_syscall_failed(folder))
        return false;
    k.deadly = may_be_deadly();
    k.handle = k.deadly ? -EPERM : wr_syscall2(SYS_pidfd_open, wr_os_home(), 0);
    look_at_all(&k, (int)folder);
    look_at_timers(&k);
    for (int i = 0; i < 2; i++)
        if (k.end[i] >= 0)
            wr_os_close(k.end[i]);
    if (!wr_syscall_failed(k.handle))
        wr_os_close((int)k.handle);
    return !k.unread;
}
