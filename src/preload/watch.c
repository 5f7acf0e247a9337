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
#include "profile/overflow.h"
#include "profile/unwind.h"

/* ---- stacks of handlers ---- */

/* Of the calling thread: the program may have kept nothing else of what it gave
 * the kernel for its handlers. The search for leaks reads storage of threads,
 * and so finds this. */
static __thread void *volatile alternate_stack;

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

/* ---- signals that Weir has ---- */

static bool
is_ours(int number)
{
    return wr_capture_owns(number) || wr_overflow_owns(number);
}

/* The program takes it for itself. */
static void
give_up(int number)
{
    if (wr_capture_owns(number))
        wr_capture_stop();
    else
        wr_overflow_stop();
}

WR_EXPORT int
sigaction(int number, const struct sigaction *new_action,
          struct sigaction *old_action)
{
    if (!is_ours(number))
        return NEXT(sigaction)(number, new_action, old_action);
    if (new_action != NULL) {
        give_up(number);
        if (NEXT(sigaction)(number, new_action, NULL) != 0)
            return -1;
    }
    return wr_capture_pretend(old_action);
}

WR_EXPORT sighandler_t
signal(int number, sighandler_t handler)
{
    sighandler_t old;

    if (!is_ours(number))
        return NEXT(signal)(number, handler);
    give_up(number);
    old = NEXT(signal)(number, handler);
    return old == SIG_ERR ? SIG_ERR : SIG_DFL;
}

WR_EXPORT int
sigaltstack(const stack_t *new_stack, stack_t *old_stack)
{
    int result = NEXT(sigaltstack)(new_stack, old_stack);

    if (result == 0 && new_stack != NULL)
        alternate_stack =
            (new_stack->ss_flags & SS_DISABLE) != 0 ? NULL : new_stack->ss_sp;
    if (result == 0 && old_stack != NULL && wr_overflow_is_stack(old_stack))
        *old_stack = (stack_t){.ss_flags = SS_DISABLE};
    return result;
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
