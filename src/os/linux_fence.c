/* Fences by membarrier(2).
 *
 * 1. wr_fence_is_light is set only after the process has registered, and never
 *    taken back.
 */
#include "os/fence.h"

#include <linux/membarrier.h>

#include "os/lock.h"
#include "os/syscall.h"

bool wr_fence_is_light;

static struct wr_lock starting; /* a leaf */
static bool started;            /* starting */

static long
membarrier(long command)
{
    return wr_syscall6(SYS_membarrier, command, 0, 0, 0, 0, 0);
}

void
wr_fence_start(void)
{
    wr_lock_take(&starting);
    if (!started)
        wr_fence_is_light =
            membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0;
    started = true;
    wr_lock_give(&starting);
}

bool
wr_fence_heavy(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return !wr_fence_is_light ||
           membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0;
}
