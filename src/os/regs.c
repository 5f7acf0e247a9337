/* Asking whether memory is there, without touching it.
 *
 * Invariants
 * 1. The signal mask never changes: the kernel copies the new mask in (and
 *    says EFAULT where it cannot) before it refuses the impossible `how`.
 * 2. Address 0 means "no new mask" to the kernel, so it is answered here.
 * 3. The call is one no sandbox forbids: every program that handles signals
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
    if (at == 0)
        return false;
    return wr_syscall4(SYS_rt_sigprocmask, NO_SUCH_HOW, at, 0, MASK_BYTES) !=
           -EFAULT;
}
