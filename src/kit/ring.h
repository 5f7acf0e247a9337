/* Rings of pointers: put in at one end, taken from both. All zero is an empty
 * one. Threads: a lock of the caller's; wr_kit_ring_count needs none.
 */
#ifndef WR_KIT_RING_H
#define WR_KIT_RING_H

#include <stdbool.h>
#include <stddef.h>

struct wr_kit_ring {
    void **at;
    size_t room; /* a power of two, or 0 */
    size_t first, count;
};

/* false: no memory. */
bool wr_kit_ring_add(struct wr_kit_ring *r, void *p);
/* NULL: empty. */
void *wr_kit_ring_newest(struct wr_kit_ring *r);
void *wr_kit_ring_oldest(struct wr_kit_ring *r);
/* All of from, which is empty after, into to, whose own are forgotten. */
void wr_kit_ring_move(struct wr_kit_ring *to, struct wr_kit_ring *from);
void wr_kit_ring_fini(struct wr_kit_ring *r);

static inline size_t
wr_kit_ring_count(const struct wr_kit_ring *r)
{
    return __atomic_load_n(&r->count, __ATOMIC_RELAXED);
}

#endif
