/* Writing the history: points by Weir's background thread, marks by anybody.
 *
 *     changed = wr_history_add(&point);           once a second
 *     wr_history_mark(WR_MARK_UNLOAD, tid, 0, path);
 *
 * Where the program has no region of its own nothing is written. The memory is
 * the region's, taken a page at a time when it is first needed.
 * Threads: wr_history_add by one; wr_history_mark by any, also in a signal
 * handler, with any lock held. A forked child's history starts anew.
 */
#ifndef WR_REGION_HISTORY_WRITE_H
#define WR_REGION_HISTORY_WRITE_H

#include <stdbool.h>

#include "region/history.h"

/* Append the point, if it differs from the last one in more than its time, in
 * faults and in time used: was it? p->live_peak is ours to fill. */
bool wr_history_add(const struct wr_point *p);
/* text: NULL for none; of a long one the end is kept. */
void wr_history_mark(enum wr_mark_kind kind, uint32_t tid, uint64_t value,
                     const char *text);
/* So many bytes were refused: by the system (WR_MARK_MAP_FAILED) or for the
 * limit (WR_MARK_REFUSED). Of a program that tries again and again one a second
 * is marked. */
void wr_history_mark_refused(enum wr_mark_kind kind, uint64_t bytes);
/* Nanoseconds since the region was made; there is one. */
uint64_t wr_history_uptime(void);

#endif
