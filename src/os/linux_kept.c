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
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/base.h"
#include "base/text.h"
#include "os/kept.h"
#include "os/os.h"
#include "os/syscall.h"

enum { PIECE = 64 << 10, LINE = 160 };

struct look {
    void (*visit)(const void *from, size_t bytes, void *arg);
    void *arg;
    bool filtered; /* there is a filter of system calls */
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

static bool
has_filter(void)
{
    char text[2048];
    long n = wr_os_read_file("/proc/thread-self/status", text, sizeof text - 1);

    if (n <= 0)
        return true;
    text[n] = '\0';
    return hex_after(text, "\nSeccomp:") != 0;
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

static void
look_into(struct look *k, const char *number, bool pipe)
{
    long theirs = 0, fd;

    for (const char *s = number; *s >= '0' && *s <= '9'; s++)
        theirs = theirs * 10 + (*s - '0');
    fd = k->filtered || wr_syscall_failed(k->handle)
             ? -EPERM
             : wr_syscall3(SYS_pidfd_getfd, k->handle, theirs, 0);
    if (wr_syscall_failed(fd)) {
        k->unread = true;
        return;
    }
    (pipe ? look_into_pipe : look_into_socket)(k, (int)fd);
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
        wr_syscall6(SYS_statx, AT_FDCWD, (long)path.buf, 0, STATX_TYPE,
                    (long)&is, 0) != 0)
        return;
    kind = is.stx_mode & S_IFMT;
    if (kind == 0)
        look_at_info(k, number);
    else if (kind == S_IFIFO || kind == S_IFSOCK)
        look_into(k, number, kind == S_IFIFO);
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
    k.filtered = has_filter();
    k.handle = k.filtered ? -1 : wr_syscall2(SYS_pidfd_open, wr_os_home(), 0);
    look_at_all(&k, (int)folder);
    look_at_timers(&k);
    for (int i = 0; i < 2; i++)
        if (k.end[i] >= 0)
            wr_os_close(k.end[i]);
    if (!wr_syscall_failed(k.handle))
        wr_os_close((int)k.handle);
    return !k.unread;
}
