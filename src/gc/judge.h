/* Judging: which managed blocks are white, where the program runs meanwhile.
 *
 *     wr_judge_keep_records(marks);       in the first stop: marking begins
 *     ...
 *     wr_judge_begin(marks);              in the stop that is the moment
 *     wr_mheap_keep_records(false);
 *     done = wr_judge(c, marks);          beside the program
 *     wr_judge_end();
 *
 * Blocks become live that were not there in the moment. From begin to end they
 * get their mark before they are live (wr_events.taking), or in the stop of
 * begin, where a thread had them already in hand.
 *
 * Threads: Weir's own.
 */
#ifndef WR_GC_JUDGE_H
#define WR_GC_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

struct wr_cycle;
struct wr_marks;
struct wr_span;
struct wr_stop;

/* mheap's lock, for Weir's thread. false: it is not wanted any more. */
bool wr_judge_lock(void);
void wr_judge_unlock(void);

/* Records of spans are kept, and the marks forget the pages of those that go
 * (wr_mheap_keep_records). Guard: mheap's lock. */
void wr_judge_keep_records(struct wr_marks *marks);
/* They only forget those pages; NULL: nobody has to any more. Same guard, or in
 * a forked child. */
void wr_judge_follow(struct wr_marks *marks);

/* What threads take now gets its mark. Guard: as wr_cycle_go_on. false: no
 * memory. */
bool wr_judge_begin(struct wr_marks *marks);
/* Beside the program: c->dead are the white ones. */
bool wr_judge(struct wr_cycle *c, const struct wr_marks *marks);
/* The same in a stop, and is it true? */
bool wr_judge_stopped(struct wr_cycle *c, const struct wr_stop *s,
                      struct wr_marks *marks);
/* Nobody looks at the marks any more. Fine without begin. */
void wr_judge_end(void);

void wr_judge_start(void);
void wr_judge_fork_child(void);

#endif
