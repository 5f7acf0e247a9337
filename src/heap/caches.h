/* The mcaches there are, and which of them wait for a thread. */
#ifndef WR_HEAP_CACHES_H
#define WR_HEAP_CACHES_H

#include "heap/mcache.h"

/* One that no thread uses, its inbox closed; NULL: no memory. Takes mheap's
 * lock. */
struct wr_mcache *wr_caches_take(void);
/* Its thread is gone, and so is all it owned. Takes mheap's lock. */
void wr_caches_give(struct wr_mcache *mc);
/* The same with the lock held. */
void wr_caches_give_locked(struct wr_mcache *mc);

/* The first of every cache ever made; follow ->next. */
struct wr_mcache *wr_caches_first(void);

#endif
