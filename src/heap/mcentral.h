/* mcentral: per size class and kind, the spans that belong to no thread, and
 * the way by which a free from another thread reaches a span's owner.
 *
 * Threads: any. Each class has a lock (place 1 in os/lock.h); freeing takes
 * none of them, but for a try that gives up.
 */
#ifndef WR_HEAP_MCENTRAL_H
#define WR_HEAP_MCENTRAL_H

#include "heap/mcache.h"

/* Count block number `block` of s, of another thread, as freed. false: it was
 * free already and nothing has changed. */
bool wr_remote_free(struct wr_span *s, unsigned block);
/* The same of n blocks: how many of them were LIVE and are free now. s may be
 * gone after it. */
uint32_t wr_remote_free_all(struct wr_span *s, const uint16_t *block,
                            uint32_t n);

/* Take in what others freed in s: how many blocks. The caller owns s, or
 * holds the class's lock where mcentral does. s must not be FULL. */
uint32_t wr_remote_take(struct wr_span *s);
/* Declare s FULL, and current no more, unless others have freed blocks in it,
 * and not too few: then false, and they are to be taken in. Same callers. */
bool wr_remote_set_full(struct wr_span *s);

/* The spans that wait in an inbox, as a list through inbox_next; the inbox
 * is then empty, or closed. A span is handled by wr_remote_unqueue, or by
 * wr_remote_send when it belongs to somebody else. */
struct wr_span *wr_inbox_drain(_Atomic uintptr_t *inbox, bool close);
void wr_inbox_open(_Atomic uintptr_t *inbox);
/* s was popped from an inbox: it may be queued again. What others freed in it
 * is the caller's to take in. */
void wr_remote_unqueue(struct wr_span *s);
void wr_remote_send(struct wr_span *s);

/* A span with a free block for mc, or NULL where mcentral has none. */
struct wr_span *wr_mcentral_take(struct wr_mcache *mc, unsigned slot);
/* mc's span becomes mcentral's (its pages mheap's when it is empty). */
void wr_mcentral_give(struct wr_span *s);
/* Look through the class's inbox now. */
void wr_mcentral_drain(unsigned slot);
/* There will be managed spans: until then their classes, and their locks, are
 * left alone. */
void wr_mcentral_use_all(void);

void wr_mcentral_lock_all(void);
void wr_mcentral_unlock_all(void);
/* Forget all spans and inboxes; they are about to be given anew. Locks held. */
void wr_mcentral_reset(void);
void wr_mcentral_check(void);

#endif
