/* Writing down what changes in the buckets, for the profiles of earlier
 * moments (region/past.h).
 *
 *     more = wr_past_log(uptime_ns);           once a second
 *
 * Threads: one, Weir's background thread; it may be killed at any step. A
 * forked child's log starts anew.
 */
#ifndef WR_REGION_PAST_WRITE_H
#define WR_REGION_PAST_WRITE_H

#include <stdbool.h>
#include <stdint.h>

/* Log what changed, if a new tick has come. true: there are changes that are
 * not logged yet: come again. */
bool wr_past_log(uint64_t uptime_ns);

#endif
