/* Suspects. */
#include "heap/suspect.h"

#include "region/event.h"

bool
wr_suspect_make(struct wr_span *s, unsigned block)
{
    uint8_t state = wr_block_state(s, block);

    return wr_block_is_live(state) && !wr_block_is_suspect(state) &&
           wr_block_step(s, block, state, (uint8_t)(state & ~WR_BLOCK_TRUSTED));
}

bool
wr_suspect_clear(struct wr_span *s, unsigned block)
{
    uint8_t state = wr_block_state(s, block);

    return wr_block_is_suspect(state) &&
           wr_block_step(s, block, state, state | WR_BLOCK_TRUSTED);
}

void
wr_suspect_used(struct wr_span *s, unsigned block)
{
    if (wr_likely(!wr_block_is_suspect(wr_block_state(s, block))))
        return;
    if (wr_suspect_clear(s, block) && wr_events.suspect_used != NULL)
        wr_events.suspect_used(s->class_id);
}
