/* What markers that mark one heap together have in common: work that one has
 * given away, and who has none.
 *
 *     struct wr_crew *c = wr_crew_new(4);          one leads, three help
 *     if (wr_crew_wants(c) && much is grey)        a member that has work
 *         wr_crew_put(c, grey, n);
 *     wr_crew_rest(c);                             one whose work is done
 *     while ((n = wr_crew_next(c, grey)) > 0) {    a helper
 *         ... blacken all that ...
 *         wr_crew_rest(c);
 *     }
 *     while ((n = wr_crew_next_or_end(c, grey)) > 0)    the leader, the same
 *
 * Work changes hands in chunks, and only while somebody is without: to share
 * more costs more than it brings. All is marked when the leader rests, every
 * helper too, and no chunk is left.
 *
 * Helpers count as resting before they run. One that never runs is not waited
 * for: what was given away for it another takes.
 *
 * Threads: members, each one. Who waits sleeps. Units: grey blocks.
 */
#ifndef WR_MARK_CREW_H
#define WR_MARK_CREW_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/lock.h"

/* Grey blocks in a chunk, at most; and below so many there is none worth to be
 * cut off. */
enum { WR_CREW_CHUNK = 512, WR_CREW_WORTH = 32 };

/* Bytes that wait to be scanned. */
struct wr_grey {
    uintptr_t from, end;
};

/* Forwards, and word by word: memcpy would leave addresses of blocks, dead ones
 * soon, in wide registers of the program's thread, and they live by that. */
static inline void
wr_grey_copy(struct wr_grey *to, const struct wr_grey *from, size_t n)
{
    for (; n > 0; n--) {
        *to++ = *from++;
        atomic_signal_fence(memory_order_seq_cst);
    }
}

struct wr_crew {
    struct wr_lock lock; /* guards the rest; never held by who sleeps */
    uint32_t members;
    _Atomic uint32_t resting, chunks; /* read by anybody */
    _Atomic uint32_t bell;            /* changes when who rests should look */
    bool over;
    struct wr_crew_chunk {
        size_t n;
        struct wr_grey grey[WR_CREW_CHUNK];
    } chunk[];
};

/* NULL: no memory. */
struct wr_crew *wr_crew_new(uint32_t members);
void wr_crew_free(struct wr_crew *c); /* NULL is fine */

/* Is there somebody without work for whom no chunk is there yet? */
static inline bool
wr_crew_wants(struct wr_crew *c)
{
    return atomic_load_explicit(&c->resting, memory_order_relaxed) >
           atomic_load_explicit(&c->chunks, memory_order_relaxed);
}

/* Give a chunk away: n grey blocks, 1 to WR_CREW_CHUNK. false: nobody wants it.
 */
bool wr_crew_put(struct wr_crew *c, const struct wr_grey *grey, size_t n);

void wr_crew_rest(struct wr_crew *c);
/* Of one that rests: the next chunk, copied to grey, which has room for
 * WR_CREW_CHUNK, when there is one: how many. 0: there will be none, the helper
 * may leave. */
size_t wr_crew_next(struct wr_crew *c, struct wr_grey *grey);
/* The same of the leader. 0: all is done, and it rests no more. */
size_t wr_crew_next_or_end(struct wr_crew *c, struct wr_grey *grey);

/* A chunk for anybody, when there is one: how many. */
size_t wr_crew_take(struct wr_crew *c, struct wr_grey *grey);

/* Helpers may leave, once they rest. */
void wr_crew_dismiss(struct wr_crew *c);

#endif
