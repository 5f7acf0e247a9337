/* Invariants
 * 1. A block that is marked is grey (on the stack), black (scanned), or was
 *    dropped when there was no room for grey ones; then `dropped` is set, and
 *    finish looks through all marked blocks again.
 * 2. ring[] holds the last words that were fed. The word fed d steps ago has
 *    gone through the steps whose distance is below d.
 * 3. The stack is grey[bottom .. depth); both are 0 when it is empty. What was
 *    below bottom was given to others.
 * 4. Of markers that work together each has all this of its own but the sets
 *    and the crew. A block is pushed by the one that set its mark.
 */
#include "mark/mark.h"

#include <string.h>

#include "base/base.h"
#include "heap/layout.h"
#include "heap/mheap.h"
#include "heap/span.h"
#include "mark/crew.h"
#include "mark/marks.h"
#include "mark/odd.h"
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

/* In the end of a grey part: of a typed block, of which some words count. */
#define TYPED ((uintptr_t)1)

/* A word on its way to a mark. */
struct word {
    uintptr_t value;
    struct wr_span *span; /* NULL: it points at no span */
    uintptr_t base;       /* of the block; 0: at no block */
    unsigned block;
    bool border; /* a block may end where it points */
};

struct wr_marker {
    uintptr_t low, span; /* blocks lie in [low, low + span) */
    struct word ring[RING];
    unsigned fed;
    unsigned waiting; /* steps until the ring is empty of words */

    struct wr_grey *grey; /* the stack, and its address space */
    size_t grey_bytes;
    size_t bottom, depth, room, limit; /* in entries */
    bool dropped;
    bool shallow;
    uintptr_t ignored, ignored_bytes;

    struct wr_marks *marks, *kept; /* kept: by odd pointers; NULL: not asked */
    struct wr_odd odd;
    struct wr_crew *crew; /* NULL: it is alone */
    struct wr_marked sums;
    struct wr_os_pages pages;

    struct wr_marker
        *helper[WR_MARKERS_MOST]; /* of the one that leads: from 1 */
    unsigned markers;             /* with itself */
    uint64_t helped;
};

/* --- Grey blocks --------------------------------------------------------- */

/* Where much of the stack was given away the rest takes its place. */
static bool
move_down(struct wr_marker *m)
{
    if (m->bottom <= m->depth / 2)
        return false;
    m->depth -= m->bottom;
    memmove(m->grey, m->grey + m->bottom, m->depth * sizeof *m->grey);
    m->bottom = 0;
    return true;
}

static bool
make_room(struct wr_marker *m)
{
    size_t step = GREY_STEP / sizeof *m->grey;

    if (move_down(m))
        return true;
    if (m->room >= m->limit || !wr_os_commit(m->grey + m->room, GREY_STEP))
        return false;
    m->room = wr_min(m->room + step, m->limit);
    return true;
}

static bool
is_empty(const struct wr_marker *m)
{
    return m->depth == m->bottom;
}

static void
pop(struct wr_marker *m)
{
    m->depth--;
    if (is_empty(m))
        m->bottom = m->depth = 0;
}

static void
push(struct wr_marker *m, uintptr_t from, uintptr_t end)
{
    if (m->shallow)
        return;
    if (wr_unlikely(m->depth >= m->room) && !make_room(m)) {
        m->dropped = true;
        return;
    }
    m->grey[m->depth++] = (struct wr_grey){from, end};
}

/* Who has much gives of what waits longest: most hangs off that. */
static void
share(struct wr_marker *m)
{
    if (m->depth - m->bottom >= 2 * WR_CREW_CHUNK && wr_crew_wants(m->crew) &&
        wr_crew_put(m->crew, m->grey + m->bottom))
        m->bottom += WR_CREW_CHUNK;
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
    if (w->span->kind == WR_KIND_TYPED)
        __builtin_prefetch(wr_layout_at(w->base));
}

static inline void
push_block(struct wr_marker *m, const struct wr_span *s, uintptr_t base,
           size_t bytes)
{
    if (s->kind == WR_KIND_TYPED)
        push(m, base, (base + bytes) | TYPED);
    else if (s->kind != WR_KIND_NOSCAN)
        push(m, base, base + bytes);
}

static bool
add_to(const struct wr_marker *m, struct wr_marks *set, uintptr_t base)
{
    return wr_likely(m->crew == NULL) ? wr_marks_add(set, base)
                                      : wr_marks_add_shared(set, base);
}

bool
wr_marker_add(struct wr_marker *m, struct wr_span *s, unsigned block)
{
    size_t bytes = wr_span_block_bytes(s);
    uintptr_t base = s->base + (uintptr_t)block * bytes;

    if (!add_to(m, m->marks, base))
        return false;
    m->sums.blocks++;
    m->sums.bytes += bytes;
    push_block(m, s, base, bytes);
    return true;
}

/* The word at whose address the block is, if one lives there. */
static bool
find_living(uintptr_t value, struct word *w)
{
    w->value = value;
    w->span = wr_span_of((void *)value);
    return w->span != NULL && locate(w) &&
           wr_block_is_live(wr_block_state(w->span, w->block));
}

/* Nothing lives where the word points, but perhaps in front of that. */
static void
keep_end(struct wr_marker *m, uintptr_t value)
{
    struct word w;

    if (find_living(value - 1, &w) &&
        w.base + wr_span_block_bytes(w.span) == value)
        (void)add_to(m, m->kept, w.base);
}

static void
keep_odd(struct wr_marker *m, uintptr_t value)
{
    struct word w;

    if (find_living(value, &w))
        (void)add_to(m, m->kept, w.base);
}

static void
mark(struct wr_marker *m, struct word *w)
{
    if (w->base != 0 && wr_block_is_live(wr_block_state(w->span, w->block)))
        (void)wr_marker_add(m, w->span, w->block);
    else if (wr_unlikely(w->border && m->kept != NULL) && w->value != 0)
        keep_end(m, w->value);
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
look_oddly(struct wr_marker *m, uintptr_t word, uintptr_t next)
{
    uintptr_t address[WR_ODD_MOST];
    unsigned n = wr_odd_find(&m->odd, word, next, address);

    for (unsigned i = 0; i < n; i++)
        keep_odd(m, address[i]);
}

/* A word, and the one behind it: 0 where there is none. */
static inline void
look_at(struct wr_marker *m, uintptr_t word, uintptr_t next)
{
    if (wr_unlikely(wr_odd_may(&m->odd, word, next)))
        look_oddly(m, word, next);
    if (wr_unlikely(wr_odd_is_tagged(&m->odd, word)))
        keep_odd(m, word & m->odd.address);
    if (wr_unlikely(wr_odd_is_mangled(&m->odd, word)))
        keep_odd(m, wr_cpu_unmangled(word, m->odd.secret));
    wr_marker_word(m, word);
}

/* [from, end), which goes on up to limit: an odd pointer may begin in the one
 * and end in the other. */
static void
scan(struct wr_marker *m, uintptr_t from, uintptr_t end, uintptr_t limit)
{
    const uintptr_t *at = (const uintptr_t *)from;
    const uintptr_t *last = (const uintptr_t *)end - 1;

    m->sums.scanned += end - from;
    if (m->kept == NULL) {
        for (; at <= last; at++)
            wr_marker_word(m, *at);
        return;
    }
    for (; at < last; at++)
        look_at(m, at[0], at[1]);
    look_at(m, *last, end < limit ? last[1] : 0);
}

/* The same of a typed block: only words that may be pointers. */
static void
scan_typed(struct wr_marker *m, uintptr_t from, uintptr_t end)
{
    uint64_t looked = 0;

    for (unsigned n; from < end; from += n * sizeof(uintptr_t)) {
        uint64_t bits = wr_layout_next(from, end, &n);

        for (; bits != 0; bits &= bits - 1, looked++) {
            uintptr_t word = ((uintptr_t *)from)[wr_cpu_lowest_bit(bits)];

            if (m->kept == NULL)
                wr_marker_word(m, word);
            else
                look_at(m, word, 0);
        }
    }
    m->sums.scanned += looked * sizeof(uintptr_t);
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
    struct wr_grey *g = &m->grey[m->depth - 1];
    uintptr_t from = g->from, end = g->end & ~TYPED, stop;
    bool typed = (g->end & TYPED) != 0;

    if (!next_piece(m, &from, end, &stop)) {
        pop(m);
        return;
    }
    if (stop == end)
        pop(m);
    else
        g->from = stop;
    if (typed)
        scan_typed(m, from, stop);
    else
        scan(m, from, stop, end);
    if (m->crew != NULL)
        share(m);
}

static void
blacken_all(struct wr_marker *m)
{
    while (!is_empty(m) || m->waiting > 0)
        if (!is_empty(m)) {
            blacken(m);
        } else {
            feed(m, 0);
            m->waiting--;
        }
}

void
wr_marker_scan(struct wr_marker *m, const void *from, const void *end)
{
    uintptr_t word = sizeof(uintptr_t), stop;
    uintptr_t first = wr_align_up((uintptr_t)from, word);
    uintptr_t last = wr_align_down((uintptr_t)end, word);

    for (; first < last && next_piece(m, &first, last, &stop); first = stop) {
        scan(m, first, stop, last);
        while (!is_empty(m))
            blacken(m);
    }
}

void
wr_marker_scan_block(struct wr_marker *m, struct wr_span *s, unsigned block)
{
    size_t bytes = wr_span_block_bytes(s);
    uintptr_t base = s->base + (uintptr_t)block * bytes;

    if (s->kind == WR_KIND_TYPED)
        scan_typed(m, base, base + bytes);
    else if (s->kind != WR_KIND_NOSCAN)
        wr_marker_scan(m, (void *)base, (void *)(base + bytes));
}

/* --- To the end ---------------------------------------------------------- */

/* And what others gave away. */
static void
finish_all(struct wr_marker *m)
{
    blacken_all(m);
    if (m->crew == NULL)
        return;
    wr_crew_rest(m->crew);
    while ((m->depth = wr_crew_next_or_end(m->crew, m->grey)) > 0) {
        blacken_all(m);
        wr_crew_rest(m->crew);
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

        if (s->kind == WR_KIND_NOSCAN || !wr_marks_has(m->marks, base))
            continue;
        push_block(m, s, base, bytes);
        blacken_all(m);
    }
}

/* All rest. What the helpers counted becomes the leader's; did anybody drop
 * blocks? */
static bool
gather(struct wr_marker *m)
{
    bool dropped = m->dropped;

    m->dropped = false;
    for (unsigned i = 1; i < m->markers; i++) {
        struct wr_marker *h = m->helper[i];

        m->helped += h->sums.blocks;
        m->sums.blocks += h->sums.blocks;
        m->sums.bytes += h->sums.bytes;
        m->sums.scanned += h->sums.scanned;
        h->sums = (struct wr_marked){0, 0, 0};
        dropped |= h->dropped;
        h->dropped = false;
    }
    return dropped;
}

bool
wr_marker_finish(struct wr_marker *m)
{
    finish_all(m);
    while (gather(m) && !m->marks->failed) {
        wr_mheap_each_span(look_again, m);
        finish_all(m);
    }
    return !m->marks->failed && (m->kept == NULL || !m->kept->failed);
}

void
wr_marker_help(struct wr_marker *leader, unsigned i)
{
    struct wr_marker *m = leader->helper[i];

    WR_ASSERT(i > 0 && i < leader->markers);
    wr_os_pages_open(&m->pages);
    while ((m->depth = wr_crew_next(m->crew, m->grey)) > 0) {
        blacken_all(m);
        wr_crew_rest(m->crew);
    }
    wr_os_pages_close(&m->pages);
}

void
wr_marker_dismiss(struct wr_marker *m)
{
    if (m->crew != NULL)
        wr_crew_dismiss(m->crew);
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

/* The stack of one of so many. Where so much address space is not to be had,
 * less does. */
static bool
make_grey(struct wr_marker *m, unsigned markers)
{
    size_t wanted =
        wr_count_get(heap_inuse) / WR_MARKER_GREY_PART / markers + GREY_STEP;

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
make(struct wr_marks *marks, struct wr_marks *kept)
{
    struct wr_marker *m = wr_os_map(sizeof *m);

    if (m == NULL)
        return NULL;
    m->marks = marks;
    m->kept = kept;
    m->markers = 1;
    m->pages.file = -1;
    find_heap(m);
    m->odd = wr_odd_in(m->low, m->span);
    return m;
}

struct wr_marker *
wr_marker_new(struct wr_marks *marks, struct wr_marks *odd)
{
    struct wr_marker *m = make(marks, odd);

    if (m == NULL)
        return NULL;
    wr_os_pages_open(&m->pages);
    if (make_grey(m, 1))
        return m;
    wr_marker_free(m);
    return NULL;
}

struct wr_marker *
wr_marker_new_shallow(struct wr_marks *marks)
{
    struct wr_marker *m = make(marks, NULL);

    if (m == NULL)
        return NULL;
    m->shallow = true;
    wr_os_pages_open(&m->pages);
    return m;
}

void
wr_marker_go_alone(struct wr_marker *m)
{
    for (unsigned i = 1; i < WR_MARKERS_MOST && m->helper[i] != NULL; i++) {
        m->helper[i]->crew = NULL; /* it is the leader's */
        wr_marker_free(m->helper[i]);
        m->helper[i] = NULL;
    }
    wr_crew_free(m->crew);
    m->crew = NULL;
    m->markers = 1;
}

void
wr_marker_free(struct wr_marker *m)
{
    if (m == NULL)
        return;
    wr_marker_go_alone(m);
    wr_os_pages_close(&m->pages);
    if (m->grey != NULL)
        wr_os_unmap(m->grey, m->grey_bytes);
    wr_os_unmap(m, sizeof *m);
}

/* --- Together ------------------------------------------------------------ */

/* A chunk must find room. */
static bool
can_take_chunks(struct wr_marker *m)
{
    return m->room > 0 || make_room(m);
}

static bool
make_helper(struct wr_marker *m, unsigned i, unsigned markers)
{
    struct wr_marker *h = make(m->marks, m->kept);

    m->helper[i] = h;
    if (h == NULL)
        return false;
    h->crew = m->crew;
    return make_grey(h, markers) && can_take_chunks(h);
}

/* What several write, or map, is there before they begin. */
static bool
prepare(struct wr_marker *m, unsigned n)
{
    m->crew = wr_crew_new(n);
    if (m->crew == NULL || !can_take_chunks(m) ||
        !wr_marks_make_all(m->marks) ||
        (m->kept != NULL && !wr_marks_make_all(m->kept)))
        return false;
    for (m->markers = 1; m->markers < n; m->markers++)
        if (!make_helper(m, m->markers, n))
            return false;
    return true;
}

bool
wr_marker_share(struct wr_marker *m, unsigned n)
{
    WR_ASSERT(m->crew == NULL && !m->shallow && n > 1 && n <= WR_MARKERS_MOST);
    if (prepare(m, n))
        return true;
    wr_marker_go_alone(m);
    return false;
}

uint64_t
wr_marker_helped(const struct wr_marker *m)
{
    return m->helped;
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
    m->room = wr_min(m->room, blocks);
    for (unsigned i = 1; i < m->markers; i++)
        wr_marker_limit_grey(m->helper[i], blocks);
}
