/* Lists of spans and the page map. Invariants: see span.h. */
#include "heap/span.h"

#include "os/os.h"
#include "region/counters.h"

/* Of 32 windows around the first page, so many lie below it: the system hands
 * out addresses downwards. */
enum { NEAR_BELOW = 23 };

bool wr_collects_malloc;
struct wr_near wr_near;
struct wr_window wr_windows[WR_WINDOWS];
size_t wr_window_first = WR_WINDOWS, wr_window_last;

bool
wr_span_listed(const struct wr_span *s)
{
    return s->prev != s;
}

void
wr_span_list_append(struct wr_span_list *l, struct wr_span *s)
{
    WR_ASSERT(!wr_span_listed(s));
    s->next = NULL;
    s->prev = l->last;
    if (l->last != NULL)
        l->last->next = s;
    else
        l->first = s;
    l->last = s;
    l->length++;
}

void
wr_span_list_push(struct wr_span_list *l, struct wr_span *s)
{
    WR_ASSERT(!wr_span_listed(s));
    s->prev = NULL;
    s->next = l->first;
    if (l->first != NULL)
        l->first->prev = s;
    else
        l->last = s;
    l->first = s;
    l->length++;
}

void
wr_span_list_remove(struct wr_span_list *l, struct wr_span *s)
{
    WR_ASSERT(wr_span_listed(s));
    WR_ASSERT(l->length > 0);
    if (s->prev != NULL)
        s->prev->next = s->next;
    else
        l->first = s->next;
    if (s->next != NULL)
        s->next->prev = s->prev;
    else
        l->last = s->prev;
    s->prev = s;
    s->next = NULL;
    l->length--;
}

static struct wr_window *
window_of(uintptr_t a)
{
    return &wr_windows[a >> WR_WINDOW_SHIFT];
}

static size_t
page_of(uintptr_t a)
{
    return (a >> WR_PAGE_SHIFT) & (WR_WINDOW_PAGES - 1);
}

static intptr_t *
entries_of(const struct wr_window *w)
{
    return atomic_load_explicit(&w->entry, memory_order_acquire);
}

/* The first page there is decides where the near windows are. */
static void
choose_near(uintptr_t first)
{
    uintptr_t base = wr_align_down(first, (uintptr_t)1 << WR_WINDOW_SHIFT);
    uintptr_t below = (uintptr_t)NEAR_BELOW << WR_WINDOW_SHIFT;

    if (wr_window_first == WR_WINDOWS)
        __atomic_store_n(&wr_near.base, base - below, __ATOMIC_RELAXED);
}

/* The entries of a window that has none: near ones, or made. */
static intptr_t *
make_entries(size_t window)
{
    uintptr_t first = window << WR_WINDOW_SHIFT;
    intptr_t *made;

    if (wr_near_has(first))
        return &wr_near.entry[wr_near_place(first)];
    made = wr_os_map(WR_WINDOW_PAGES * sizeof *made);
    if (made != NULL)
        wr_count_add(other_sys, WR_WINDOW_PAGES * sizeof *made);
    return made;
}

static bool
make_window(size_t index)
{
    struct wr_window *w = &wr_windows[index];
    intptr_t *entry;

    if (entries_of(w) != NULL)
        return true;
    if (w->released == NULL) {
        w->released = wr_os_map(WR_WINDOW_PAGES / 8);
        if (w->released == NULL)
            return false;
        wr_count_add(other_sys, WR_WINDOW_PAGES / 8);
    }
    entry = make_entries(index);
    if (entry == NULL)
        return false;
    w->first = WR_WINDOW_PAGES;
    atomic_store_explicit(&w->entry, entry, memory_order_release);
    wr_window_first = wr_min(wr_window_first, index);
    wr_window_last = wr_max(wr_window_last, index);
    return true;
}

bool
wr_pagemap_cover(uintptr_t from, uintptr_t to)
{
    choose_near(from);
    for (uintptr_t end; from < to; from = end) {
        struct wr_window *w = window_of(from);
        uintptr_t next = (from >> WR_WINDOW_SHIFT) + 1;

        end = wr_min(to, next << WR_WINDOW_SHIFT);
        if (!make_window(from >> WR_WINDOW_SHIFT))
            return false;
        w->first = (uint32_t)wr_min(w->first, page_of(from));
        w->end = (uint32_t)wr_max(w->end, page_of(end - 1) + 1);
    }
    return true;
}

intptr_t
wr_pagemap_entry(const void *p)
{
    uintptr_t a = (uintptr_t)p;
    intptr_t *entry;

    if (wr_likely(wr_near_has(a)))
        return __atomic_load_n(&wr_near.entry[wr_near_place(a)],
                               __ATOMIC_ACQUIRE);
    if (a >> 48 != 0)
        return 0;
    entry = entries_of(window_of(a));
    if (entry == NULL)
        return 0;
    return __atomic_load_n(&entry[page_of(a)], __ATOMIC_ACQUIRE);
}

void
wr_pagemap_set(uintptr_t base, size_t pages, struct wr_span *s)
{
    intptr_t entry = s == NULL ? 0 : (char *)(s + 1) - (char *)wr_near.entry;

    while (pages > 0) {
        intptr_t *at = entries_of(window_of(base)) + page_of(base);
        size_t n = wr_min(pages, WR_WINDOW_PAGES - page_of(base));

        for (size_t i = 0; i < n; i++)
            __atomic_store_n(&at[i], entry, __ATOMIC_RELEASE);
        base += n << WR_PAGE_SHIFT;
        pages -= n;
    }
}

/* Of the run [base, base + pages): the bits that lie in base's word of the
 * released bitmap. *count is how many. */
static uint64_t
word_mask(uintptr_t base, size_t pages, size_t *count)
{
    size_t bit = page_of(base) % 64;

    *count = wr_min(pages, 64 - bit);
    return (*count == 64 ? ~(uint64_t)0 : ((uint64_t)1 << *count) - 1) << bit;
}

static uint64_t *
released_word(uintptr_t base)
{
    return &window_of(base)->released[page_of(base) / 64];
}

size_t
wr_pagemap_released(uintptr_t base, size_t pages)
{
    size_t n = 0, step;

    for (; pages > 0; pages -= step, base += step << WR_PAGE_SHIFT) {
        uint64_t mask = word_mask(base, pages, &step);

        mask &= *released_word(base);
        if (mask != 0) /* a call where the machine cannot count bits */
            n += wr_cpu_count(mask);
    }
    return n;
}

void
wr_pagemap_mark_released(uintptr_t base, size_t pages, bool released)
{
    size_t step;

    for (; pages > 0; pages -= step, base += step << WR_PAGE_SHIFT) {
        uint64_t mask = word_mask(base, pages, &step);
        uint64_t *word = released_word(base);

        *word = released ? *word | mask : *word & ~mask;
    }
}

static bool
is_released(uintptr_t a)
{
    return *released_word(a) >> (page_of(a) % 64) & 1;
}

size_t
wr_pagemap_resident(uintptr_t base, uintptr_t end, uintptr_t *start)
{
    size_t n = 0;

    while (base < end && is_released(base))
        base += WR_PAGE_BYTES;
    *start = base;
    for (; base < end && !is_released(base); base += WR_PAGE_BYTES)
        n++;
    return n;
}
