/* What the files of the marker share; mark/mark.h is what others see.
 *
 *     mark.c      the steps of a word, from grey to black
 *     finish.c    in slices, and to the end
 *     marker.c    its life, and its helpers
 *
 * Invariants
 * 1. A block that is marked is grey (on the stack), black (scanned), or was
 *    dropped when there was no room for grey ones; then `dropped` is set, and
 *    finish looks through all marked blocks again.
 * 2. Of a page that a marker has met (wr_marks_window.page says what it is, and
 *    not that one is about to) the line also has a bit for what does not live,
 *    and for what lies behind the last block: so one bit says whether there is
 *    anything to do.
 * 3. candidate[0 .. candidates) are words that were seen, point into the range
 *    of the heap, and did nothing yet.
 * 4. The stack is grey[bottom .. depth); both are 0 when it is empty. What was
 *    below bottom was given to others.
 * 5. Of markers that work together each has all this of its own but the sets
 *    and the crew. A block is pushed by the one that set its mark.
 *
 * Threads: one a marker.
 */
#ifndef WR_MARK_MARKER_H
#define WR_MARK_MARKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mark/crew.h"
#include "mark/mark.h"
#include "mark/odd.h"
#include "os/pages.h"

struct wr_span;

enum {
    WR_MARKER_ENOUGH = 64, /* words, to go through the steps together */
    WR_MARKER_SLICE = 128, /* words that are looked at between steps */
    WR_MARKER_ODD = WR_ODD_MOST + 3, /* of one, with the odd pointers in it */
    WR_MARKER_SEEN = WR_MARKER_ENOUGH + WR_MARKER_SLICE * WR_MARKER_ODD,
    WR_MARKER_KINDS = 512, /* of pages, that mark.c tells apart */
};

/* Of a stack of grey blocks: made usable at once. */
#define WR_MARKER_GREY_STEP ((size_t)1 << 20)

/* A word that points into a small span, on its way to a mark. */
struct wr_word {
    uint64_t *bits; /* where the block's bit is */
    uintptr_t base;
    uint32_t is;    /* of kind[], without the magic */
    uint32_t block; /* its lowest six bits: which bit in *bits */
};

struct wr_marker {
    unsigned number;     /* no other that writes the same marks has it */
    uintptr_t low, span; /* blocks lie in [low, low + span) */
    size_t candidates;
    uintptr_t candidate[WR_MARKER_SEEN];
    struct wr_word word[WR_MARKER_SEEN];
    uint64_t kind[WR_MARKER_KINDS];

    struct wr_grey *grey; /* the stack, and its address space */
    size_t grey_bytes;
    size_t bottom, depth, room, limit; /* in entries */
    bool dropped;
    bool shallow;
    bool looks_again; /* nearly all that it finds has a mark */
    uintptr_t ignored, ignored_bytes;

    struct wr_marks *marks, *kept; /* kept: by odd pointers; NULL: not asked */
    struct wr_odd odd;
    bool together;        /* others write these marks, too */
    struct wr_crew *crew; /* of helpers; NULL: there are none */
    struct wr_crew *pool; /* for who assists (mark/assists.h); NULL: nobody */
    struct wr_marked sums;
    struct wr_os_pages pages;

    struct wr_marker
        *helper[WR_MARKERS_MOST]; /* of the one that leads: from 1 */
    unsigned markers;             /* with itself */
    uint64_t helped;
};

/* What the pages of each class hold: before all else. */
void wr_marker_learn_kinds(struct wr_marker *m);
/* For more grey blocks than there is room for now. false: there is none. */
bool wr_marker_make_room(struct wr_marker *m);

/* A block of a span that has it is grey, marked or not. */
void wr_marker_push(struct wr_marker *m, const struct wr_span *s,
                    unsigned block);
/* One time from grey to black, and to the marks of what was seen. */
void wr_marker_step(struct wr_marker *m);
/* The same until nothing is grey that this one knows of. */
void wr_marker_blacken(struct wr_marker *m);
/* Some of what is grey to whom it is missing. */
void wr_marker_give(struct wr_marker *m);
/* Words on their way get to their marks. */
void wr_marker_mark_seen(struct wr_marker *m);
/* As wr_marker_note, of a part of a block that ends there. */
void wr_marker_note_part(struct wr_marker *m, uintptr_t from, uintptr_t end,
                         uintptr_t block_end);
/* The same of a typed one. */
void wr_marker_note_typed(struct wr_marker *m, uintptr_t from, uintptr_t end);

/* ---- for who assists ---- */

/* Is what is to be blackened next of more than one piece? */
bool wr_marker_is_at_large(const struct wr_marker *m);
/* It goes to the pool. false: there is no room. */
bool wr_marker_give_last(struct wr_marker *m);
/* Of one where nothing is grey: it gets a chunk of the pool. false: there is
 * none, or no pool. */
bool wr_marker_take_chunk(struct wr_marker *m);
/* Another one for the same marks, as one of so many. NULL: no memory. */
struct wr_marker *wr_marker_beside(const struct wr_marker *m, unsigned markers);
bool wr_marker_can_take_chunks(struct wr_marker *m);
/* Their grey blocks. */
void wr_marker_exchange(struct wr_marker *a, struct wr_marker *b);
/* What h counted becomes the leader's; did it drop blocks? So does m then. */
void wr_marker_take_counts(struct wr_marker *m, struct wr_marker *h);
/* By it and its helpers; others may ask. */
uint64_t wr_marker_scanned(const struct wr_marker *m);

static inline bool
wr_marker_is_done(const struct wr_marker *m)
{
    return m->depth == m->bottom && m->candidates == 0;
}

#endif
