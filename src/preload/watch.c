/* Calls that Weir watches and passes on.
 *
 * Invariants
 * 1. Each behaves as libc's own, also before start() and in a vfork child.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/base.h"
#include "leak/last.h"
#include "os/syscall.h"
#include "preload/next.h"
#include "preload/start.h"
#include "profile/capture.h"
#include "profile/module.h"
#include "profile/unwind.h"

/* ---- code that goes ---- */

WR_EXPORT int
dlclose(void *handle)
{
    int result = NEXT(dlclose)(handle);

    if (wr_started) {
        wr_unwind_flush();
        wr_module_unloaded();
    }
    return result;
}

/* ---- the signal that asks for a stack ---- */

WR_EXPORT int
sigaction(int number, const struct sigaction *new_action,
          struct sigaction *old_action)
{
    if (!wr_capture_owns(number))
        return NEXT(sigaction)(number, new_action, old_action);
    if (new_action != NULL) {
        wr_capture_stop();
        if (NEXT(sigaction)(number, new_action, NULL) != 0)
            return -1;
    }
    return wr_capture_pretend(old_action);
}

WR_EXPORT sighandler_t
signal(int number, sighandler_t handler)
{
    sighandler_t old;

    if (!wr_capture_owns(number))
        return NEXT(signal)(number, handler);
    wr_capture_stop();
    old = NEXT(signal)(number, handler);
    return old == SIG_ERR ? SIG_ERR : SIG_DFL;
}

/* ---- ends that pass exit() by ---- */

WR_EXPORT _Noreturn void
_exit(int status)
{
    status = wr_last_search(status);
    wr_finish();
    for (;;)
        (void)wr_syscall1(SYS_exit_group, status);
}

WR_EXPORT _Noreturn void
_Exit(int status)
{
    _exit(status);
}
