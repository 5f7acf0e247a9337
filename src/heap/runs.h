/* The index of free runs: lists for the short, a treap for the long.
 *
 * Best fit; of long runs of one length the one with the lowest address, of
 * short ones one whose pages are resident, if there is any.
 * Guard: mheap's lock.
 */
#ifndef WR_HEAP_RUNS_H
#define WR_HEAP_RUNS_H

#include "heap/span.h"

/* A run that is nobody's becomes FREE and is found from now on. Its length,
 * its base and which of its pages are released must not change meanwhile. */
void wr_runs_add(struct wr_span *s);
void wr_runs_remove(struct wr_span *s);
/* The best one of at least so many pages, or NULL; it stays in the index. */
struct wr_span *wr_runs_find(size_t pages);
/* A long one that has resident pages; NULL: no run has any. */
struct wr_span *wr_runs_resident(void);
/* Assert the order of the lists. */
void wr_runs_check(void);

#endif
