/* Counters that many threads add to.
 *
 *     weir_counter *requests;
 *
 *     weir_counter_new(&requests);
 *     weir_counter_add(requests, 1);               in any thread, all the time
 *     printf("%" PRId64 "\n", weir_counter_read(requests));
 *     weir_counter_free(requests);
 *
 *     static weir_atomic open;                     all zero to begin with
 *
 *     weir_atomic_add(&open, 1);
 *     if (weir_atomic_get(&open) > 1000) ...
 *
 * A weir_atomic is a word with Go's atomic.Int64 around it: every add tells the
 * sum, and threads that add at once pass its cache line around. A weir_counter
 * gives each of the first 32 threads a cache line of its own, so adding is a
 * load and a store that nobody waits for, and reading adds the lines up: for
 * what is counted often and looked at seldom. A sum read while others add has
 * what was added before the read began, and perhaps more.
 *
 * Units: the caller's; sums wrap around at 64 bits. Threads: any; a
 * weir_counter not in signal handlers (an add there can be lost). Ownership:
 * a counter is 4 KiB, until weir_counter_free. Errors: WEIR_ENOMEM;
 * WEIR_EINVAL: out is NULL.
 */
#ifndef WEIR_COUNTER_H
#define WEIR_COUNTER_H

#include <stdint.h>
#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_counter weir_counter;

weir_err weir_counter_new(weir_counter **out);
void weir_counter_free(weir_counter *c); /* NULL is fine */
void weir_counter_add(weir_counter *c, int64_t n);
int64_t weir_counter_read(const weir_counter *c);

typedef struct weir_atomic {
    int64_t value; /* only by the functions below */
} weir_atomic;

/* The sum, with n in it. */
static inline int64_t
weir_atomic_add(weir_atomic *a, int64_t n)
{
    return __atomic_add_fetch(&a->value, n, __ATOMIC_SEQ_CST);
}

static inline int64_t
weir_atomic_get(const weir_atomic *a)
{
    return __atomic_load_n(&a->value, __ATOMIC_SEQ_CST);
}

/* What it was before. */
static inline int64_t
weir_atomic_set(weir_atomic *a, int64_t n)
{
    return __atomic_exchange_n(&a->value, n, __ATOMIC_SEQ_CST);
}

/* Set it to n if it is `was`; 1: done. */
static inline int
weir_atomic_swap(weir_atomic *a, int64_t was, int64_t n)
{
    return __atomic_compare_exchange_n(&a->value, &was, n, 0, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}

#ifdef __cplusplus
}
#endif
#endif
