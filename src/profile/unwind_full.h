/* Walking a stack with all registers, for what does not condense.
 *
 *     struct wr_regs regs;
 *     wr_regs_capture(&regs);
 *     n = wr_unwind_full(&regs, pc, max);
 *
 * Runs each frame's description (some 500 ns) and evaluates expressions, so
 * it passes signal trampolines and functions whose frame hangs on a register
 * that the quick walk of unwind.c does not follow.
 * Threads and signals: safe everywhere; needs about 2 KiB of stack.
 */
#ifndef WR_PROFILE_UNWIND_FULL_H
#define WR_PROFILE_UNWIND_FULL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/regs.h"

/* The callers of the code that these registers belong to. */
size_t wr_unwind_full(const struct wr_regs *start, uintptr_t *pc, size_t max);

struct wr_unwind_frame {
    uintptr_t pc; /* as wr_unwind_here gives it, but 0 where there is none */
    uintptr_t sp; /* the lowest byte of the frame; the next one's is its end */
    bool interrupted; /* by a signal, whose frames came before this one */
};

/* The frames on another thread's stack, which stands still: that of the code
 * the registers belong to first. Uses no storage of the calling thread. */
size_t wr_unwind_frames(const struct wr_regs *start,
                        struct wr_unwind_frame *frame, size_t max);

/* Go up from a frame as long as `pass` lets each by: the registers become those
 * of the first that it does not, or of the outermost. Storage as above. */
void wr_unwind_up(struct wr_regs *regs,
                  bool (*pass)(const struct wr_unwind_frame *frame, void *arg),
                  void *arg);

/* Is this where a signal handler returns to? For code without description. */
bool wr_unwind_is_trampoline(uintptr_t pc);

#endif
