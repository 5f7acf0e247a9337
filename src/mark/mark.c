/* Invariants
 * 1. A block that is marked is grey (on the stack), black (scanned), or was
 *    dropped when there was no room for grey ones; then `dropped` is set, and
 *    finish looks through all marked blocks again.
 * 2. Of a page that the marker has met (its number in wr_marks_window.page is
 *    not 0) the line also has a bit for what does not live, and for what lies
 *    behind the last block: so one bit says whether there is anything to do.
 * 3. candidate[0 .. candidates) are words that were seen, point into the range
 *    of the heap, and did nothing yet.
 * 4. The stack is grey[bottom .. depth); both are 0 when it is empty. What was
 *    below bottom was given to others.
 * 5. Of markers that work together each has all this of its own but the sets
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
    ENOUGH = 64,           /* words, to go through the steps together */
    SLICE = 128,           /* words that are looked at between steps */
    PIECE = 128 << 10,     /* bytes that are cut of a large block at once */
    LOOK_BYTES = 16 << 10, /* and between looks at the clock */
};

#define GREY_STEP ((size_t)1 << 20) /* made usable at once */

/* In the end of a grey part: of a typed block, of which some words count. */
#define TYPED ((uintptr_t)1)

/* A word that points into a small span, on its way to a mark. */
struct word {
    uint64_t *bits; /* where the block's bit is */
    uintptr_t base;
    uint32_t is;  /* of kind[], without the magic */
    uint32_t bit; /* in *bits */
};

/* What is known of a page: its span's class, what its blocks hold, and how many
 * pages it lies behind the first; class 0: no small span. */
enum {
    PAGE_CLASS = 0x7f,
    PAGE_NOSCAN = 0x80,
    PAGE_TYPED = 0x100,
    PAGE_KINDS = 0x200, /* so many there are */
    PAGE_BEHIND = 9,    /* bits to the right of it */
    PAGE_LARGE = 0x80,
    PAGE_EMPTY = 0x100,
};

/* What is known of a page's blocks; above, the class's magic. */
enum {
    KIND_SCAN = 1, /* they hold pointers */
    KIND_TYPED = 2,
    KIND_BYTES = 2, /* bits to the right of their size */
    KIND_MAGIC = 32
};

struct wr_marker {
    uintptr_t low, span; /* blocks lie in [low, low + span) */
    bool small;          /* the heap lies in the processor's caches, nearly */
    size_t candidates;
    uintptr_t candidate[ENOUGH + SLICE];
    struct word word[ENOUGH + SLICE];
    uint64_t kind[PAGE_KINDS];

    struct wr_grey *grey; /* the stack, and its address space */
    size_t grey_bytes;
    size_t bottom, depth, room, limit; /* in entries */
    bool dropped;
    bool shallow;
    bool looks_again; /* nearly all that it finds has a mark */
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
push(struct wr_marker *m, struct wr_grey part)
{
    if (m->shallow)
        return;
    if (wr_unlikely(m->depth >= m->room) && !make_room(m)) {
        m->dropped = true;
        return;
    }
    m->grey[m->depth++] = part;
}

/* Who has more gives half of it, of what waits longest: most hangs off that. */
static void
share(struct wr_marker *m)
{
    size_t n = wr_min((m->depth - m->bottom) / 2, (size_t)WR_CREW_CHUNK);

    if (n >= WR_CREW_WORTH && wr_crew_wants(m->crew) &&
        wr_crew_put(m->crew, m->grey + m->bottom, n))
        m->bottom += n;
}

/* --- Marks --------------------------------------------------------------- */

static bool
add_to(const struct wr_marker *m, struct wr_marks *set, const struct wr_span *s,
       unsigned block)
{
    return wr_likely(m->crew == NULL) ? wr_marks_add(set, s, block)
                                      : wr_marks_add_shared(set, s, block);
}

static inline void
push_block(struct wr_marker *m, const struct wr_span *s, uintptr_t base,
           size_t bytes)
{
    uintptr_t typed = s->kind == WR_KIND_TYPED ? TYPED : 0;

    if (s->kind != WR_KIND_NOSCAN)
        push(m, (struct wr_grey){base, (base + bytes) | typed});
}

bool
wr_marker_add(struct wr_marker *m, struct wr_span *s, unsigned block)
{
    size_t bytes = wr_span_block_bytes(s);
    uintptr_t base = s->base + (uintptr_t)block * bytes;

    if (!add_to(m, m->marks, s, block))
        return false;
    m->sums.blocks++;
    m->sums.bytes += bytes;
    push_block(m, s, base, bytes);
    return true;
}

/* Number of the block there, in a span that has blocks; false: there is none.
 * Free runs have entries at their ends; a span's tail holds no block. */
static bool
locate(const struct wr_span *s, uintptr_t value, unsigned *block)
{
    bool exact;

    *block = 0;
    switch (wr_span_state((struct wr_span *)s)) {
    case WR_SPAN_LARGE:
        return true;
    case WR_SPAN_SMALL:
        *block = wr_span_block_of(s, (void *)value, &exact);
        return *block < s->blocks;
    default:
        return false;
    }
}

/* The block that lives there, or NULL. */
static struct wr_span *
find_living(uintptr_t value, unsigned *block)
{
    struct wr_span *s = wr_span_of((void *)value);

    return s != NULL && locate(s, value, block) &&
                   wr_block_is_live(wr_block_state(s, *block))
               ? s
               : NULL;
}

static void
keep_odd(struct wr_marker *m, uintptr_t value)
{
    unsigned block;
    struct wr_span *s = find_living(value, &block);

    if (s != NULL)
        (void)add_to(m, m->kept, s, block);
}

/* Where nothing lives that the word points at, perhaps something ends there. */
static WR_COLD void
keep_end(struct wr_marker *m, uintptr_t value)
{
    unsigned block;
    struct wr_span *s = find_living(value, &block);

    if (s != NULL || value == 0)
        return;
    s = find_living(value - 1, &block);
    if (s != NULL && s->base + (block + 1) * wr_span_block_bytes(s) == value)
        (void)add_to(m, m->kept, s, block);
}

/* --- What a page holds -----------------------------------------------------
 */

/* What does not live, so that nobody has to look at states any more. */
static void
fill_line(uint64_t *line, const struct wr_span *s)
{
    for (unsigned i = 0; i < WR_MARKS_WORDS && i * 64 <= s->blocks; i++)
        __atomic_fetch_or(&line[i], ~wr_span_live_blocks(s, i * 64),
                          __ATOMIC_RELAXED);
}

static void
note_page(struct wr_marks_window *w, uintptr_t value, unsigned is)
{
    __atomic_store_n(&w->page[wr_marks_page(value)], (uint16_t)is,
                     __ATOMIC_RELEASE);
}

/* Of a heap that changes: who gives a span back takes it out of the page map
 * and then has its pages forgotten. So either that is to come yet, or the span
 * is not there any more. */
static bool
is_there(const struct wr_span *s, uintptr_t value)
{
    atomic_thread_fence(memory_order_seq_cst);
    return wr_span_of((void *)value) == s;
}

/* A page is met for the first time; several may do that at once. Where the heap
 * changes, what is empty now need not be so the next time. */
static WR_COLD uint16_t
meet(const struct wr_marks *set, struct wr_marks_window *w, uintptr_t value)
{
    struct wr_span *s = wr_span_of((void *)value);
    uint8_t state = s != NULL ? wr_span_state(s) : WR_SPAN_UNUSED;
    unsigned is = PAGE_EMPTY;
    size_t behind;

    if (state == WR_SPAN_LARGE)
        is = PAGE_LARGE;
    if (state == WR_SPAN_SMALL) {
        behind = (value - s->base) >> WR_PAGE_SHIFT;
        is = PAGE_LARGE; /* as one by one, where windows meet */
        if (behind <= wr_marks_page(value)) {
            fill_line(w->line[wr_marks_page(s->base)], s);
            is = s->class_id | (unsigned)behind << PAGE_BEHIND;
            is |= s->kind == WR_KIND_NOSCAN  ? PAGE_NOSCAN
                  : s->kind == WR_KIND_TYPED ? PAGE_TYPED
                                             : 0;
        }
    }
    if (!set->changing || is != PAGE_EMPTY)
        note_page(w, value, is);
    if (set->changing && is != PAGE_EMPTY && !is_there(s, value)) {
        note_page(w, value, 0);
        is = PAGE_EMPTY;
    }
    return (uint16_t)is;
}

/* --- The steps of a word ------------------------------------------------- */

static WR_COLD void
mark_large(struct wr_marker *m, uintptr_t value)
{
    unsigned block;
    struct wr_span *s = find_living(value, &block);

    if (s != NULL)
        (void)wr_marker_add(m, s, block);
    else if (m->kept != NULL)
        keep_end(m, value);
}

/* Not into a small span that was met: what its page is now. */
static WR_COLD unsigned
point_oddly(struct wr_marker *m, unsigned is, uintptr_t value)
{
    if (is == 0 && wr_span_of((void *)value) != NULL) {
        struct wr_marks_window *w = wr_marks_make(m->marks, value);

        is = w != NULL ? meet(m->marks, w, value) : PAGE_EMPTY;
    }
    if (is == PAGE_LARGE)
        mark_large(m, value);
    else if ((is & PAGE_CLASS) == 0 && m->kept != NULL &&
             value % WR_PAGE_BYTES == 0)
        keep_end(m, value);
    return is;
}

static inline __attribute__((always_inline)) struct word
find_word(struct wr_marks_window *marks, uintptr_t value, unsigned is,
          uint64_t kind)
{
    size_t behind = is >> PAGE_BEHIND;
    uintptr_t in_span = value % WR_PAGE_BYTES + (behind << WR_PAGE_SHIFT);
    uint64_t block = in_span * (kind >> KIND_MAGIC) >> 32;
    uint32_t low = (uint32_t)kind;

    return (struct word){
        .bits = &marks->line[wr_marks_page(value) - behind][block / 64],
        .base = value - in_span + block * (low >> KIND_BYTES),
        .is = low,
        .bit = block % 64,
    };
}

/* What the i-th candidate points at. false: it is no small span. */
static inline __attribute__((always_inline)) bool
find_candidate(struct wr_marker *m, size_t i, struct word *w)
{
    uintptr_t value = m->candidate[i];
    struct wr_marks_window **marks =
        &m->marks->window[(value - m->low) >> WR_WINDOW_SHIFT];
    unsigned is = 0;

    if (wr_likely(*marks != NULL))
        is = __atomic_load_n(&(*marks)->page[wr_marks_page(value)],
                             __ATOMIC_ACQUIRE);
    if (wr_unlikely((is & PAGE_CLASS) == 0)) {
        is = point_oddly(m, is, value);
        if ((is & PAGE_CLASS) == 0)
            return false;
    }
    *w = find_word(*marks, value, is, m->kind[is % PAGE_KINDS]);
    return true;
}

/* Ask for what marking it takes, and for the block. */
static inline void
fetch(const struct wr_marker *m, const struct word *w)
{
    __builtin_prefetch(w->bits, 1);
    if (wr_likely(!m->looks_again))
        __builtin_prefetch((void *)w->base);
    if (wr_unlikely((w->is & KIND_TYPED) != 0))
        __builtin_prefetch(wr_layout_at(w->base));
}

/* All that is on the way then; their values stand at the beginning of
 * candidate[]. */
static size_t
find_words(struct wr_marker *m)
{
    size_t n = 0, candidates = m->candidates;

    m->candidates = 0;
    for (size_t i = 0; i < candidates; i++) {
        uintptr_t value = m->candidate[i];

        if (!find_candidate(m, i, &m->word[n]))
            continue;
        fetch(m, &m->word[n]);
        m->candidate[n++] = value;
    }
    return n;
}

/* 1: the block has a mark now, and had none. */
static inline uint64_t
set_bit(const struct word *w, bool shared)
{
    uint64_t mask = UINT64_C(1) << w->bit;
    uint64_t old = __atomic_load_n(w->bits, __ATOMIC_RELAXED);

    if (!shared) {
        *w->bits = old | mask;
        return ~old >> w->bit & 1;
    }
    return (old & mask) == 0 &&
           (__atomic_fetch_or(w->bits, mask, __ATOMIC_RELAXED) & mask) == 0;
}

/* Of a block that holds pointers. */
static inline struct wr_grey
grey_of(const struct word *w)
{
    uintptr_t end = w->base + (w->is >> KIND_BYTES);

    return (struct wr_grey){w->base, end | (w->is & KIND_TYPED) / KIND_TYPED};
}

/* The grey blocks that come, and what they are. */
struct gain {
    struct wr_grey *top;
    uint64_t blocks, bytes;
};

/* Whether a block is new nobody can foretell, so nothing here hangs on it. */
static inline __attribute__((always_inline)) void
mark_word(struct gain *g, const struct word *w, bool shared)
{
    uint64_t fresh = set_bit(w, shared);

    *g->top = grey_of(w);
    g->top += fresh & w->is;
    g->blocks += fresh;
    g->bytes += (w->is >> KIND_BYTES) & -fresh;
}

static inline __attribute__((always_inline)) void
mark_words(struct wr_marker *m, bool shared)
{
    size_t n = find_words(m);
    struct gain g = {.top = m->grey + m->depth};

    for (size_t i = 0; i < n; i++)
        mark_word(&g, &m->word[i], shared);
    m->depth = (size_t)(g.top - m->grey);
    m->sums.blocks += g.blocks;
    m->sums.bytes += g.bytes;
}

/* Where there is little room, or somebody wants to know more. */
static void
mark_slowly(struct wr_marker *m)
{
    size_t n = find_words(m);

    for (size_t i = 0; i < n; i++) {
        const struct word *w = &m->word[i];

        if (set_bit(w, m->crew != NULL) != 0) {
            m->sums.blocks++;
            m->sums.bytes += w->is >> KIND_BYTES;
            if ((w->is & KIND_SCAN) != 0)
                push(m, grey_of(w));
        } else if (m->kept != NULL && m->candidate[i] == w->base) {
            keep_end(m, w->base);
        }
    }
}

static bool
has_room(struct wr_marker *m)
{
    size_t wanted = m->depth + m->candidates;

    return wr_likely(wanted <= m->room) ||
           (make_room(m) && m->depth + m->candidates <= m->room);
}

static void
mark_candidates(struct wr_marker *m)
{
    if (wr_unlikely(m->kept != NULL || m->shallow) || !has_room(m))
        mark_slowly(m);
    else if (m->crew == NULL)
        mark_words(m, false);
    else
        mark_words(m, true);
}

/* --- Words ---------------------------------------------------------------- */

static void
add_candidate(struct wr_marker *m, uintptr_t word)
{
    if (word - m->low < m->span && word - m->ignored >= m->ignored_bytes)
        m->candidate[m->candidates++] = word;
    else if (m->kept != NULL && word == m->low + m->span)
        keep_end(m, word);
}

void
wr_marker_word(struct wr_marker *m, uintptr_t word)
{
    add_candidate(m, word);
    if (m->candidates >= ENOUGH)
        mark_candidates(m);
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
    add_candidate(m, word);
}

WR_READS_ANY static void
scan_oddly(struct wr_marker *m, const uintptr_t *at, const uintptr_t *end,
           uintptr_t limit)
{
    for (; at < end; at++)
        look_at(m, at[0], (uintptr_t)(at + 1) < limit ? at[1] : 0);
}

/* At most SLICE words, while there are not ENOUGH. Every other word is none
 * that points anywhere, in no order: so it is put down, and counted or not. */
WR_READS_ANY static inline void
scan_slice(struct wr_marker *m, const uintptr_t *at, const uintptr_t *end,
           uintptr_t limit)
{
    size_t n = m->candidates;
    uintptr_t low = m->low, span = m->span;

    if (wr_unlikely(m->kept != NULL || m->ignored_bytes != 0)) {
        scan_oddly(m, at, end, limit);
        return;
    }
    for (; at < end; at++) {
        m->candidate[n] = *at;
        n += *at - low < span;
    }
    m->candidates = n;
}

/* [from, end), which goes on up to limit: an odd pointer may begin in the one
 * and end in the other. */
static void
scan(struct wr_marker *m, uintptr_t from, uintptr_t end, uintptr_t limit)
{
    const uintptr_t *at = (const uintptr_t *)from;
    const uintptr_t *last = (const uintptr_t *)end, *stop;

    m->sums.scanned += end - from;
    for (; at < last; at = stop) {
        stop = at + wr_min((size_t)(last - at), (size_t)SLICE);
        scan_slice(m, at, stop, limit);
        if (m->candidates >= ENOUGH)
            mark_candidates(m);
    }
}

/* As scan_slice, of the words from `at` on that the bits name: how many. */
static inline size_t
scan_named(struct wr_marker *m, const uintptr_t *at, uint64_t bits)
{
    size_t n = m->candidates, looked = 0;
    uintptr_t low = m->low, span = m->span;

    if (wr_unlikely(m->kept != NULL || m->ignored_bytes != 0)) {
        for (; bits != 0; bits &= bits - 1, looked++)
            look_at(m, at[wr_cpu_lowest_bit(bits)], 0);
        return looked;
    }
    for (; bits != 0; bits &= bits - 1, looked++) {
        uintptr_t word = at[wr_cpu_lowest_bit(bits)];

        m->candidate[n] = word;
        n += word - low < span;
    }
    m->candidates = n;
    return looked;
}

/* The same of a typed block, or part of one: only words that may be pointers.
 * The bytes of those. */
static inline size_t
scan_typed_slice(struct wr_marker *m, uintptr_t from, uintptr_t end)
{
    size_t looked = 0;

    for (unsigned n; from < end; from += n * sizeof(uintptr_t)) {
        uint64_t bits = wr_layout_next(from, end, &n);

        looked += scan_named(m, (const uintptr_t *)from, bits);
    }
    return looked * sizeof(uintptr_t);
}

static void
scan_typed(struct wr_marker *m, uintptr_t from, uintptr_t end)
{
    for (uintptr_t stop; from < end; from = stop) {
        stop = wr_min(end, from + SLICE * sizeof(uintptr_t));
        m->sums.scanned += scan_typed_slice(m, from, stop);
        if (m->candidates >= ENOUGH)
            mark_candidates(m);
    }
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
blacken_large(struct wr_marker *m)
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
}

static bool
is_small(const struct wr_grey *g)
{
    return g->end - g->from <= SLICE * sizeof(uintptr_t) + TYPED;
}

/* Grey blocks are scanned until they have brought enough, or there are none. */
static void
blacken(struct wr_marker *m)
{
    size_t depth = m->depth, bottom = m->bottom, scanned = 0;

    while (depth > bottom && m->candidates < ENOUGH &&
           wr_likely(is_small(&m->grey[depth - 1]))) {
        const struct wr_grey *g = &m->grey[--depth];

        if ((g->end & TYPED) != 0) {
            scanned += scan_typed_slice(m, g->from, g->end & ~TYPED);
            continue;
        }
        scanned += g->end - g->from;
        scan_slice(m, (const uintptr_t *)g->from, (const uintptr_t *)g->end,
                   g->end);
    }
    m->sums.scanned += scanned;
    m->depth = depth;
    if (is_empty(m))
        m->bottom = m->depth = 0;
    else if (m->candidates < ENOUGH)
        blacken_large(m);
}

static void
blacken_all(struct wr_marker *m)
{
    while (!is_empty(m) || m->candidates > 0) {
        blacken(m);
        mark_candidates(m);
        if (m->crew != NULL)
            share(m);
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
        blacken_all(m);
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

/* --- In slices ----------------------------------------------------------- */

void
wr_marker_note(struct wr_marker *m, const void *from, const void *end)
{
    uintptr_t word = sizeof(uintptr_t), stop;
    uintptr_t first = wr_align_up((uintptr_t)from, word);
    uintptr_t last = wr_align_down((uintptr_t)end, word);

    for (; first < last && next_piece(m, &first, last, &stop); first = stop)
        scan(m, first, stop, last);
}

/* The part of a marked block that lies in [from, end). */
static void
note_part(struct wr_marker *m, struct wr_span *s, unsigned block,
          uintptr_t from, uintptr_t end)
{
    size_t bytes = wr_span_block_bytes(s);
    uintptr_t base = s->base + block * bytes;

    if (!wr_marks_has(m->marks, s, block) ||
        !wr_block_is_live(wr_block_state(s, block)))
        return;
    from = wr_max(base, from);
    end = wr_min(base + bytes, end);
    if (s->kind == WR_KIND_TYPED)
        scan_typed(m, from, end);
    else
        wr_marker_note(m, (void *)from, (void *)end);
}

/* The same of all blocks of a span. */
static void
note_span(struct wr_marker *m, struct wr_span *s, uintptr_t from, uintptr_t end)
{
    bool exact;

    if (s->kind == WR_KIND_NOSCAN)
        return;
    if (wr_span_state(s) == WR_SPAN_LARGE)
        note_part(m, s, 0, from, end);
    if (wr_span_state(s) != WR_SPAN_SMALL)
        return;
    for (unsigned i = wr_span_block_of(s, (void *)from, &exact);
         i < s->blocks && s->base + i * (uintptr_t)s->block_bytes < end; i++)
        note_part(m, s, i, from, end);
}

void
wr_marker_again(struct wr_marker *m, uintptr_t from, uintptr_t end)
{
    m->pages.known = 0; /* as of before it was written */
    m->looks_again = true;
    for (uintptr_t stop; from < end; from = stop) {
        struct wr_span *s = wr_span_of((void *)from);

        stop = wr_min(wr_align_down(from, WR_PAGE_BYTES) + WR_PAGE_BYTES, end);
        if (s != NULL)
            note_span(m, s, from, stop);
    }
    mark_candidates(m);
    m->looks_again = false;
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

        if (s->kind == WR_KIND_NOSCAN ||
            !wr_block_is_live(wr_block_state(s, i)) ||
            !wr_marks_has(m->marks, s, i))
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
wr_marker_lost_some(struct wr_marker *m)
{
    return gather(m);
}

bool
wr_marker_go_on(struct wr_marker *m, uint64_t until)
{
    uint64_t look = m->sums.scanned + LOOK_BYTES;

    if (until == 0)
        finish_all(m);
    while (!is_empty(m) || m->candidates > 0) {
        blacken(m);
        mark_candidates(m);
        if (m->sums.scanned < look)
            continue;
        if (wr_os_monotonic() >= until)
            return is_empty(m);
        look = m->sums.scanned + LOOK_BYTES;
    }
    return true;
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
    m->low = marks->first << WR_WINDOW_SHIFT;
    m->span = marks->windows << WR_WINDOW_SHIFT;
    m->odd = wr_odd_in(m->low, m->span);
    for (unsigned c = 1; c < WR_CLASSES; c++) {
        uint64_t is = (uint64_t)wr_class[c].magic << KIND_MAGIC |
                      wr_class[c].bytes << KIND_BYTES;

        m->kind[c | PAGE_NOSCAN] = is;
        m->kind[c] = is | KIND_SCAN;
        m->kind[c | PAGE_TYPED] = is | KIND_SCAN | KIND_TYPED;
    }
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
