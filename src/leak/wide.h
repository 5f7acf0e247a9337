/* Do the wide (vector) registers of a thread hold anything that it may use?
 *
 *     if (wr_wide_may_be_used(t, &regs)) ... what is in them is in use ...
 *
 * Functions that copy structures leave addresses there. A function of another
 * library cannot rely on them once it has been called from outside: the ABI
 * lets it change them all, and whoever waits for its return takes nothing from
 * them. So of a thread that waits in a system call they are out of use when no
 * function of the library that made the call, up to where another library or
 * the program called it, has an instruction for such registers.
 *
 * Threads: as leak/stack.h.
 */
#ifndef WR_LEAK_WIDE_H
#define WR_LEAK_WIDE_H

#include <stdbool.h>

struct wr_regs;
struct wr_stopped;

/* regs: its general ones. */
bool wr_wide_may_be_used(const struct wr_stopped *t,
                         const struct wr_regs *regs);

#endif
