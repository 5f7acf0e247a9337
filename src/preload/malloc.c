/* The malloc family, as glibc documents it, on Weir's heap.
 *
 * C++'s operators new and delete come through libstdc++, which calls these.
 *
 * Invariants
 * 1. errno is ENOMEM (or EINVAL where said) on failure and as it was before
 *    on success; free never changes it.
 * 2. No size above PTRDIFF_MAX is ever tried.
 */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gc/gc.h"
#include "heap/fast.h"
#include "preload/start.h"

void free_sized(void *p, size_t size);
void free_aligned_sized(void *p, size_t align, size_t size);

static void *
or_enomem(void *p)
{
    if (wr_unlikely(p == NULL))
        errno = ENOMEM;
    return p;
}

WR_COLD static void *
no_memory(void)
{
    errno = ENOMEM;
    return NULL;
}

/* The calling thread holds nothing of the heap. */
static inline void
before(void)
{
    if (wr_unlikely(wr_collects_malloc))
        wr_gc_before_malloc();
}

WR_COLD static void *
malloc_slow(size_t size)
{
    before();
    return or_enomem(wr_malloc_slow(size));
}

WR_EXPORT void *
malloc(size_t size)
{
    return wr_malloc_fast(size, malloc_slow);
}

WR_EXPORT void
free(void *p)
{
    wr_free_fast(p);
}

WR_EXPORT void *
calloc(size_t count, size_t size)
{
    size_t bytes;

    if (wr_unlikely(__builtin_mul_overflow(count, size, &bytes)))
        return no_memory();
    before();
    return or_enomem(wr_calloc(bytes));
}

WR_EXPORT void *
realloc(void *p, size_t size)
{
    if (wr_stays_fast(p, size))
        return p;
    if (p == NULL)
        return malloc(size);
    if (size == 0) {
        free(p);
        return NULL;
    }
    before();
    return or_enomem(wr_realloc(p, size));
}

WR_EXPORT void *
reallocarray(void *p, size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes))
        return no_memory();
    return realloc(p, bytes);
}

/* As memalign: an alignment that is no power of two is rounded up. */
static void *
align_any(size_t align, size_t size)
{
    if (align > SIZE_MAX / 2 + 1) {
        errno = EINVAL;
        return NULL;
    }
    if (align < 16)
        align = 16;
    else if (!wr_is_power_of_two(align))
        align = (size_t)2 << wr_log2(align);
    before();
    return or_enomem(wr_memalign(align, size));
}

WR_EXPORT void *
memalign(size_t align, size_t size)
{
    return align_any(align, size);
}

WR_EXPORT void *
aligned_alloc(size_t align, size_t size)
{
    return align_any(align, size);
}

WR_EXPORT int
posix_memalign(void **out, size_t align, size_t size)
{
    void *p;

    if (align % sizeof(void *) != 0 || !wr_is_power_of_two(align))
        return EINVAL;
    before();
    p = wr_memalign(align < 16 ? 16 : align, size);
    if (p == NULL)
        return ENOMEM;
    *out = p;
    return 0;
}

WR_EXPORT void *
valloc(size_t size)
{
    return or_enomem(wr_memalign(4096, size));
}

WR_EXPORT void *
pvalloc(size_t size)
{
    if (size > WR_HEAP_MAX)
        return no_memory();
    return or_enomem(wr_memalign(4096, wr_align_up(size, 4096)));
}

WR_EXPORT size_t
malloc_usable_size(void *p)
{
    return p == NULL ? 0 : wr_usable_fast(p);
}

WR_EXPORT void
free_sized(void *p, size_t size)
{
    (void)size;
    free(p);
}

WR_EXPORT void
free_aligned_sized(void *p, size_t align, size_t size)
{
    (void)align;
    (void)size;
    free(p);
}
