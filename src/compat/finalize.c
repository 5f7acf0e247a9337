/* The end of a block, in Boehm's terms.
 *
 * Invariants
 * 1. Every finalizer is begin, with a record of what it stands for: so what
 *    stood there before can be told.
 * 2. Records that wait to be invoked are in the list `ready`, a root; it
 *    changes under `lock`.
 */
#include <weir/compat/gc.h>
#include <weir/compat/gc_mark.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <weir/gc.h>

#include "compat/notice.h"

#define EXPORT __attribute__((visibility("default")))

struct record {
    GC_finalization_proc fn;
    void *arg, *object;
    struct record *next;
};

_Atomic unsigned wr_compat_notices;

static struct record *ready, **ready_end = &ready;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic int on_demand;
static GC_finalizer_notifier_proc _Atomic notifier;
static GC_start_callback_proc _Atomic start_callback;

/* ---- told on the program's threads ---- */

void
wr_compat_tell(void)
{
    unsigned notices = atomic_exchange(&wr_compat_notices, 0);
    GC_start_callback_proc begun = atomic_load(&start_callback);
    GC_finalizer_notifier_proc ends = atomic_load(&notifier);

    if ((notices & WR_COMPAT_CYCLE) != 0 && begun != NULL)
        begun();
    if ((notices & WR_COMPAT_ENDS) != 0 && ends != NULL)
        ends();
}

static void
note_cycle(uint64_t cycles, void *unused)
{
    (void)cycles;
    (void)unused;
    atomic_fetch_or(&wr_compat_notices, WR_COMPAT_CYCLE);
}

EXPORT void
GC_set_start_callback(GC_start_callback_proc fn)
{
    GC_start_callback_proc old = atomic_exchange(&start_callback, fn);

    if (old == NULL && fn != NULL)
        (void)weir_gc_subscribe(note_cycle, NULL);
    else if (old != NULL && fn == NULL)
        (void)weir_gc_unsubscribe(note_cycle, NULL);
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

/* Otherwise Weir's thread calls them. */
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

/* ---- finalizers ---- */

static void
begin(void *object, void *record)
{
    struct record *r = record;

    if (atomic_load(&on_demand) == 0) {
        r->fn(object, r->arg);
        return;
    }
    r->object = object;
    pthread_mutex_lock(&lock);
    *ready_end = r;
    ready_end = &r->next;
    pthread_mutex_unlock(&lock);
    atomic_fetch_or(&wr_compat_notices, WR_COMPAT_ENDS);
}

static struct record *
take_ready(void)
{
    struct record *r;

    pthread_mutex_lock(&lock);
    r = ready;
    if (r != NULL)
        ready = r->next;
    if (ready == NULL)
        ready_end = &ready;
    pthread_mutex_unlock(&lock);
    return r;
}

EXPORT int
GC_should_invoke_finalizers(void)
{
    bool any;

    pthread_mutex_lock(&lock);
    any = ready != NULL;
    pthread_mutex_unlock(&lock);
    return any;
}

EXPORT int
GC_invoke_finalizers(void)
{
    struct record *r;
    int n = 0;

    for (; (r = take_ready()) != NULL; n++)
        r->fn(r->object, r->arg);
    return n;
}

static void
tell_old(const void *object, GC_finalization_proc *fn, void **arg)
{
    void (*old)(void *, void *) = NULL;
    void *record = NULL;
    bool any = weir_gc_finalizer_read(object, &old, &record) == WEIR_OK &&
               old == begin;
    const struct record *r = any ? record : NULL;

    if (fn != NULL)
        *fn = any ? r->fn : NULL;
    if (arg != NULL)
        *arg = any ? r->arg : NULL;
}

/* libgc ignores a block that is none of its own. */
EXPORT void
GC_register_finalizer(void *object, GC_finalization_proc fn, void *arg,
                      GC_finalization_proc *old_fn, void **old_arg)
{
    struct record *r = NULL;

    tell_old(object, old_fn, old_arg);
    if (fn != NULL) {
        r = weir_gc_alloc(sizeof *r);
        if (r == NULL)
            return;
        r->fn = fn;
        r->arg = arg;
    }
    (void)weir_gc_finalizer(object, r != NULL ? begin : NULL, r);
}

EXPORT void
GC_register_finalizer_no_order(void *object, GC_finalization_proc fn, void *arg,
                               GC_finalization_proc *old_fn, void **old_arg)
{
    GC_register_finalizer(object, fn, arg, old_fn, old_arg);
}

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
