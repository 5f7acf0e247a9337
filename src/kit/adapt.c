/* Adapters: blocks of malloc that are reserved in a budget.
 *
 * 1. A block counts in its budget as what it takes (malloc_usable_size), from
 *    before it is given out until it is freed.
 */
#include <weir/adapt.h>

#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include "base/base.h"

/* More than any malloc adds to a block of so many bytes. */
static size_t
at_most(size_t bytes)
{
    return bytes + bytes / 4 + 16384;
}

WR_EXPORT size_t
weir_adapt_size(void *p)
{
    return malloc_usable_size(p);
}

/* The block, if the budget has room for it. */
static void *
reserve(weir_budget *b, void *p)
{
    if (p == NULL || b == NULL ||
        weir_budget_reserve(b, malloc_usable_size(p)) == WEIR_OK)
        return p;
    free(p);
    errno = ENOMEM;
    return NULL;
}

WR_EXPORT void *
weir_adapt_malloc(weir_budget *b, size_t bytes)
{
    return reserve(b, malloc(bytes));
}

WR_EXPORT void *
weir_adapt_calloc(weir_budget *b, size_t n, size_t bytes)
{
    return reserve(b, calloc(n, bytes));
}

WR_EXPORT void
weir_adapt_free(weir_budget *b, void *p)
{
    if (p != NULL && b != NULL)
        weir_budget_release(b, malloc_usable_size(p));
    free(p);
}

/* Another block, for one that the budget has no room to resize freely. */
static void *
move(weir_budget *b, void *p, size_t bytes)
{
    size_t old = malloc_usable_size(p);
    void *q = weir_adapt_malloc(b, bytes);

    if (q == NULL)
        return NULL;
    memcpy(q, p, old < bytes ? old : bytes);
    weir_adapt_free(b, p);
    return q;
}

/* How large the new block will be is known afterwards: so more is reserved
 * than it can be, and given back. */
WR_EXPORT void *
weir_adapt_realloc(weir_budget *b, void *p, size_t bytes)
{
    size_t old, most;
    void *q;

    if (p == NULL)
        return weir_adapt_malloc(b, bytes);
    if (b == NULL)
        return realloc(p, bytes);
    if (bytes == 0) {
        weir_adapt_free(b, p);
        return NULL;
    }
    old = malloc_usable_size(p);
    most = bytes < SIZE_MAX / 2 ? at_most(bytes) : bytes;
    if (weir_budget_reserve(b, most) != WEIR_OK)
        return move(b, p, bytes);
    q = realloc(p, bytes);
    weir_budget_release(b,
                        q != NULL ? old + most - malloc_usable_size(q) : most);
    return q;
}
