/* Invariants
 * 1. A window's bits are mapped once, by whoever comes first, and stay.
 */
#include "heap/layout.h"

#include "os/os.h"

enum { WORD = sizeof(uintptr_t) };

/* Of a window: a bit a word. */
#define LAYOUT_BYTES (((size_t)1 << WR_WINDOW_SHIFT) / WORD / 8)

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
