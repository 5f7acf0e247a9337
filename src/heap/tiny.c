/* Invariants
 * 1. tiny of a cache is WR_TINY_NONE, or lies in a SHARED block from whose
 *    first byte on all up to it was handed out, or left out to align.
 */
#include "heap/tiny.h"

#include "heap/caches.h"

static size_t
room_behind(uintptr_t last)
{
    return WR_TINY_MOST - last % WR_TINY_BYTES;
}

void
wr_tiny_begin(void *p, size_t bytes)
{
    struct wr_mcache *mc = wr_self;
    struct wr_span *s = wr_span_of(p);
    unsigned block = (unsigned)wr_span_exact_block(s, p);
    uintptr_t last = (uintptr_t)p + bytes - 1;

    wr_mcache_publish_tinies(mc);
    if (wr_block_state(s, block) != WR_BLOCK_LIVE)
        return; /* it is a sample */
    wr_block_set(s, block, WR_BLOCK_SHARED);
    if (room_behind(last) > room_behind(mc->tiny))
        mc->tiny = last;
}

void
wr_tiny_forget(void)
{
    for (struct wr_mcache *mc = wr_caches_first(); mc != NULL; mc = mc->next)
        mc->tiny = WR_TINY_NONE;
}

uintptr_t
wr_tiny_end(const void *p)
{
    struct wr_span *s = wr_span_of(p);
    unsigned block;
    bool exact;

    if (s == NULL || wr_span_state(s) != WR_SPAN_SMALL)
        return 0;
    block = wr_span_block_of(s, p, &exact);
    if (block >= s->blocks || !wr_block_is_shared(wr_block_state(s, block)))
        return 0;
    return s->base + (block + (uintptr_t)1) * WR_TINY_BYTES;
}

void
wr_tiny_part(struct wr_span *s, const uint16_t *block, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (wr_block_is_shared(wr_block_state(s, block[i])))
            wr_block_set(s, block[i], WR_BLOCK_LIVE);
}
