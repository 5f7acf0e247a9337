/* The process-wide counters, wherever they live at the moment: in a private
 * block before the region exists (or where none can be had), then in the
 * region. See struct wr_counters in region/layout.h for their meaning.
 */
#ifndef WR_REGION_COUNTERS_H
#define WR_REGION_COUNTERS_H

#include "region/layout.h"

extern struct wr_counters *wr_counters;

#define wr_count_add(field, n)                                                 \
    ((void)atomic_fetch_add_explicit(&wr_counters->field, (uint64_t)(n),       \
                                     memory_order_relaxed))
#define wr_count_sub(field, n)                                                 \
    ((void)atomic_fetch_sub_explicit(&wr_counters->field, (uint64_t)(n),       \
                                     memory_order_relaxed))
#define wr_count_get(field)                                                    \
    atomic_load_explicit(&wr_counters->field, memory_order_relaxed)

#endif
