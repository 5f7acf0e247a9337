/* Young cycles: what the last cycle marked is not marked again.
 *
 *     In the stop of a cycle:
 *         if (wr_young_can())
 *             marks = wr_young_begin();             the last cycle's, as it is
 *         marker = wr_marker_new(marks, NULL);
 *         wr_young_look_again(marker, marks);       then roots, as ever
 *     and at its end, whether it was a young one or a full one:
 *         if (wr_young_may_keep()) {
 *             wr_young_keep_span(&run, s, marks);   for each span,
 *             wr_young_keep(&run, marks);           and the marks are kept
 *         }
 *
 * Most blocks die young; what has lived through a cycle lives long. So marks
 * stay from one cycle to the next, and a block that has one is taken for alive,
 * without a look at it, for as long as nobody wrote into it. Dead blocks that
 * have a mark are found by the next full cycle, which begins without marks.
 *
 * A span is old when all its blocks live and have the mark of the last cycle,
 * and it was in no thread's slot since that cycle. Its pages are watched
 * (os/watch.h), unless its blocks hold no pointers. In any other span somebody
 * allocates, or soon will: watching it would cost a fault for each page.
 *
 * Why nothing is lost. Take the stop of a young cycle, and a path from a root
 * to a block. Roots are looked at whole: the first block of the path gets a
 * mark in this cycle, or has an old one. If it gets one, it is scanned then,
 * and the next block of the path is marked. If it has an old one, it was
 * scanned in an earlier cycle, and either
 *     - it lies in a span that is not old: all blocks there that have a mark
 *       are scanned again; or
 *     - its span is old, and its page was written since: the page is told as
 *       written, and what lies on it is scanned again; or
 *     - it was not written since it was scanned. So the word that leads to the
 *       next block stood there then, and led to a block of the same address,
 *       which got its mark, and has it yet; or to none, or to another one that
 *       was there before. But then that place has been given to a new block
 *       since, by a thread that had its span in a slot, and it did not write
 *       its address here: what stands here is the address of a block that is
 *       gone, which no program may use.
 * So the last block of the path has a mark. Blocks of malloc lead to managed
 * ones, and are marked, watched and kept in the same way. A page that is not
 * protected, for whatever reason, counts as written: so a span may be called
 * old that is not watched, but never the other way round.
 *
 * A block that the program frees by hand and that is made anew in its place has
 * the old one's mark, without having been scanned. But to be made its span has
 * to be in a slot: so it is scanned with all others there. It may stay for as
 * long as to the next full cycle, as may what a dead block with a mark leads
 * to.
 *
 * Weak links, finalizers and ephemerons are looked at whole, after everything
 * else, as ever: a dead key with an old mark stays till the next full cycle.
 *
 * Where the system does not let us watch there are no young cycles.
 *
 * Threads: Weir's own, in a stop; mheap's lock is held.
 */
#ifndef WR_GC_YOUNG_H
#define WR_GC_YOUNG_H

#include <stdbool.h>
#include <stdint.h>

struct wr_marker;
struct wr_marks;
struct wr_span;

/* Watched spans side by side, which the system is asked about together. Where
 * no root is: it has addresses of blocks. */
struct wr_young_run {
    uintptr_t from, end;
    struct wr_marker *marker; /* for what was written; NULL: it is known */
    bool failed;
};

/* Are there marks of the last cycle, which fit the heap as it is? */
bool wr_young_can(void);
/* They are the caller's. Whatever lived then and lives yet has its mark. */
struct wr_marks *wr_young_begin(void);
/* What old marks do not vouch for is reached. false: it is not known what was
 * written, and nothing is proved. */
bool wr_young_look_again(struct wr_marker *m, const struct wr_marks *marks);

/* false: the system does not let us. */
bool wr_young_may_keep(void);
/* Each span, in order; marks: of a cycle that proved them. *r is 0 before the
 * first. */
void wr_young_keep_span(struct wr_young_run *r, struct wr_span *s,
                        struct wr_marks *marks);
/* Behind the last. The marks are not the caller's any more. */
void wr_young_keep(struct wr_young_run *r, struct wr_marks *marks);

/* What was kept is not wanted: the next cycle is a full one. */
void wr_young_forget(void);
/* The same, and nothing is watched: somebody else will do that. */
void wr_young_unwatch(void);
/* Of address space, for what is kept. From any thread. */
uint64_t wr_young_bytes(void);

void wr_young_fork_child(void);

#endif
