/* A lock: one word, uncontended in one atomic step, else a sleep in the
 * kernel. Not recursive, not fair, no thread-local storage.
 *
 * Fork: the forking thread takes every lock before fork and gives them back
 * after, in parent and child. In between it may run other people's fork
 * handlers that allocate: between wr_lock_fork_begin and _end its takes of
 * locks, which it holds already, pass through.
 *
 * Order of the locks (take a later one while holding an earlier one, never
 * the other way):
 *     0. ties (gc/tie.c)
 *     1. mcentral, one a size class (heap/mcentral.c); all at once only
 *        around fork, in the order of the classes
 *     2. mheap         (heap/mheap.c)
 *     3. buckets       (profile/bucket.c)
 *     4. budgets       (limit/budget.c)
 *     5. region        (region/region.c): a leaf, as are those of limit/limit.c
 *        and limit/calls.c
 * Held alone, and never in the heap's own calls: known (leak/known.c).
 */
#ifndef WR_OS_LOCK_H
#define WR_OS_LOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct wr_lock {
    _Atomic uint32_t word; /* 0 free, 1 held, 2 held and waited for */
    uint32_t passes;       /* takes that passed through while forking */
};

#define WR_LOCK_INIT                                                           \
    {                                                                          \
        0, 0                                                                   \
    }

void wr_lock_take_slow(struct wr_lock *l);
void wr_lock_give_slow(struct wr_lock *l);

static inline bool
wr_lock_try(struct wr_lock *l)
{
    uint32_t free_word = 0;

    return atomic_compare_exchange_strong_explicit(
        &l->word, &free_word, 1, memory_order_acquire, memory_order_relaxed);
}

/* Try for some microseconds: for who must not wait for the holder, since it may
 * have interrupted it. */
bool wr_lock_try_long(struct wr_lock *l);

static inline void
wr_lock_take(struct wr_lock *l)
{
    if (__builtin_expect(!wr_lock_try(l), 0))
        wr_lock_take_slow(l);
}

static inline void
wr_lock_give(struct wr_lock *l)
{
    if (__builtin_expect(l->passes != 0, 0)) {
        l->passes--;
        return;
    }
    if (__builtin_expect(
            atomic_exchange_explicit(&l->word, 0, memory_order_release) == 2,
            0))
        wr_lock_give_slow(l);
}

/* Set by a thread that forks while there is no other: it takes no lock. */
extern bool wr_lock_fork_alone;

/* Is it held by anybody? For assertions. */
static inline bool
wr_lock_held(struct wr_lock *l)
{
    return atomic_load_explicit(&l->word, memory_order_relaxed) != 0;
}

/* From begin to end the calling thread passes through held locks. begin: with
 * all locks held; end: in the parent and in the child, before giving them. */
void wr_lock_fork_begin(void);
void wr_lock_fork_end(void);

#endif
