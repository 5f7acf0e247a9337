/* The malloc family, noted down and passed on: libweir-record.so.
 *
 * 1. What is recorded is what the program asks; whose malloc answers is not
 *    this library's affair: the next definition after it.
 * 2. The look-up of those may allocate; then `early` answers, and what came
 *    from it is never freed, recorded or passed on.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "record/writer.h"

struct family {
    void *(*malloc)(size_t);
    void (*free)(void *);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    void *(*memalign)(size_t, size_t);
    void *(*aligned_alloc)(size_t, size_t);
    int (*posix_memalign)(void **, size_t, size_t);
    void *(*valloc)(size_t);
    void *(*pvalloc)(size_t);
};

static struct family next;
static bool looking; /* the look-up is under way; no threads yet */

void *memalign(size_t align, size_t size);
void *valloc(size_t size);
void *pvalloc(size_t size);

/* --- Before the others are known ------------------------------------------ */

static struct {
    size_t used;
    _Alignas(16) unsigned char bytes[16384];
} early;

static void *
early_alloc(size_t size)
{
    size_t whole = wr_align_up(size, 16) + 16;
    unsigned char *p = early.bytes + early.used;

    if (whole < size || whole > sizeof early.bytes - early.used) {
        errno = ENOMEM;
        return NULL;
    }
    early.used += whole;
    memcpy(p, &size, sizeof size);
    return p + 16;
}

static bool
is_early(const void *p)
{
    uintptr_t at = (uintptr_t)p, first = (uintptr_t)early.bytes;

    return at >= first && at < first + sizeof early.bytes;
}

static void
look_up(void)
{
    looking = true;
    next.free = __extension__(void (*)(void *)) dlsym(RTLD_NEXT, "free");
    next.calloc =
        __extension__(void *(*)(size_t, size_t)) dlsym(RTLD_NEXT, "calloc");
    next.realloc =
        __extension__(void *(*)(void *, size_t)) dlsym(RTLD_NEXT, "realloc");
    next.memalign =
        __extension__(void *(*)(size_t, size_t)) dlsym(RTLD_NEXT, "memalign");
    next.aligned_alloc = __extension__(void *(*)(size_t, size_t))
        dlsym(RTLD_NEXT, "aligned_alloc");
    next.posix_memalign = __extension__(int (*)(void **, size_t, size_t))
        dlsym(RTLD_NEXT, "posix_memalign");
    next.valloc = __extension__(void *(*)(size_t)) dlsym(RTLD_NEXT, "valloc");
    next.pvalloc = __extension__(void *(*)(size_t)) dlsym(RTLD_NEXT, "pvalloc");
    next.malloc = __extension__(void *(*)(size_t)) dlsym(RTLD_NEXT, "malloc");
    looking = false;
}

/* false: only the early memory is there. */
static bool
ready(void)
{
    if (wr_unlikely(next.malloc == NULL) && !looking)
        look_up();
    return next.malloc != NULL;
}

/* --- The family ----------------------------------------------------------- */

WR_EXPORT void *
malloc(size_t size)
{
    void *p;

    if (!ready())
        return early_alloc(size);
    p = next.malloc(size);
    wr_writer_birth(WR_TRACE_MALLOC, size, 0, p);
    return p;
}

WR_EXPORT void
free(void *p)
{
    if (p == NULL || is_early(p) || !ready())
        return;
    wr_writer_free(p);
    next.free(p);
}

WR_EXPORT void *
calloc(size_t count, size_t size)
{
    void *p;

    if (!ready())
        return early_alloc(count * size); /* which is zero; nobody asks much */
    p = next.calloc(count, size);
    wr_writer_birth(WR_TRACE_CALLOC, count * size, 0, p);
    return p;
}

static void *
leave_early(void *p, size_t size)
{
    void *q = malloc(size);
    size_t bytes;

    memcpy(&bytes, (unsigned char *)p - 16, sizeof bytes);
    if (q != NULL)
        memcpy(q, p, wr_min(bytes, size));
    return q;
}

/* A size of 0 frees, as in glibc; that is noted as what it is. */
WR_EXPORT void *
realloc(void *p, size_t size)
{
    void *q;

    if (p == NULL)
        return malloc(size);
    if (is_early(p))
        return leave_early(p, size);
    if (!ready())
        return NULL;
    if (size == 0) {
        wr_writer_free(p);
        return next.realloc(p, size);
    }
    wr_writer_move_from(p);
    q = next.realloc(p, size);
    wr_writer_move_to(q != NULL ? size : 0, q != NULL ? q : p);
    return q;
}

WR_EXPORT void *
reallocarray(void *p, size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(p, bytes);
}

static void *
aligned_birth(size_t align, size_t size, void *p)
{
    wr_writer_birth(WR_TRACE_ALIGNED, size, wr_log2(align | 1), p);
    return p;
}

WR_EXPORT void *
memalign(size_t align, size_t size)
{
    return ready() ? aligned_birth(align, size, next.memalign(align, size))
                   : NULL;
}

WR_EXPORT void *
aligned_alloc(size_t align, size_t size)
{
    return ready() ? aligned_birth(align, size, next.aligned_alloc(align, size))
                   : NULL;
}

WR_EXPORT int
posix_memalign(void **out, size_t align, size_t size)
{
    int rc = ready() ? next.posix_memalign(out, align, size) : ENOMEM;

    if (rc == 0)
        aligned_birth(align, size, *out);
    return rc;
}

WR_EXPORT void *
valloc(size_t size)
{
    return ready() ? aligned_birth(4096, size, next.valloc(size)) : NULL;
}

WR_EXPORT void *
pvalloc(size_t size)
{
    return ready() ? aligned_birth(4096, size, next.pvalloc(size)) : NULL;
}
