/* What a block is: aligned, disjoint from all others, as long as was asked,
 * zeroed by calloc, kept by realloc, and errno left alone by success. */
#define _GNU_SOURCE
#include "cases.h"
#include <malloc.h>
#include <unistd.h>

#define MANY 4000

static bool
aligned(const void *p, size_t alignment)
{
    return ((uintptr_t)p & (alignment - 1)) == 0;
}

/* The next size of a walk over all magnitudes that dwells around the powers
 * of two, where classes end. */
static size_t
next_size(size_t size)
{
    if (size < 1100)
        return size + 1;
    return (size & (size - 1)) == 0 || ((size + 1) & size) == 0
               ? size + 1
               : (size + size / 7) | 1;
}

static void
every_block_is_aligned_to_16(void)
{
    for (size_t size = 0; size < 3u << 20; size = next_size(size)) {
        void *p = malloc(size), *q = calloc(1, size), *r = malloc(1);
        r = realloc(r, size + 1);
        expect(aligned(p, 16) && aligned(q, 16) && aligned(r, 16));
        free(p), free(q), free(r);
    }
}

static void
zero_sizes_give_unique_blocks(void)
{
    void *p[64];
    for (int i = 0; i < 64; i += 4) {
        p[i] = malloc(0);
        p[i + 1] = calloc(i & 4 ? 0 : 5, i & 4 ? 5 : 0);
        p[i + 2] = realloc(NULL, 0);
        p[i + 3] = i & 4 ? memalign(64, 0) : aligned_alloc(16, 0);
    }
    for (int i = 0; i < 64; i++) {
        expect(p[i] != NULL);
        for (int k = 0; k < i; k++)
            expect(p[i] != p[k]);
    }
    for (int i = 0; i < 64; i++)
        free(p[i]);
    void *z = NULL;
    expect(posix_memalign(&z, 32, 0) == 0 && z != NULL);
    free(z);
}

static void
realloc_to_zero_frees(void)
{
    for (size_t size = 1; size < 1u << 20; size = size * 2 + 1) {
        errno = E2BIG;
        expect(realloc(malloc(size), 0) == NULL);
        expect(errno == E2BIG);
        expect(reallocarray(malloc(size), 0, 8) == NULL);
    }
    /* Freed indeed: this would otherwise be 16 GiB. */
    for (int i = 0; i < 16 * 1024; i++) {
        char *p = malloc(1 << 20);
        p[0] = p[(1 << 20) - 1] = 1;
        expect(realloc(p, 0) == NULL);
    }
}

static void
success_keeps_errno(void)
{
    for (size_t size = 0; size < 8u << 20; size = size * 3 + 5) {
        void *p, *q = NULL;
        errno = ENOTTY;
        p = malloc(size);
        expect(p && errno == ENOTTY);
        p = realloc(p, size * 2 + 1);
        expect(p && errno == ENOTTY);
        free(p);
        expect(errno == ENOTTY);
        p = calloc(3, size);
        expect(p && errno == ENOTTY);
        free(p);
        p = memalign(8192, size);
        expect(p && errno == ENOTTY);
        free(p);
        expect(posix_memalign(&q, 128, size) == 0 && errno == ENOTTY);
        free(q);
        free(NULL);
        expect(errno == ENOTTY);
    }
}

static void
blocks_do_not_overlap(void)
{
    static void *block[MANY];
    static size_t size[MANY];
    size_t next = 0;
    for (int i = 0; i < MANY; i++) {
        size[i] = next % 70000;
        next = next_size(next % 70000);
        block[i] = malloc(size[i]);
        paint(block[i], size[i], (unsigned)i);
    }
    for (int i = 0; i < MANY; i += 2) {
        expect(painted(block[i], size[i], (unsigned)i));
        free(block[i]);
    }
    for (int i = 0; i < MANY; i += 2) {
        block[i] = malloc(size[i]);
        paint(block[i], size[i], (unsigned)i + 5);
    }
    for (int i = 0; i < MANY; i++) {
        expect(painted(block[i], size[i], (unsigned)(i & 1 ? i : i + 5)));
        free(block[i]);
    }
}

static void
calloc_zeroes_reused_memory(void)
{
    static const char zero[1 << 16];
    for (size_t size = 1; size < sizeof zero; size = next_size(size)) {
        void *p[8];
        for (int i = 0; i < 8; i++) {
            p[i] = malloc(size);
            memset(p[i], 0xa5, malloc_usable_size(p[i]));
        }
        for (int i = 0; i < 8; i++)
            free(p[i]);
        for (int i = 0; i < 8; i++) {
            p[i] = calloc(1, size);
            expect(memcmp(p[i], zero, size) == 0);
        }
        for (int i = 0; i < 8; i++)
            free(p[i]);
    }
}

static void
calloc_zeroes_large_reused_memory(void)
{
    for (size_t size = 64 << 10; size < 48u << 20; size = size * 3 + 4096) {
        for (int turn = 0; turn < 3; turn++) {
            unsigned char *p = malloc(size), *q;
            memset(p, 0xa5, size);
            free(p);
            q = calloc(size / 16, 16);
            unsigned char any = 0;
            for (size_t i = 0; i < size / 16 * 16; i++)
                any |= q[i];
            expect(any == 0);
            free(q);
        }
    }
}

static void
realloc_keeps_contents_growing(void)
{
    size_t size = 1;
    unsigned char *p = malloc(1);
    paint(p, 1, 9);
    while (size < 6u << 20) {
        size_t larger = next_size(size);
        p = realloc(p, larger);
        expect(p && painted(p, size, 9));
        size = larger;
        paint(p, size, 9);
        if (size > 1100 && size < 3u << 20) /* the sizes beyond cost time */
            size += size / 3, p = realloc(p, size), paint(p, size, 9);
    }
    free(p);
}

static void
realloc_keeps_contents_shrinking(void)
{
    size_t size = 3u << 20;
    unsigned char *p = malloc(size);
    paint(p, size, 11);
    while (size > 1) {
        size = size > 1200 ? size - size / 9 : size - 1;
        p = realloc(p, size);
        expect(p && painted(p, size, 11));
    }
    free(p);
}

static void
realloc_between_any_two_sizes(void)
{
    static const size_t sizes[] = {1,     8,     16,     17,      48,     100,
                                   1024,  1025,  4096,   8192,    8193,   20000,
                                   32768, 32769, 100000, 1 << 20, 5 << 20};
    size_t count = sizeof sizes / sizeof *sizes;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < count; k++) {
            size_t least = sizes[i] < sizes[k] ? sizes[i] : sizes[k];
            void *p = malloc(sizes[i]);
            paint(p, sizes[i], (unsigned)(i * 32 + k));
            p = realloc(p, sizes[k]);
            expect(painted(p, least, (unsigned)(i * 32 + k)));
            paint(p, sizes[k], 1);
            free(p);
        }
    }
}

static void
usable_size_is_usable(void)
{
    expect(malloc_usable_size(NULL) == 0);
    for (size_t size = 0; size < 2u << 20; size = next_size(size)) {
        void *p = malloc(size), *q = malloc(size);
        size_t usable = malloc_usable_size(p);
        expect(usable >= size);
        paint(q, malloc_usable_size(q), 1);
        paint(p, usable, 2);
        expect(painted(q, malloc_usable_size(q), 1));
        p = realloc(p, usable);
        expect(painted(p, usable, 2));
        free(p), free(q);
    }
}

static void
every_alignment_to_64_mib(void)
{
    for (size_t a = 8; a <= 64u << 20; a *= 2) {
        for (size_t size = 1; size < 3u << 20; size = size * 13 + 3) {
            void *p = memalign(a, size), *r = NULL;
            void *q = aligned_alloc(a, (size + a - 1) / a * a);
            expect(posix_memalign(&r, a, size) == 0);
            expect(p && q && r);
            expect(aligned(p, a) && aligned(q, a) && aligned(r, a));
            expect(malloc_usable_size(p) >= size);
            memset(p, 1, size), memset(q, 2, size), memset(r, 3, size);
            expect(*(char *)p == 1 && *(char *)q == 2 && *(char *)r == 3);
            free(q), free(p), free(r);
        }
    }
}

static void
many_aligned_blocks_at_once(void)
{
    static void *block[600];
    for (int i = 0; i < 600; i++) {
        size_t a = (size_t)16 << (i % 9), size = (size_t)i * 7 + 1;
        block[i] = memalign(a, size);
        expect(aligned(block[i], a));
        paint(block[i], size, (unsigned)i);
    }
    for (int i = 0; i < 600; i++) {
        size_t size = (size_t)i * 7 + 1;
        expect(painted(block[i], size, (unsigned)i));
        block[i] = realloc(block[i], size * 2);
        expect(painted(block[i], size, (unsigned)i));
    }
    for (int i = 0; i < 600; i++)
        free(block[i]);
}

static void
page_aligned_ones(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (size_t size = 0; size < 1u << 20; size = size * 3 + 1) {
        void *p = valloc(size), *q = pvalloc(size);
        expect(p && q && aligned(p, page) && aligned(q, page));
        size_t whole = (size + page - 1) / page * page;
        expect(malloc_usable_size(q) >= whole);
        memset(p, 1, size), memset(q, 1, whole);
        free(p), free(q);
    }
}

static void
odd_alignments_of_memalign(void)
{
    /* glibc rounds them up to a power of two. */
    for (size_t a = 0; a < 3000; a = a * 2 + 3) {
        void *p = memalign(opaque(a), 100);
        expect(p && aligned(p, 16));
        for (size_t up = 16; up < a * 2; up *= 2)
            expect(up / 2 >= a || aligned(p, up));
        free(p);
    }
}

static const struct test_case cases[] = {
    {"every block is aligned to 16", every_block_is_aligned_to_16},
    {"zero sizes give unique blocks", zero_sizes_give_unique_blocks},
    {"realloc to zero frees and answers NULL", realloc_to_zero_frees},
    {"success and free keep errno", success_keeps_errno},
    {"blocks do not overlap", blocks_do_not_overlap},
    {"calloc zeroes reused memory", calloc_zeroes_reused_memory},
    {"calloc zeroes large reused memory", calloc_zeroes_large_reused_memory},
    {"realloc keeps contents while growing", realloc_keeps_contents_growing},
    {"realloc keeps contents while shrinking",
     realloc_keeps_contents_shrinking},
    {"realloc keeps contents between any two sizes",
     realloc_between_any_two_sizes},
    {"the usable size is usable", usable_size_is_usable},
    {"every alignment up to 64 MiB is kept", every_alignment_to_64_mib},
    {"many aligned blocks live side by side", many_aligned_blocks_at_once},
    {"valloc and pvalloc give pages", page_aligned_ones},
    {"memalign rounds odd alignments up", odd_alignments_of_memalign},
};

int
main(void)
{
    return RUN_CASES(cases);
}
