/* Invariants
 * 1. PURGING is set and taken away again under mheap's lock: so while it is
 *    set the span is not given back, and nobody forks.
 * 2. Pages go only while PURGING is set and CURRENT was not before: no block
 *    is handed out, so one found free, or freed by another thread, stays so.
 */
#include "heap/purge.h"

#include "heap/huge.h"
#include "heap/mheap.h"
#include "os/os.h"
#include "region/counters.h"

enum {
    VISITS = 65536, /* in a call: some milliseconds */
    BATCH = 64      /* under one lock */
};

static uintptr_t cursor; /* guard: mheap's lock */

/* ---- one span ---- */

static bool
is_dead(uint8_t state)
{
    return state == WR_BLOCK_FREE || state == WR_BLOCK_FRESH ||
           state == WR_BLOCK_REMOTE;
}

static void
freshen(struct wr_span *s, uintptr_t from, uintptr_t to)
{
    unsigned i =
        (unsigned)((from - s->base + s->block_bytes - 1) / s->block_bytes);

    for (; i < s->blocks && s->base + (i + 1) * (uintptr_t)s->block_bytes <= to;
         i++)
        (void)wr_block_step(s, i, WR_BLOCK_FREE, WR_BLOCK_FRESH);
}

/* Blocks from up to end are dead: return the pages they have to themselves. */
static size_t
release(struct wr_span *s, unsigned from, unsigned end)
{
    uintptr_t a = s->base + (uintptr_t)from * s->block_bytes;
    uintptr_t z = end == s->blocks ? s->base + wr_span_bytes(s)
                                   : s->base + (uintptr_t)end * s->block_bytes;

    a = wr_align_up(a, wr_os_page_bytes());
    z = wr_align_down(z, wr_os_page_bytes());
    if (a >= z)
        return 0;
    wr_huge_released(a, z - a);
    if (!wr_os_release((void *)a, z - a))
        return 0;
    freshen(s, a, z);
    return z - a;
}

static size_t
release_all(struct wr_span *s)
{
    size_t given = 0;

    for (unsigned end, i = 0; i < s->blocks; i = end + 1) {
        bool used = false; /* since it was fresh */

        for (end = i; end < s->blocks; end++) {
            uint8_t state = wr_block_state(s, end);

            if (!is_dead(state))
                break;
            used |= state != WR_BLOCK_FRESH;
        }
        if (used)
            given += release(s, i, end);
    }
    return given;
}

static size_t
purge(struct wr_span *s)
{
    uint32_t old = atomic_fetch_or_explicit(&s->shared, WR_SHARED_PURGING,
                                            memory_order_acq_rel);
    size_t given = 0;

    if ((old & WR_SHARED_CURRENT) == 0)
        given = release_all(s);
    atomic_fetch_and_explicit(&s->shared, ~WR_SHARED_PURGING,
                              memory_order_acq_rel);
    return given;
}

/* What changes when a block of s is allocated or freed. */
static uint32_t
looks(struct wr_span *s)
{
    int32_t left = __atomic_load_n(&s->left, __ATOMIC_RELAXED);
    uint32_t remote = atomic_load_explicit(&s->shared, memory_order_relaxed) &
                      WR_SHARED_COUNT;
    uint32_t live = (uint32_t)(wr_span_rest(s) + left) - remote;
    uint16_t installs = __atomic_load_n(&s->installs, __ATOMIC_RELAXED);

    return (uint32_t)installs << 16 | (live & 0xffff);
}

static size_t
visit(struct wr_span *s, bool eager)
{
    uint32_t now;

    if (wr_span_state(s) != WR_SPAN_SMALL)
        return 0;
    now = looks(s);
    if (s->seen != now) {
        s->seen = now;
        s->purged = false;
        if (!eager)
            return 0;
    }
    if (s->purged)
        return 0;
    s->purged = true;
    return purge(s);
}

/* ---- all ---- */

/* Lock held, until a span was purged: the bytes given back. *visits is what
 * is left of them, 0 at the heap's end. */
static size_t
visit_some(size_t *visits, bool eager)
{
    size_t given = 0;
    struct wr_span *s;

    for (int i = 0; i < BATCH && given == 0 && *visits > 0; i++, --*visits) {
        s = wr_mheap_next(&cursor);
        if (s == NULL) {
            cursor = 0;
            *visits = 0;
            break;
        }
        given = visit(s, eager);
    }
    wr_count_add(scavenged, given);
    return given;
}

size_t
wr_purge(bool eager)
{
    size_t given = 0, visits = VISITS;

    while (visits > 0) {
        wr_lock_take(&wr_mheap_lock);
        given += visit_some(&visits, eager);
        wr_lock_give(&wr_mheap_lock);
    }
    return given;
}

void
wr_purge_wait(void)
{
    wr_lock_take(&wr_mheap_lock);
    wr_lock_give(&wr_mheap_lock);
}
