/* Invariants
 * 1. `dead` is freed only when users is 0 after it was taken away.
 * 2. A span whose `swept` is the cycle's number was claimed: its dead blocks
 *    are freed by who did that, or are free already.
 */
#include "gc/sweep.h"

#include <stdatomic.h>

#include "base/base.h"
#include "gc/doubt.h"
#include "heap/large.h"
#include "heap/mcache.h"
#include "heap/mcentral.h"
#include "heap/mheap.h"
#include "heap/sampled.h"
#include "heap/tiny.h"
#include "mark/marks.h"
#include "os/os.h"
#include "region/collector.h"
#include "region/event.h"

/* Spans that are found, and looked at, under one lock; and of those for who
 * wants some blocks: more than it can use up until the next cycle. */
enum {
    BATCH = 64,
    VISITS = 4096,
    SOME = 8,
    SOME_VISITS = 64,
    OWN_VISITS = 256
};
enum { WAIT_NS = 20000 };
#define CLOBBER UINT64_C(0xdeadbeefdeadbeef) /* no address */

static _Atomic(struct wr_marks *) dead;
static _Atomic uint32_t users; /* threads that look at *dead */
static _Atomic uint32_t cycle;
static _Atomic bool some_left;
static bool clobbers; /* constant after start */
static _Thread_local bool sweeping;

/* ---- who may look ---- */

static struct wr_marks *
enter(void)
{
    struct wr_marks *d;

    if (atomic_load_explicit(&dead, memory_order_relaxed) == NULL || sweeping)
        return NULL;
    atomic_fetch_add(&users, 1);
    d = atomic_load(&dead);
    if (d == NULL)
        atomic_fetch_sub(&users, 1);
    else
        sweeping = true;
    return d;
}

static void
leave(void)
{
    sweeping = false;
    atomic_fetch_sub(&users, 1);
}

static bool
claim(struct wr_span *s)
{
    uint8_t now = (uint8_t)atomic_load_explicit(&cycle, memory_order_relaxed);
    uint8_t old = atomic_load_explicit(&s->swept, memory_order_relaxed);

    return old != now && atomic_compare_exchange_strong_explicit(
                             &s->swept, &old, now, memory_order_acq_rel,
                             memory_order_relaxed);
}

/* ---- one span ---- */

/* NULL: it has none, or is another span than the one that had them. */
static uint64_t *
dead_line(const struct wr_marks *d, const struct wr_span *s)
{
    uint64_t *line = wr_marks_line(d, s);

    return line != NULL && *wr_marks_note(d, s) == wr_sweep_note(s) ? line
                                                                    : NULL;
}

bool
wr_sweep_is_dead(const struct wr_marks *d, const struct wr_span *s,
                 unsigned block)
{
    const uint64_t *line = dead_line(d, s);

    return line != NULL && (line[block / 64] >> block % 64 & 1) != 0;
}

static bool
has_dead(const struct wr_marks *d, const struct wr_span *s)
{
    const uint64_t *line = dead_line(d, s);
    uint64_t any = 0;

    for (unsigned i = 0; line != NULL && i < WR_MARKS_WORDS; i++)
        any |= __atomic_load_n(&line[i], __ATOMIC_RELAXED);
    return any != 0;
}

/* A word of a span's bits. They are taken out of the set: the memory may belong
 * to another span soon, which nobody has claimed. */
static uint64_t
take_word(uint64_t *word)
{
    uint64_t bits = *word;

    if (bits != 0)
        __atomic_store_n(word, 0, __ATOMIC_RELAXED);
    return bits;
}

/* The numbers of its dead blocks: how many. */
static uint32_t
list_dead(struct wr_marks *d, const struct wr_span *s, uint16_t *list)
{
    uint64_t *line = dead_line(d, s);
    uint32_t n = 0;

    for (unsigned from = 0; line != NULL && from < s->blocks; from += 64)
        for (uint64_t bits = take_word(&line[from / 64]); bits != 0;
             bits &= bits - 1)
            list[n++] = (uint16_t)(from + wr_cpu_lowest_bit(bits));
    return n;
}

/* Nobody else frees blocks in it, and nobody has these: how many were freed. */
static uint32_t
sweep_own(struct wr_mcache *mc, struct wr_span *s, const uint16_t *list,
          uint32_t n)
{
    uint32_t freed = 0;

    for (uint32_t i = 0; i < n; i++) {
        if (wr_unlikely(wr_block_state(s, list[i]) != WR_BLOCK_LIVE))
            wr_sample_free(s, list[i], s->block_bytes);
        if (wr_unlikely(wr_block_state(s, list[i]) != WR_BLOCK_LIVE))
            continue;
        wr_block_set(s, list[i], WR_BLOCK_FREE);
        freed++;
    }
    if (freed > 0)
        wr_mcache_reclaimed(mc, s, freed);
    return freed;
}

static uint32_t
sweep_other(struct wr_mcache *mc, struct wr_span *s, const uint16_t *list,
            uint32_t n)
{
    unsigned slot = wr_span_slot(s);
    uint32_t freed;

    for (uint32_t i = 0; i < n; i++)
        wr_sample_free(s, list[i], s->block_bytes);
    freed = wr_remote_free_all(s, list, n);
    wr_mcache_count_remote(mc, slot, freed); /* s may be gone */
    return freed;
}

static void
overwrite(struct wr_span *s, unsigned block)
{
    size_t bytes = wr_span_block_bytes(s);
    uint64_t *word = (uint64_t *)(s->base + block * bytes);

    if (wr_block_is_live(wr_block_state(s, block)))
        for (size_t i = 0; i < bytes / sizeof *word; i++)
            word[i] = CLOBBER;
}

static void
overwrite_all(struct wr_span *s, const uint16_t *list, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        overwrite(s, list[i]);
}

/* Blocks of malloc's that nobody will free any more. */
static void
note_lost(struct wr_span *s, const uint16_t *list, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        wr_sample_lost(s, list[i]);
    if (n == 0)
        return;
    wr_collector_add(lost_blocks, n);
    wr_collector_add(lost_bytes, n * wr_span_block_bytes(s));
}

static bool
sweep_large(struct wr_span *s, struct wr_marks *d)
{
    uint64_t *line = dead_line(d, s);
    uint16_t only = 0;

    if (line == NULL || take_word(line) == 0 ||
        (!wr_span_is_managed(s) && wr_doubt_sift(s, &only, 1) == 0))
        return false;
    if (!wr_span_is_managed(s))
        note_lost(s, &only, 1);
    if (clobbers)
        overwrite(s, 0);
    wr_large_free(s, (void *)s->base, "collect", false);
    return true;
}

static void
sweep(struct wr_mcache *mc, struct wr_span *s, struct wr_marks *d)
{
    uint16_t list[WR_SPAN_BLOCKS_MAX];
    size_t bytes = wr_span_block_bytes(s);
    enum wr_kind kind = s->kind;
    uint32_t n;

    if (s->class_id == 0) {
        n = sweep_large(s, d);
    } else {
        n = list_dead(d, s, list);
        if (kind == WR_KIND_MALLOC) {
            n = wr_doubt_sift(s, list, n);
            note_lost(s, list, n);
        }
        if (kind == WR_KIND_NOSCAN && s->block_bytes == WR_TINY_BYTES)
            wr_tiny_part(s, list, n);
        if (wr_unlikely(clobbers))
            overwrite_all(s, list, n);
        if (n > 0)
            n = wr_span_owner(s) == mc ? sweep_own(mc, s, list, n)
                                       : sweep_other(mc, s, list, n);
    }
    wr_count_returned(kind, -(n * bytes)); /* not by the program */
}

/* ---- a thread's own spans, as far as it needs blocks, and not for long ----
 */

static void
sweep_for(struct wr_mcache *mc, unsigned slot)
{
    struct wr_marks *d = enter();
    uint32_t now = atomic_load(&cycle);
    struct wr_span *s;

    if (d == NULL)
        return;
    if (mc->sweeping != now) {
        mc->sweeping = now;
        mc->unswept = mc->own;
    }
    for (int i = 0; i < OWN_VISITS && mc->partial[slot].first == NULL &&
                    (s = mc->unswept) != NULL;
         i++) {
        mc->unswept = s->own_next;
        if (wr_span_is_collected(s) && claim(s)) {
            wr_doubt_trust(s, d);
            sweep(mc, s, d);
        }
    }
    leave();
}

/* ---- all ---- */

struct batch {
    struct wr_marks *dead;
    uintptr_t *cursor; /* guard: mheap's lock */
    int visits;
    unsigned most, n;
    struct wr_span *span[BATCH];
};

/* One with a dead block is not given back to mheap by its owner before that is
 * swept; any other may be another span as soon as the lock is given back. */
static bool
is_wanted(const struct batch *b, struct wr_span *s)
{
    if (wr_span_state(s) < WR_SPAN_SMALL || wr_span_state(s) > WR_SPAN_LARGE ||
        !wr_span_is_collected(s))
        return false;
    if (!has_dead(b->dead, s) && !s->suspects)
        return false;
    if (!claim(s))
        return false;
    wr_doubt_trust(s, b->dead);
    return has_dead(b->dead, s);
}

/* false: that was all, and the cursor is at the beginning. */
static bool
next_batch(struct batch *b)
{
    struct wr_span *s = NULL;

    b->n = 0;
    wr_lock_take(&wr_mheap_lock);
    for (int i = 0; i < b->visits && b->n < b->most; i++) {
        s = wr_mheap_next(b->cursor);
        if (s == NULL)
            break;
        if (is_wanted(b, s))
            b->span[b->n++] = s;
    }
    if (s == NULL)
        *b->cursor = 0;
    wr_lock_give(&wr_mheap_lock);
    return s != NULL;
}

/* The next spans; false: that was all. */
static bool
sweep_batch(struct batch *b)
{
    struct wr_mcache *mc = wr_mcache_get();
    bool more = next_batch(b);

    for (unsigned i = 0; i < b->n; i++)
        sweep(mc, b->span[i], b->dead);
    return more;
}

static void
sweep_all(struct wr_marks *d)
{
    uintptr_t from = 0;
    struct batch b = {
        .dead = d, .cursor = &from, .visits = VISITS, .most = BATCH};

    while (sweep_batch(&b))
        ;
}

void
wr_sweep_some(void)
{
    static uintptr_t from; /* guard: mheap's lock */
    struct batch b = {.cursor = &from, .visits = SOME_VISITS, .most = SOME};

    if (wr_likely(!atomic_load_explicit(&some_left, memory_order_relaxed)))
        return;
    b.dead = enter();
    if (b.dead == NULL)
        return;
    if (!sweep_batch(&b))
        atomic_store(&some_left, false);
    leave();
}

bool
wr_sweep_finish(void)
{
    struct wr_marks *d;

    if (sweeping)
        return false;
    d = enter();
    if (d == NULL)
        return true;
    sweep_all(d);
    leave();
    atomic_store(&dead, NULL);
    for (uint32_t n; (n = atomic_load(&users)) != 0;)
        wr_os_wait(&users, n, WAIT_NS);
    wr_marks_free(d);
    return true;
}

/* Blocks of malloc are doubted by what sweeping them says. */
bool
wr_sweep_drop(void)
{
    struct wr_marks *d = atomic_load(&dead);

    if (d == NULL)
        return true;
    if (wr_collects_malloc)
        return false;
    atomic_store(&dead, NULL);
    if (atomic_load(&users) != 0) {
        atomic_store(&dead, d);
        return false;
    }
    wr_marks_free(d);
    return true;
}

void
wr_sweep_begin(struct wr_marks *d)
{
    WR_ASSERT(atomic_load(&dead) == NULL);
    atomic_fetch_add(&cycle, 1);
    atomic_store(&dead, d);
    atomic_store(&some_left, true);
}

void
wr_sweep_start(bool clobber)
{
    clobbers = clobber;
    wr_events.sweep = sweep_for;
}

void
wr_sweep_fork_child(void)
{
    if (atomic_load(&users) != 0)
        atomic_store(&users, sweeping ? 1 : 0);
}
