/* The call stack of the running thread, without frame pointers.
 *
 *     uintptr_t pc[128];
 *     size_t n = wr_unwind_here(pc, 128);
 *     // pc[0] lies in the function that called wr_unwind_here,
 *     // pc[n - 1] in the thread's outermost function
 *
 * Every entry is a return address: subtract 1 to name the call. The entry of
 * a frame that a signal interrupted is the interrupted address plus 1, so the
 * same subtraction gives the exact instruction. No entry is ever 0.
 *
 * How it works. The compiler describes in .eh_frame, for each instruction,
 * where the caller's registers are. The description of a call site is run
 * once (cfi.h) and condensed into one 64-bit word, kept in a table indexed by
 * the address (unwind_cache.h). A walk is then one look-up and two or three
 * loads a frame. A stack with a frame whose description does not condense is
 * walked from its start again with all registers, running each description.
 *
 * A thread that is sampled remembers its walks besides (unwind_memo.h).
 *
 * Threads and signals: everything here may be called from any thread, inside
 * malloc, and from a signal handler that interrupts another capture. Nothing
 * locks, allocates, or changes errno.
 *
 * Memory: the table is 128 KiB of .bss, touched only where used. A capture
 * needs at most 4 KiB of stack (2 on x86-64).
 *
 * Misuse: code that unmaps a module while one of its functions is on a stack
 * being captured. Code made at run time ends the stack at its innermost frame.
 */
#ifndef WR_PROFILE_UNWIND_H
#define WR_PROFILE_UNWIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

#include "os/regs.h"

/* Records the modules loaded now as permanent, so that walks through them
 * need no check that they are still there. Call once, before the program can
 * have loaded anything by dlopen, where dl_iterate_phdr is allowed (first
 * allocation or a constructor). Without it captures are right but slower by
 * one check for each run of frames in one module.
 */
void wr_unwind_init(void);

/* The return addresses of the calling thread, innermost first, at most max;
 * returns how many. Nothing is left out silently: what does not fit is the
 * outer end.
 */
size_t wr_unwind_here(uintptr_t *pc, size_t max);

/* The same for the code that a signal interrupted, from its handler. */
size_t wr_unwind_context(const ucontext_t *uc, uintptr_t *pc, size_t max);

/* The callers of code that was executing the instruction at regs->pc. */
size_t wr_unwind_from(const struct wr_regs *regs, uintptr_t *pc, size_t max);

/* A module has been unloaded: nothing learnt about modules loaded after
 * wr_unwind_init is trusted any more. Call after each dlclose.
 */
void wr_unwind_flush(void);

/* The calling thread's own stack is [lo, hi). Frames inside are read without
 * asking the system whether the page is there. lo == hi forgets it. Stacks
 * not told (sigaltstack, coroutines) cost one system call for each page.
 */
void wr_unwind_set_stack(uintptr_t lo, uintptr_t hi);

/* The bounds that were told; false: none were. */
bool wr_unwind_own_stack(uintptr_t *lo, uintptr_t *hi);

/* Does the caller run on that stack, with so many bytes left? */
bool wr_unwind_has_room(size_t bytes);

#endif
