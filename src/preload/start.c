/* Invariants
 * 1. start() runs once, as the first constructor of the process (the library
 *    is linked with -z initfirst), so that every constructor's allocations
 *    are sampled. Only the dynamic loader has allocated before.
 * 2. Locks around fork are taken in the order of os/lock.h.
 */
#include "preload/start.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>
#include <weir/limit.h>

#include "base/base.h"
#include "base/text.h"
#include "heap/heap.h"
#include "heap/mcache.h"
#include "gc/gc.h"
#include "gc/peak.h"
#include "gc/tie.h"
#include "os/lock.h"
#include "leak/ask.h"
#include "leak/check.h"
#include "leak/known.h"
#include "leak/last.h"
#include "leak/stack.h"
#include "limit/budget.h"
#include "limit/limit.h"
#include "mark/odd.h"
#include "os/os.h"
#include "preload/files.h"
#include "preload/options.h"
#include "profile/capture.h"
#include "profile/fds.h"
#include "profile/overflow.h"
#include "profile/sample.h"
#include "profile/unwind.h"
#include "region/collector.h"
#include "region/counters.h"
#include "region/event.h"
#include "region/region.h"
#include "world/background.h"
#include "world/stop.h"
#include "world/thread.h"

bool wr_started;
static bool dir_given;

/* ---- fork ---- */

extern char __libc_single_threaded __attribute__((weak));

/* There is no other thread that could hold a lock, or Weir's own is kept from
 * taking one: they need not be taken. So
 * nothing is written that fork would have to copy, and fork works in a signal
 * handler that interrupted the heap. */
static bool
is_alone(void)
{
    return &__libc_single_threaded != NULL && __libc_single_threaded != 0 &&
           wr_background_keep_out();
}

static void
before_fork(void)
{
    wr_lock_fork_alone = is_alone();
    if (wr_lock_fork_alone) {
        wr_sample_pause();
        wr_region_fork_before();
        return;
    }
    wr_ties_lock();
    wr_heap_fork_before();
    wr_sample_fork_before();
    wr_budget_fork_before();
    wr_region_fork_before();
    wr_lock_fork_begin();
}

static void
after_fork_parent(void)
{
    wr_count_add(forks, 1);
    if (wr_lock_fork_alone) {
        wr_background_let_in();
        wr_sample_resume(false);
        return;
    }
    wr_lock_fork_end();
    wr_budget_fork_after();
    wr_sample_fork_after(false);
    wr_heap_fork_after(false);
    wr_ties_unlock();
}

static void
after_fork_child(void)
{
    bool can_wait = wr_region_fork_child();

    wr_background_fork_child();
    wr_stop_fork_child();
    wr_check_fork_child();
    wr_known_fork_child();
    wr_stack_fork_child();
    wr_gc_fork_child();
    wr_limit_fork_child();
    if (wr_lock_fork_alone) {
        wr_background_let_in();
        wr_sample_resume(true);
    } else {
        wr_lock_fork_end();
        wr_budget_fork_after();
        wr_sample_fork_after(true);
        wr_heap_fork_after(true);
        wr_ties_unlock();
    }
    if (!can_wait)
        (void)wr_world_region();
}

/* ---- start ---- */

static const char *
find_option(char **envp)
{
    for (; envp != NULL && *envp != NULL; envp++)
        if (strncmp(*envp, "WEIR=", 5) == 0)
            return *envp + 5;
    return NULL;
}

static void
start_region(const struct wr_options *o)
{
    uint32_t class_bytes[WR_CLASSES];
    struct wr_region_options r = {
        .dir = o->dir[0] != '\0' ? o->dir : NULL,
        .keep = o->dir[0] != '\0' || o->leaks != WR_LAST_OFF,
        .sample_rate = o->sample_rate,
        .page_bytes = WR_PAGE_BYTES,
        .class_bytes = class_bytes,
        .class_count = WR_CLASSES,
    };

    for (unsigned i = 0; i < WR_CLASSES; i++)
        class_bytes[i] = wr_class[i].bytes;
    wr_region_start(&r);
}

/* The main thread may have a cache already, from before anybody listened. */
static void
attach_main_thread(void)
{
    struct wr_mcache *mc = wr_self;

    if (mc != &wr_mcache_none) {
        wr_events.thread_attached(mc);
        wr_mcache_draw_samples(mc);
    } else {
        (void)wr_mcache_get();
    }
}

static void
tell_unwinder(void)
{
    uintptr_t lo, hi;

    if (wr_thread_stack(&lo, &hi))
        wr_unwind_set_stack(lo, hi);
}

/* The background looks at it when the program has grown, or is a second old. */
static void
start_limit(const struct wr_options *o)
{
    wr_limit_start();
    wr_budget_start();
    if (o->limit == WEIR_LIMIT_OFF)
        return;
    (void)wr_limit_set(o->limit, o->limit_hard);
    wr_background_watch(false);
}

__attribute__((constructor)) static void
start(int argc, char **argv, char **envp)
{
    int saved = errno;
    struct wr_options options;
    struct wr_text problem;

    if (environ == NULL) /* libc's own constructor comes after this one */
        environ = envp;
    wr_options_parse(&options, find_option(envp), &problem);
    if (problem.len != 0) {
        wr_text_str(&problem, "\n");
        wr_os_write(STDERR_FILENO, problem.buf, problem.len);
    }
    wr_last_start(options.leaks, wr_finish);
    wr_unwind_init();
    dir_given = options.dir[0] != '\0';
    start_region(&options);
    wr_region_set_cmdline(argc, argv);
    wr_world_start();
    wr_sample_start(options.sample_rate);
    wr_files_start();
    attach_main_thread();
    tell_unwinder();
    wr_capture_start();
    wr_ask_start();
    wr_odd_start();
    wr_gc_start(&options.gc);
    wr_collector_trace(options.gctrace);
    if (options.fds)
        wr_fds_start();
    if (options.overflow)
        wr_overflow_start();
    (void)pthread_atfork(before_fork, after_fork_parent, after_fork_child);
    wr_background_enable(true, options.history);
    start_limit(&options);
    wr_started = true;
    errno = saved;
}

void
wr_finish(void)
{
    if (!wr_started || !wr_os_at_home())
        return;
    wr_peak_finish();
    if (wr_region == NULL) {
        if (wr_region_is_kept())
            (void)wr_world_leave();
        return;
    }
    wr_world_publish();
    wr_collector_tell();
    if (!wr_last_found())
        wr_region_keep(dir_given);
    wr_region_exit();
}

__attribute__((destructor)) static void
finish(void)
{
    if (wr_last_how() == WR_LAST_OFF)
        wr_finish(); /* else that comes last of all */
}
