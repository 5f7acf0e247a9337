/* Invariants
 * 1. The stretches in the table are those that ask for huge pages; no two
 *    overlap or touch. What finds no place goes without.
 */
#include "heap/huge.h"

#include "base/base.h"
#include "os/os.h"

static struct stretch {
    uintptr_t base, end;
} stretches[32];
static size_t count;

/* Take out one that touches s, which becomes both. */
static bool
join(struct stretch *s)
{
    for (size_t i = 0; i < count; i++)
        if (stretches[i].base == s->end || stretches[i].end == s->base) {
            s->base = wr_min(s->base, stretches[i].base);
            s->end = wr_max(s->end, stretches[i].end);
            stretches[i] = stretches[--count];
            return true;
        }
    return false;
}

void
wr_huge_committed(uintptr_t base, size_t bytes, size_t block, size_t heap)
{
    struct stretch s = {base, base + bytes};

    if (heap < WR_HUGE_FROM || block >= WR_HUGE_BLOCK ||
        !wr_os_huge((void *)base, bytes, true))
        return;
    while (join(&s))
        ;
    if (count < wr_countof(stretches))
        stretches[count++] = s;
    else
        (void)wr_os_huge((void *)base, bytes, false);
}

void
wr_huge_released(uintptr_t at, size_t bytes)
{
    for (size_t i = count; i-- > 0;) {
        struct stretch *s = &stretches[i];

        if (at >= s->end || at + bytes <= s->base)
            continue;
        (void)wr_os_huge((void *)s->base, s->end - s->base, false);
        *s = stretches[--count];
    }
}
