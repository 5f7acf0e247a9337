/* Purging: giving back the free pages inside spans that lie still.
 *
 * A program that frees nineteen blocks of twenty, here and there, leaves few
 * spans empty, but whole pages of free blocks in many: those are returned,
 * the blocks stay the span's. The scavenger comes by once a second; a span
 * that has not changed since the last time is purged, once. The one a thread
 * allocates from never is.
 *
 * Blocks whose memory is gone are FRESH again: calloc knows them to be zero.
 */
#ifndef WR_HEAP_PURGE_H
#define WR_HEAP_PURGE_H

#include <stdbool.h>
#include <stddef.h>

/* Visit spans, going on where the last call ended, at most once each: the
 * bytes given back. eager: also of those that have changed meanwhile. Takes
 * mheap's lock, again and again; one thread. */
size_t wr_purge(bool eager);
/* A thread that wants to allocate from a span while it is purged waits. */
void wr_purge_wait(void);

#endif
