/* What the malloc family refuses, and what it leaves alone when it does:
 * sizes nobody has, products that overflow, alignments that are none. */
#define _GNU_SOURCE
#include "cases.h"
#include <malloc.h>

static const size_t too_large[] = {
    (size_t)PTRDIFF_MAX, (size_t)PTRDIFF_MAX + 1,
    SIZE_MAX / 2 + 4096, SIZE_MAX - 4096 * 2,
    SIZE_MAX - 4096,     SIZE_MAX - 64,
    SIZE_MAX - 15,       SIZE_MAX - 8,
    SIZE_MAX - 1,        SIZE_MAX,
};
#define TOO_LARGE_COUNT (sizeof too_large / sizeof *too_large)

/* Calls that must answer NULL and ENOMEM. */
#define expect_enomem(call)                                                    \
    do {                                                                       \
        errno = 0;                                                             \
        expect((call) == NULL);                                                \
        expect(errno == ENOMEM);                                               \
    } while (0)

static void
huge_sizes(void)
{
    for (size_t i = 0; i < TOO_LARGE_COUNT; i++) {
        size_t n = opaque(too_large[i]);
        expect_enomem(malloc(n));
        expect_enomem(calloc(1, n));
        expect_enomem(calloc(n, 1));
        expect_enomem(realloc(NULL, n));
        expect_enomem(reallocarray(NULL, n, 1));
        expect_enomem(aligned_alloc(64, n));
        expect_enomem(memalign(4096, n));
        expect_enomem(valloc(n));
        expect_enomem(pvalloc(n));
        void *p = &p;
        expect(posix_memalign(&p, 64, n) == ENOMEM);
        expect(p == &p);
    }
}

static void
more_than_address_space(void)
{
    /* Below PTRDIFF_MAX, yet no machine of today can map it. */
    for (unsigned bits = 48; bits < 63; bits++) {
        size_t n = opaque((size_t)1 << bits);
        expect_enomem(malloc(n));
        expect_enomem(calloc(n / 8, 8));
        expect_enomem(memalign(1 << 20, n));
    }
}

static void
products_that_overflow(void)
{
    static const size_t pairs[][2] = {
        {SIZE_MAX, 2},         {2, SIZE_MAX},
        {SIZE_MAX, SIZE_MAX},  {(size_t)1 << 32, (size_t)1 << 32},
        {SIZE_MAX / 2 + 1, 2}, {SIZE_MAX / 16 + 1, 16},
        {3, SIZE_MAX / 3 + 1}, {((size_t)1 << 33) + 1, (size_t)1 << 31},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        size_t a = opaque(pairs[i][0]), b = opaque(pairs[i][1]);
        expect_enomem(calloc(a, b));
        expect_enomem(reallocarray(NULL, a, b));
    }
}

static void
failed_realloc_keeps_block(void)
{
    for (size_t size = 8; size < 8u << 20; size *= 4) {
        unsigned char *p = malloc(size);
        paint(p, size, 7);
        for (size_t i = 0; i < TOO_LARGE_COUNT; i++)
            expect_enomem(realloc(p, opaque(too_large[i])));
        expect_enomem(realloc(p, opaque((size_t)1 << 60)));
        expect_enomem(reallocarray(p, opaque(SIZE_MAX), 2));
        expect(painted(p, size, 7));
        free(p);
    }
}

static void
alignments_that_are_none(void)
{
    static const size_t bad[] = {0, 1, 2, 4, 3, 7, 12, 24, 48, 100, 4095, 4097};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        void *p = &p;
        errno = E2BIG;
        expect(posix_memalign(&p, opaque(bad[i]), 16) == EINVAL);
        expect(p == &p);
        expect(errno == E2BIG); /* the answer is the error, errno is not */
    }
}

static void
alignments_too_large(void)
{
    void *p = &p;
    errno = 0;
    expect(memalign(opaque(SIZE_MAX / 2 + 2), 1) == NULL);
    expect(errno == EINVAL);
    errno = 0;
    expect(memalign(opaque(SIZE_MAX / 2 + 1), 1) == NULL);
    expect(errno == ENOMEM);
    expect_enomem(memalign(opaque((size_t)1 << 50), 1));
    expect(posix_memalign(&p, opaque((size_t)1 << 62), 8) == ENOMEM);
    expect(p == &p);
}

/* After a refusal the heap goes on as if nothing had been asked. */
static void
works_after_refusals(void)
{
    for (size_t size = 1; size < 1u << 20; size = size * 3 + 1) {
        expect(malloc(opaque(SIZE_MAX - size)) == NULL);
        void *p = malloc(size);
        expect(p != NULL);
        paint(p, size, 3);
        expect(painted(p, size, 3));
        free(p);
    }
}

static const struct test_case cases[] = {
    {"sizes of PTRDIFF_MAX and more are refused with ENOMEM", huge_sizes},
    {"sizes beyond the address space are refused with ENOMEM",
     more_than_address_space},
    {"products that overflow are refused with ENOMEM", products_that_overflow},
    {"a realloc that fails leaves the block as it was",
     failed_realloc_keeps_block},
    {"posix_memalign answers EINVAL to what is no alignment, errno kept",
     alignments_that_are_none},
    {"alignments beyond the address space are refused", alignments_too_large},
    {"allocation works after refusals", works_after_refusals},
};

int
main(void)
{
    return RUN_CASES(cases);
}
