/* Size classes: the sizes that blocks really have.
 *
 * Multiples of 16 to 128, then eight steps to each doubling, to 32 KiB: what
 * is asked is rounded up by at most 1/8 (above 128 bytes). Class 0 stands
 * for large blocks, which are whole pages. A span has 4 to 512 blocks, as many
 * as fit; what is left at its end is at most 1/8 of it. A thread takes blocks
 * by the group, 64 of the smallest, two of those above 16 KiB: it goes through
 * all of a group before it uses one again, and so touches them all.
 */
#ifndef WR_HEAP_SIZECLASS_H
#define WR_HEAP_SIZECLASS_H

#include <stddef.h>
#include <stdint.h>

#define WR_PAGE_SHIFT 13
#define WR_PAGE_BYTES ((size_t)1 << WR_PAGE_SHIFT)

enum {
    WR_CLASSES = 73, /* with class 0 */
    WR_SMALL_MAX = 32768,
    WR_SHAPES = 25, /* classes of at most 64 words, with class 0 */
    WR_SPAN_BLOCKS_MAX = 512
};

struct wr_class {
    uint32_t bytes; /* of a block */
    uint32_t magic; /* 2^32 / bytes, rounded up */
    /* bytes is odd << shift, and odd * inverse = 1, modulo 2^64. */
    uint64_t inverse;
    uint8_t shift;
    uint16_t blocks; /* in a span */
    uint8_t pages;   /* of a span */
    uint8_t group;   /* blocks that a thread takes at once, at most */
};

extern const struct wr_class wr_class[WR_CLASSES];

/* Classes by size: steps of 16 bytes to 1024, of 128 bytes above. */
extern const uint8_t wr_class_by_16[1024 / 16 + 1];
extern const uint8_t wr_class_by_128[WR_SMALL_MAX / 128 + 1];

/* The class of a block of n bytes, n <= WR_SMALL_MAX. */
static inline unsigned
wr_class_of(size_t n)
{
    if (__builtin_expect(n <= 1024, 1))
        return wr_class_by_16[(n + 15) / 16];
    return wr_class_by_128[(n + 127) / 128];
}

#endif
