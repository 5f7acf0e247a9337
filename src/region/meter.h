/* The meters in a region: what the program's pools and caches do.
 *
 *     struct wr_meter_line line[WR_METERS];
 *     size_t n = wr_meters_read(&view, line);
 *
 * Sums are told now and then: they lag by a sixteenth, by 256 operations of a
 * thread at most. Units, threads, ownership, misuse: as in region/read.h.
 */
#ifndef WR_REGION_METER_H
#define WR_REGION_METER_H

#include <weir/meter.h>

#include "region/read.h"

struct wr_meter_line {
    enum weir_meter_kind kind;
    char name[40];               /* ends with NUL */
    uint64_t sum[WR_METER_SUMS]; /* by enum weir_meter_sum; none below 0 */
};

/* Those there are, pools first, in the order they were made: how many. */
size_t wr_meters_read(const struct wr_region_view *v,
                      struct wr_meter_line out[WR_METERS]);
/* "pool" or "cache". */
const char *wr_meter_kind_name(enum weir_meter_kind kind);

/* The writer's. The process has a new region; */
void wr_meters_take_over(void);
/* it is a forked child. */
void wr_meters_fork_child(void);

#endif
