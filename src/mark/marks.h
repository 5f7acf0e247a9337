/* A set of blocks of the heap: bits aside, those of a span side by side.
 *
 *     struct wr_marks *set = wr_marks_new();
 *     wr_marks_add(set, span, block);
 *     if (wr_marks_has(set, span, block)) ...
 *     if (wr_marks_has_at(set, address)) ...  of the block that has it
 *     wr_marks_each(set, visit, arg);         in the order of addresses
 *     wr_marks_free(set);
 *
 * Each page has a line of 512 bits, and no span more blocks: its bits are the
 * line of its first page, bit i that of block i. So a whole span can be looked
 * at word by word, beside its states (wr_span_live_blocks).
 *
 * Memory: what 1 GiB of address space needs, 8 MiB and a quarter, is asked for
 * with the first block of it; of that the system gives the pages that are
 * written: at most 1/120 of the heap. When it is refused the set is `failed`,
 * and says so for ever: what is not in it may only have found no room.
 *
 * Threads: one at a time may change a set. Several may add to it at once, by
 * wr_marks_add_shared.
 */
#ifndef WR_MARK_MARKS_H
#define WR_MARK_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "heap/span.h"

enum { WR_MARKS_WORDS = WR_SPAN_BLOCKS_MAX / 64 }; /* of a page's line */

/* Behind the lines of a window there is a note for each page: a marker's of
 * what it knows of it (mark.c), the collector's of whose bits these are. */
struct wr_marks_window {
    uint64_t line[WR_WINDOW_PAGES][WR_MARKS_WORDS];
    uint16_t page[WR_WINDOW_PAGES];
};

struct wr_marks {
    bool failed;
    bool changing;   /* it was made wide */
    bool from_birth; /* who takes a block marks it, meanwhile; and free blocks
                        count, since they may be free only now */
    size_t first, windows; /* of the heap, as of when the set was made */
    struct wr_marks_window *window[]; /* NULL: no block there is in the set */
};

/* A set for the blocks the heap has now. NULL: no memory. */
struct wr_marks *wr_marks_new(void);
/* One for a heap that changes while it is marked: which may grow by so many
 * windows to either side, and whose spans come and go. */
struct wr_marks *wr_marks_new_wide(void);
#define WR_MARKS_GROWTH ((size_t)64)
/* Has it room for all blocks that the heap has now? Guard: mheap's lock. */
bool wr_marks_hold_all(const struct wr_marks *set);
/* Of such a heap: the span is gone, and those pages may become another. Guard:
 * mheap's lock. */
void wr_marks_forget(struct wr_marks *set, uintptr_t base, size_t pages);
/* What is known of the pages has to be found out anew; the bits stay. */
void wr_marks_unmeet(struct wr_marks *set, uintptr_t base, size_t pages);
/* One that copies of the process (os/process.h) write into for all: all its
 * windows are there. */
struct wr_marks *wr_marks_new_shared(void);
void wr_marks_free(struct wr_marks *set); /* NULL is fine */
/* Of address space. */
size_t wr_marks_bytes(const struct wr_marks *set);

/* The window around an address of the heap, made when there is none, by several
 * at once too; NULL: no memory. */
struct wr_marks_window *wr_marks_make(struct wr_marks *set, uintptr_t at);

/* All windows of the heap. false: no memory. */
bool wr_marks_make_all(struct wr_marks *set);

static inline size_t
wr_marks_page(uintptr_t at)
{
    return at >> WR_PAGE_SHIFT & (WR_WINDOW_PAGES - 1);
}

/* The bits of a span that was there when the set was made; NULL: none of its
 * blocks is in the set. */
static inline uint64_t *
wr_marks_line(const struct wr_marks *set, const struct wr_span *s)
{
    size_t number = (s->base >> WR_WINDOW_SHIFT) - set->first;
    struct wr_marks_window *w =
        number < set->windows ? set->window[number] : NULL;

    return w != NULL ? w->line[wr_marks_page(s->base)] : NULL;
}

/* The same, made when there are none; NULL: no memory. */
static inline uint64_t *
wr_marks_make_line(struct wr_marks *set, const struct wr_span *s)
{
    struct wr_marks_window *w = wr_marks_make(set, s->base);

    return w != NULL ? w->line[wr_marks_page(s->base)] : NULL;
}

/* The note of a span that has a line. */
static inline uint16_t *
wr_marks_note(const struct wr_marks *set, const struct wr_span *s)
{
    size_t number = (s->base >> WR_WINDOW_SHIFT) - set->first;

    return &set->window[number]->page[wr_marks_page(s->base)];
}

static inline bool
wr_marks_has(const struct wr_marks *set, const struct wr_span *s,
             unsigned block)
{
    const uint64_t *line = wr_marks_line(set, s);

    return line != NULL &&
           (__atomic_load_n(&line[block / 64], __ATOMIC_RELAXED) >> block % 64 &
            1) != 0;
}

/* The same of the block that an address lies in, whatever that is. */
bool wr_marks_has_at(const struct wr_marks *set, uintptr_t at);

/* false: it was in the set before, or there is no memory. */
bool wr_marks_add(struct wr_marks *set, const struct wr_span *s,
                  unsigned block);
/* The same while others add too. */
bool wr_marks_add_shared(struct wr_marks *set, const struct wr_span *s,
                         unsigned block);

/* Those of a span that do not live, and bits behind its last: while others add,
 * too. */
void wr_marks_add_free(struct wr_marks *set, const struct wr_span *s);

void wr_marks_take_out(struct wr_marks *set, const struct wr_span *s,
                       unsigned block);

/* Blocks that are added or taken out meanwhile may or may not be visited.
 * Guard: mheap's lock. */
void wr_marks_each(const struct wr_marks *set,
                   void (*visit)(struct wr_span *s, unsigned block, void *arg),
                   void *arg);

#endif
