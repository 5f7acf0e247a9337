/* Managed blocks of which it is known where they hold pointers: from the front
 * door (include/weir/type.h).
 *
 * Invariants
 * 1. A typed block is zero to its very end when it is handed out, and what it
 *    has behind what was asked for counts (heap/layout.h).
 * 2. A cycle that begins before the layout is there finds the one of the block
 *    that was here before: of one that the program has not written to yet.
 */
#include <errno.h>
#include <weir/gc.h>

#include "gc/gc.h"
#include "heap/fast.h"
#include "heap/layout.h"

enum { WORD = sizeof(uintptr_t) };

static WR_COLD void *
typed_slow(size_t size)
{
    return wr_gc_alloc_slow(size, WR_KIND_TYPED);
}

/* ---- the bits of a type ---- */

/* Of the words from the first on, 64 at most, as a part has them. */
static uint64_t
bits_of_part(const struct weir_type_part *part, size_t first)
{
    size_t from = part->offset / WORD;
    size_t end = (part->offset + part->bytes + WORD - 1) / WORD;

    from = wr_max(from, first) - first;
    end = wr_min(wr_max(end, first) - first, (size_t)WR_LAYOUT_WORDS);
    if (from >= end)
        return 0;
    return wr_layout_mask((unsigned)(end - from)) << from;
}

static uint64_t
bits_from(const struct weir_type *type, size_t first)
{
    uint64_t bits = 0;

    if (first == 0)
        return type->bits;
    if (type->part == NULL)
        return first < WR_LAYOUT_WORDS ? type->bits >> first : 0;
    for (size_t i = 0; i < type->parts; i++)
        bits |= bits_of_part(&type->part[i], first);
    return bits;
}

/* ---- the layout of a block ---- */

/* Words [first, first + n) of the type begin at `at`. */
static void
put_words(uintptr_t at, const struct weir_type *type, size_t first, size_t n)
{
    while (n > 0) {
        unsigned here = (unsigned)wr_min(n, (size_t)WR_LAYOUT_WORDS);

        wr_layout_repeat(at, bits_from(type, first) & wr_layout_mask(here),
                         here, 1);
        at += (uintptr_t)here * WORD;
        first += here;
        n -= here;
    }
}

/* Elements that are no whole words: they hold pointers nowhere, or no one
 * knows where. */
static void
put_odd(uintptr_t at, uintptr_t end, const struct weir_type *type, size_t first,
        size_t bytes)
{
    unsigned n = (unsigned)wr_min(bytes / WORD + 1, (size_t)WR_LAYOUT_WORDS);

    at = wr_align_up(at, (uintptr_t)WORD);
    end = wr_align_up(end, (uintptr_t)WORD);
    if (at < end)
        wr_layout_fill(at, end,
                       (bits_from(type, first) & wr_layout_mask(n)) != 0);
}

/* At `at` are count elements, each as the bytes from offset on of the type. */
static void
put_elements(uintptr_t at, const struct weir_type *type, size_t offset,
             size_t bytes, size_t count)
{
    size_t first = offset / WORD, n = bytes / WORD;

    if ((at | offset | bytes) % WORD != 0) {
        put_odd(at, at + bytes * count, type, first, bytes);
    } else if (n <= WR_LAYOUT_WORDS && n > 0) {
        wr_layout_repeat(at,
                         bits_from(type, first) & wr_layout_mask((unsigned)n),
                         (unsigned)n, count);
    } else {
        for (; count > 0; count--, at += bytes)
            put_words(at, type, first, n);
    }
}

/* ---- the calls ---- */

static void *
alloc(size_t size)
{
    return wr_managed_fast(wr_block_bytes_for(size), WR_KIND_TYPED, typed_slow);
}

static void *
no_memory(void)
{
    errno = ENOMEM;
    return NULL;
}

WR_EXPORT void *
weir_gc_alloc_typed_flex(const struct weir_type *type, size_t offset,
                         size_t bytes, size_t count)
{
    size_t tail, size;
    uintptr_t p;

    /* One byte more, as an array has it (gc/new.c). */
    if (__builtin_mul_overflow(bytes, count, &tail) ||
        __builtin_add_overflow(offset, tail, &size) || size >= WR_HEAP_MAX)
        return no_memory();
    size = wr_max(size + 1, type->bytes);
    p = (uintptr_t)alloc(size);
    if (p == 0)
        return NULL;
    wr_layout_mix(wr_self, p);
    wr_layout_fill(wr_align_up(p + offset + tail, (uintptr_t)WORD),
                   p + wr_block_bytes_for(size), true);
    put_words(p, type, 0, wr_align_up(offset, WORD) / WORD);
    put_elements(p + offset, type, offset, bytes, count);
    return (void *)p;
}

WR_EXPORT void *
weir_gc_alloc_typed_array(const struct weir_type *type, size_t count)
{
    return weir_gc_alloc_typed_flex(type, 0, type->bytes, count);
}

static WR_COLD void *
alloc_slowly(size_t bytes, uint64_t shape)
{
    void *p = typed_slow(bytes);

    if (p != NULL)
        wr_layout_take(wr_self, (uintptr_t)p, shape);
    return p;
}

/* As wr_managed_fast, with the block's whole length. */
WR_EXPORT void *
weir_gc_alloc_typed(const struct weir_type *type)
{
    size_t bytes = type->bytes;
    uint64_t free, shape;
    struct wr_slot *slot;
    unsigned class_id;
    bool fresh;
    void *p;

    if (wr_unlikely(bytes - 1 >= WORD * WR_LAYOUT_WORDS))
        return weir_gc_alloc_typed_array(type, 1);
    shape = type->bits | ~wr_layout_mask((unsigned)((bytes + WORD - 1) / WORD));
    class_id = wr_class_by_16[(bytes + 15) / 16];
    slot = &wr_self->slot[WR_KIND_TYPED * WR_CLASSES + class_id];
    free = wr_word_load(&slot->bits);
    if (wr_unlikely(free == 0))
        return alloc_slowly(bytes, shape);
    p = wr_slot_take(slot, free, &fresh);
    if (!fresh)
        p = wr_zeroed(p, slot->bytes);
    if (wr_unlikely(wr_self->shape[class_id] != shape))
        wr_layout_take(wr_self, (uintptr_t)p, shape);
    return p;
}
