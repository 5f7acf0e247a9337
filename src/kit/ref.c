/* Reference counts.
 *
 * 1. The head lies in front of the object. All holders together count as one
 *    weak reference, so whoever takes weak to 0 frees the memory.
 * 2. strong never rises from 0: weir_weak_get tries only above it.
 */
#include <weir/ref.h>

#include <string.h>

#include "base/base.h"
#include "base/die.h"

struct weir_weak {
    uint32_t strong, weak; /* atomic */
    void (*gone)(void *);
    const weir_alloc *alloc;
    size_t bytes; /* with this head */
};

_Static_assert(sizeof(struct weir_weak) == 32, "objects stay aligned");

static struct weir_weak *
head_of(const void *object)
{
    return (struct weir_weak *)(uintptr_t)object - 1;
}

WR_EXPORT void *
weir_ref_new(size_t bytes, void (*gone)(void *object), const weir_alloc *alloc)
{
    struct weir_weak *w;

    if (__builtin_add_overflow(bytes, sizeof *w, &bytes))
        return NULL;
    w = weir_alloc_resize(alloc, NULL, 0, bytes);
    if (w == NULL)
        return NULL;
    memset(w, 0, bytes);
    w->strong = w->weak = 1;
    w->gone = gone;
    w->alloc = alloc;
    w->bytes = bytes;
    return w + 1;
}

static WR_COLD _Noreturn void
die_of_count(const char *call, const void *p)
{
    struct wr_text t;

    wr_text_init(&t);
    wr_text_str(&t, call);
    wr_text_str(&t, "(");
    wr_text_hex(&t, (uintptr_t)p);
    wr_text_str(&t, "): nobody holds this object any more");
    wr_die(&t);
}

WR_EXPORT void *
weir_ref_get(void *object)
{
    /* Relaxed: who calls this holds it, so nothing can end meanwhile. */
    if (object != NULL &&
        __atomic_fetch_add(&head_of(object)->strong, 1, __ATOMIC_RELAXED) == 0)
        die_of_count("weir_ref_get", object);
    return object;
}

WR_EXPORT void
weir_ref_put(void *object)
{
    struct weir_weak *w;
    uint32_t was;

    if (object == NULL)
        return;
    w = head_of(object);
    /* Release what was written, acquire what the other holders wrote. */
    was = __atomic_fetch_sub(&w->strong, 1, __ATOMIC_ACQ_REL);
    if (was == 0)
        die_of_count("weir_ref_put", object);
    if (was > 1)
        return;
    if (w->gone != NULL)
        w->gone(object);
    weir_weak_put(w);
}

WR_EXPORT uint32_t
weir_ref_count(const void *object)
{
    return object == NULL
               ? 0
               : __atomic_load_n(&head_of(object)->strong, __ATOMIC_RELAXED);
}

WR_EXPORT weir_weak *
weir_ref_weak(void *object)
{
    if (object == NULL)
        return NULL;
    __atomic_fetch_add(&head_of(object)->weak, 1, __ATOMIC_RELAXED);
    return head_of(object);
}

WR_EXPORT void *
weir_weak_get(weir_weak *w)
{
    uint32_t strong;

    if (w == NULL)
        return NULL;
    strong = __atomic_load_n(&w->strong, __ATOMIC_RELAXED);
    while (strong != 0)
        if (__atomic_compare_exchange_n(&w->strong, &strong, strong + 1, true,
                                        __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return w + 1;
    return NULL;
}

WR_EXPORT void
weir_weak_put(weir_weak *w)
{
    if (w != NULL && __atomic_fetch_sub(&w->weak, 1, __ATOMIC_ACQ_REL) == 1)
        weir_alloc_resize(w->alloc, w, w->bytes, 0);
}
