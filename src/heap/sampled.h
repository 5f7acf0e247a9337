/* Sampled blocks: what the heap keeps of them is their state and a tag.
 *
 * Who picks them: the countdowns of mcache.c and large.c. What a tag means is
 * known to who subscribed to the events (region/event.h).
 */
#ifndef WR_HEAP_SAMPLED_H
#define WR_HEAP_SAMPLED_H

#include "heap/mcache.h"

/* The calling thread's sampler picked the block at p, which it has allocated
 * in s and shown to nobody yet. */
void wr_sample_block(struct wr_mcache *mc, struct wr_span *s, void *p);
/* A block of so many bytes is about to be freed: if it is a sample, say so; it
 * is just live then. Any thread. */
void wr_sample_free(struct wr_span *s, unsigned block, size_t bytes);
/* Before that, where nobody but the collector can free it. */
void wr_sample_lost(struct wr_span *s, unsigned block);

#endif
