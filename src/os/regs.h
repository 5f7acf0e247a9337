/* The registers of a thread as the unwinder needs them, for each machine.
 *
 *     struct wr_regs regs;
 *     wr_regs_capture(&regs);     // here and now, callee-saved ones only
 *     wr_regs_from_context(&regs, uc);        // as a signal found them
 *
 * Registers carry their DWARF numbers, because .eh_frame speaks in those.
 * The two machine files (regs_x86_64.h, regs_aarch64.h) define the same
 * names:
 *
 *   WR_REG_FP, WR_REG_SP    frame pointer, stack pointer
 *   WR_REG_RA               the column whose rule finds the return address
 *   WR_REGS_COUNT           general registers, numbered from 0
 *   WR_FRAME_*              how a call site's rule condenses (unwind_cache.h)
 *   wr_frame_slot, wr_frame_ra_at           where a frame keeps what
 *   wr_regs_capture         the registers at this very place
 *   wr_regs_place           only pc, stack and frame pointer of this place
 *   wr_regs_from_context    those of interrupted code
 *   wr_regs_saved, wr_regs_stack            where the kernel put all of them,
 *                           and how far down interrupted code's stack goes
 *   wr_regs_held_stack, WR_REGS_WIDE_SET    the same of a held thread
 *   wr_regs_from_held, wr_regs_held_storage its registers, where its
 *                           thread-local storage is; of WR_REGS_HELD_WORDS
 *   wr_regs_held_in_call    does it wait in a system call?
 *   wr_regs_may_be_wide_code   may instructions there use wide registers?
 *   wr_regs_is_thread       what libc has at pthread_self()
 *   wr_regs_thread_kept_end how far of that it uses when nobody is left who
 *                           could ask for the thread's result
 *   wr_regs_behind_call, WR_REGS_WIDE_KEPT  what a call leaves the caller of
 *                           its registers; and does it leave any wide ones?
 *   wr_regs_strip           an address without its signature bits
 *   wr_regs_is_sigreturn    is this the code that ends a signal handler? It
 *                           may lack a description; WR_REGS_SIGRETURN_BYTES
 *                           are read
 *   WR_REGS_SIGINFO_BYTES   from the stack pointer there to the ucontext
 *
 * Threads: no state, no calls, safe everywhere.
 */
#ifndef WR_OS_REGS_H
#define WR_OS_REGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>

#if defined(__x86_64__)
#include "os/regs_x86_64.h"
#elif defined(__aarch64__)
#include "os/regs_aarch64.h"
#else
#error "Weir knows x86-64 and aarch64: add this machine's registers here"
#endif

/* Can the 8 bytes at this address (a multiple of 8) be read? Costs a system
 * call. */
bool wr_regs_readable(uintptr_t at);

#endif
