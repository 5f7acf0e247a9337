/* The frame of a test program that runs plainly and under Weir alike.
 *
 *     static void
 *     zero_bytes(void)
 *     {
 *         expect(malloc(0) != NULL);
 *     }
 *     static const struct test_case cases[] = {
 *         {"malloc(0) gives a block", zero_bytes},
 *     };
 *     int main(void) { return RUN_CASES(cases); }
 *
 * Every case prints one line to stdout; what failed is told on stderr with
 * its place. The exit status is 0 when all held. A case whose sentence needs
 * a mere plain libc says the same on it: the scripts compare both outputs.
 * Threads: expect() may be called from any.
 */
#ifndef TESTS_PRELOAD_CASES_H
#define TESTS_PRELOAD_CASES_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct test_case {
    const char *says;
    void (*run)(void);
};

static _Atomic int cases_failed;

#define expect(condition)                                                      \
    ((condition)                                                               \
         ? (void)0                                                             \
         : (cases_failed++, (void)fprintf(stderr, "%s:%d: not so: %s\n",       \
                                          __FILE__, __LINE__, #condition)))

#define RUN_CASES(cases) cases_run(cases, sizeof(cases) / sizeof *(cases))

static int
cases_run(const struct test_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int before = cases_failed;
        cases[i].run();
        printf("%s %s\n", cases_failed == before ? "ok" : "NOT OK",
               cases[i].says);
        fflush(stdout);
    }
    return cases_failed ? 1 : 0;
}

/* A number no compiler can see through: sizes that are too large on purpose
 * would otherwise be folded or warned about. */
static inline size_t
opaque(size_t n)
{
    __asm__ volatile("" : "+r"(n));
    return n;
}

/* Fill and check a block with bytes that depend on a seed and the place. */
static inline void
paint(void *block, size_t bytes, unsigned seed)
{
    unsigned char *p = block;
    for (size_t i = 0; i < bytes; i++)
        p[i] = (unsigned char)(seed + i * 31 + (i >> 8));
}

static inline bool
painted(const void *block, size_t bytes, unsigned seed)
{
    const unsigned char *p = block;
    for (size_t i = 0; i < bytes; i++) {
        if (p[i] != (unsigned char)(seed + i * 31 + (i >> 8)))
            return false;
    }
    return true;
}

#endif
