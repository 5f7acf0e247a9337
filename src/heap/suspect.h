/* Suspects: live blocks of malloc's that the collector reached from nowhere.
 *
 * Such a block is freed by the next cycle, if that does not reach it either.
 * Until then it is as live as any. If somebody frees it, or has its size
 * changed, the program keeps addresses where nobody looks: the collector is
 * told (wr_events.suspect_used), and trusts itself less.
 *
 * Threads: any; the block is the caller's, as in free.
 */
#ifndef WR_HEAP_SUSPECT_H
#define WR_HEAP_SUSPECT_H

#include "heap/span.h"

/* The program has the block's address: it is no suspect any more. */
void wr_suspect_used(struct wr_span *s, unsigned block);

/* Anybody's steps between a suspect and none, in both of the profile's states:
 * false: the block was not what it should have been. */
bool wr_suspect_make(struct wr_span *s, unsigned block);
bool wr_suspect_clear(struct wr_span *s, unsigned block);

#endif
