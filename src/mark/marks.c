/* Sets of blocks. Invariants
 * 1. A window has bits from its first block on, and keeps them.
 */
#include "mark/marks.h"

#include "base/base.h"
#include "heap/span.h"
#include "os/os.h"

enum { PAGE_WORDS = WR_PAGE_BYTES / 16 / 64 };

static size_t
set_bytes(size_t windows)
{
    return sizeof(struct wr_marks) + windows * sizeof(uint64_t *);
}

struct wr_marks *
wr_marks_new(void)
{
    bool any = wr_window_first <= wr_window_last;
    size_t windows = any ? wr_window_last + 1 - wr_window_first : 0;
    struct wr_marks *set = wr_os_map(set_bytes(windows));

    if (set != NULL) {
        set->first = wr_window_first;
        set->windows = windows;
    }
    return set;
}

struct wr_marks *
wr_marks_new_shared(void)
{
    struct wr_marks *set = wr_marks_new();

    for (size_t i = 0; set != NULL && i < set->windows; i++) {
        if (wr_windows[set->first + i].entry == NULL)
            continue;
        set->bits[i] = wr_os_map_shared(WR_MARKS_BYTES);
        if (set->bits[i] == NULL) {
            wr_marks_free(set);
            return NULL;
        }
    }
    return set;
}

void
wr_marks_free(struct wr_marks *set)
{
    if (set == NULL)
        return;
    for (size_t i = 0; i < set->windows; i++)
        if (set->bits[i] != NULL)
            wr_os_unmap(set->bits[i], WR_MARKS_BYTES);
    wr_os_unmap(set, set_bytes(set->windows));
}

uint64_t *
wr_marks_window(struct wr_marks *set, uintptr_t base)
{
    uint64_t **bits = &set->bits[(base >> WR_WINDOW_SHIFT) - set->first];

    if (*bits == NULL)
        *bits = wr_os_map(WR_MARKS_BYTES);
    set->failed |= *bits == NULL;
    return *bits;
}

bool
wr_marks_make_all(struct wr_marks *set)
{
    bool failed = set->failed, all = true;

    for (size_t i = 0; i < set->windows && all; i++) {
        size_t window = set->first + i;

        all = wr_windows[window].entry == NULL ||
              wr_marks_window(set, window << WR_WINDOW_SHIFT) != NULL;
    }
    set->failed = failed; /* nothing was left out of it yet */
    return all;
}

void
wr_marks_take_out(struct wr_marks *set, uintptr_t base)
{
    uint64_t *bits = wr_marks_bits(set, base);
    size_t bit = wr_marks_bit(base);

    if (bits != NULL)
        bits[bit / 64] &= ~(UINT64_C(1) << bit % 64);
}

struct each {
    void (*visit)(struct wr_span *s, unsigned block, void *arg);
    void *arg;
};

static void
visit_block(const struct each *e, uintptr_t base)
{
    struct wr_span *s = wr_span_of((void *)base);
    bool exact;

    WR_ASSERT(s != NULL);
    e->visit(s,
             s->class_id == 0 ? 0 : wr_span_block_of(s, (void *)base, &exact),
             e->arg);
}

static void
visit_window(const struct each *e, const uint64_t *bits, uintptr_t window)
{
    const struct wr_window *w = &wr_windows[window];

    /* Of a small heap few of the bits' pages are ever touched. */
    for (size_t i = w->first * PAGE_WORDS; i < w->end * PAGE_WORDS; i++)
        for (uint64_t word = bits[i]; word != 0; word &= word - 1) {
            size_t bit = i * 64 + (unsigned)__builtin_ctzll(word);

            visit_block(e, (window << WR_WINDOW_SHIFT) + bit * 16);
        }
}

void
wr_marks_each(const struct wr_marks *set,
              void (*visit)(struct wr_span *s, unsigned block, void *arg),
              void *arg)
{
    struct each e = {visit, arg};

    for (size_t i = 0; i < set->windows; i++)
        if (set->bits[i] != NULL)
            visit_window(&e, set->bits[i], set->first + i);
}
