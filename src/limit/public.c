/* include/weir/limit.h, but for the subscribers (calls.c). */
#include <weir/limit.h>

#include "base/base.h"
#include "limit/limit.h"
#include "region/counters.h"
#include "world/background.h"

_Static_assert(WR_LIMIT_IS_HARD == WEIR_LIMIT_HARD, "one flag, two names");

WR_EXPORT weir_err
weir_limit_set(uint64_t bytes, unsigned flags)
{
    if ((flags & ~WEIR_LIMIT_HARD) != 0 ||
        !wr_limit_set(bytes, (flags & WEIR_LIMIT_HARD) != 0))
        return WEIR_EINVAL;
    wr_background_watch(true);
    return WEIR_OK;
}

WR_EXPORT weir_err
weir_limit_read(struct weir_limit *out)
{
    uint64_t limit = wr_count_get(limit);

    if (out == NULL)
        return WEIR_EINVAL;
    *out = (struct weir_limit){.limit = limit == 0 ? WEIR_LIMIT_OFF : limit,
                               .held = wr_count_get(limit_held),
                               .level = weir_pressure_now(),
                               .flags = (unsigned)wr_count_get(limit_flags) &
                                        WEIR_LIMIT_HARD,
                               .given = wr_count_get(limit_given),
                               .work_ns = wr_count_get(limit_work_ns),
                               .skipped = wr_count_get(limit_skipped),
                               .refused = wr_count_get(limit_refused)};
    return WEIR_OK;
}

WR_EXPORT enum weir_pressure_level
weir_pressure_now(void)
{
    return (enum weir_pressure_level)wr_count_get(limit_level);
}
