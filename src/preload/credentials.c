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
#include "os/os.h"
#include "preload/next.h"
#include "preload/start.h"
#include "world/background.h"
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
    wr_background_stop();
}

static bool
begin_alone(void)
{
    bool ours = is_our_process();

    if (ours)
        prepare();
    return ours;
}

static int
end_alone(bool ours, int result)
{
    int saved = errno;

    if (ours)
        wr_background_go();
    errno = saved;
    return result;
}

/* The function of that name, which makes its call while Weir has no thread. */
#define ALONE(name, parameters, arguments)                                     \
    WR_EXPORT int name parameters                                              \
    {                                                                          \
        bool ours = begin_alone();                                             \
                                                                               \
        return end_alone(ours, NEXT(name) arguments);                          \
    }

ALONE(setuid, (uid_t real), (real))
ALONE(seteuid, (uid_t effective), (effective))
ALONE(setreuid, (uid_t real, uid_t effective), (real, effective))
ALONE(setresuid, (uid_t real, uid_t effective, uid_t saved),
      (real, effective, saved))
ALONE(setgid, (gid_t real), (real))
ALONE(setegid, (gid_t effective), (effective))
ALONE(setregid, (gid_t real, gid_t effective), (real, effective))
ALONE(setresgid, (gid_t real, gid_t effective, gid_t saved),
      (real, effective, saved))
ALONE(setgroups, (size_t count, const gid_t *groups), (count, groups))
ALONE(initgroups, (const char *user, gid_t group), (user, group))
ALONE(capset, (void *header, const void *data), (header, data))
ALONE(unshare, (int flags), (flags))
ALONE(setns, (int fd, int kind), (fd, kind))
ALONE(chroot, (const char *path), (path))

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
