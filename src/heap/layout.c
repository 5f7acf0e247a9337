/* Invariants
 * 1. A window's bits are mapped once, by whoever comes first, and stay.
 * 2. While a span's shape is bits, so are those of all its blocks.
 * 3. mc->shape has the shapes of the cache's current typed spans.
 */
#include "heap/layout.h"

#include "heap/mcache.h"

#include "os/os.h"

enum { WORD = sizeof(uintptr_t) };

/* Of a window: the bits of its words, then the shapes of its pages. */
#define LAYOUT_BYTES (WR_LAYOUT_BITS / 8 + WR_WINDOW_PAGES * 8)

static bool
cover_window(struct wr_window *w)
{
    uint64_t *none = NULL, *made;

    if (atomic_load_explicit(&w->layout, memory_order_acquire) != NULL)
        return true;
    made = wr_os_map(LAYOUT_BYTES);
    if (made == NULL)
        return false;
    if (!atomic_compare_exchange_strong(&w->layout, &none, made))
        wr_os_unmap(made, LAYOUT_BYTES);
    return true;
}

bool
wr_layout_cover(uintptr_t base, size_t bytes)
{
    size_t last = (base + bytes - 1) >> WR_WINDOW_SHIFT;

    for (size_t i = base >> WR_WINDOW_SHIFT; i <= last; i++)
        if (!cover_window(&wr_windows[i]))
            return false;
    return true;
}

/* How many words from a on have their bits in the same word. */
static unsigned
words_here(uintptr_t a, uintptr_t end)
{
    return (unsigned)wr_min((end - a) / WORD,
                            (uintptr_t)WR_LAYOUT_WORDS - wr_layout_shift(a));
}

void
wr_layout_fill(uintptr_t a, uintptr_t end, bool count)
{
    for (unsigned n; a < end; a += (uintptr_t)n * WORD) {
        n = words_here(a, end);
        wr_layout_put(a, count ? wr_layout_mask(n) : 0, n);
    }
}

void
wr_layout_repeat(uintptr_t a, uint64_t bits, unsigned n, size_t times)
{
    uint64_t once = bits;
    unsigned one = n;

    for (; n <= WR_LAYOUT_WORDS / 2 && times >= 2 * (n / one); n *= 2)
        bits |= bits << n;
    for (; times >= n / one; times -= n / one, a += (uintptr_t)n * WORD)
        wr_layout_put(a, bits, n);
    for (; times > 0; times--, a += (uintptr_t)one * WORD)
        wr_layout_put(a, once, one);
}

void
wr_layout_copy(uintptr_t to, uintptr_t from, size_t bytes)
{
    uintptr_t end = from + bytes;

    for (unsigned n; from < end; from += (uintptr_t)n * WORD) {
        uint64_t bits = wr_layout_next(from, end, &n);

        wr_layout_put(to, bits, n);
        to += (uintptr_t)n * WORD;
    }
}

/* ---- shapes ---- */

static void
set_shape(struct wr_mcache *mc, const struct wr_span *s, uint64_t shape)
{
    *wr_layout_shape(s->base) = shape;
    if (mc->slot[wr_span_slot(s)].span == s)
        mc->shape[s->class_id] = shape;
}

/* All blocks of s, in which only one is live. */
static void
fill_span(const struct wr_span *s, uint64_t shape)
{
    unsigned n = s->block_bytes / WORD;

    wr_layout_repeat(s->base, shape & wr_layout_mask(n), n, s->blocks);
}

void
wr_layout_take(struct wr_mcache *mc, uintptr_t p, uint64_t shape)
{
    const struct wr_span *s = wr_span_of((void *)p);
    unsigned n = s->block_bytes / WORD;
    uint64_t now = *wr_layout_shape(s->base);

    if (now == shape)
        return;
    if (now == WR_SHAPE_NEW && shape > WR_SHAPE_MIXED) {
        fill_span(s, shape);
        set_shape(mc, s, shape);
        return;
    }
    if (now != WR_SHAPE_MIXED)
        set_shape(mc, s, WR_SHAPE_MIXED);
    wr_layout_put(p, shape & wr_layout_mask(n), n);
}

void
wr_layout_mix(struct wr_mcache *mc, uintptr_t p)
{
    const struct wr_span *s = wr_span_of((void *)p);

    if (s->class_id != 0 && s->class_id < WR_SHAPES)
        set_shape(mc, s, WR_SHAPE_MIXED);
}
