/* The end of a block, in Boehm's terms.
 *
 * Invariants
 * 1. Finalizers are Weir's, called by the program: in threads that allocate or
 *    collect, as libgc does, or when GC_invoke_finalizers is called.
 * 2. Hooks and finalizers are told of a cycle by the one thread that finds
 *    another number of cycles than `told`.
 */
#include <weir/compat/gc.h>
#include <weir/compat/gc_mark.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <weir/gc.h>

#include "compat/notice.h"

#define EXPORT __attribute__((visibility("default")))

_Thread_local unsigned wr_compat_blocks;

static _Thread_local bool calling;
static _Atomic uint64_t told;
static _Atomic int on_demand;
static GC_finalizer_notifier_proc _Atomic notifier;
static GC_start_callback_proc _Atomic start_callback;

/* ---- told on the program's threads ---- */

static bool
is_news(void)
{
    struct weir_gc g;

    return weir_gc_read(&g) == WEIR_OK &&
           atomic_exchange(&told, g.cycles) != g.cycles;
}

static void
call_hooks(void)
{
    GC_start_callback_proc begun = atomic_load(&start_callback);
    GC_finalizer_notifier_proc ends = atomic_load(&notifier);

    if (begun != NULL)
        begun();
    if (ends != NULL && atomic_load(&on_demand) != 0 && weir_gc_ready() > 0)
        ends();
}

void
wr_compat_tell(void)
{
    unsigned ready = weir_gc_ready();

    if ((ready == 0 && atomic_load(&start_callback) == NULL) || calling)
        return;
    calling = true; /* what is called may allocate */
    if (is_news())
        call_hooks();
    if (ready > 0 && atomic_load(&on_demand) == 0)
        (void)weir_gc_call_ready();
    calling = false;
}

EXPORT void
GC_set_start_callback(GC_start_callback_proc fn)
{
    atomic_store(&start_callback, fn);
}

EXPORT GC_start_callback_proc
GC_get_start_callback(void)
{
    return atomic_load(&start_callback);
}

EXPORT void
GC_set_finalizer_notifier(GC_finalizer_notifier_proc fn)
{
    atomic_store(&notifier, fn);
}

EXPORT GC_finalizer_notifier_proc
GC_get_finalizer_notifier(void)
{
    return atomic_load(&notifier);
}

EXPORT void
GC_set_finalize_on_demand(int on)
{
    atomic_store(&on_demand, on);
}

EXPORT int
GC_get_finalize_on_demand(void)
{
    return atomic_load(&on_demand);
}

EXPORT int
GC_should_invoke_finalizers(void)
{
    return weir_gc_ready() > 0;
}

EXPORT int
GC_invoke_finalizers(void)
{
    return (int)weir_gc_call_ready();
}

/* ---- finalizers ---- */

static void
tell_old(const void *object, GC_finalization_proc *fn, void **arg)
{
    GC_finalization_proc old = NULL;
    void *with = NULL;

    (void)weir_gc_finalizer_read(object, &old, &with);
    if (fn != NULL)
        *fn = old;
    if (arg != NULL)
        *arg = with;
}

/* libgc ignores a block that is none of its own. */
EXPORT void
GC_register_finalizer(void *object, GC_finalization_proc fn, void *arg,
                      GC_finalization_proc *old_fn, void **old_arg)
{
    weir_gc_set_caller(WEIR_GC_CALLER_PROGRAM);
    tell_old(object, old_fn, old_arg);
    (void)weir_gc_finalizer(object, fn, arg);
}

EXPORT void
GC_register_finalizer_no_order(void *object, GC_finalization_proc fn, void *arg,
                               GC_finalization_proc *old_fn, void **old_arg)
{
    weir_gc_set_caller(WEIR_GC_CALLER_PROGRAM);
    tell_old(object, old_fn, old_arg);
    (void)weir_gc_finalizer_unordered(object, fn, arg);
}

/* Weir's ignore what a block says of itself. */
EXPORT void
GC_register_finalizer_ignore_self(void *object, GC_finalization_proc fn,
                                  void *arg, GC_finalization_proc *old_fn,
                                  void **old_arg)
{
    GC_register_finalizer(object, fn, arg, old_fn, old_arg);
}

EXPORT void
GC_register_finalizer_unreachable(void *object, GC_finalization_proc fn,
                                  void *arg, GC_finalization_proc *old_fn,
                                  void **old_arg)
{
    GC_register_finalizer(object, fn, arg, old_fn, old_arg);
}

/* ---- links ---- */

EXPORT int
GC_general_register_disappearing_link(void **link, const void *object)
{
    return weir_gc_link(link, object) == WEIR_ENOMEM ? GC_NO_MEMORY
                                                     : GC_SUCCESS;
}

EXPORT int
GC_register_disappearing_link(void **link)
{
    return GC_general_register_disappearing_link(link, weir_gc_base(link));
}

EXPORT int
GC_unregister_disappearing_link(void **link)
{
    return weir_gc_unlink(link) == WEIR_OK;
}

EXPORT int
GC_move_disappearing_link(void **from, void **to)
{
    return weir_gc_link_move(from, to) == WEIR_OK ? GC_SUCCESS : GC_NOT_FOUND;
}
