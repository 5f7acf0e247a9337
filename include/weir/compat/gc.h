/* Boehm's interface on Weir's collector: programs written for libgc compile
 * unchanged against this header, and link libweir-gc instead of libgc.
 *
 *     cc -I PREFIX/include/weir/compat prog.c -lweir-gc -lweir
 *
 * Where a build insists on -lgc, PREFIX/lib/weir/compat has a libgc.so that
 * stands for both. What the names mean is said in libgc's documentation; what
 * differs:
 *   - Threads, their stacks and storage, and libraries that are loaded later
 *     need no care: what registers them does nothing, and succeeds.
 *   - malloc's blocks are looked into where the program can reach them.
 *   - Interior pointers keep blocks alive wherever they are.
 *   - GC_set_max_heap_size is a limit of the whole process: weir/limit.h.
 *   - GC_free_space_divisor d is a percentage of 300 / d: weir/gc.h.
 *   - Finalizers and hooks are called by threads that allocate, soon after what
 *     they tell of, and by who collects.
 *   - What tunes libgc's own ways is remembered, and has no effect.
 * What has no effect is in gc_tuned.h, descriptors of types are in gc_typed.h,
 * kinds of blocks in gc_mark.h. Not there, so that a program which needs it
 * does not compile: debugging allocation.
 *
 * Threads: any. Units: bytes.
 */
#ifndef WEIR_COMPAT_GC_H
#define WEIR_COMPAT_GC_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The release whose interface this is. */
#define GC_VERSION_MAJOR 8
#define GC_VERSION_MINOR 2
#define GC_VERSION_MICRO 2
#define GC_VERSION       ((GC_VERSION_MAJOR << 16) | (GC_VERSION_MINOR << 8) | 2)

typedef uintptr_t GC_word;
typedef intptr_t GC_signed_word;
typedef void *GC_PTR;
typedef void *(*GC_oom_func)(size_t);
typedef void (*GC_warn_proc)(char *, GC_word);
typedef int (*GC_stop_func)(void);
typedef void *(*GC_fn_type)(void *);
typedef void (*GC_finalization_proc)(void *object, void *arg);

#define GC_API extern
#define GC_CALL
#define GC_CALLBACK
#define GC_SUCCESS        0
#define GC_DUPLICATE      1
#define GC_NO_MEMORY      2
#define GC_UNIMPLEMENTED  3
#define GC_NOT_FOUND      4
#define GC_TIME_UNLIMITED 999999

/* The program itself must need libweir, which is to come before libc: without
 * a name of it the linker may leave it out. */
int weir_gc_set_percent(int percent);
static int (*const GC_needs_weir)(int)
    __attribute__((used)) = weir_gc_set_percent;

/* ---- blocks: zero, but for those of GC_malloc_atomic ---- */

void GC_init(void);
void GC_deinit(void);
unsigned GC_get_version(void);
int GC_is_init_called(void);

void *GC_malloc(size_t bytes);
void *GC_malloc_atomic(size_t bytes);
void *GC_malloc_uncollectable(size_t bytes);
void *GC_malloc_atomic_uncollectable(size_t bytes);
void *GC_malloc_ignore_off_page(size_t bytes);
void *GC_malloc_atomic_ignore_off_page(size_t bytes);
void *GC_memalign(size_t alignment, size_t bytes);
int GC_posix_memalign(void **out, size_t alignment, size_t bytes);
void *GC_realloc(void *p, size_t bytes);
void GC_free(void *p);
char *GC_strdup(const char *s);
char *GC_strndup(const char *s, size_t most);

/* NULL: p points into no block. 0: likewise. */
void *GC_base(void *p);
size_t GC_size(const void *base);
int GC_is_heap_ptr(const void *p);
void *GC_same_obj(void *p, void *q);

/* ---- collecting ---- */

void GC_gcollect(void);
void GC_gcollect_and_unmap(void);
int GC_try_to_collect(GC_stop_func stop);
int GC_collect_a_little(void);
void GC_enable(void);
void GC_disable(void);
int GC_is_disabled(void);
void GC_enable_incremental(void);
int GC_is_incremental_mode(void);
int GC_expand_hp(size_t bytes);

void GC_set_free_space_divisor(GC_word divisor);
GC_word GC_get_free_space_divisor(void);
void GC_set_max_heap_size(GC_word bytes);
void GC_set_oom_fn(GC_oom_func fn);
GC_oom_func GC_get_oom_fn(void);
void GC_set_warn_proc(GC_warn_proc fn);
GC_warn_proc GC_get_warn_proc(void);
void GC_ignore_warn_proc(char *text, GC_word value);

GC_word GC_get_gc_no(void);
size_t GC_get_heap_size(void);
size_t GC_get_free_bytes(void);
size_t GC_get_unmapped_bytes(void);
size_t GC_get_bytes_since_gc(void);
size_t GC_get_total_bytes(void);
size_t GC_get_memory_use(void);
/* All may be NULL. */
void GC_get_heap_usage_safe(GC_word *heap, GC_word *free, GC_word *unmapped,
                            GC_word *since, GC_word *total);

struct GC_prof_stats_s {
    GC_word heapsize_full, free_bytes_full, unmapped_bytes;
    GC_word bytes_allocd_since_gc, allocd_bytes_before_gc, non_gc_bytes;
    GC_word gc_no, markers_m1;
    GC_word bytes_reclaimed_since_gc, reclaimed_bytes_before_gc;
};
/* The bytes of it that are filled in. */
size_t GC_get_prof_stats(struct GC_prof_stats_s *out, size_t bytes);

/* ---- the end of a block: weir_gc_finalizer and weir_gc_link ---- */

/* In the order of what leads to what, so that those of a ring are never called;
 * no_order: in any order. */

void GC_register_finalizer(void *object, GC_finalization_proc fn, void *arg,
                           GC_finalization_proc *old_fn, void **old_arg);
void GC_register_finalizer_no_order(void *object, GC_finalization_proc fn,
                                    void *arg, GC_finalization_proc *old_fn,
                                    void **old_arg);
void GC_register_finalizer_ignore_self(void *object, GC_finalization_proc fn,
                                       void *arg, GC_finalization_proc *old_fn,
                                       void **old_arg);
void GC_register_finalizer_unreachable(void *object, GC_finalization_proc fn,
                                       void *arg, GC_finalization_proc *old_fn,
                                       void **old_arg);
/* Called when some wait for GC_invoke_finalizers. */
typedef void (*GC_finalizer_notifier_proc)(void);
void GC_set_finalizer_notifier(GC_finalizer_notifier_proc fn);
GC_finalizer_notifier_proc GC_get_finalizer_notifier(void);
void GC_set_finalize_on_demand(int on);
int GC_get_finalize_on_demand(void);
int GC_should_invoke_finalizers(void);
int GC_invoke_finalizers(void);
/* In the first the object is the one that the link is in. */
int GC_register_disappearing_link(void **link);
int GC_general_register_disappearing_link(void **link, const void *object);
int GC_unregister_disappearing_link(void **link);
int GC_move_disappearing_link(void **from, void **to);

/* ---- roots and threads ---- */

void GC_add_roots(void *from, void *end);
void GC_remove_roots(void *from, void *end);
void GC_clear_roots(void);

struct GC_stack_base {
    void *mem_base;
};
typedef void *(*GC_stack_base_func)(struct GC_stack_base *base, void *arg);
int GC_get_stack_base(struct GC_stack_base *base);
void *GC_call_with_stack_base(GC_stack_base_func fn, void *arg);
void GC_allow_register_threads(void);
int GC_register_my_thread(const struct GC_stack_base *base);
int GC_unregister_my_thread(void);
int GC_thread_is_registered(void);
void GC_start_mark_threads(void);
void GC_set_markers_count(unsigned markers);
void *GC_call_with_alloc_lock(GC_fn_type fn, void *arg);
void *GC_do_blocking(GC_fn_type fn, void *arg);
void *GC_call_with_gc_active(GC_fn_type fn, void *arg);

int GC_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
                      void *(*fn)(void *), void *arg);
int GC_pthread_join(pthread_t thread, void **result);
int GC_pthread_detach(pthread_t thread);
/* Of sigset_t. */
int GC_pthread_sigmask(int how, const void *set, void *old);
void GC_pthread_exit(void *result) __attribute__((noreturn));
void *GC_dlopen(const char *path, int mode);
/* libgc's; Weir stops threads by SIGURG. */
int GC_get_suspend_signal(void);
int GC_get_thr_restart_signal(void);

/* ---- as macros ---- */

#define GC_INIT()                           GC_init()
#define GC_MALLOC(n)                        GC_malloc(n)
#define GC_MALLOC_ATOMIC(n)                 GC_malloc_atomic(n)
#define GC_MALLOC_UNCOLLECTABLE(n)          GC_malloc_uncollectable(n)
#define GC_MALLOC_ATOMIC_UNCOLLECTABLE(n)   GC_malloc_atomic_uncollectable(n)
#define GC_MALLOC_IGNORE_OFF_PAGE(n)        GC_malloc_ignore_off_page(n)
#define GC_MALLOC_ATOMIC_IGNORE_OFF_PAGE(n) GC_malloc_atomic_ignore_off_page(n)
#define GC_MALLOC_STUBBORN(n)               GC_malloc(n)
#define GC_CHANGE_STUBBORN(p)               ((void)(p))
#define GC_END_STUBBORN_CHANGE(p)           ((void)(p))
#define GC_REALLOC(p, n)                    GC_realloc((p), (n))
#define GC_FREE(p)                          GC_free(p)
#define GC_STRDUP(s)                        GC_strdup(s)
#define GC_STRNDUP(s, n)                    GC_strndup((s), (n))
#define GC_NEW(T)                           ((T *)GC_malloc(sizeof(T)))
#define GC_NEW_ATOMIC(T)                    ((T *)GC_malloc_atomic(sizeof(T)))
#define GC_NEW_UNCOLLECTABLE(T)             ((T *)GC_malloc_uncollectable(sizeof(T)))
#define GC_REGISTER_FINALIZER(p, fn, arg, of, oa)                              \
    GC_register_finalizer((p), (fn), (arg), (of), (oa))
#define GC_REGISTER_FINALIZER_NO_ORDER(p, fn, arg, of, oa)                     \
    GC_register_finalizer_no_order((p), (fn), (arg), (of), (oa))
#define GC_GENERAL_REGISTER_DISAPPEARING_LINK(link, object)                    \
    GC_general_register_disappearing_link((link), (object))
#define GC_PTR_STORE_AND_DIRTY(p, q) (*(void **)(p) = (void *)(q))
#define GC_reachable_here(p)         __asm__ volatile("" : : "X"(p) : "memory")
/* What the collector does not see; as long as it is 8 bytes. */
#define GC_HIDE_POINTER(p)   (~(GC_word)(p))
#define GC_REVEAL_POINTER(w) ((void *)GC_HIDE_POINTER(w))
#define HIDE_POINTER(p)      GC_HIDE_POINTER(p)
#define REVEAL_POINTER(w)    GC_REVEAL_POINTER(w)

#ifdef __cplusplus
}
#endif

#include "gc_tuned.h"

#endif
