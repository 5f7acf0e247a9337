/* A collection as one line of text, in the form of Go's GODEBUG=gctrace=1:
 *
 *     gc 3 @0.112s 2%: 0.021+1.8+0.034 ms clock, 0.042+0.21/0.80/0+0.068 ms
 *     cpu, 4->5->2 MB, 5 MB goal, 0 MB stacks, 0 MB globals, 2 P
 *
 * (one line), with " (forced)" behind it where the program asked for it, and a
 * line "GC forced" before it where the time came for it. The
 * fields are those that the documentation of Go's runtime lists: the number of
 * the cycle, seconds from the program's start to the cycle's, percent of the
 * processors' time since the start; wall clock of the three phases; processors'
 * time of the same, of the second as assists / background / idle; the heap when
 * the cycle began, when marking ended, and what was alive; the goal; roots on
 * stacks and elsewhere; processors. Times have two digits, and three places at
 * most, from 10 ms on none; sizes are whole MiB.
 * Threads: any; nothing is allocated, stdio is not used.
 */
#ifndef WR_REGION_GCTRACE_H
#define WR_REGION_GCTRACE_H

#include "base/text.h"
#include "region/collector.h"

/* With a newline at its end, and perhaps another line before it. */
void wr_gctrace_line(struct wr_text *t, const struct wr_collection *c);

#endif
