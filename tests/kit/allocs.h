/* An allocator for tests: counts what is held and fails when told to. */
#ifndef WEIR_TESTS_KIT_ALLOCS_H
#define WEIR_TESTS_KIT_ALLOCS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <weir/alloc.h>

struct allocs {
    weir_alloc alloc;
    int64_t held;   /* bytes, by the sizes that the callers told */
    int64_t blocks; /* that live */
    int64_t calls;  /* that made or moved one */
    bool refuse;    /* what would need more */
};

static inline void *
allocs_resize(void *arg, void *p, size_t old_bytes, size_t bytes)
{
    struct allocs *a = arg;
    void *block = NULL;

    if (bytes != 0 && a->refuse)
        return NULL;
    if (bytes == 0)
        free(p);
    else if ((block = realloc(p, bytes)) == NULL)
        return NULL;
    a->held += (int64_t)bytes - (p == NULL ? 0 : (int64_t)old_bytes);
    a->blocks += (bytes != 0) - (p != NULL);
    a->calls += bytes != 0;
    return block;
}

static inline void
allocs_init(struct allocs *a)
{
    *a = (struct allocs){.alloc = {allocs_resize, a}};
}

#endif
