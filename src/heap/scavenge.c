/* What is worth giving back, and how much of it at once. */
#include "heap/scavenge.h"

#include <stdatomic.h>

#include "base/base.h"
#include "heap/mheap.h"
#include "heap/purge.h"
#include "region/event.h"

#define KEEP      (256 * WR_KIB) /* idle bytes not worth a call */
#define LAST_PART (4 * WR_MIB)   /* from here on all of it at once */

static _Atomic bool told; /* of frees, since the last call */

bool
wr_scavenge(void)
{
    size_t low = wr_mheap_idle_low();
    bool more = atomic_exchange(&told, false);

    if (wr_purge(false) > 0)
        more = true;
    if (low <= KEEP)
        return more;
    (void)wr_mheap_scavenge(low > LAST_PART ? low / 2 : low);
    return true;
}

void
wr_scavenge_tell(size_t idle)
{
    if (idle >= WR_SCAVENGE_WORTH && wr_events.memory_idle != NULL)
        wr_events.memory_idle();
}

void
wr_scavenge_tell_freed(size_t bytes)
{
    atomic_store(&told, true);
    wr_scavenge_tell(bytes);
}
