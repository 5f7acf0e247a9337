/* Marking beside the program, in its own memory: the kernel notes which pages
 * are written meanwhile (os/watch.h).
 *
 *     1. All of the heap is watched. From then on a write is seen by who reads
 *        behind it, or its page is told as written when that is asked next.
 *     2. The program stands still for a moment: what its roots point at is
 * grey.
 *     3. It goes on, and so does marking, to where nothing is grey.
 *     4. Rounds: of each page that was written the marked blocks are looked at
 *        again, in what lies on that page; until rounds do not get shorter.
 *     5. The program stands still for some milliseconds, in which the same is
 *        done, then runs for one at least, and so on; until there is a stop in
 *        which the round was whole, the roots were looked at and nothing is
 *        grey. That is the moment of the cycle.
 *     6. It goes on. What is white among the managed blocks is written down
 *        beside it.
 *
 * Why nothing is lost. Take the last stop of 5, and a path from a root to a
 * block. The root was looked at in this stop: the first block of the path is
 * marked. A marked block was scanned after it got its mark. Each word of it
 * that leads on was written before that, and was seen; or after, and then its
 * page was told as written, at the latest in this stop, and the block looked at
 * again. So the next block of the path is marked, and the last one is. That
 * holds whoever wrote: a thread, realloc, which copies or moves pages (a page
 * that comes anew is not watched, and so counts as written), or the kernel for
 * read(2). It holds for blocks that were made meanwhile: they get their mark
 * when a word is seen that leads to them, and not before; and for those of
 * malloc, which are marked, watched and followed in the same way. Roots are not
 * watched but looked at whole, in the last stop.
 *
 * A block may be freed by hand while it has its mark, and another one made
 * there, which then has a mark without having been scanned: all that is in it
 * was written since, so that its pages are looked at. The look-up of a word
 * runs while spans come and go: so the records of those that went stay as they
 * were (wr_mheap_keep_records), and what they lead to is memory of the heap,
 * which can always be read. Written pages are asked for only while no word is
 * on its way to a mark: a mark of before a span went is never set after that
 * span's pages were asked about.
 *
 * In 6 blocks are live that were not there in the moment of the cycle: see
 * gc/judge.h.
 *
 * Not seen are writes of a device into memory that it was given before the
 * page was watched: they carry addresses of blocks only if the program had put
 * them out of its memory, where no collector follows them.
 *
 * To be verified the dead are looked for in the last stop already.
 *
 * Threads: Weir's own.
 */
#ifndef WR_GC_TRACK_H
#define WR_GC_TRACK_H

#include <stdatomic.h>
#include <stdbool.h>

struct wr_cycle;

/* false: the system does not let us, or large files are to be read, and nothing
 * has happened. */
bool wr_track_run(struct wr_cycle *c);
/* Behind it, when nobody waits for the cycle any more: that takes as long as
 * there is memory that was watched. */
void wr_track_watch_no_more(void);

/* A cycle comes to its end, and what is written now has to be looked at in
 * one of its stops: who allocates should hold still for a moment. */
extern _Atomic bool wr_track_ends;
void wr_track_fork_child(void);

#endif
