/* What a part of the kit tells its meter (weir/meter.h), now and then.
 *
 *     if (++s->calls >= s->tell_at) {
 *         s->tell_at = wr_kit_tell_at(s->calls);
 *         wr_kit_tell(meter, &s->told, WEIR_METER_HITS, s->hits);
 *     }
 *
 * So a meter lags by a sixteenth of what was counted, and by 256 at most, and
 * its line is not written at each call. Threads: any at once, for one `told`
 * too: the sum of what was told is always the last that was.
 */
#ifndef WR_KIT_METER_H
#define WR_KIT_METER_H

#include <weir/meter.h>

#include "base/base.h"

struct wr_kit_told {
    uint64_t sum[WEIR_METER_BYTES + 1]; /* atomic */
};

static inline void
wr_kit_tell(weir_meter *m, struct wr_kit_told *told, enum weir_meter_sum sum,
            uint64_t now)
{
    uint64_t was = __atomic_exchange_n(&told->sum[sum], now, __ATOMIC_RELAXED);

    if (now != was)
        weir_meter_add(m, sum, (int64_t)(now - was));
}

/* After so many calls: when to tell again. */
static inline uint64_t
wr_kit_tell_at(uint64_t calls)
{
    return calls + wr_min(calls / 16 + 1, 256);
}

#endif
