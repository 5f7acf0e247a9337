/* Assists: threads of the program that mark for a moment, beside a marker that
 * goes on in slices (mark/mark.h).
 *
 *     if (wr_assists_begin(m))                the leader, once
 *         wr_assists_open();
 *     ... wr_marker_go_on(m, ...) ...
 *     if (!wr_assists_close()) ...            somebody does not come out
 *     if (wr_assists_take_over()) ...         there is more: open, go on
 *     wr_assists_end();
 *
 *     if (wr_assists_enter(&kept)) {          any thread, meanwhile
 *         scanned = wr_assist(64 << 10);
 *         wr_assists_leave(kept);
 *     }
 *
 * Who assists takes a slot, with a marker of its own that is there already,
 * marks until so many bytes were scanned, and leaves the slot with what is grey
 * in it to the next. Grey blocks for it come from a pool, into which all that
 * mark put some of theirs while it is not full; what nobody takes the leader
 * takes back. Of blocks that are large an assistant lets the leader look which
 * pages were never touched.
 *
 * While it is closed no assistant is in, and no word of theirs is on its way to
 * a mark. An assistant has all signals blocked: no handler can keep it from
 * coming out. If it does not come all the same (a debugger holds it) nothing of
 * the markers may be freed, ever; and nobody assists before it came.
 *
 * Threads: one leads at a time; wr_assist any thread of the program. Nothing
 * here allocates from the heap, takes one of its locks or changes errno.
 */
#ifndef WR_MARK_ASSISTS_H
#define WR_MARK_ASSISTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct wr_marker;

/* Before helpers are told of m, and before it marks. false: no memory, or one
 * of the last time is still in. Then nobody comes, and the rest is fine. */
bool wr_assists_begin(struct wr_marker *m);
void wr_assists_open(void);
/* Nobody comes in any more, and who was in is out. */
bool wr_assists_close(void);
/* Closed: some of what is grey in a slot, or the pool, becomes the leader's,
 * which has none. false: there was none in any. */
bool wr_assists_take_over(void);
/* Closed: what was counted is the leader's, which marks without. */
void wr_assists_end(void);

extern _Atomic bool wr_assists_are_open;

/* false: it is closed. Else leave must follow, soon, with what was kept. */
bool wr_assists_enter(uint64_t *kept);
void wr_assists_leave(uint64_t kept);
/* Between the two. Mark: the bytes that were scanned, `bytes` or a few more.
 * Fewer: there was nothing grey to be had, or no slot. */
uint64_t wr_assist(uint64_t bytes);
/* Between the two. Bytes that the leader and its helpers scanned since begin:
 * about. */
uint64_t wr_assists_beside(void);

void wr_assists_fork_child(void);

#endif
