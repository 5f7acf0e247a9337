/* What who allocates owes to a cycle that marks beside the program.
 *
 *     wr_debt_begin(&progress, grown);       Weir's thread, before it marks
 *     wr_assists_open();                     (mark/assists.h)
 *     if (!wr_debt_pay()) ...                who allocates, now and then
 *
 * One account for all threads: each byte that anybody allocates costs work, so
 * much that marking ends when the heap is at its goal (limit/pacer.h). What
 * Weir's thread and its helpers did pays first. Where that is not enough, the
 * thread that comes by marks, a slice of well below a millisecond at a time;
 * who allocates much comes by often.
 *
 * Units: bytes; work: bytes scanned; nanoseconds. Threads: begin Weir's
 * own, the rest any of the program's.
 */
#ifndef WR_GC_DEBT_H
#define WR_GC_DEBT_H

#include <stdbool.h>
#include <stdint.h>

struct wr_pacer_progress;

/* p: `allocated` and `done` do not count. grown: wr_managed_grown() when
 * p->triggered was allocated. */
void wr_debt_begin(const struct wr_pacer_progress *p, uint64_t grown);
/* false: there is a debt, and nothing that the caller could do for it. */
bool wr_debt_pay(void);
/* Time that threads of the program took to pay since this was last asked. */
uint64_t wr_debt_ns(void);
/* The caller held still for so long instead. */
void wr_debt_waited(uint64_t ns);

#endif
