/* Counters.
 *
 * 1. own[n] is written by the thread of number n alone, so it needs no atomic
 *    addition; shared[] by all that have higher numbers.
 */
#include <weir/counter.h>

#include <string.h>

#include <weir/alloc.h>

#include "kit/thread.h"

#define LINES 32

struct line {
    int64_t sum; /* atomic */
    char rest[64 - sizeof(int64_t)];
};

struct weir_counter {
    void *block; /* that this lies in */
    char rest[64 - sizeof(void *)];
    struct line own[LINES], shared[LINES];
};

#define BLOCK_BYTES (sizeof(struct weir_counter) + 64)

WR_EXPORT weir_err
weir_counter_new(weir_counter **out)
{
    weir_counter *c;
    void *block;

    if (out == NULL)
        return WEIR_EINVAL;
    block = weir_alloc_resize(NULL, NULL, 0, BLOCK_BYTES);
    if (block == NULL)
        return WEIR_ENOMEM;
    c = (void *)wr_align_up((uintptr_t)block, 64);
    memset(c, 0, sizeof *c);
    c->block = block;
    *out = c;
    return WEIR_OK;
}

WR_EXPORT void
weir_counter_free(weir_counter *c)
{
    if (c != NULL)
        weir_alloc_resize(NULL, c->block, BLOCK_BYTES, 0);
}

WR_EXPORT void
weir_counter_add(weir_counter *c, int64_t n)
{
    unsigned thread = wr_kit_thread();
    int64_t *sum;

    if (wr_unlikely(thread >= LINES)) {
        __atomic_fetch_add(&c->shared[thread % LINES].sum, n, __ATOMIC_RELAXED);
        return;
    }
    sum = &c->own[thread].sum;
    __atomic_store_n(
        sum,
        (int64_t)((uint64_t)__atomic_load_n(sum, __ATOMIC_RELAXED) +
                  (uint64_t)n),
        __ATOMIC_RELAXED);
}

WR_EXPORT int64_t
weir_counter_read(const weir_counter *c)
{
    uint64_t sum = 0;

    for (int i = 0; i < LINES; i++) {
        sum += (uint64_t)__atomic_load_n(&c->own[i].sum, __ATOMIC_RELAXED);
        sum += (uint64_t)__atomic_load_n(&c->shared[i].sum, __ATOMIC_RELAXED);
    }
    return (int64_t)sum;
}
