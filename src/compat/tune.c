/* What of Boehm's interface is there for programs that call it, and means
 * nothing here, or what the system's own call means.
 */
#include <weir/compat/gc.h>
#include <weir/compat/gc_mark.h>

#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>

#define EXPORT __attribute__((visibility("default")))

#define TUNED(type, name, begin)                                               \
    static type _Atomic name = (begin);                                        \
    EXPORT void GC_set_##name(type value)                                      \
    {                                                                          \
        atomic_store(&name, value);                                            \
    }                                                                          \
    EXPORT type GC_get_##name(void)                                            \
    {                                                                          \
        return atomic_load(&name);                                             \
    }

TUNED(int, no_dls, 0)
TUNED(unsigned long, time_limit, GC_TIME_UNLIMITED)
TUNED(int, dont_expand, 0)
TUNED(GC_word, non_gc_bytes, 0)
TUNED(int, java_finalization, 0)

/* Variables of libgc that programs know by name. */
EXPORT GC_push_other_roots_proc GC_push_other_roots = NULL;
EXPORT void *GC_least_plausible_heap_addr = NULL;
EXPORT void *GC_greatest_plausible_heap_addr = (void *)UINTPTR_MAX;

EXPORT void
GC_set_push_other_roots(GC_push_other_roots_proc fn)
{
    GC_push_other_roots = fn;
}

EXPORT GC_push_other_roots_proc
GC_get_push_other_roots(void)
{
    return GC_push_other_roots;
}

EXPORT void
GC_register_displacement(size_t bytes)
{
    (void)bytes;
}

EXPORT void *
GC_is_visible(void *p)
{
    return p;
}

EXPORT void
GC_dump(void)
{
}

/* What was added stays: that keeps more, never less. */
EXPORT void
GC_clear_roots(void)
{
}

EXPORT int
GC_get_suspend_signal(void)
{
    return SIGPWR;
}

EXPORT int
GC_get_thr_restart_signal(void)
{
    return SIGXCPU;
}

EXPORT int
GC_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
                  void *(*fn)(void *), void *arg)
{
    return pthread_create(thread, attr, fn, arg);
}

EXPORT int
GC_pthread_join(pthread_t thread, void **result)
{
    return pthread_join(thread, result);
}

EXPORT int
GC_pthread_detach(pthread_t thread)
{
    return pthread_detach(thread);
}

EXPORT int
GC_pthread_sigmask(int how, const void *set, void *old)
{
    return pthread_sigmask(how, set, old);
}

EXPORT void
GC_pthread_exit(void *result)
{
    pthread_exit(result);
}

EXPORT void *
GC_dlopen(const char *path, int mode)
{
    return dlopen(path, mode);
}
