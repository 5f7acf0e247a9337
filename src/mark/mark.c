/* Invariants
 * 1. A block that is marked is grey (on the stack), black (scanned), or was
 *    dropped when there was no room for grey ones; then `dropped` is set, and
 *    finish looks through all marked blocks again.
 * 2. ring[] holds the last words that were fed. The word fed d steps ago has
 *    gone through the steps whose distance is below d.
 */
#include "mark/mark.h"

#include "base/base.h"
#include "heap/mheap.h"
#include "heap/span.h"
#include "mark/marks.h"
#include "os/os.h"
#include "os/pages.h"
#include "region/counters.h"

enum {
    /* How many words later a step follows the first. */
    TO_SPAN = 8,
    TO_BLOCK = 16,
    TO_MARK = 28,
    RING = 32,
    PIECE = 128 << 10, /* what is scanned at once of a large block */
};

#define GREY_STEP ((size_t)1 << 20) /* made usable at once */

/* A word on its way to a mark. */
struct word {
    uintptr_t value;
    struct wr_span *span; /* NULL: it points at no span */
    uintptr_t base;       /* of the block; 0: at no block */
    unsigned block;
    bool border; /* a block may end where it points */
};

struct grey {
    uintptr_t from, end;
};

struct wr_marker {
    uintptr_t low, span; /* blocks lie in [low, low + span) */
    struct word ring[RING];
    unsigned fed;
    unsigned waiting; /* steps until the ring is empty of words */

    struct grey *grey; /* the stack, and its address space */
    size_t grey_bytes;
    size_t depth, room, limit; /* in entries */
    bool dropped;
    bool shallow;
    uintptr_t ignored, ignored_bytes;

    struct wr_marks *marks, *ends; /* no ends: nobody asked */
    struct wr_marked sums;
    struct wr_os_pages pages;
};

/* --- Grey blocks --------------------------------------------------------- */

static bool
make_room(struct wr_marker *m)
{
    size_t step = GREY_STEP / sizeof *m->grey;

    if (m->room >= m->limit || !wr_os_commit(m->grey + m->room, GREY_STEP))
        return false;
    m->room = wr_min(m->room + step, m->limit);
    return true;
}

static void
push(struct wr_marker *m, uintptr_t from, uintptr_t end)
{
    if (m->shallow)
        return;
    if (wr_unlikely(m->depth == m->room) && !make_room(m)) {
        m->dropped = true;
        return;
    }
    m->grey[m->depth++] = (struct grey){from, end};
}

/* --- The steps of a word ------------------------------------------------- */

static void
fetch_entry(uintptr_t value)
{
    if (wr_likely(wr_near_has(value)))
        __builtin_prefetch(&wr_near.entry[wr_near_place(value)]);
}

static void
find_span(struct word *w)
{
    w->span = w->value != 0 ? wr_span_of((void *)w->value) : NULL;
    if (w->span != NULL)
        __builtin_prefetch(w->span);
}

/* Free runs have entries at their ends; a span's tail holds no block. */
static bool
locate(struct word *w)
{
    struct wr_span *s = w->span;

    switch (wr_span_state(s)) {
    case WR_SPAN_LARGE:
        w->block = 0;
        w->base = s->base;
        w->border = w->value == s->base;
        return true;
    case WR_SPAN_SMALL:
        w->block = wr_span_block_of(s, (void *)w->value, &w->border);
        w->base = s->base + (uintptr_t)w->block * s->block_bytes;
        return w->block < s->blocks;
    default:
        return false;
    }
}

static void
find_block(struct wr_marker *m, struct word *w)
{
    const uint64_t *bits;

    w->base = 0;
    w->border = w->value % WR_PAGE_BYTES == 0;
    if (w->span == NULL)
        return;
    if (!locate(w)) {
        w->base = 0;
        return;
    }
    bits = wr_marks_bits(m->marks, w->base);
    __builtin_prefetch(&w->span->block[w->block]);
    if (wr_likely(bits != NULL))
        __builtin_prefetch(&bits[wr_marks_bit(w->base) / 64], 1);
    __builtin_prefetch((void *)w->base);
}

bool
wr_marker_add(struct wr_marker *m, struct wr_span *s, unsigned block)
{
    size_t bytes = wr_span_block_bytes(s);
    uintptr_t base = s->base + (uintptr_t)block * bytes;

    if (!wr_marks_add(m->marks, base))
        return false;
    m->sums.blocks++;
    m->sums.bytes += bytes;
    push(m, base, base + bytes);
    return true;
}

/* Nothing lives where the word points, but perhaps in front of that. */
static void
mark_end(struct wr_marker *m, uintptr_t value)
{
    struct word w = {.value = value - 1};

    w.span = wr_span_of((void *)w.value);
    if (w.span != NULL && locate(&w) &&
        w.base + wr_span_block_bytes(w.span) == value &&
        wr_block_is_live(wr_block_state(w.span, w.block)))
        (void)wr_marks_add(m->ends, w.base);
}

static void
mark(struct wr_marker *m, struct word *w)
{
    if (w->base != 0 && wr_block_is_live(wr_block_state(w->span, w->block)))
        (void)wr_marker_add(m, w->span, w->block);
    else if (wr_unlikely(w->border && m->ends != NULL) && w->value != 0)
        mark_end(m, w->value);
}

static struct word *
fed_before(struct wr_marker *m, unsigned steps)
{
    return &m->ring[(m->fed - steps) % RING];
}

/* value 0 only moves those before it on. */
static inline void
feed(struct wr_marker *m, uintptr_t value)
{
    struct word *w = fed_before(m, 0);

    w->value = value;
    fetch_entry(value);
    find_span(fed_before(m, TO_SPAN));
    find_block(m, fed_before(m, TO_BLOCK));
    mark(m, fed_before(m, TO_MARK));
    m->fed++;
}

void
wr_marker_word(struct wr_marker *m, uintptr_t word)
{
    if (word - m->low > m->span || word - m->ignored < m->ignored_bytes)
        return;
    feed(m, word);
    m->waiting = TO_MARK;
}

static void
scan(struct wr_marker *m, uintptr_t from, uintptr_t end)
{
    m->sums.scanned += end - from;
    for (; from < end; from += sizeof from)
        wr_marker_word(m, *(const uintptr_t *)from);
}

/* --- From grey to black -------------------------------------------------- */

/* Cut the first piece of [*from, end) that is worth to be scanned: of what is
 * large, pages that nobody ever touched are left out. false: there is none. */
static bool
next_piece(struct wr_marker *m, uintptr_t *from, uintptr_t end, uintptr_t *stop)
{
    *stop = end;
    if (end - *from <= PIECE)
        return *from < end;
    for (; *from < end; *from = *stop)
        if (wr_os_pages_next(&m->pages, *from, end, stop) != WR_PAGES_NONE) {
            *stop = wr_min(*stop, *from + PIECE);
            return true;
        }
    return false;
}

static void
blacken(struct wr_marker *m)
{
    struct grey *g = &m->grey[m->depth - 1];
    uintptr_t from = g->from, stop;

    if (!next_piece(m, &from, g->end, &stop)) {
        m->depth--;
        return;
    }
    if (stop == g->end)
        m->depth--;
    else
        g->from = stop;
    scan(m, from, stop);
}

static void
blacken_all(struct wr_marker *m)
{
    while (m->depth > 0 || m->waiting > 0)
        if (m->depth > 0) {
            blacken(m);
        } else {
            feed(m, 0);
            m->waiting--;
        }
}

/* A marked block that was dropped is scanned, others once more. */
static void
look_again(struct wr_span *s, void *marker)
{
    struct wr_marker *m = marker;
    size_t bytes = wr_span_block_bytes(s);

    for (unsigned i = 0; i < s->blocks; i++) {
        uintptr_t base = s->base + i * bytes;

        if (!wr_marks_has(m->marks, base))
            continue;
        push(m, base, base + bytes);
        blacken_all(m);
    }
}

bool
wr_marker_finish(struct wr_marker *m)
{
    blacken_all(m);
    while (m->dropped && !m->marks->failed) {
        m->dropped = false;
        wr_mheap_each_span(look_again, m);
    }
    return !m->marks->failed && (m->ends == NULL || !m->ends->failed);
}

void
wr_marker_scan(struct wr_marker *m, const void *from, const void *end)
{
    uintptr_t word = sizeof(uintptr_t), stop;
    uintptr_t first = wr_align_up((uintptr_t)from, word);
    uintptr_t last = wr_align_down((uintptr_t)end, word);

    for (; first < last && next_piece(m, &first, last, &stop); first = stop) {
        scan(m, first, stop);
        while (m->depth > 0)
            blacken(m);
    }
}

/* --- Its life ------------------------------------------------------------ */

static void
find_heap(struct wr_marker *m)
{
    if (wr_window_first > wr_window_last)
        return;
    m->low = wr_window_first << WR_WINDOW_SHIFT;
    m->span = (wr_window_last + 1 - wr_window_first) << WR_WINDOW_SHIFT;
}

/* Where so much address space is not to be had, less does. */
static bool
make_grey(struct wr_marker *m)
{
    size_t wanted = wr_count_get(heap_inuse) / WR_MARKER_GREY_PART + GREY_STEP;

    m->grey_bytes = wr_align_up(wanted, GREY_STEP);
    m->grey = wr_os_reserve(m->grey_bytes);
    if (m->grey == NULL) {
        m->grey_bytes = GREY_STEP;
        m->grey = wr_os_reserve(m->grey_bytes);
    }
    m->limit = m->grey_bytes / sizeof *m->grey;
    return m->grey != NULL;
}

static struct wr_marker *
make(struct wr_marks *marks, struct wr_marks *ends, bool shallow)
{
    struct wr_marker *m = wr_os_map(sizeof *m);

    if (m == NULL)
        return NULL;
    m->shallow = shallow;
    m->marks = marks;
    m->ends = ends;
    wr_os_pages_open(&m->pages);
    find_heap(m);
    if (shallow || make_grey(m))
        return m;
    wr_marker_free(m);
    return NULL;
}

struct wr_marker *
wr_marker_new(struct wr_marks *marks, struct wr_marks *ends)
{
    return make(marks, ends, false);
}

struct wr_marker *
wr_marker_new_shallow(struct wr_marks *marks)
{
    return make(marks, NULL, true);
}

void
wr_marker_free(struct wr_marker *m)
{
    if (m == NULL)
        return;
    wr_os_pages_close(&m->pages);
    if (m->grey != NULL)
        wr_os_unmap(m->grey, m->grey_bytes);
    wr_os_unmap(m, sizeof *m);
}

void
wr_marker_ignore(struct wr_marker *m, uintptr_t from, uintptr_t end)
{
    m->ignored = from;
    m->ignored_bytes = end - from;
}

const struct wr_marked *
wr_marker_sums(const struct wr_marker *m)
{
    return &m->sums;
}

void
wr_marker_limit_grey(struct wr_marker *m, size_t blocks)
{
    m->limit = blocks;
}
