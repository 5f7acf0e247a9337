/* Invariants
 * 1. chunks <= resting at every put, so there is room for a chunk of each
 *    member.
 * 2. A member that does not rest may have work that nobody else knows of; one
 *    that rests has none.
 * 3. The bell changes after a chunk came, after the last member went to rest,
 *    and at the end.
 */
#include "mark/crew.h"

#include "base/base.h"
#include "os/os.h"
#include "os/syscall.h"

enum { LOOKS = 2000, LOCK_NS = 100000 };

static size_t
crew_bytes(uint32_t members)
{
    return wr_align_up(sizeof(struct wr_crew) +
                           members * sizeof(struct wr_crew_chunk),
                       wr_os_page_bytes());
}

struct wr_crew *
wr_crew_new(uint32_t members)
{
    struct wr_crew *c = wr_os_map(crew_bytes(members));

    if (c == NULL)
        return NULL;
    c->members = members;
    atomic_store(&c->resting, members - 1);
    return c;
}

void
wr_crew_free(struct wr_crew *c)
{
    if (c != NULL)
        wr_os_unmap(c, crew_bytes(c->members));
}

/* Not wr_lock_take: while all the heap's locks are held for a fork or a copy,
 * their holder passes through every lock. */
static void
take_lock(struct wr_crew *c)
{
    while (!wr_lock_try_long(&c->lock))
        wr_os_wait(&c->lock.word, 1, LOCK_NS);
}

static void
ring(struct wr_crew *c)
{
    atomic_fetch_add(&c->bell, 1);
    wr_os_wake(&c->bell, INT32_MAX);
}

bool
wr_crew_put(struct wr_crew *c, const struct wr_grey *grey, size_t n)
{
    bool wanted;

    WR_ASSERT(n > 0 && n <= WR_CREW_CHUNK);
    take_lock(c);
    wanted = wr_crew_wants(c);
    if (wanted) {
        WR_ASSERT(c->chunks < c->members);
        c->chunk[c->chunks].n = n;
        wr_grey_copy(c->chunk[c->chunks].grey, grey, n);
        atomic_fetch_add(&c->chunks, 1);
    }
    wr_lock_give(&c->lock);
    if (wanted)
        ring(c);
    return wanted;
}

void
wr_crew_rest(struct wr_crew *c)
{
    bool last;

    take_lock(c);
    last = atomic_fetch_add(&c->resting, 1) + 1 == c->members;
    WR_ASSERT(c->resting <= c->members);
    wr_lock_give(&c->lock);
    if (last)
        ring(c);
}

/* Until the bell has been rung since it was `rung`. Often that is soon. */
static void
listen(struct wr_crew *c, uint32_t rung)
{
    for (int i = 0; i < LOOKS; i++) {
        if (atomic_load_explicit(&c->bell, memory_order_relaxed) != rung)
            return;
        wr_os_pause();
    }
    wr_os_wait(&c->bell, rung, 0);
}

/* Lock held. */
static size_t
take_chunk(struct wr_crew *c, struct wr_grey *grey)
{
    size_t n = 0;

    if (c->chunks > 0) {
        atomic_fetch_sub(&c->chunks, 1);
        n = c->chunk[c->chunks].n;
        wr_grey_copy(grey, c->chunk[c->chunks].grey, n);
    }
    return n;
}

size_t
wr_crew_take(struct wr_crew *c, struct wr_grey *grey)
{
    size_t n;

    if (atomic_load_explicit(&c->chunks, memory_order_relaxed) == 0)
        return 0;
    take_lock(c);
    n = take_chunk(c, grey);
    wr_lock_give(&c->lock);
    return n;
}

static size_t
next(struct wr_crew *c, struct wr_grey *grey, bool leads)
{
    for (;;) {
        uint32_t rung = atomic_load(&c->bell);
        size_t n;
        bool end;

        take_lock(c);
        end = c->over || (leads && c->resting == c->members);
        n = take_chunk(c, grey);
        if (n > 0 || (leads && end))
            atomic_fetch_sub(&c->resting, 1);
        wr_lock_give(&c->lock);
        if (n > 0 || end)
            return n;
        listen(c, rung);
    }
}

size_t
wr_crew_next(struct wr_crew *c, struct wr_grey *grey)
{
    return next(c, grey, false);
}

size_t
wr_crew_next_or_end(struct wr_crew *c, struct wr_grey *grey)
{
    return next(c, grey, true);
}

void
wr_crew_dismiss(struct wr_crew *c)
{
    take_lock(c);
    c->over = true;
    wr_lock_give(&c->lock);
    ring(c);
}
