/* Boehm's interface (include/weir/compat/gc.h), on public headers alone.
 *
 * Invariants
 * 1. A collectable block is a managed one. An uncollectable one is malloc's,
 *    behind a link of the list `kept`: the list is a root, and what hangs off
 *    it can be reached.
 * 2. The list changes under `lock`, which is held over nothing that allocates.
 */
#include <weir/compat/gc.h>
#include <weir/compat/gc_mark.h>

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <weir/gc.h>
#include <weir/leak.h>
#include <weir/limit.h>
#include <weir/memstats.h>

#include "compat/notice.h"

#define EXPORT __attribute__((visibility("default")))

enum { PUSHED_BYTES = 1024 };

struct link {
    struct link *next, *before;
};

static struct link kept = {&kept, &kept};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static GC_oom_func _Atomic out_of_memory;
static GC_warn_proc _Atomic warn = GC_ignore_warn_proc;
static _Atomic GC_word divisor = 3;
static _Atomic int disabled;

/* ---- blocks ---- */

static void *
given(void *p, size_t bytes)
{
    GC_oom_func fn = atomic_load(&out_of_memory);

    return p != NULL || fn == NULL ? p : fn(bytes);
}

EXPORT void
GC_init(void)
{
}

EXPORT void
GC_deinit(void)
{
}

EXPORT unsigned
GC_get_version(void)
{
    return GC_VERSION;
}

EXPORT int
GC_is_init_called(void)
{
    return 1;
}

EXPORT void *
GC_malloc(size_t bytes)
{
    wr_compat_look();
    return given(weir_gc_alloc(bytes), bytes);
}

/* What the hook for other roots would push may lie in a block without pointers,
 * such as an interpreter's stack: Weir calls no function of the program while
 * that stands still, and looks into all large ones of such a program. As
 * Boehm's, it begins at a multiple of 16 and shares its block with none. */
EXPORT void *
GC_malloc_atomic(size_t bytes)
{
    if (bytes >= PUSHED_BYTES && GC_push_other_roots != NULL)
        return GC_malloc(bytes);
    wr_compat_look();
    return given(weir_gc_alloc_noscan(bytes < 16 ? 16 : bytes), bytes);
}

EXPORT void *
GC_malloc_ignore_off_page(size_t bytes)
{
    return GC_malloc(bytes);
}

EXPORT void *
GC_malloc_atomic_ignore_off_page(size_t bytes)
{
    return GC_malloc_atomic(bytes);
}

EXPORT void *
GC_malloc_uncollectable(size_t bytes)
{
    struct link *l = NULL;

    if (bytes <= SIZE_MAX - sizeof *l)
        l = calloc(1, sizeof *l + bytes);
    if (l == NULL)
        return given(NULL, bytes);
    pthread_mutex_lock(&lock);
    l->next = &kept;
    l->before = kept.before;
    l->before->next = l;
    kept.before = l;
    pthread_mutex_unlock(&lock);
    return l + 1;
}

EXPORT void *
GC_malloc_atomic_uncollectable(size_t bytes)
{
    return GC_malloc_uncollectable(bytes);
}

static size_t
kept_bytes(const struct link *l)
{
    return malloc_usable_size((void *)l) - sizeof *l;
}

/* The uncollectable block that p points into. */
static struct link *
find_kept(const void *p)
{
    struct link *l, *found = NULL;

    pthread_mutex_lock(&lock);
    for (l = kept.next; l != &kept && found == NULL; l = l->next)
        if ((uintptr_t)p - (uintptr_t)(l + 1) < kept_bytes(l))
            found = l;
    pthread_mutex_unlock(&lock);
    return found;
}

EXPORT void
GC_free(void *p)
{
    struct link *l = (struct link *)p - 1;
    void *base = weir_gc_base(p);

    if (p == NULL || base != NULL) {
        weir_gc_free(base);
        return;
    }
    pthread_mutex_lock(&lock);
    l->next->before = l->before;
    l->before->next = l->next;
    pthread_mutex_unlock(&lock);
    free(l);
}

static size_t
rest_of(const void *p, const void *base)
{
    return malloc_usable_size((void *)base) -
           (size_t)((const char *)p - (const char *)base);
}

/* What is uncollectable, or aligned. */
static void *
longer_elsewhere(void *p, const void *base, size_t bytes)
{
    size_t old =
        base == NULL ? kept_bytes((struct link *)p - 1) : rest_of(p, base);
    void *q = base == NULL ? GC_malloc_uncollectable(bytes) : GC_malloc(bytes);

    if (q == NULL)
        return NULL;
    memcpy(q, p, old < bytes ? old : bytes);
    GC_free(p);
    return q;
}

EXPORT void *
GC_realloc(void *p, size_t bytes)
{
    const void *base;

    if (p == NULL)
        return GC_malloc(bytes);
    if (bytes == 0) {
        GC_free(p);
        return NULL;
    }
    base = weir_gc_base(p);
    if (base != p)
        return longer_elsewhere(p, base, bytes);
    return given(realloc(p, bytes), bytes);
}

EXPORT char *
GC_strndup(const char *s, size_t most)
{
    size_t n = s == NULL ? 0 : strnlen(s, most);
    char *copy = s == NULL ? NULL : GC_malloc_atomic(n + 1);

    if (copy != NULL) {
        memcpy(copy, s, n);
        copy[n] = '\0';
    }
    return copy;
}

EXPORT char *
GC_strdup(const char *s)
{
    return GC_strndup(s, SIZE_MAX - 1);
}

EXPORT void *
GC_memalign(size_t alignment, size_t bytes)
{
    void *p = NULL;

    return GC_posix_memalign(&p, alignment, bytes) == 0 ? p : NULL;
}

/* An address in a larger block, which keeps that. */
EXPORT int
GC_posix_memalign(void **out, size_t alignment, size_t bytes)
{
    uintptr_t p;

    if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0)
        return EINVAL;
    if (bytes > SIZE_MAX - alignment)
        return ENOMEM;
    p = (uintptr_t)GC_malloc(alignment > 16 ? bytes + alignment : bytes);
    if (p == 0)
        return ENOMEM;
    *out = (void *)((p + alignment - 1) & ~(alignment - 1));
    return 0;
}

EXPORT void *
GC_base(void *p)
{
    void *base = weir_gc_base(p);
    struct link *l = base == NULL ? find_kept(p) : NULL;

    return l == NULL ? base : l + 1;
}

EXPORT size_t
GC_size(const void *p)
{
    const void *base = weir_gc_base(p);
    struct link *l;

    if (base != NULL)
        return rest_of(p, base);
    l = find_kept(p);
    return l == NULL ? 0 : kept_bytes(l);
}

EXPORT int
GC_is_heap_ptr(const void *p)
{
    return GC_base((void *)p) != NULL;
}

/* libgc stops the program where the two are in different blocks. */
EXPORT void *
GC_same_obj(void *p, void *q)
{
    if (GC_base(p) != GC_base(q))
        abort();
    return p;
}

/* ---- collecting ---- */

EXPORT void
GC_gcollect(void)
{
    if (atomic_load(&disabled) == 0)
        (void)weir_gc_collect();
    wr_compat_tell();
}

EXPORT void
GC_gcollect_and_unmap(void)
{
    (void)weir_gc_release();
    wr_compat_tell();
}

EXPORT int
GC_try_to_collect(GC_stop_func stop)
{
    bool done = atomic_load(&disabled) == 0 && (stop == NULL || stop() == 0) &&
                weir_gc_collect() == WEIR_OK;

    wr_compat_tell();
    return done;
}

EXPORT int
GC_collect_a_little(void)
{
    return 0;
}

EXPORT void
GC_enable(void)
{
    atomic_fetch_sub(&disabled, 1);
    weir_gc_enable();
}

EXPORT void
GC_disable(void)
{
    atomic_fetch_add(&disabled, 1);
    weir_gc_disable();
}

EXPORT int
GC_is_disabled(void)
{
    return atomic_load(&disabled) != 0;
}

EXPORT void
GC_enable_incremental(void)
{
}

EXPORT int
GC_is_incremental_mode(void)
{
    return 0;
}

EXPORT int
GC_expand_hp(size_t bytes)
{
    (void)bytes;
    return 1;
}

EXPORT void
GC_set_free_space_divisor(GC_word d)
{
    if (d == 0)
        return;
    atomic_store(&divisor, d);
    (void)weir_gc_set_percent((int)(d < 300 ? 300 / d : 1));
}

EXPORT GC_word
GC_get_free_space_divisor(void)
{
    return atomic_load(&divisor);
}

EXPORT void
GC_set_max_heap_size(GC_word bytes)
{
    (void)weir_limit_set(bytes == 0 ? WEIR_LIMIT_OFF : bytes, WEIR_LIMIT_HARD);
}

EXPORT void
GC_set_oom_fn(GC_oom_func fn)
{
    atomic_store(&out_of_memory, fn);
}

EXPORT GC_oom_func
GC_get_oom_fn(void)
{
    return atomic_load(&out_of_memory);
}

EXPORT void
GC_set_warn_proc(GC_warn_proc fn)
{
    atomic_store(&warn, fn);
}

EXPORT GC_warn_proc
GC_get_warn_proc(void)
{
    return atomic_load(&warn);
}

EXPORT void
GC_ignore_warn_proc(char *text, GC_word value)
{
    (void)text;
    (void)value;
}

/* ---- figures ---- */

static struct weir_memstats
stats(void)
{
    struct weir_memstats m;

    if (weir_memstats(&m) != WEIR_OK)
        memset(&m, 0, sizeof m);
    return m;
}

static struct weir_gc
cycles(void)
{
    struct weir_gc g;

    if (weir_gc_read(&g) != WEIR_OK)
        memset(&g, 0, sizeof g);
    return g;
}

EXPORT GC_word
GC_get_gc_no(void)
{
    return cycles().cycles;
}

EXPORT size_t
GC_get_heap_size(void)
{
    struct weir_memstats m = stats();

    return m.heap_sys - m.heap_released;
}

EXPORT size_t
GC_get_free_bytes(void)
{
    struct weir_memstats m = stats();

    return m.heap_sys - m.heap_released - m.heap_alloc;
}

EXPORT size_t
GC_get_unmapped_bytes(void)
{
    return stats().heap_released;
}

/* As far as it is known: what was live then is taken off. */
EXPORT size_t
GC_get_bytes_since_gc(void)
{
    struct weir_gc g = cycles();
    uint64_t kept_or_freed = g.live_bytes + g.dead_bytes;

    return g.allocated_bytes > kept_or_freed ? g.allocated_bytes - kept_or_freed
                                             : 0;
}

EXPORT size_t
GC_get_total_bytes(void)
{
    return cycles().allocated_bytes;
}

EXPORT void
GC_get_heap_usage_safe(GC_word *heap, GC_word *free, GC_word *unmapped,
                       GC_word *since, GC_word *total)
{
    GC_word unwanted;

    *(heap != NULL ? heap : &unwanted) = GC_get_heap_size();
    *(free != NULL ? free : &unwanted) = GC_get_free_bytes();
    *(unmapped != NULL ? unmapped : &unwanted) = GC_get_unmapped_bytes();
    *(since != NULL ? since : &unwanted) = GC_get_bytes_since_gc();
    *(total != NULL ? total : &unwanted) = GC_get_total_bytes();
}

EXPORT size_t
GC_get_prof_stats(struct GC_prof_stats_s *out, size_t bytes)
{
    struct weir_gc g = cycles();
    struct GC_prof_stats_s p = {
        .heapsize_full = GC_get_heap_size(),
        .free_bytes_full = GC_get_free_bytes(),
        .unmapped_bytes = GC_get_unmapped_bytes(),
        .bytes_allocd_since_gc = GC_get_bytes_since_gc(),
        .allocd_bytes_before_gc = g.live_bytes + g.dead_bytes,
        .gc_no = g.cycles,
        .reclaimed_bytes_before_gc = g.dead_bytes};

    memset(out, 0xff, bytes); /* what this release does not know */
    bytes = bytes < sizeof p ? bytes : sizeof p;
    memcpy(out, &p, bytes);
    return bytes;
}

EXPORT size_t
GC_get_memory_use(void)
{
    return stats().sys;
}

/* ---- roots and threads ---- */

EXPORT void
GC_add_roots(void *from, void *end)
{
    (void)weir_root_add(from, (size_t)((char *)end - (char *)from));
}

EXPORT void
GC_remove_roots(void *from, void *end)
{
    (void)end;
    (void)weir_root_remove(from);
}

EXPORT int
GC_get_stack_base(struct GC_stack_base *base)
{
    base->mem_base = __builtin_frame_address(0);
    return GC_SUCCESS;
}

EXPORT void *
GC_call_with_stack_base(GC_stack_base_func fn, void *arg)
{
    struct GC_stack_base base;

    (void)GC_get_stack_base(&base);
    return fn(&base, arg);
}

EXPORT void
GC_allow_register_threads(void)
{
}

EXPORT int
GC_register_my_thread(const struct GC_stack_base *base)
{
    (void)base;
    return GC_DUPLICATE; /* it is known already */
}

EXPORT int
GC_unregister_my_thread(void)
{
    return GC_SUCCESS;
}

EXPORT int
GC_thread_is_registered(void)
{
    return 1;
}

EXPORT void
GC_start_mark_threads(void)
{
}

EXPORT void
GC_set_markers_count(unsigned markers)
{
    (void)markers;
}

EXPORT void *
GC_call_with_alloc_lock(GC_fn_type fn, void *arg)
{
    return weir_gc_undisturbed(fn, arg);
}

EXPORT void *
GC_do_blocking(GC_fn_type fn, void *arg)
{
    return fn(arg);
}

EXPORT void *
GC_call_with_gc_active(GC_fn_type fn, void *arg)
{
    return fn(arg);
}
