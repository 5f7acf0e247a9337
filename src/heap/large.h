/* Large blocks: above WR_SMALL_MAX, each a span of its own.
 *
 * A thread keeps some of those it freed, whole, and hands them out again for
 * the very same length: mheap has a lock and joins and cuts runs.
 * Threads: any block by any thread; mc is the calling one's.
 */
#ifndef WR_HEAP_LARGE_H
#define WR_HEAP_LARGE_H

#include "heap/mcache.h"

/* A block of that kind, of at least size bytes, whose address is a multiple of
 * align (a power of two). *zero: its memory is. NULL: the system has no more.
 */
void *wr_large_alloc(struct wr_mcache *mc, enum wr_kind kind, size_t align,
                     size_t size, bool *zero);
/* Free the block of s, which p should be the start of; call: for the message
 * when it is not. emptied: its pages were moved away. */
void wr_large_free(struct wr_span *s, void *p, const char *call, bool emptied);
/* Change its length where it stands. false: it can't be. */
bool wr_large_resize(struct wr_mcache *mc, struct wr_span *s, size_t size);
/* Is s one that the cache keeps? */
bool wr_large_is_kept(struct wr_mcache *mc, struct wr_span *s);
/* Give mheap what the cache keeps. */
void wr_large_flush(struct wr_mcache *mc);

#endif
