/* Calls that Weir watches and passes on.
 *
 * Invariants
 * 1. Each behaves as libc's own, also before start() and in a vfork child.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/base.h"
#include "heap/heap.h"
#include "leak/last.h"
#include "os/syscall.h"
#include "preload/next.h"
#include "preload/start.h"
#include "profile/bucket.h"
#include "profile/capture.h"
#include "profile/module.h"
#include "profile/sample.h"
#include "profile/unwind.h"
#include "region/layout.h"
#include "world/thread.h"

/* ---- threads ---- */

struct thread_begin {
    void *(*run)(void *);
    void *arg;
    uint32_t create_stack;
};

static void *
thread_main(void *arg)
{
    struct thread_begin begin = *(struct thread_begin *)arg;
    uintptr_t lo, hi;

    wr_thread_begin(begin.create_stack);
    wr_free(arg);
    if (wr_thread_stack(&lo, &hi))
        wr_unwind_set_stack(lo, hi);
    return begin.run(begin.arg);
}

static uint32_t
stack_here(void)
{
    uintptr_t pc[WR_STACK_FRAMES];

    return wr_stack_find(pc, wr_sample_stack(pc, wr_countof(pc)));
}

WR_EXPORT int
pthread_create(pthread_t *thread, const pthread_attr_t *attr,
               void *(*run)(void *), void *arg)
{
    struct thread_begin *begin = wr_malloc(sizeof *begin);
    int result;

    if (begin == NULL)
        return EAGAIN;
    (void)wr_world_region();
    begin->run = run;
    begin->arg = arg;
    begin->create_stack = wr_started ? stack_here() : 0;
    result = NEXT(pthread_create)(thread, attr, thread_main, begin);
    if (result != 0)
        wr_free(begin);
    return result;
}

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
