/* The marker: which blocks of the heap can be reached.
 *
 *     struct wr_marks *reached = wr_marks_new();
 *     struct wr_marker *m = wr_marker_new(reached, NULL);
 *     wr_marker_scan(m, roots, roots_end);    any memory, as often as wanted
 *     wr_marker_finish(m);                    and all that hangs off it
 *     if (!wr_marks_has(reached, block)) ...  nothing leads to it
 *     wr_marker_free(m);
 *
 * Tri-colour marking over every span. A block is white until a word is seen
 * that points at it, at its start or anywhere inside; grey while it waits to
 * be scanned; black then. Every aligned word counts as a pointer if it could
 * be one: whether it is one nobody knows in C, so what is marked may be
 * garbage, and what is not marked is proved to be. Of a typed block only those
 * words count that its layout names (heap/layout.h).
 *
 * Algorithm: Dijkstra, Lamport and others, "On-the-fly garbage collection"
 * (1978), for the colours; a queue that fetches memory before it is looked at
 * after Cher, Hosking and Vijaykumar, "Software prefetching for mark-sweep
 * garbage collection" (2004): marking waits for memory more than for anything
 * else, so a word goes through four steps, and each step asks for the memory
 * of the next, some words before it is needed.
 *
 * A pointer to the byte behind a block does not reach it, nor does an odd one
 * (mark/odd.h). But it may be all that a program keeps: who asks for them
 * learns of such blocks, of those where a word points behind one if none lives
 * that begins there; or has them reached like the others.
 *
 * Several threads can mark one heap:
 *
 *     if (wr_marker_share(m, 3))              this one and two more
 *         ... wr_marker_help(m, 1) in one, wr_marker_help(m, 2) in another
 *     wr_marker_scan, wr_marker_finish        as above
 *     wr_marker_dismiss(m);                   they return from help
 *     wr_marker_go_alone(m);                  once they have
 *
 * They are told of work by who has much of it, while they have none
 * (mark/crew.h), and sleep else. Alone a marker takes no atomic step.
 * mark/helpers.h has threads for it.
 *
 * Memory in bytes: that of the marks, and 16 a grey block, at most 1/128 of the
 * heap and 1 MiB a thread; when that is used up black blocks are searched for
 * grey ones anew.
 *
 * Threads: one a marker, and its helpers; no other thread may change the heap
 * meanwhile, and mheap's lock is held. Nothing here allocates from the heap or
 * calls libc.
 */
#ifndef WR_MARK_MARK_H
#define WR_MARK_MARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wr_marker;
struct wr_marks;
struct wr_span;

struct wr_marked {
    uint64_t blocks, bytes; /* marked: sizes of their classes */
    uint64_t scanned;       /* bytes looked at, roots too */
};

/* Of the stack of grey blocks: at most that part of the heap. */
#define WR_MARKER_GREY_PART 128

/* Threads that mark together, at most. */
#define WR_MARKERS_MOST 16

/* A marker of the heap as it is now, which puts what it reaches into marks, and
 * into odd (NULL: nobody wants them) to whose end a scanned word points, or
 * where an odd pointer does. That may be marks again: those are reached, too.
 * NULL: no memory. */
struct wr_marker *wr_marker_new(struct wr_marks *marks, struct wr_marks *odd);
/* One that does not scan what it marked. */
struct wr_marker *wr_marker_new_shallow(struct wr_marks *marks);
/* The marks stay. NULL is fine. */
void wr_marker_free(struct wr_marker *m);

/* What the aligned words of [from, end) point at is reached. It must be
 * readable. */
void wr_marker_scan(struct wr_marker *m, const void *from, const void *end);
/* The same of what a block holds, without a mark for it. */
void wr_marker_scan_block(struct wr_marker *m, struct wr_span *s,
                          unsigned block);
/* The same for a single word, a register. */
void wr_marker_word(struct wr_marker *m, uintptr_t word);
/* Everything that can be reached from what was scanned gets its mark. false:
 * there was no memory for the marks, and nothing is proved. */
bool wr_marker_finish(struct wr_marker *m);

/* From now on n threads mark, this one among them: before anything is scanned,
 * once. false: no memory, it stays alone. */
bool wr_marker_share(struct wr_marker *m, unsigned n);
/* Help, as the i-th: 1 to n - 1, each in a thread of its own, which returns
 * when it is dismissed. From share on at any time; or never: then the others
 * do it all. */
void wr_marker_help(struct wr_marker *m, unsigned i);
/* After finish: they return, soon. */
void wr_marker_dismiss(struct wr_marker *m);
/* When they have: it marks alone, and may be freed. Fine without share. */
void wr_marker_go_alone(struct wr_marker *m);

/* Marking while the heap changes, in slices: what others write meanwhile the
 * caller knows of, and has it looked at again; records of spans are kept
 * (wr_mheap_keep_records), and the marks are wide.
 *
 *     wr_marker_note(m, roots, roots_end);
 *     while (!wr_marker_go_on(m, now + 1 * MS)) ...
 *     wr_marker_again(m, page, page_end);      it was written since
 */

/* As wr_marker_scan, but what is reached stays grey. */
void wr_marker_note(struct wr_marker *m, const void *from, const void *end);
/* Blacken until then (wr_os_monotonic), or a little longer: is nothing grey?
 * 0: to the end; of several markers only so. No word is on its way to a mark
 * after it. */
bool wr_marker_go_on(struct wr_marker *m, uint64_t until);
/* What the marked blocks in [from, end) of the heap hold there is looked at
 * again; what is reached stays grey. */
void wr_marker_again(struct wr_marker *m, uintptr_t from, uintptr_t end);
/* Did grey blocks find no room since this was last asked? Then marked blocks
 * all over the heap have to be looked at again. Nothing is grey. */
bool wr_marker_lost_some(struct wr_marker *m);

/* Mark it, as if a word had pointed there: false when it was marked before.
 * What it points at is reached. */
bool wr_marker_add(struct wr_marker *m, struct wr_span *s, unsigned block);

/* From now on words that point into [from, end) do not count. */
void wr_marker_ignore(struct wr_marker *m, uintptr_t from, uintptr_t end);

/* As of the last finish, where several mark. */
const struct wr_marked *wr_marker_sums(const struct wr_marker *m);
/* Blocks that helpers marked. */
uint64_t wr_marker_helped(const struct wr_marker *m);

/* A test switch: at most so many grey blocks wait at a time, for each. */
void wr_marker_limit_grey(struct wr_marker *m, size_t blocks);

#endif
