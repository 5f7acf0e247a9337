/* Buffers lent by size.
 *
 * 1. A buffer in class k has room for 2^(FIRST + k) bytes, its NUL among them,
 *    and for less than twice that; in the last for no more.
 */
#include <weir/pool.h>

#include <pthread.h>
#include <weir/leak.h>

#include "base/base.h"
#include "kit/thread.h"

enum { FIRST = 8, LAST = 20, CLASSES = LAST - FIRST + 1 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static weir_pool *pools[CLASSES]; /* written once; NULL: no memory then */
static uint64_t large;            /* atomic count: put back above the classes */

static void *
make(void *unused)
{
    struct weir_buffer *b = weir_alloc_resize(NULL, NULL, 0, sizeof *b);

    (void)unused;
    if (b != NULL)
        *b = (struct weir_buffer){0};
    return b;
}

static void
destroy(void *buffer, void *unused)
{
    (void)unused;
    weir_buffer_free(buffer);
    weir_alloc_resize(NULL, buffer, sizeof(struct weir_buffer), 0);
}

static void
make_pools(void)
{
    static const struct weir_pool_options o = {
        .make = make, .destroy = destroy, .name = "buffers"};

    for (unsigned i = 0; i < CLASSES; i++)
        if (weir_pool_new(&pools[i], &o) != WEIR_OK)
            pools[i] = NULL;
        else /* no search for leaks looks into Weir's own variables */
            (void)weir_leak_ignore(pools[i]);
}

/* The class of which every buffer has room for so many bytes. */
static unsigned
class_for(size_t bytes)
{
    return bytes <= (size_t)1 << FIRST ? 0 : wr_log2(bytes - 1) + 1 - FIRST;
}

/* The pool that a buffer of this room goes to; NULL: none. */
static weir_pool *
pool_of(size_t room)
{
    if (room < (size_t)1 << FIRST || room > (size_t)1 << LAST)
        return NULL;
    return pools[wr_log2(room) - FIRST];
}

WR_EXPORT struct weir_buffer *
weir_buffers_get(size_t bytes)
{
    size_t room = wr_min(bytes, PTRDIFF_MAX) + 1;
    unsigned class = class_for(room);
    struct weir_buffer *b;

    pthread_once(&once, make_pools);
    if (class < CLASSES)
        room = (size_t)1 << (FIRST + class);
    b = class < CLASSES && pools[class] != NULL ? weir_pool_get(pools[class])
                                                : make(NULL);
    if (b != NULL && weir_buffer_reserve(b, room - 1) != WEIR_OK) {
        destroy(b, NULL);
        b = NULL;
    }
    return b;
}

WR_EXPORT void
weir_buffers_put(struct weir_buffer *b)
{
    weir_pool *p;

    if (b == NULL)
        return;
    p = pool_of(b->held);
    if (p == NULL) {
        __atomic_add_fetch(&large, 1, __ATOMIC_RELAXED);
        destroy(b, NULL);
        return;
    }
    weir_buffer_reset(b);
    weir_pool_put(p, b);
}

WR_EXPORT void
weir_buffers_read(struct weir_pool_stats *out)
{
    struct weir_pool_stats s;

    pthread_once(&once, make_pools);
    *out = (struct weir_pool_stats){
        .dropped = __atomic_load_n(&large, __ATOMIC_RELAXED)};
    for (unsigned i = 0; i < CLASSES; i++) {
        if (pools[i] == NULL)
            continue;
        weir_pool_read(pools[i], &s);
        out->hits += s.hits;
        out->misses += s.misses;
        out->dropped += s.dropped;
        out->idle += s.idle;
    }
}
