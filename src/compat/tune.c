/* What of Boehm's interface is there for programs that call it, and means
 * nothing here, or what the system's own call means.
 */
#include <weir/compat/gc.h>
#include <weir/compat/gc_mark.h>

#include <dlfcn.h>
#include <signal.h>

#define EXPORT __attribute__((visibility("default")))

/* A variable, which programs know by name too, and its calls. */
#define TUNED(type, name, begin)                                               \
    EXPORT type GC_##name = (begin);                                           \
    EXPORT void GC_set_##name(type value)                                      \
    {                                                                          \
        __atomic_store_n(&GC_##name, value, __ATOMIC_SEQ_CST);                 \
    }                                                                          \
    EXPORT type GC_get_##name(void)                                            \
    {                                                                          \
        return __atomic_load_n(&GC_##name, __ATOMIC_SEQ_CST);                  \
    }

TUNED(int, all_interior_pointers, 1)
TUNED(int, no_dls, 0)
TUNED(unsigned long, time_limit, GC_TIME_UNLIMITED)
TUNED(int, dont_expand, 0)
TUNED(int, dont_precollect, 0)
TUNED(int, full_freq, 19)
TUNED(int, force_unmap_on_gcollect, 0)
TUNED(int, pages_executable, 0)
TUNED(int, rate, 10)
TUNED(int, max_prior_attempts, 1)
TUNED(GC_word, max_retries, 0)
TUNED(size_t, min_bytes_allocd, 1)
TUNED(GC_word, non_gc_bytes, 0)
TUNED(int, java_finalization, 0)
TUNED(int, find_leak, 0)

/* The process may fork at any time. */
EXPORT void
GC_set_handle_fork(int on)
{
    (void)on;
}

EXPORT void
GC_atfork_prepare(void)
{
}

EXPORT void
GC_atfork_parent(void)
{
}

EXPORT void
GC_atfork_child(void)
{
}

EXPORT void
GC_start_performance_measurement(void)
{
}

EXPORT int
GC_get_parallel(void)
{
    return 1;
}

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
