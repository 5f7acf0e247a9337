/* Steps on words that others read, cheaper while nobody else writes them.
 *
 *     wr_alone_add(&counts[i], 1);
 *     if (wr_alone_swap(&list, &head, next)) ...
 *
 * While libc knows of one thread, a step need not be locked against other
 * processors; it is one instruction all the same, so that a signal handler
 * does its own before or after. Weir's background thread, which libc does not
 * know, may read these words, and must not write them.
 */
#ifndef WR_OS_ALONE_H
#define WR_OS_ALONE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "os/cpu.h"

#if defined(__x86_64__) && !defined(WR_CPU_WATCHED) && defined(__GLIBC__)

#include <sys/single_threaded.h>

/* Is the calling thread the only one of the program's own? */
static inline bool
wr_alone(void)
{
    return __libc_single_threaded;
}

static inline void
wr_alone_add(_Atomic uint64_t *word, uint64_t n)
{
    if (wr_alone())
        __asm__("addq %1, %0" : "+m"(*word) : "er"(n) : "cc");
    else
        atomic_fetch_add_explicit(word, n, memory_order_relaxed);
}

/* *expected becomes what was found instead. */
static inline bool
wr_alone_swap(_Atomic uint64_t *word, uint64_t *expected, uint64_t wanted)
{
    bool done;

    if (!wr_alone())
        return atomic_compare_exchange_strong(word, expected, wanted);
    __asm__("cmpxchgq %3, %1"
            : "=@ccz"(done), "+m"(*word), "+a"(*expected)
            : "r"(wanted)
            : "memory");
    return done;
}

#else

static inline bool
wr_alone(void)
{
    return false;
}

static inline void
wr_alone_add(_Atomic uint64_t *word, uint64_t n)
{
    atomic_fetch_add_explicit(word, n, memory_order_relaxed);
}

static inline bool
wr_alone_swap(_Atomic uint64_t *word, uint64_t *expected, uint64_t wanted)
{
    return atomic_compare_exchange_strong(word, expected, wanted);
}

#endif

#endif
