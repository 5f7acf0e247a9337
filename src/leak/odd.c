/* Odd pointers. */
#include "leak/odd.h"

#include <stdbool.h>
#include <stddef.h>

#include "base/base.h"
#include "heap/span.h"
#include "mark/marks.h"

struct odd {
    const struct wr_marks *set;
    void (*call)(struct wr_span *s, unsigned block, void *arg);
    void *arg;
    uintptr_t low, span; /* blocks lie in [low, low + span) */
};

static void
look_up(const struct odd *o, uintptr_t address)
{
    struct wr_span *s;
    unsigned block = 0;
    bool exact;

    if (address - o->low >= o->span ||
        (s = wr_span_of((void *)address)) == NULL)
        return;
    if (wr_span_state(s) == WR_SPAN_SMALL)
        block = wr_span_block_of(s, (void *)address, &exact);
    else if (wr_span_state(s) != WR_SPAN_LARGE)
        return;
    if (block < s->blocks &&
        wr_marks_has(o->set, s->base + block * wr_span_block_bytes(s)))
        o->call(s, block, o->arg);
}

/* What begins at byte i of a word, and ends in the next. */
static inline uintptr_t
across(uintptr_t word, uintptr_t next, unsigned i)
{
    return word >> 8 * i | next << (64 - 8 * i);
}

static inline bool
any(const struct odd *o, uintptr_t word, uintptr_t next)
{
    bool found = word > WR_ODD_BITS && (word & WR_ODD_BITS) - o->low < o->span;

    for (unsigned i = 1; i < 8; i++)
        found |= across(word, next, i) - o->low < o->span;
    return found;
}

void
wr_odd_scan(uintptr_t from, uintptr_t end, const struct wr_marks *set,
            void (*call)(struct wr_span *s, unsigned block, void *arg),
            void *arg)
{
    struct odd o = {set, call, arg, wr_window_first << WR_WINDOW_SHIFT,
                    (wr_window_last + 1 - wr_window_first) << WR_WINDOW_SHIFT};
    const uintptr_t *at = (const uintptr_t *)wr_align_up(from, sizeof from);
    const uintptr_t *last = (const uintptr_t *)wr_align_down(end, sizeof end);

    if (wr_window_first > wr_window_last)
        return;
    for (; at < last; at++) {
        uintptr_t word = *at, next = at + 1 < last ? at[1] : 0;

        if ((word | next) == 0 || wr_likely(!any(&o, word, next)))
            continue;
        if (word > WR_ODD_BITS)
            look_up(&o, word & WR_ODD_BITS);
        for (unsigned i = 1; i < 8; i++)
            look_up(&o, across(word, next, i));
    }
}
