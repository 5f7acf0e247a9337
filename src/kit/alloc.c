/* Allocators: the program's malloc, a budget's, the collector's.
 *
 * 1. The malloc asked here is the one that the program itself calls, found by
 *    name: with another library in front of Weir's that is the other's, and
 *    what a container gives away still fits the program's free().
 */
#include <weir/alloc.h>

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <weir/gc.h>

#include "base/base.h"

typedef void *(*realloc_fn)(void *, size_t);
typedef void (*free_fn)(void *);

static realloc_fn program_realloc; /* atomic; NULL: not looked up yet */
static free_fn program_free;       /* atomic; stored before the other */

static WR_COLD realloc_fn
find_malloc(void)
{
    realloc_fn found = (realloc_fn)dlsym(RTLD_DEFAULT, "realloc");
    free_fn found_free = (free_fn)dlsym(RTLD_DEFAULT, "free");

    if (found == NULL || found_free == NULL) { /* no names: linked statically */
        found = realloc;
        found_free = free;
    }
    __atomic_store_n(&program_free, found_free, __ATOMIC_RELEASE);
    __atomic_store_n(&program_realloc, found, __ATOMIC_RELEASE);
    return found;
}

WR_EXPORT void *
weir_alloc_resize(const weir_alloc *a, void *p, size_t old_bytes, size_t bytes)
{
    realloc_fn again;

    if (a != NULL)
        return a->resize(a->arg, p, old_bytes, bytes);
    again = __atomic_load_n(&program_realloc, __ATOMIC_ACQUIRE);
    if (wr_unlikely(again == NULL))
        again = find_malloc();
    if (bytes != 0)
        return again(p, bytes);
    __atomic_load_n(&program_free, __ATOMIC_ACQUIRE)(p);
    return NULL;
}

/* ---- a budget's ---- */

static void *
resize_in_budget(void *budget, void *p, size_t old_bytes, size_t bytes)
{
    void *block;

    if (p == NULL)
        old_bytes = 0;
    if (bytes > old_bytes &&
        weir_budget_reserve(budget, bytes - old_bytes) != WEIR_OK)
        return NULL;
    block = weir_alloc_resize(NULL, p, old_bytes, bytes);
    if (block == NULL && bytes > old_bytes)
        weir_budget_release(budget, bytes - old_bytes);
    else if (bytes < old_bytes && (block != NULL || bytes == 0))
        weir_budget_release(budget, old_bytes - bytes);
    return block;
}

WR_EXPORT weir_err
weir_alloc_budget(weir_alloc *out, weir_budget *b)
{
    if (out == NULL || b == NULL)
        return WEIR_EINVAL;
    *out = (weir_alloc){.resize = resize_in_budget, .arg = b};
    return WEIR_OK;
}

/* ---- the collector's ---- */

static void *
resize_collected(void *unused, void *p, size_t old_bytes, size_t bytes)
{
    void *block = NULL;

    (void)unused;
    if (bytes != 0 && (block = weir_gc_alloc(bytes)) == NULL)
        return NULL;
    if (p != NULL && block != NULL)
        memcpy(block, p, wr_min(old_bytes, bytes));
    weir_gc_free(p);
    return block;
}

WR_EXPORT const weir_alloc *
weir_alloc_gc(void)
{
    static const weir_alloc collected = {.resize = resize_collected};

    return &collected;
}
