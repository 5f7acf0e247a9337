/* Words every floor uses: assertions, alignment, bit tricks.
 *
 * WR_ASSERT states what must be true unless Weir itself is wrong; it is
 * checked in builds with WR_CHECK (preset dev and the sanitizers) and costs
 * nothing elsewhere. What a user of Weir can get wrong is never an assertion:
 * it stops the program with a sentence, in every build (wr_die).
 * Threads: everything here may be called from anywhere.
 */
#ifndef WR_BASE_BASE_H
#define WR_BASE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define wr_likely(x)   __builtin_expect(!!(x), 1)
#define wr_unlikely(x) __builtin_expect(!!(x), 0)
#define WR_COLD        __attribute__((cold, noinline))
/* It reads memory as it finds it, also such as sanitizers keep for themselves.
 */
#define WR_READS_ANY __attribute__((no_sanitize("address", "thread")))
#define WR_EXPORT    __attribute__((visibility("default")))

/* For what every fork writes: side by side, since each page of a program that
 * is written after a fork is copied first, in the parent and in the child. */
#define WR_AT_FORK __attribute__((section("wr_at_fork")))

#define WR_KIB ((size_t)1 << 10)
#define WR_MIB ((size_t)1 << 20)

#define wr_countof(a) (sizeof(a) / sizeof((a)[0]))

#ifdef WR_CHECK
#define WR_ASSERT(x) ((x) ? (void)0 : wr_assert_failed(#x, __FILE__, __LINE__))
#define WR_CHECKS    true
#else
#define WR_CHECKS    false
#define WR_ASSERT(x) ((void)sizeof(!(x)))
#endif

/* Prints the broken assertion and aborts. */
_Noreturn WR_COLD void wr_assert_failed(const char *what, const char *file,
                                        int line);

/* align is a power of two. */
static inline size_t
wr_align_up(size_t n, size_t align)
{
    return (n + align - 1) & ~(align - 1);
}

static inline size_t
wr_align_down(size_t n, size_t align)
{
    return n & ~(align - 1);
}

static inline bool
wr_is_power_of_two(size_t n)
{
    return n != 0 && (n & (n - 1)) == 0;
}

/* The number of the highest set bit; n is not 0. */
static inline unsigned
wr_log2(size_t n)
{
    return 63 - (unsigned)__builtin_clzll(n);
}

static inline size_t
wr_min(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t
wr_max(size_t a, size_t b)
{
    return a > b ? a : b;
}

#endif
