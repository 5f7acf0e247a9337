/* Invariants
 * 1. A sampled block is SAMPLED from before malloc returns it until free
 *    begins; its tag is set from before that.
 */
#include "heap/sampled.h"

#include "heap/heap.h"
#include "heap/mheap.h"
#include "os/alone.h"
#include "region/event.h"

struct wr_events wr_events;

void
wr_sample_block(struct wr_mcache *mc, struct wr_span *s, void *p)
{
    unsigned block = 0;
    bool exact;

    if (wr_events.sampled == NULL || mc->forking)
        return;
    if (s->class_id != 0)
        block = wr_span_block_of(s, p, &exact);
    if (s->tags == NULL && !wr_mheap_add_tags(s))
        return;
    s->tags[block] = wr_events.sampled(mc, p, wr_span_block_bytes(s));
    __atomic_store_n(&s->block[block], WR_BLOCK_SAMPLED, __ATOMIC_RELEASE);
}

/* Of two threads that free it at once one gets past this, and one of them
 * will be stopped. */
static bool
is_first_to_free(struct wr_span *s, unsigned block)
{
    if (!wr_alone())
        return wr_block_step(s, block, WR_BLOCK_SAMPLED, WR_BLOCK_LIVE);
    wr_block_set(s, block, WR_BLOCK_LIVE);
    return true;
}

void
wr_sample_free(struct wr_span *s, unsigned block, size_t bytes)
{
    if (wr_block_state(s, block) == WR_BLOCK_SAMPLED &&
        is_first_to_free(s, block) && wr_events.sample_freed != NULL)
        wr_events.sample_freed(s->tags[block],
                               (void *)(s->base + block * bytes), bytes);
}

void
wr_sample_lost(struct wr_span *s, unsigned block)
{
    if (wr_block_state(s, block) == WR_BLOCK_SAMPLED &&
        wr_events.sample_lost != NULL)
        wr_events.sample_lost(s->tags[block]);
}

bool
wr_sample_tag(const void *p, uint32_t *tag)
{
    struct wr_span *s = wr_span_of(p);
    unsigned block = 0;
    bool exact;

    if (s == NULL || wr_span_state(s) < WR_SPAN_SMALL)
        return false;
    if (s->class_id != 0)
        block = wr_span_block_of(s, p, &exact);
    if (block >= s->blocks || !wr_block_is_sampled(wr_block_state(s, block)))
        return false;
    *tag = s->tags[block];
    return true;
}
