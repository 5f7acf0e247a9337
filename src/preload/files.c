/* Calls that open and close descriptors: passed on, and noted (profile/fds.h).
 *
 * What libc does inside itself (getaddrinfo, syslog) and system calls made by
 * number are not seen; the kernel lists such descriptors, without a stack.
 *
 * Invariants
 * 1. Each behaves as libc's own, also before start(), in signal handlers, in a
 *    vfork child and as a cancellation point: nothing is held across the call.
 * 2. errno is what the call left.
 * 3. A function that this libc does not have says ENOSYS.
 */
#include "preload/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/base.h"
#include "os/jump.h"
#include "preload/next.h"
#include "profile/fds.h"

/* What fortified code calls; no header declares them. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dir, const char *path, int flags);
int __openat64_2(int dir, const char *path, int flags);

/* next_NAME(): libc's own; it is looked up once. */
#define NEXT_OF(name)                                                          \
    static __typeof__(&name) next_##name(void)                                 \
    {                                                                          \
        return NEXT(name);                                                     \
    }

/* Inlined, so that the return address is the wrapper's. */
static inline __attribute__((always_inline)) int
noted(int fd, enum wr_fd_call call)
{
    if (fd >= 0)
        wr_fds_opened(fd, call, __builtin_return_address(0));
    return fd;
}

static int
missing(void)
{
    errno = ENOSYS;
    return -1;
}

/* ---- calls that return a descriptor ---- */

#define OPENS(call, name, parameters, arguments)                               \
    NEXT_OF(name)                                                              \
    WR_EXPORT int name parameters                                              \
    {                                                                          \
        if (wr_unlikely(next_##name() == NULL))                                \
            return missing();                                                  \
        return noted(next_##name() arguments, WR_FD_##call);                   \
    }

/* The mode is there only when a file may be made. */
static mode_t
mode_of(int flags, va_list more)
{
    if ((flags & O_CREAT) == 0 && (flags & O_TMPFILE) != O_TMPFILE)
        return 0;
    return va_arg(more, mode_t);
}

#define OPENS_MODE(name, parameters, ...)                                      \
    NEXT_OF(name)                                                              \
    WR_EXPORT int name parameters                                              \
    {                                                                          \
        va_list more;                                                          \
        mode_t mode;                                                           \
                                                                               \
        va_start(more, flags);                                                 \
        mode = mode_of(flags, more);                                           \
        va_end(more);                                                          \
        return noted(next_##name()(__VA_ARGS__, mode), WR_FD_OPEN);            \
    }

OPENS_MODE(open, (const char *path, int flags, ...), path, flags)
OPENS_MODE(open64, (const char *path, int flags, ...), path, flags)
OPENS_MODE(openat, (int dir, const char *path, int flags, ...), dir, path,
           flags)
OPENS_MODE(openat64, (int dir, const char *path, int flags, ...), dir, path,
           flags)
OPENS(OPEN, __open_2, (const char *path, int flags), (path, flags))
OPENS(OPEN, __open64_2, (const char *path, int flags), (path, flags))
OPENS(OPEN, __openat_2, (int dir, const char *path, int flags),
      (dir, path, flags))
OPENS(OPEN, __openat64_2, (int dir, const char *path, int flags),
      (dir, path, flags))
OPENS(OPEN, creat, (const char *path, mode_t mode), (path, mode))
OPENS(OPEN, creat64, (const char *path, mode_t mode), (path, mode))
OPENS(OPEN, mkstemp, (char *name), (name))
OPENS(OPEN, mkstemp64, (char *name), (name))
OPENS(OPEN, mkostemp, (char *name, int flags), (name, flags))
OPENS(OPEN, mkostemp64, (char *name, int flags), (name, flags))
OPENS(OPEN, mkstemps, (char *name, int end), (name, end))
OPENS(OPEN, mkstemps64, (char *name, int end), (name, end))
OPENS(OPEN, mkostemps, (char *name, int end, int flags), (name, end, flags))
OPENS(OPEN, mkostemps64, (char *name, int end, int flags), (name, end, flags))
OPENS(OPEN, posix_openpt, (int flags), (flags))
OPENS(MEMORY, shm_open, (const char *name, int flags, mode_t mode),
      (name, flags, mode))
OPENS(MEMORY, memfd_create, (const char *name, unsigned flags), (name, flags))
OPENS(SOCKET, socket, (int domain, int type, int protocol),
      (domain, type, protocol))
OPENS(ACCEPT, accept, (int fd, __SOCKADDR_ARG peer, socklen_t *bytes),
      (fd, peer, bytes))
OPENS(ACCEPT, accept4,
      (int fd, __SOCKADDR_ARG peer, socklen_t *bytes, int flags),
      (fd, peer, bytes, flags))
OPENS(DUP, dup, (int fd), (fd))
OPENS(EPOLL, epoll_create, (int size), (size))
OPENS(EPOLL, epoll_create1, (int flags), (flags))
OPENS(EVENT, eventfd, (unsigned value, int flags), (value, flags))
OPENS(TIMER, timerfd_create, (clockid_t clock, int flags), (clock, flags))
OPENS(INOTIFY, inotify_init, (void), ())
OPENS(INOTIFY, inotify_init1, (int flags), (flags))

NEXT_OF(signalfd)
WR_EXPORT int
signalfd(int fd, const sigset_t *mask, int flags)
{
    int result = next_signalfd()(fd, mask, flags);

    return fd == -1 ? noted(result, WR_FD_SIGNAL) : result;
}

/* ---- in place of another ---- */

#define DUPS(name, parameters, arguments)                                      \
    NEXT_OF(name)                                                              \
    WR_EXPORT int name parameters                                              \
    {                                                                          \
        int result = next_##name() arguments;                                  \
                                                                               \
        return from == to ? result : noted(result, WR_FD_DUP);                 \
    }

DUPS(dup2, (int from, int to), (from, to))
DUPS(dup3, (int from, int to, int flags), (from, to, flags))

/* The third argument, if there is one, is an int or a pointer. */
#define CONTROLS(name)                                                         \
    NEXT_OF(name)                                                              \
    WR_EXPORT int name(int fd, int command, ...)                               \
    {                                                                          \
        va_list more;                                                          \
        void *argument;                                                        \
        int result;                                                            \
                                                                               \
        va_start(more, command);                                               \
        argument = va_arg(more, void *);                                       \
        va_end(more);                                                          \
        result = next_##name()(fd, command, argument);                         \
        if (command == F_DUPFD || command == F_DUPFD_CLOEXEC)                  \
            return noted(result, WR_FD_DUP);                                   \
        return result;                                                         \
    }

CONTROLS(fcntl)
CONTROLS(fcntl64)

/* ---- two at once ---- */

#define PAIRS(call, name, parameters, arguments)                               \
    NEXT_OF(name)                                                              \
    WR_EXPORT int name parameters                                              \
    {                                                                          \
        int result = next_##name() arguments;                                  \
                                                                               \
        if (result == 0) {                                                     \
            (void)noted(pair[0], WR_FD_##call);                                \
            (void)noted(pair[1], WR_FD_##call);                                \
        }                                                                      \
        return result;                                                         \
    }

PAIRS(PIPE, pipe, (int pair[2]), (pair))
PAIRS(PIPE, pipe2, (int pair[2], int flags), (pair, flags))
PAIRS(SOCKET, socketpair, (int domain, int type, int protocol, int pair[2]),
      (domain, type, protocol, pair))

/* ---- streams ---- */

/* A stream in memory has none. */
static int
fd_of(FILE *stream)
{
    int saved = errno, fd = fileno_unlocked(stream);

    errno = saved;
    return fd;
}

static inline __attribute__((always_inline)) FILE *
noted_stream(FILE *stream, enum wr_fd_call call)
{
    if (stream != NULL)
        (void)noted(fd_of(stream), call);
    return stream;
}

#define OPENS_STREAM(call, name, parameters, arguments)                        \
    NEXT_OF(name)                                                              \
    WR_EXPORT FILE *name parameters                                            \
    {                                                                          \
        return noted_stream(next_##name() arguments, WR_FD_##call);            \
    }

OPENS_STREAM(STREAM, fopen, (const char *path, const char *mode), (path, mode))
OPENS_STREAM(STREAM, fopen64, (const char *path, const char *mode),
             (path, mode))
OPENS_STREAM(STREAM, tmpfile, (void), ())
OPENS_STREAM(STREAM, tmpfile64, (void), ())
OPENS_STREAM(POPEN, popen, (const char *command, const char *mode),
             (command, mode))

#define REOPENS(name)                                                          \
    NEXT_OF(name)                                                              \
    WR_EXPORT FILE *name(const char *path, const char *mode, FILE *stream)     \
    {                                                                          \
        wr_fds_closing(fd_of(stream));                                         \
        return noted_stream(next_##name()(path, mode, stream), WR_FD_STREAM);  \
    }

REOPENS(freopen)
REOPENS(freopen64)

#define CLOSES_STREAM(name)                                                    \
    NEXT_OF(name)                                                              \
    WR_EXPORT int name(FILE *stream)                                           \
    {                                                                          \
        wr_fds_closing(fd_of(stream));                                         \
        return next_##name()(stream);                                          \
    }

CLOSES_STREAM(fclose)
CLOSES_STREAM(pclose)

NEXT_OF(opendir)
WR_EXPORT DIR *
opendir(const char *path)
{
    DIR *dir = next_opendir()(path);

    if (dir != NULL)
        (void)noted(dirfd(dir), WR_FD_DIRECTORY);
    return dir;
}

/* libc says EINVAL to who closes none. */
static int
fd_of_directory(DIR *dir)
{
    return dir == NULL ? -1 : dirfd(dir);
}

NEXT_OF(closedir)
WR_EXPORT int
closedir(DIR *dir)
{
    wr_fds_closing(fd_of_directory(dir));
    return next_closedir()(dir);
}

/* ---- the end ---- */

NEXT_OF(close)
WR_EXPORT int
close(int fd)
{
    wr_fds_closing(fd);
    return next_close()(fd);
}

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC 4
#endif
int close_range(unsigned first, unsigned last, int flags);
void closefrom(int first);

NEXT_OF(close_range)
WR_EXPORT int
close_range(unsigned first, unsigned last, int flags)
{
    if (next_close_range() == NULL)
        return missing();
    if ((flags & CLOSE_RANGE_CLOEXEC) == 0)
        wr_fds_closing_range(first, last);
    return next_close_range()(first, last, flags);
}

NEXT_OF(closefrom)
WR_EXPORT void
closefrom(int first)
{
    wr_fds_closing_range(first < 0 ? 0 : (unsigned)first, UINT32_MAX);
    next_closefrom()(first);
}

/* ---- children in our memory ---- */

__attribute__((visibility("hidden"))) void *wr_files_vfork;
__attribute__((visibility("hidden"))) void *wr_files_clone;

WR_OS_NOTE_AND_JUMP(vfork, wr_fds_guests, wr_files_vfork)
WR_OS_NOTE_AND_JUMP(clone, wr_fds_guests, wr_files_clone)

void
wr_files_start(void)
{
    wr_files_vfork = next_of("vfork");
    wr_files_clone = next_of("clone");
    (void)next_open();
    (void)next_open64();
    (void)next_openat();
    (void)next_openat64();
    (void)next_creat();
    (void)next_socket();
    (void)next_socketpair();
    (void)next_accept();
    (void)next_pipe();
    (void)next_dup();
    (void)next_dup2();
    (void)next_fcntl();
    (void)next_close();
}
