/* The steps of a word, from grey to black: what a marker does nearly all of its
 * time. Invariants: mark/marker.h.
 */
#include "mark/marker.h"

#include "base/base.h"
#include "heap/layout.h"
#include "heap/span.h"
#include "mark/crew.h"
#include "mark/marks.h"
#include "mark/odd.h"
#include "os/os.h"
#include "os/pages.h"

enum {
    ENOUGH = WR_MARKER_ENOUGH,
    SLICE = WR_MARKER_SLICE,
    PIECE = 128 << 10 /* bytes that are cut of a large block at once */
};

/* In the end of a grey part: of a typed block, of which some words count. */
enum { TYPED = 1 };

/* What is known of a page: its span's class, what its blocks hold, and how many
 * pages it lies behind the first; class 0: no small span. */
enum {
    PAGE_CLASS = 0x7f,
    PAGE_NOSCAN = 0x80,
    PAGE_TYPED = 0x100,
    PAGE_BEHIND = 9, /* bits to the right of it */
    PAGE_LARGE = 0x80,
    PAGE_EMPTY = 0x100,
    PAGE_MEETING = 0x180, /* by the marker of that number: see meet */
};

/* What is known of a page's blocks beside their size, of which it takes the
 * lowest bits; above, the class's magic. */
enum {
    KIND_TYPED = TYPED,
    KIND_SCAN = 2, /* they hold pointers */
    KIND_BYTES = ~7,
    KIND_MAGIC = 32
};

/* --- Grey blocks --------------------------------------------------------- */

/* Where much of the stack was given away the rest takes its place. */
static bool
move_down(struct wr_marker *m)
{
    if (m->bottom <= m->depth / 2)
        return false;
    m->depth -= m->bottom;
    wr_grey_copy(m->grey, m->grey + m->bottom, m->depth);
    m->bottom = 0;
    return true;
}

bool
wr_marker_make_room(struct wr_marker *m)
{
    size_t step = WR_MARKER_GREY_STEP / sizeof *m->grey;

    if (move_down(m))
        return true;
    if (m->room >= m->limit ||
        !wr_os_commit(m->grey + m->room, WR_MARKER_GREY_STEP))
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
    if (wr_unlikely(m->depth >= m->room) && !wr_marker_make_room(m)) {
        m->dropped = true;
        return;
    }
    m->grey[m->depth++] = part;
}

static bool
is_large(const struct wr_grey *g)
{
    return g->end - g->from > PIECE + TYPED;
}

/* Who has more gives half of it, of what waits longest: most hangs off that.
 * keeps: not the first, though. */
static void
share(struct wr_marker *m, struct wr_crew *c, size_t worth, bool keeps)
{
    struct wr_grey *first = m->grey + m->bottom;
    size_t n =
        wr_min((m->depth - m->bottom - keeps) / 2, (size_t)WR_CREW_CHUNK);

    if (n < worth || !wr_crew_wants(c) || !wr_crew_put(c, first + keeps, n))
        return;
    if (keeps)
        first[n] = *first;
    m->bottom += n;
}

/* What is large waits long, and is nothing for who assists. */
void
wr_marker_give(struct wr_marker *m)
{
    if (is_empty(m))
        return;
    if (m->crew != NULL)
        share(m, m->crew, WR_CREW_WORTH, false);
    if (m->pool != NULL)
        share(m, m->pool, 1, is_large(&m->grey[m->bottom]));
}

bool
wr_marker_is_at_large(const struct wr_marker *m)
{
    return !is_empty(m) && is_large(&m->grey[m->depth - 1]);
}

bool
wr_marker_give_last(struct wr_marker *m)
{
    if (!wr_crew_put(m->pool, &m->grey[m->depth - 1], 1))
        return false;
    pop(m);
    return true;
}

bool
wr_marker_take_chunk(struct wr_marker *m)
{
    WR_ASSERT(wr_marker_is_done(m));
    m->depth = m->pool != NULL ? wr_crew_take(m->pool, m->grey) : 0;
    return m->depth > 0;
}

/* --- Marks --------------------------------------------------------------- */

static bool
add_to(const struct wr_marker *m, struct wr_marks *set, const struct wr_span *s,
       unsigned block)
{
    return wr_likely(!m->together) ? wr_marks_add(set, s, block)
                                   : wr_marks_add_shared(set, s, block);
}

void
wr_marker_push(struct wr_marker *m, const struct wr_span *s, unsigned block)
{
    size_t bytes = wr_span_block_bytes(s);
    uintptr_t base = s->base + block * bytes;
    uintptr_t typed = s->kind == WR_KIND_TYPED ? TYPED : 0;

    if (s->kind != WR_KIND_NOSCAN)
        push(m, (struct wr_grey){base, (base + bytes) | typed});
}

bool
wr_marker_add(struct wr_marker *m, struct wr_span *s, unsigned block)
{
    if (!add_to(m, m->marks, s, block))
        return false;
    m->sums.blocks++;
    m->sums.bytes += wr_span_block_bytes(s);
    wr_marker_push(m, s, block);
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

/* Do odd pointers reach what they keep? */
static bool
is_careful(const struct wr_marker *m)
{
    return m->kept == m->marks;
}

/* While words are looked at: reached is what is one of them. */
static void
keep_odd(struct wr_marker *m, uintptr_t value)
{
    unsigned block;
    struct wr_span *s = find_living(value, &block);

    if (s != NULL && is_careful(m))
        m->candidate[m->candidates++] = value;
    else if (s != NULL)
        (void)add_to(m, m->kept, s, block);
}

/* Where nothing lives that the word points at, perhaps something ends there. */
static struct wr_span *
find_ending(uintptr_t value, unsigned *block)
{
    struct wr_span *s;

    if (value == 0 || find_living(value, block) != NULL)
        return NULL;
    s = find_living(value - 1, block);
    return s != NULL && s->base + (*block + 1) * wr_span_block_bytes(s) == value
               ? s
               : NULL;
}

/* While words get to their marks. */
static WR_COLD void
keep_end(struct wr_marker *m, uintptr_t value)
{
    unsigned block;
    struct wr_span *s = find_ending(value, &block);

    if (s != NULL && is_careful(m))
        (void)wr_marker_add(m, s, block);
    else if (s != NULL)
        (void)add_to(m, m->kept, s, block);
}

/* --- What a page holds --------------------------------------------------- */

static unsigned
page_of(struct wr_span *s, uintptr_t value)
{
    uint8_t state = s != NULL ? wr_span_state(s) : WR_SPAN_UNUSED;
    size_t behind;

    if (state == WR_SPAN_LARGE)
        return PAGE_LARGE;
    if (state != WR_SPAN_SMALL)
        return PAGE_EMPTY;
    behind = (value - s->base) >> WR_PAGE_SHIFT;
    return behind > wr_marks_page(value)
               ? PAGE_LARGE /* as one by one, where windows meet */
               : s->class_id | (unsigned)behind << PAGE_BEHIND |
                     (s->kind == WR_KIND_NOSCAN  ? PAGE_NOSCAN
                      : s->kind == WR_KIND_TYPED ? PAGE_TYPED
                                                 : 0);
}

/* What a page is that is met for the first time, and what does not live there
 * gets its bits. */
static unsigned
look_at_page(struct wr_marks *set, uintptr_t value)
{
    struct wr_span *s = wr_span_of((void *)value);
    unsigned is = page_of(s, value);

    if ((is & PAGE_CLASS) != 0 && !set->from_birth)
        wr_marks_add_free(set, s);
    return is;
}

/* Several may meet it at once.
 *
 * Where the heap changes, who gives a span back takes it out of the page map
 * and then has its pages forgotten. So who looks says before that it does, and
 * what it found counts if that is still said then: else the span may be gone,
 * and another there, which others must not take for it. They look at the blocks
 * of such a page one by one. What is empty then need not be so the next time.
 */
static WR_COLD unsigned
meet(struct wr_marker *m, struct wr_marks_window *w, uintptr_t value)
{
    uint16_t *note = &w->page[wr_marks_page(value)], none = 0;
    uint16_t mine = (uint16_t)(PAGE_MEETING | m->number << PAGE_BEHIND);
    unsigned is;

    if (!m->marks->changing) {
        is = look_at_page(m->marks, value);
        __atomic_store_n(note, (uint16_t)is, __ATOMIC_RELEASE);
        return is;
    }
    if (!__atomic_compare_exchange_n(note, &none, mine, false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_SEQ_CST))
        return none;
    is = look_at_page(m->marks, value);
    if (!__atomic_compare_exchange_n(note, &mine,
                                     (uint16_t)(is == PAGE_EMPTY ? 0 : is),
                                     false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        return PAGE_EMPTY;
    return is;
}

void
wr_marker_learn_kinds(struct wr_marker *m)
{
    for (unsigned c = 1; c < WR_CLASSES; c++) {
        uint64_t is =
            (uint64_t)wr_class[c].magic << KIND_MAGIC | wr_class[c].bytes;

        m->kind[c | PAGE_NOSCAN] = is;
        m->kind[c] = is | KIND_SCAN;
        m->kind[c | PAGE_TYPED] = is | KIND_SCAN | KIND_TYPED;
    }
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

static bool
is_met(unsigned is)
{
    return (is & (PAGE_CLASS | PAGE_MEETING)) == PAGE_MEETING;
}

/* Not into a small span that was met: what its page is now. */
static WR_COLD unsigned
point_oddly(struct wr_marker *m, unsigned is, uintptr_t value)
{
    if (is == 0 && wr_span_of((void *)value) != NULL) {
        struct wr_marks_window *w = wr_marks_make(m->marks, value);

        is = w != NULL ? meet(m, w, value) : PAGE_EMPTY;
    }
    if (is == PAGE_LARGE || is_met(is))
        mark_large(m, value);
    else if ((is & PAGE_CLASS) == 0 && m->kept != NULL &&
             value % WR_PAGE_BYTES == 0)
        keep_end(m, value);
    return is;
}

static inline __attribute__((always_inline)) struct wr_word
find_word(struct wr_marks_window *marks, uintptr_t value, unsigned is,
          uint64_t kind)
{
    size_t behind = is >> PAGE_BEHIND;
    uintptr_t in_span = value % WR_PAGE_BYTES + (behind << WR_PAGE_SHIFT);
    uint32_t block = (uint32_t)(in_span * (kind >> KIND_MAGIC) >> 32);

    return (struct wr_word){
        .bits = &marks->line[wr_marks_page(value) - behind][block / 64],
        .base = value - in_span + block * ((uint32_t)kind & KIND_BYTES),
        .is = (uint32_t)kind,
        .block = block,
    };
}

/* What the value points at. false: it is no small span. */
static inline __attribute__((always_inline)) bool
find_value(struct wr_marker *m, uintptr_t value, struct wr_word *w)
{
    struct wr_marks_window **marks =
        &m->marks->window[(value - m->low) >> WR_WINDOW_SHIFT];
    struct wr_marks_window *there = *marks;
    unsigned is = 0;

    if (wr_likely(there != NULL))
        is = __atomic_load_n(&there->page[wr_marks_page(value)],
                             __ATOMIC_ACQUIRE);
    if (wr_unlikely((is & PAGE_CLASS) == 0)) {
        is = point_oddly(m, is, value);
        if ((is & PAGE_CLASS) == 0)
            return false;
        there = *marks;
    }
    *w = find_word(there, value, is, m->kind[is % WR_MARKER_KINDS]);
    return true;
}

/* All that candidates point at is found, and what marking it takes is on the
 * way then. kept: their values stand at the beginning of candidate[]. */
static inline __attribute__((always_inline)) size_t
find_words(struct wr_marker *m, bool fetch, bool kept)
{
    const uintptr_t *at = m->candidate, *end = at + m->candidates;
    struct wr_word *w = m->word;

    m->candidates = 0;
    for (; at < end; at++) {
        if (!find_value(m, *at, w))
            continue;
        __builtin_prefetch(w->bits, 1);
        if (fetch)
            __builtin_prefetch((void *)w->base);
        if (wr_unlikely((w->is & KIND_TYPED) != 0))
            __builtin_prefetch(wr_layout_at(w->base));
        if (kept)
            m->candidate[w - m->word] = *at;
        w++;
    }
    return (size_t)(w - m->word);
}

/* 1: the block has a mark now, and had none. */
static inline __attribute__((always_inline)) uint64_t
set_bit(const struct wr_word *w, bool shared)
{
    uint64_t mask = UINT64_C(1) << (w->block % 64);
    uint64_t old = __atomic_load_n(w->bits, __ATOMIC_RELAXED);

    if (!shared) {
        *w->bits = old | mask;
        return ~old >> (w->block % 64) & 1;
    }
    return (old & mask) == 0 &&
           (__atomic_fetch_or(w->bits, mask, __ATOMIC_RELAXED) & mask) == 0;
}

/* Of a block that holds pointers. */
static inline struct wr_grey
grey_of(const struct wr_word *w)
{
    return (struct wr_grey){w->base, w->base + (w->is & ~(uint32_t)KIND_SCAN)};
}

/* The grey blocks that come, and what they are. */
struct gain {
    struct wr_grey *top;
    uint64_t blocks, bytes;
};

/* Whether a block is new nobody can foretell, so nothing here hangs on it. */
static inline __attribute__((always_inline)) void
mark_word(struct gain *g, const struct wr_word *w, bool shared)
{
    uint64_t fresh = set_bit(w, shared);

    *g->top = grey_of(w);
    g->top += fresh & (w->is / KIND_SCAN);
    g->blocks += fresh;
    g->bytes += (w->is & KIND_BYTES) & -fresh;
}

static inline __attribute__((always_inline)) void
mark_words(struct wr_marker *m, bool shared)
{
    size_t n = find_words(m, true, false);
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
    size_t n = find_words(m, !m->looks_again, true);

    for (size_t i = 0; i < n; i++) {
        const struct wr_word *w = &m->word[i];

        if (set_bit(w, m->together) != 0) {
            m->sums.blocks++;
            m->sums.bytes += w->is & KIND_BYTES;
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
           (wr_marker_make_room(m) && m->depth + m->candidates <= m->room);
}

void
wr_marker_mark_seen(struct wr_marker *m)
{
    if (wr_unlikely(m->kept != NULL || m->shallow || m->looks_again) ||
        !has_room(m))
        mark_slowly(m);
    else if (!m->together)
        mark_words(m, false);
    else
        mark_words(m, true);
}

/* --- Words --------------------------------------------------------------- */

static void
add_candidate(struct wr_marker *m, uintptr_t word)
{
    unsigned block;

    if (word - m->low < m->span && word - m->ignored >= m->ignored_bytes)
        m->candidate[m->candidates++] = word;
    else if (m->kept != NULL && word == m->low + m->span &&
             find_ending(word, &block) != NULL)
        keep_odd(m, word - 1);
}

void
wr_marker_word(struct wr_marker *m, uintptr_t word)
{
    add_candidate(m, word);
    if (m->candidates >= ENOUGH)
        wr_marker_mark_seen(m);
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
scan_oddly(struct wr_marker *m, uintptr_t from, uintptr_t end, uintptr_t limit)
{
    const uintptr_t *at = (const uintptr_t *)from;

    for (; (uintptr_t)at < end; at++)
        look_at(m, at[0], (uintptr_t)(at + 1) < limit ? at[1] : 0);
}

/* Does somebody want to know more of words than whether they point? */
static inline bool
looks_closely(const struct wr_marker *m)
{
    return wr_unlikely(m->kept != NULL || m->ignored_bytes != 0);
}

/* What a look needs, in registers: where blocks lie, and where the next word
 * that points at one is put. */
struct sight {
    uintptr_t low, span, *next;
};

static inline struct sight
begin_to_look(struct wr_marker *m)
{
    return (struct sight){m->low, m->span, m->candidate + m->candidates};
}

static inline void
end_looking(struct wr_marker *m, const struct sight *s)
{
    m->candidates = (size_t)(s->next - m->candidate);
}

/* Every other word is none that points anywhere, in no order: so it is put
 * down, and counted or not. */
static inline void
see(struct sight *s, uintptr_t word)
{
    *s->next = word;
    s->next += word - s->low < s->span;
}

WR_READS_ANY static inline void
see_all(struct sight *s, uintptr_t from, uintptr_t end)
{
    for (; from < end; from += sizeof(uintptr_t))
        see(s, *(const uintptr_t *)from);
}

/* The words from `at` on that the bits name: how many. */
WR_READS_ANY static inline size_t
see_named(struct sight *s, const uintptr_t *at, uint64_t bits)
{
    size_t looked = 0;

    for (; bits != 0; bits &= bits - 1, looked++)
        see(s, at[wr_cpu_lowest_bit(bits)]);
    return looked;
}

/* Of a typed block, or part of one, only words that may be pointers. The bytes
 * of those. */
static inline size_t
see_typed(struct sight *s, uintptr_t from, uintptr_t end)
{
    size_t looked = 0;

    for (unsigned n; from < end; from += n * sizeof(uintptr_t)) {
        uint64_t bits = wr_layout_next(from, end, &n);

        looked += see_named(s, (const uintptr_t *)from, bits);
    }
    return looked * sizeof(uintptr_t);
}

/* At most SLICE words, while there are not ENOUGH. */
static void
scan_slice(struct wr_marker *m, uintptr_t from, uintptr_t end, uintptr_t limit)
{
    struct sight s = begin_to_look(m);

    if (looks_closely(m)) {
        scan_oddly(m, from, end, limit);
        return;
    }
    see_all(&s, from, end);
    end_looking(m, &s);
}

/* [from, end), which goes on up to limit: an odd pointer may begin in the one
 * and end in the other. */
static void
scan(struct wr_marker *m, uintptr_t from, uintptr_t end, uintptr_t limit)
{
    m->sums.scanned += end - from;
    for (uintptr_t stop; from < end; from = stop) {
        stop = wr_min(end, from + SLICE * sizeof(uintptr_t));
        scan_slice(m, from, stop, limit);
        if (m->candidates >= ENOUGH)
            wr_marker_mark_seen(m);
    }
}

WR_READS_ANY static size_t
scan_typed_oddly(struct wr_marker *m, uintptr_t from, uintptr_t end)
{
    size_t looked = 0;

    for (unsigned n; from < end; from += n * sizeof(uintptr_t)) {
        uint64_t bits = wr_layout_next(from, end, &n);

        for (; bits != 0; bits &= bits - 1, looked++)
            look_at(m, ((uintptr_t *)from)[wr_cpu_lowest_bit(bits)], 0);
    }
    return looked * sizeof(uintptr_t);
}

/* As scan_slice, of a typed block or part of one. */
static void
scan_typed_slice(struct wr_marker *m, uintptr_t from, uintptr_t end)
{
    struct sight s = begin_to_look(m);

    if (looks_closely(m)) {
        m->sums.scanned += scan_typed_oddly(m, from, end);
        return;
    }
    m->sums.scanned += see_typed(&s, from, end);
    end_looking(m, &s);
}

void
wr_marker_note_typed(struct wr_marker *m, uintptr_t from, uintptr_t end)
{
    for (uintptr_t stop; from < end; from = stop) {
        stop = wr_min(end, from + SLICE * sizeof(uintptr_t));
        scan_typed_slice(m, from, stop);
        if (m->candidates >= ENOUGH)
            wr_marker_mark_seen(m);
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
        wr_marker_note_typed(m, from, stop);
    else
        scan(m, from, stop, end);
}

static bool
is_small(const struct wr_grey *g)
{
    return g->end - g->from <= SLICE * sizeof(uintptr_t) + TYPED;
}

/* Small grey blocks, until they have brought enough, or the next is none. */
static void
blacken_small(struct wr_marker *m)
{
    const struct wr_grey *bottom = m->grey + m->bottom;
    const struct wr_grey *top = m->grey + m->depth;
    struct sight s = begin_to_look(m);
    const uintptr_t *enough = m->candidate + ENOUGH;
    size_t scanned = 0;

    while (top > bottom && s.next < enough && is_small(top - 1)) {
        top--;
        if (wr_unlikely((top->end & TYPED) != 0)) {
            scanned += see_typed(&s, top->from, top->end - TYPED);
            continue;
        }
        scanned += top->end - top->from;
        see_all(&s, top->from, top->end);
    }
    m->depth = (size_t)(top - m->grey);
    m->sums.scanned += scanned;
    end_looking(m, &s);
}

/* Grey blocks are scanned until they have brought enough, or there are none. */
static void
blacken(struct wr_marker *m)
{
    if (!looks_closely(m))
        blacken_small(m);
    if (is_empty(m))
        m->bottom = m->depth = 0;
    else if (m->candidates < ENOUGH)
        blacken_large(m);
}

void
wr_marker_step(struct wr_marker *m)
{
    blacken(m);
    wr_marker_mark_seen(m);
}

void
wr_marker_blacken(struct wr_marker *m)
{
    while (!wr_marker_is_done(m)) {
        wr_marker_step(m);
        wr_marker_give(m);
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
        wr_marker_blacken(m);
    }
}

void
wr_marker_note_part(struct wr_marker *m, uintptr_t from, uintptr_t end,
                    uintptr_t block_end)
{
    for (uintptr_t stop; from < end && next_piece(m, &from, end, &stop);
         from = stop)
        scan(m, from, stop, block_end);
}

void
wr_marker_note(struct wr_marker *m, const void *from, const void *end)
{
    uintptr_t word = sizeof(uintptr_t);
    uintptr_t last = wr_align_down((uintptr_t)end, word);

    wr_marker_note_part(m, wr_align_up((uintptr_t)from, word), last, last);
}

void
wr_marker_scan_block(struct wr_marker *m, struct wr_span *s, unsigned block)
{
    size_t bytes = wr_span_block_bytes(s);
    uintptr_t base = s->base + (uintptr_t)block * bytes;

    if (s->kind == WR_KIND_TYPED)
        wr_marker_note_typed(m, base, base + bytes);
    else if (s->kind != WR_KIND_NOSCAN)
        wr_marker_scan(m, (void *)base, (void *)(base + bytes));
}
