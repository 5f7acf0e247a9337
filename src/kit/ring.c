/* Rings.
 *
 * 1. The pointers are at[(first + i) % room], i < count. count is stored
 *    atomically, for those who look without the lock.
 */
#include "kit/ring.h"

#include <weir/alloc.h>

static void
set_count(struct wr_kit_ring *r, size_t count)
{
    __atomic_store_n(&r->count, count, __ATOMIC_RELAXED);
}

static bool
grow(struct wr_kit_ring *r)
{
    size_t room = r->room == 0 ? 8 : 2 * r->room;
    void **at = weir_alloc_resize(NULL, NULL, 0, room * sizeof *at);

    if (at == NULL)
        return false;
    for (size_t i = 0; i < r->count; i++)
        at[i] = r->at[(r->first + i) % r->room];
    weir_alloc_resize(NULL, r->at, r->room * sizeof *at, 0);
    r->at = at;
    r->room = room;
    r->first = 0;
    return true;
}

bool
wr_kit_ring_add(struct wr_kit_ring *r, void *p)
{
    if (r->count == r->room && !grow(r))
        return false;
    r->at[(r->first + r->count) & (r->room - 1)] = p;
    set_count(r, r->count + 1);
    return true;
}

void *
wr_kit_ring_newest(struct wr_kit_ring *r)
{
    if (r->count == 0)
        return NULL;
    set_count(r, r->count - 1);
    return r->at[(r->first + r->count) & (r->room - 1)];
}

void *
wr_kit_ring_oldest(struct wr_kit_ring *r)
{
    void *p;

    if (r->count == 0)
        return NULL;
    p = r->at[r->first];
    r->first = (r->first + 1) & (r->room - 1);
    set_count(r, r->count - 1);
    return p;
}

void
wr_kit_ring_move(struct wr_kit_ring *to, struct wr_kit_ring *from)
{
    to->at = from->at;
    to->room = from->room;
    to->first = from->first;
    set_count(to, from->count);
    from->at = NULL;
    from->room = from->first = 0;
    set_count(from, 0);
}

void
wr_kit_ring_fini(struct wr_kit_ring *r)
{
    weir_alloc_resize(NULL, r->at, r->room * sizeof *r->at, 0);
    *r = (struct wr_kit_ring){0};
}
