/* Slices: what their typed functions share. */
#include <weir/slice.h>

#include <stdint.h>

#include "base/base.h"
#include "base/die.h"
#include "kit/grow.h"

/* What a heap with eight classes to each doubling hands out for n bytes. */
static size_t
block_for(size_t n)
{
    if (n <= 128)
        return wr_align_up(n, 16);
    if (n > 32 * WR_KIB)
        return wr_align_up(n, 4096);
    return wr_align_up(n, (size_t)1 << (wr_log2(n - 1) - 3));
}

size_t
wr_kit_grow(size_t cap, size_t need, size_t item_bytes)
{
    size_t to = cap;

    if (need > PTRDIFF_MAX / item_bytes - 4096)
        return 0;
    if (need - cap > cap)
        to = need;
    while (to < need)
        to += to < 256 ? wr_max(to, 1) : (to + 3 * 256) / 4;
    if (to > PTRDIFF_MAX / item_bytes - 4096)
        to = need;
    return block_for(to * item_bytes) / item_bytes;
}

/* What is left of a borrowed slice is copied into its first array. */
WR_EXPORT struct weir_slice_array
weir_slice_grow(struct weir_slice_array a, size_t len, size_t more,
                size_t item_bytes, const weir_alloc *alloc)
{
    struct weir_slice_array none = {NULL, 0}, grown;
    bool borrowed = a.cap <= 0;
    size_t cap = borrowed ? 0 : (size_t)a.cap, to = wr_max(len, cap), need;

    if (__builtin_add_overflow(len, more, &need))
        return none;
    if (need > to || to == 0)
        to = wr_kit_grow(to, wr_max(need, 1), item_bytes);
    if (to == 0)
        return none;
    grown.cap = (ptrdiff_t)to;
    grown.at = weir_alloc_resize(alloc, borrowed ? NULL : a.at,
                                 cap * item_bytes, to * item_bytes);
    if (grown.at != NULL && borrowed && len != 0)
        memcpy(grown.at, a.at, len * item_bytes);
    return grown;
}

WR_EXPORT struct weir_slice_array
weir_slice_shrink(struct weir_slice_array a, size_t len, size_t item_bytes,
                  const weir_alloc *alloc)
{
    struct weir_slice_array cut = {.cap = (ptrdiff_t)len};

    cut.at = weir_alloc_resize(alloc, a.at, (size_t)a.cap * item_bytes,
                               len * item_bytes);
    return cut.at == NULL && len != 0 ? a : cut; /* as large as it was */
}

WR_EXPORT void
weir_slice_bounds(size_t from, size_t to, size_t len)
{
    struct wr_text t;

    if (wr_likely(from <= to && to <= len))
        return;
    wr_text_init(&t);
    wr_text_str(&t, "weir slice: no items ");
    wr_text_uint(&t, from);
    wr_text_str(&t, " to ");
    wr_text_uint(&t, to);
    wr_text_str(&t, " in a slice of ");
    wr_text_uint(&t, len);
    wr_die(&t);
}
