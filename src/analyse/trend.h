/* Where a program's memory is going, from its history.
 *
 *     struct wr_trend t;
 *     wr_trend_make(&t, points, n, uptime_ns, live_bytes);
 *     if (t.growing)
 *         warn("%" PRId64 " bytes a minute", t.per_minute);
 *
 * Memory that goes up and down says little; its floor does: what is the least
 * held in each fifth of the last ten minutes. A program whose floor rises each
 * time, and by enough, is growing steadily, as one that leaks does.
 *
 * Units: bytes, nanoseconds since the region was made. Pure functions.
 */
#ifndef WR_ANALYSE_TREND_H
#define WR_ANALYSE_TREND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "region/history.h"

#define WR_TREND_SPAN_NS UINT64_C(600000000000) /* what is looked at */
#define WR_TREND_LEAST   ((uint64_t)1 << 20)    /* a rise that is none */

struct wr_trend {
    bool known;         /* there are ten seconds of history */
    int64_t per_minute; /* by how much live_bytes grew in the last minute */
    bool growing;       /* steadily; needs a minute of history */
};

/* From one-second points, oldest first, and what is now. */
void wr_trend_make(struct wr_trend *t, const struct wr_point *p, size_t n,
                   uint64_t now_ns, uint64_t live_now);

#endif
