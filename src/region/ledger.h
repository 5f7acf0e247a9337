/* The ledger of a region: its sampled live blocks, each with its birth.
 *
 *     for (uint64_t i = 0; i < wr_view_used(&view, WR_TABLE_LEDGER); i++)
 *         if (wr_ledger_read(&view, i, &s))
 *             age = uptime - s.born_ns;
 *
 * They stay when the program dies: what was alive then, and how old it was.
 * Of samples that found no room (header.counters.ledger_full) nothing is here;
 * of a program without a history of its own, a child that ended before it
 * allocated, neither.
 *
 * Units: bytes, nanoseconds since the region was made, to about 10 ms.
 * Threads, ownership, misuse: as in region/read.h; nothing is allocated. While
 * the program runs an entry may be gone a moment later.
 */
#ifndef WR_REGION_LEDGER_H
#define WR_REGION_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "region/read.h"

struct wr_live_sample {
    uint64_t address;
    uint64_t born_ns; /* 1: it is older than the region; a forked child's */
    uint32_t bucket;
    uint32_t tid; /* 0: not known */
};

/* false: entry i has no block just now. */
bool wr_ledger_read(const struct wr_region_view *v, uint64_t i,
                    struct wr_live_sample *out);

#endif
