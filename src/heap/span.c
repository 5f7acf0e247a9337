/* Lists of spans and the page map. Invariants: see span.h. */
#include "heap/span.h"

#include "os/os.h"
#include "region/counters.h"

_Atomic(struct wr_window *) wr_windows[WR_WINDOWS];
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
    return atomic_load_explicit(&wr_windows[a >> WR_WINDOW_SHIFT],
                                memory_order_relaxed);
}

static size_t
page_of(uintptr_t a)
{
    return (a >> WR_PAGE_SHIFT) & (WR_WINDOW_PAGES - 1);
}

bool
wr_pagemap_cover(uintptr_t from, uintptr_t to)
{
    for (uintptr_t i = from >> WR_WINDOW_SHIFT;
         i <= (to - 1) >> WR_WINDOW_SHIFT; i++) {
        struct wr_window *w;

        if (atomic_load_explicit(&wr_windows[i], memory_order_relaxed) != NULL)
            continue;
        w = wr_os_map(sizeof *w);
        if (w == NULL)
            return false;
        atomic_store_explicit(&wr_windows[i], w, memory_order_release);
        wr_count_add(other_sys, sizeof *w);
        wr_window_first = wr_min(wr_window_first, i);
        wr_window_last = wr_max(wr_window_last, i);
    }
    return true;
}

void
wr_pagemap_set(uintptr_t base, size_t pages, struct wr_span *s)
{
    while (pages > 0) {
        _Atomic(struct wr_span *) *entry =
            &window_of(base)->span[page_of(base)];
        size_t n = wr_min(pages, WR_WINDOW_PAGES - page_of(base));

        for (size_t i = 0; i < n; i++)
            atomic_store_explicit(&entry[i], s, memory_order_release);
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
            n += (size_t)__builtin_popcountll(mask);
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
