/* Sets of blocks. Invariants
 * 1. A window that is made stays.
 * 2. Of a line only the bits of its span's blocks are set, and none of a page
 *    that begins no span, but for what a marker adds (mark.c).
 */
#include "mark/marks.h"

#include "base/base.h"
#include "heap/span.h"
#include "os/os.h"
#include "region/counters.h"

/* Of a heap that long the marks ask for huge pages. */
#define HUGE_BYTES ((uint64_t)128 << 20)

static size_t
set_bytes(size_t windows)
{
    return sizeof(struct wr_marks) + windows * sizeof(struct wr_marks_window *);
}

static struct wr_marks *
make(size_t first, size_t windows)
{
    struct wr_marks *set = wr_os_map(set_bytes(windows));

    if (set != NULL) {
        set->first = first;
        set->windows = windows;
    }
    return set;
}

static bool
is_any(void)
{
    return wr_window_first <= wr_window_last;
}

struct wr_marks *
wr_marks_new(void)
{
    return make(wr_window_first,
                is_any() ? wr_window_last + 1 - wr_window_first : 0);
}

struct wr_marks *
wr_marks_new_wide(void)
{
    size_t first = wr_window_first - wr_min(wr_window_first, WR_MARKS_GROWTH);
    size_t last = wr_min(wr_window_last + WR_MARKS_GROWTH, WR_WINDOWS - 1);
    struct wr_marks *set =
        is_any() ? make(first, last + 1 - first) : wr_marks_new();

    if (set != NULL)
        set->changing = true;
    return set;
}

bool
wr_marks_hold_all(const struct wr_marks *set)
{
    return wr_window_first >= set->first &&
           wr_window_last < set->first + set->windows;
}

static struct wr_marks_window *
window_at(const struct wr_marks *set, uintptr_t at)
{
    size_t number = (at >> WR_WINDOW_SHIFT) - set->first;

    return number < set->windows ? set->window[number] : NULL;
}

void
wr_marks_unmeet(struct wr_marks *set, uintptr_t base, size_t pages)
{
    for (; pages > 0; pages--, base += WR_PAGE_BYTES) {
        struct wr_marks_window *w = window_at(set, base);

        if (w != NULL) /* without a look: it may be written just now */
            __atomic_store_n(&w->page[wr_marks_page(base)], 0,
                             __ATOMIC_RELEASE);
    }
}

void
wr_marks_forget(struct wr_marks *set, uintptr_t base, size_t pages)
{
    struct wr_marks_window *w = window_at(set, base);

    for (unsigned i = 0; w != NULL && i < WR_MARKS_WORDS; i++)
        __atomic_store_n(&w->line[wr_marks_page(base)][i], 0, __ATOMIC_RELAXED);
    wr_marks_unmeet(set, base, pages);
}

struct wr_marks *
wr_marks_new_shared(void)
{
    struct wr_marks *set = wr_marks_new();

    for (size_t i = 0; set != NULL && i < set->windows; i++) {
        if (wr_windows[set->first + i].entry == NULL)
            continue;
        set->window[i] = wr_os_map_shared(sizeof(struct wr_marks_window));
        if (set->window[i] == NULL) {
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
        if (set->window[i] != NULL)
            wr_os_unmap(set->window[i], sizeof(struct wr_marks_window));
    wr_os_unmap(set, set_bytes(set->windows));
}

size_t
wr_marks_bytes(const struct wr_marks *set)
{
    size_t bytes = set_bytes(set->windows);

    for (size_t i = 0; i < set->windows; i++)
        if (set->window[i] != NULL)
            bytes += sizeof *set->window[i];
    return bytes;
}

/* Marks lie as blocks do, in no order. */
static struct wr_marks_window *
map_window(void)
{
    struct wr_marks_window *w = wr_os_map(sizeof *w);

    if (w != NULL && wr_count_get(heap_inuse) >= HUGE_BYTES)
        (void)wr_os_huge(w, sizeof *w, true);
    return w;
}

struct wr_marks_window *
wr_marks_make(struct wr_marks *set, uintptr_t at)
{
    size_t number = (at >> WR_WINDOW_SHIFT) - set->first;
    struct wr_marks_window *now = NULL, *made;

    if (number < set->windows)
        now = __atomic_load_n(&set->window[number], __ATOMIC_ACQUIRE);
    if (now != NULL)
        return now;
    made = number < set->windows ? map_window() : NULL;
    if (made == NULL) {
        set->failed = true;
    } else if (!__atomic_compare_exchange_n(&set->window[number], &now, made,
                                            false, __ATOMIC_ACQ_REL,
                                            __ATOMIC_ACQUIRE)) {
        wr_os_unmap(made, sizeof *made);
        return now;
    }
    return made;
}

bool
wr_marks_make_all(struct wr_marks *set)
{
    bool failed = set->failed, all = true;

    for (size_t i = 0; i < set->windows && all; i++) {
        size_t number = set->first + i;

        all = wr_windows[number].entry == NULL ||
              wr_marks_make(set, number << WR_WINDOW_SHIFT) != NULL;
    }
    set->failed = failed; /* nothing was left out of it yet */
    return all;
}

bool
wr_marks_has_at(const struct wr_marks *set, uintptr_t at)
{
    struct wr_span *s = wr_span_of((void *)at);
    bool exact;

    if (s == NULL)
        return false;
    switch (wr_span_state(s)) {
    case WR_SPAN_LARGE:
        return wr_marks_has(set, s, 0);
    case WR_SPAN_SMALL:
        return wr_marks_has(set, s, wr_span_block_of(s, (void *)at, &exact));
    default:
        return false;
    }
}

bool
wr_marks_add(struct wr_marks *set, const struct wr_span *s, unsigned block)
{
    uint64_t *line = wr_marks_make_line(set, s);
    uint64_t bit = UINT64_C(1) << block % 64;

    if (line == NULL || (line[block / 64] & bit) != 0)
        return false;
    line[block / 64] |= bit;
    return true;
}

bool
wr_marks_add_shared(struct wr_marks *set, const struct wr_span *s,
                    unsigned block)
{
    uint64_t *line = wr_marks_make_line(set, s);
    uint64_t bit = UINT64_C(1) << block % 64;

    return line != NULL &&
           (__atomic_fetch_or(&line[block / 64], bit, __ATOMIC_RELAXED) &
            bit) == 0;
}

void
wr_marks_add_free(struct wr_marks *set, const struct wr_span *s)
{
    uint64_t *line = wr_marks_make_line(set, s);

    for (unsigned i = 0;
         line != NULL && i < WR_MARKS_WORDS && i * 64 <= s->blocks; i++)
        __atomic_fetch_or(&line[i], ~wr_span_live_blocks(s, i * 64),
                          __ATOMIC_RELAXED);
}

void
wr_marks_take_out(struct wr_marks *set, const struct wr_span *s, unsigned block)
{
    uint64_t *line = wr_marks_line(set, s);

    if (line != NULL)
        line[block / 64] &= ~(UINT64_C(1) << block % 64);
}

struct each {
    void (*visit)(struct wr_span *s, unsigned block, void *arg);
    void *arg;
};

static void
visit_line(const struct each *e, const uint64_t *line, uintptr_t page)
{
    struct wr_span *s = NULL;

    for (unsigned i = 0; i < WR_MARKS_WORDS; i++)
        for (uint64_t word = line[i]; word != 0; word &= word - 1) {
            if (s == NULL)
                s = wr_span_of((void *)page);
            WR_ASSERT(s != NULL && s->base == page);
            e->visit(s, i * 64 + (unsigned)wr_cpu_lowest_bit(word), e->arg);
        }
}

static void
visit_window(const struct each *e, const struct wr_marks_window *marks,
             size_t number)
{
    const struct wr_window *w = &wr_windows[number];
    uintptr_t base = number << WR_WINDOW_SHIFT;

    /* Of a small heap few of the lines are ever touched. */
    for (size_t i = w->first; i < w->end; i++)
        visit_line(e, marks->line[i], base + (i << WR_PAGE_SHIFT));
}

void
wr_marks_each(const struct wr_marks *set,
              void (*visit)(struct wr_span *s, unsigned block, void *arg),
              void *arg)
{
    struct each e = {visit, arg};

    for (size_t i = 0; i < set->windows; i++)
        if (set->window[i] != NULL)
            visit_window(&e, set->window[i], set->first + i);
}
