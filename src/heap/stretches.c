#include "heap/stretches.h"

#include <string.h>

#include "base/base.h"
#include "heap/mheap.h"

static struct wr_stretch stretch[WR_STRETCHES];
static size_t used;
static bool lost; /* there was no room for one */

/* The one that it goes on, at either end, or a new one's place. */
static size_t
place_for(uintptr_t from, uintptr_t end)
{
    size_t i = 0;

    while (i < used && stretch[i].end != from && stretch[i].from != end)
        i++;
    return i;
}

void
wr_stretches_add(uintptr_t from, size_t bytes)
{
    uintptr_t end = from + bytes;
    size_t i = place_for(from, end);

    WR_ASSERT(wr_lock_held(&wr_mheap_lock));
    if (i == WR_STRETCHES) {
        lost = true;
        return;
    }
    if (i == used)
        stretch[used++] = (struct wr_stretch){from, end};
    stretch[i].from = wr_min(stretch[i].from, from);
    stretch[i].end = wr_max(stretch[i].end, end);
}

size_t
wr_stretches_get(struct wr_stretch out[WR_STRETCHES])
{
    WR_ASSERT(wr_lock_held(&wr_mheap_lock));
    memcpy(out, stretch, used * sizeof *out);
    return lost ? SIZE_MAX : used;
}

bool
wr_stretches_each(bool (*visit)(uintptr_t from, uintptr_t end))
{
    bool all = !lost;

    WR_ASSERT(wr_lock_held(&wr_mheap_lock));
    for (size_t i = 0; i < used && all; i++)
        all = visit(stretch[i].from, stretch[i].end);
    return all;
}
