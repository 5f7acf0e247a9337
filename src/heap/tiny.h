/* Tiny blocks: managed ones of at most 15 bytes without pointers share one of
 * 16, which is the smallest there is.
 *
 *     p = wr_tiny_fast(bytes, align, behind);
 *     if (p == NULL)
 *         wr_tiny_begin(p = q, bytes);      q: a block of 16, just made
 *
 * The thread's cache knows one block that it hands out by pieces, from its
 * first byte to its last, each once. Such a block is SHARED: the heap does not
 * know its pieces, so it lives while any word leads into it, and nothing but
 * the collector frees it: free() of a piece does nothing.
 *
 * A cycle may find the block dead whose rest the thread would hand out next:
 * nobody has its pieces any more. So all threads forget theirs (wr_tiny_forget)
 * while they stand still for one. Who stands between taking a piece and having
 * it has an address in the block in a register.
 *
 * A block that the profiler picked is not shared: where all are, none is, and
 * counts are those of the calls.
 */
#ifndef WR_HEAP_TINY_H
#define WR_HEAP_TINY_H

#include "heap/mcache.h"

enum { WR_TINY_BYTES = 16, WR_TINY_MOST = WR_TINY_BYTES - 1 };

/* No piece of any size fits behind it. */
#define WR_TINY_NONE ((uintptr_t)WR_TINY_MOST)

/* Of what may stand in so many bytes, 1 to 15, nothing wants more. */
static inline size_t
wr_tiny_align(size_t bytes)
{
    return (size_t)1 << wr_log2(bytes);
}

/* A piece, zero; behind: bytes after it that are in the same block, too. NULL:
 * there is no room. 1 <= bytes, bytes + behind <= 16; align, a power of two, is
 * at most bytes: so what is computed on the way lies in the block if the piece
 * does. */
static inline __attribute__((always_inline)) void *
wr_tiny_fast(size_t bytes, size_t align, size_t behind)
{
    struct wr_mcache *mc = wr_self;
    uintptr_t before = mc->tiny;
    void *p = wr_cpu_held((before + align) & -align);
    uintptr_t last = (uintptr_t)p + bytes - 1;

    if (wr_unlikely(((last + behind) ^ before) >= WR_TINY_BYTES))
        return NULL;
    mc->tiny = last;
    mc->tinies++;
    if (p == NULL)
        __builtin_unreachable();
    return p;
}

/* p, a zeroed block of 16 bytes of the calling thread's, begins with such a
 * piece. The thread goes on with the block that has more room. */
void wr_tiny_begin(void *p, size_t bytes);

/* Every thread's. They stand still. */
void wr_tiny_forget(void);

/* Where the shared block ends that p points into; 0: it does into none. */
uintptr_t wr_tiny_end(const void *p);

/* The shared ones of these blocks, which nobody has: as any others from now on.
 */
void wr_tiny_part(struct wr_span *s, const uint16_t *block, uint32_t n);

#endif
