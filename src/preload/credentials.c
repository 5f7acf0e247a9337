/* Calls that change what a process may do, or that the kernel allows only to a
 * process of one thread. libc makes the first hold for all threads it knows;
 * it does not know Weir's own, which must not keep rights that the program
 * gave up. So there is none while such a call is made; the next one starts
 * with what the program has then.
 *
 * Invariants
 * 1. In a vfork child, whose memory is its parent's, nothing is stopped: the
 *    parent's thread is no thread of the child.
 */
#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/base.h"
#include "heap/scavenge.h"
#include "os/os.h"
#include "preload/next.h"
#include "preload/start.h"
#include "world/thread.h"

int capset(void *header, const void *data);

static bool
is_our_process(void)
{
    return wr_started && wr_os_at_home();
}

/* Who gives up rights may not be able to make a region any more. */
static void
prepare(void)
{
    (void)wr_world_region();
    wr_scavenge_stop();
}

/* Make the call while Weir has no thread. */
#define ALONE(type, call)                                                      \
    __extension__({                                                            \
        bool ours = is_our_process();                                          \
        type result;                                                           \
        int saved;                                                             \
                                                                               \
        if (ours)                                                              \
            prepare();                                                         \
        result = call;                                                         \
        saved = errno;                                                         \
        if (ours)                                                              \
            wr_scavenge_go();                                                  \
        errno = saved;                                                         \
        result;                                                                \
    })

WR_EXPORT int
setuid(uid_t uid)
{
    return ALONE(int, NEXT(setuid)(uid));
}

WR_EXPORT int
seteuid(uid_t uid)
{
    return ALONE(int, NEXT(seteuid)(uid));
}

WR_EXPORT int
setreuid(uid_t real, uid_t effective)
{
    return ALONE(int, NEXT(setreuid)(real, effective));
}

WR_EXPORT int
setresuid(uid_t real, uid_t effective, uid_t saved_uid)
{
    return ALONE(int, NEXT(setresuid)(real, effective, saved_uid));
}

WR_EXPORT int
setgid(gid_t gid)
{
    return ALONE(int, NEXT(setgid)(gid));
}

WR_EXPORT int
setegid(gid_t gid)
{
    return ALONE(int, NEXT(setegid)(gid));
}

WR_EXPORT int
setregid(gid_t real, gid_t effective)
{
    return ALONE(int, NEXT(setregid)(real, effective));
}

WR_EXPORT int
setresgid(gid_t real, gid_t effective, gid_t saved_gid)
{
    return ALONE(int, NEXT(setresgid)(real, effective, saved_gid));
}

WR_EXPORT int
setgroups(size_t count, const gid_t *groups)
{
    return ALONE(int, NEXT(setgroups)(count, groups));
}

WR_EXPORT int
initgroups(const char *user, gid_t group)
{
    return ALONE(int, NEXT(initgroups)(user, group));
}

WR_EXPORT int
capset(void *header, const void *data)
{
    return ALONE(int, NEXT(capset)(header, data));
}

WR_EXPORT int
unshare(int flags)
{
    return ALONE(int, NEXT(unshare)(flags));
}

WR_EXPORT int
setns(int fd, int kind)
{
    return ALONE(int, NEXT(setns)(fd, kind));
}

WR_EXPORT int
chroot(const char *path)
{
    return ALONE(int, NEXT(chroot)(path));
}

/* A filter of system calls may kill who calls clone: from then on there is
 * no thread. Sandboxes install it by number, but promise to take no new
 * privileges first. Other options pass through. */
WR_EXPORT int
prctl(int option, ...)
{
    unsigned long a[4];
    va_list more;

    va_start(more, option);
    for (unsigned i = 0; i < wr_countof(a); i++)
        a[i] = va_arg(more, unsigned long);
    va_end(more);
    if ((option == PR_SET_SECCOMP || option == PR_SET_NO_NEW_PRIVS) &&
        is_our_process())
        prepare();
    return NEXT(prctl)(option, a[0], a[1], a[2], a[3]);
}
