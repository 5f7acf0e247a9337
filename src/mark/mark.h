/* The marker: which blocks of the heap can be reached.
 *
 *     struct wr_marker *m = wr_marker_new();
 *     wr_marker_scan(m, roots, roots_end);    any memory, as often as wanted
 *     wr_marker_finish(m);                    and all that hangs off it
 *     if (!wr_marker_has(m, block)) ...       nothing leads to it
 *     wr_marker_free(m);
 *
 * Tri-colour marking over every span. A block is white until a word is seen
 * that points at it, at its start or anywhere inside; grey while it waits to
 * be scanned; black then. Every aligned word counts as a pointer if it could
 * be one: whether it is one nobody knows in C, so what is marked may be
 * garbage, and what is not marked is proved to be.
 *
 * Algorithm: Dijkstra, Lamport and others, "On-the-fly garbage collection"
 * (1978), for the colours; a queue that fetches memory before it is looked at
 * after Cher, Hosking and Vijaykumar, "Software prefetching for mark-sweep
 * garbage collection" (2004): marking waits for memory more than for anything
 * else, so a word goes through four steps, and each step asks for the memory
 * of the next, some words before it is needed.
 *
 * Marks are bits aside of the heap, one for each 16 bytes of address space
 * that was reached. Memory in bytes: heap / 128, 16 a grey block; when there
 * is none for the grey ones, black blocks are searched for them anew.
 *
 * Threads: one a marker; no other thread may change the heap meanwhile, and
 * mheap's lock is held. Nothing here allocates from the heap or calls libc.
 */
#ifndef WR_MARK_MARK_H
#define WR_MARK_MARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wr_marker;
struct wr_span;

struct wr_marked {
    uint64_t blocks, bytes; /* marked: sizes of their classes */
    uint64_t scanned;       /* bytes looked at, roots too */
};

/* A marker of the heap as it is now; NULL: no memory. */
struct wr_marker *wr_marker_new(void);
/* One whose marked blocks are not scanned: a word marks what it points at, or
 * what lies `behind` bytes before that. behind 1: who ends there. */
struct wr_marker *wr_marker_new_shallow(uintptr_t behind);
void wr_marker_free(struct wr_marker *m);

/* What the aligned words of [from, end) point at is reached. It must be
 * readable. */
void wr_marker_scan(struct wr_marker *m, const void *from, const void *end);
/* The same for a single word, a register. */
void wr_marker_word(struct wr_marker *m, uintptr_t word);
/* Everything that can be reached from what was scanned gets its mark. false:
 * there was no memory for the marks, and nothing is proved. */
bool wr_marker_finish(struct wr_marker *m);

/* Is the block marked? base: its first byte. */
bool wr_marker_has(const struct wr_marker *m, uintptr_t base);
/* Mark it, as if a word had pointed there: false when it was marked before.
 * What it points at is reached. */
bool wr_marker_add(struct wr_marker *m, struct wr_span *s, unsigned block);

/* From now on words that point into [from, end) do not count. */
void wr_marker_ignore(struct wr_marker *m, uintptr_t from, uintptr_t end);

const struct wr_marked *wr_marker_sums(const struct wr_marker *m);

/* A test switch: at most so many grey blocks wait at a time. */
void wr_marker_limit_grey(struct wr_marker *m, size_t blocks);

#endif
