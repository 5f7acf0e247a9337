/* Asking whether memory is there, without touching it.
 *
 * Invariants
 * 1. The signal mask never changes: the kernel copies the new mask in (and
 *    says EFAULT where it cannot) before it refuses the impossible `how`.
 * 2. The call is one no sandbox forbids: every program that handles signals
 *    needs it.
 */
#include <errno.h>
#include <stdint.h>

#include "os/regs.h"
#include "os/syscall.h"

enum { NO_SUCH_HOW = 0x7fff, MASK_BYTES = 8 };

bool
wr_regs_readable(uintptr_t at)
{
    return wr_syscall4(SYS_rt_sigprocmask, NO_SUCH_HOW, at, 0, MASK_BYTES) !=
           -EFAULT;
}
