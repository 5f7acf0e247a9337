/* Threads: who made them, and who never joined them.
 *
 * Invariants
 * 1. Each call behaves as libc's own, also before start() and in a vfork child.
 * 2. A thread that is made joinable has its slot (world/joinable.h) before it
 *    runs.
 */
#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "base/base.h"
#include "heap/heap.h"
#include "leak/stack.h"
#include "preload/next.h"
#include "preload/start.h"
#include "profile/bucket.h"
#include "profile/overflow.h"
#include "profile/sample.h"
#include "profile/unwind.h"
#include "region/layout.h"
#include "world/joinable.h"
#include "world/thread.h"

struct thread_begin {
    void *(*run)(void *);
    void *arg;
    uint32_t create_stack;
    struct wr_join join;
    bool own_stack; /* the program gave it one */
};

static void *
thread_main(void *arg)
{
    struct thread_begin begin = *(struct thread_begin *)arg;
    uintptr_t lo, hi;

    wr_stack_begin((uintptr_t)__builtin_return_address(0));
    wr_thread_begin(begin.create_stack);
    wr_joinable_is_here(begin.join);
    wr_free(arg);
    if (wr_thread_stack(&lo, &hi)) {
        wr_unwind_set_stack(lo, hi);
        if (!begin.own_stack)
            wr_stack_note(lo, hi, (uintptr_t)pthread_self(),
                          begin.join.token != 0);
    }
    wr_overflow_thread();
    return begin.run(begin.arg);
}

static bool
has_own_stack(const pthread_attr_t *attr)
{
    void *base = NULL;
    size_t bytes;

    return attr != NULL && pthread_attr_getstack(attr, &base, &bytes) == 0 &&
           base != NULL;
}

static uint32_t
stack_here(void)
{
    uintptr_t pc[WR_STACK_FRAMES];

    return wr_stack_find(pc, wr_sample_stack(pc, wr_countof(pc)));
}

static bool
is_detached(const pthread_attr_t *attr)
{
    int state;

    return attr != NULL && pthread_attr_getdetachstate(attr, &state) == 0 &&
           state == PTHREAD_CREATE_DETACHED;
}

WR_EXPORT int
pthread_create(pthread_t *thread, const pthread_attr_t *attr,
               void *(*run)(void *), void *arg)
{
    struct thread_begin *begin = wr_malloc(sizeof *begin);
    struct wr_join join = {0, 0};
    int result;

    if (begin == NULL)
        return EAGAIN;
    (void)wr_world_region();
    begin->run = run;
    begin->arg = arg;
    begin->own_stack = has_own_stack(attr);
    begin->create_stack = wr_started ? stack_here() : 0;
    if (!is_detached(attr))
        join = wr_joinable_begin(begin->create_stack);
    begin->join = join;
    result = NEXT(pthread_create)(thread, attr, thread_main, begin);
    if (result == 0) {
        wr_joinable_made(join, *thread);
    } else {
        wr_joinable_cancel(join);
        wr_free(begin);
    }
    return result;
}

#define ENDS(name, parameters, arguments)                                      \
    WR_EXPORT int name parameters                                              \
    {                                                                          \
        int result = NEXT(name) arguments;                                     \
                                                                               \
        if (result == 0)                                                       \
            wr_joinable_over(thread);                                          \
        return result;                                                         \
    }

ENDS(pthread_join, (pthread_t thread, void **value), (thread, value))
ENDS(pthread_tryjoin_np, (pthread_t thread, void **value), (thread, value))
ENDS(pthread_timedjoin_np,
     (pthread_t thread, void **value, const struct timespec *until),
     (thread, value, until))
ENDS(pthread_clockjoin_np,
     (pthread_t thread, void **value, clockid_t clock,
      const struct timespec *until),
     (thread, value, clock, until))

/* After it, the number may be another thread's. */
WR_EXPORT int
pthread_detach(pthread_t thread)
{
    wr_joinable_over(thread);
    return NEXT(pthread_detach)(thread);
}
