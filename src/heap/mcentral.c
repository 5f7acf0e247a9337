/* Invariants
 * 1. A span in a class's list has a free block, belongs to nobody (owner 0)
 *    and has CENTRAL set; the list, and used of such spans, change only under
 *    the class's lock.
 * 2. FULL is set in `shared` only by a step that finds fewer than few remote
 *    frees counted, and the free that makes them few takes it away and queues
 *    the span: a span with few blocks freed by others is always found.
 * 3. An inbox holds spans through inbox_next, newest first; 1 is "closed".
 */
#include "heap/mcentral.h"

#include "heap/mheap.h"

enum { CLOSED = 1 };

struct mcentral {
    struct wr_lock lock;
    struct wr_span_list partial; /* guard: lock */
    _Atomic uint32_t waiting;    /* its length, to glance at without lock */
    _Atomic uintptr_t inbox;
} __attribute__((aligned(64)));

static struct mcentral central[WR_SLOTS];
static unsigned used = WR_CLASSES; /* guard: the first lock */

/* ---- remote frees ---- */

/* Does the free that makes the count `count` have to queue the span? */
static bool
must_queue(struct wr_span *s, uint32_t shared, uint32_t count)
{
    if ((shared & WR_SHARED_QUEUED) != 0)
        return false;
    if ((shared & WR_SHARED_FULL) != 0 && count >= wr_few(s->blocks))
        return true;
    return (shared & WR_SHARED_CENTRAL) != 0 &&
           (int32_t)count == wr_span_rest(s);
}

/* The last step of n remote frees; queued: the span is ours to send. */
static bool
count_remote(struct wr_span *s, uint32_t n)
{
    uint32_t old = atomic_load_explicit(&s->shared, memory_order_acquire);
    uint32_t now;
    bool queue;

    do {
        now = old + n;
        queue = must_queue(s, old, now & WR_SHARED_COUNT);
        if (queue)
            now = (now & ~WR_SHARED_FULL) | WR_SHARED_QUEUED;
    } while (!atomic_compare_exchange_weak_explicit(
        &s->shared, &old, now, memory_order_acq_rel, memory_order_acquire));
    return queue;
}

bool
wr_remote_free(struct wr_span *s, unsigned block)
{
    if (!wr_block_step(s, block, WR_BLOCK_LIVE, WR_BLOCK_REMOTE))
        return false;
    if (count_remote(s, 1))
        wr_remote_send(s);
    return true;
}

uint32_t
wr_remote_free_all(struct wr_span *s, const uint16_t *block, uint32_t n)
{
    uint32_t freed = 0;

    for (uint32_t i = 0; i < n; i++)
        freed += wr_block_step(s, block[i], WR_BLOCK_LIVE, WR_BLOCK_REMOTE);
    if (freed > 0 && count_remote(s, freed))
        wr_remote_send(s);
    return freed;
}

/* REMOTE blocks become free: how many there were. */
static uint32_t
sweep_remote(struct wr_span *s)
{
    uint32_t n = 0;

    for (unsigned i = 0; i < s->blocks; i += 16) {
        uint32_t bits = wr_cpu_equal(&s->block[i], 0, WR_BLOCK_REMOTE);

        for (; bits != 0; bits &= bits - 1, n++)
            (void)wr_block_step(s, i + (unsigned)__builtin_ctz(bits),
                                WR_BLOCK_REMOTE, WR_BLOCK_FREE);
    }
    return n;
}

uint32_t
wr_remote_take(struct wr_span *s)
{
    uint32_t shared = atomic_load_explicit(&s->shared, memory_order_acquire);
    uint32_t taken;

    if ((shared & WR_SHARED_COUNT) == 0)
        return 0; /* one that is not counted yet is taken in next time */
    taken = sweep_remote(s);
    wr_span_note_freed(s);
    while ((shared & WR_SHARED_COUNT) != 0) {
        int32_t n = (int32_t)(shared & WR_SHARED_COUNT);

        wr_span_use(s, -n); /* first: must_queue reads it after shared */
        if (atomic_compare_exchange_weak_explicit(
                &s->shared, &shared, shared & ~WR_SHARED_COUNT,
                memory_order_acq_rel, memory_order_acquire))
            break;
        wr_span_use(s, n);
    }
    return taken;
}

bool
wr_remote_set_full(struct wr_span *s)
{
    uint32_t old = atomic_load_explicit(&s->shared, memory_order_acquire);

    do {
        if ((old & WR_SHARED_COUNT) >= wr_few(s->blocks))
            return false;
    } while (!atomic_compare_exchange_weak_explicit(
        &s->shared, &old, (old | WR_SHARED_FULL) & ~WR_SHARED_CURRENT,
        memory_order_acq_rel, memory_order_acquire));
    return true;
}

/* ---- inboxes ---- */

static bool
push(_Atomic uintptr_t *inbox, struct wr_span *s)
{
    uintptr_t head = atomic_load_explicit(inbox, memory_order_relaxed);

    do {
        if (head == CLOSED)
            return false;
        s->inbox_next = (struct wr_span *)head;
    } while (!atomic_compare_exchange_weak_explicit(inbox, &head, (uintptr_t)s,
                                                    memory_order_release,
                                                    memory_order_relaxed));
    return true;
}

static void drain_locked(struct mcentral *c);

void
wr_remote_send(struct wr_span *s)
{
    struct wr_mcache *mc = wr_span_owner(s);
    struct mcentral *c = &central[wr_span_slot(s)];

    if (mc != NULL && push(&mc->inbox, s))
        return;
    (void)push(&c->inbox, s);
    if (mc == NULL && wr_lock_try(&c->lock)) {
        /* It may have been the last block: do not wait for an allocation. */
        drain_locked(c);
        wr_lock_give(&c->lock);
    }
}

struct wr_span *
wr_inbox_drain(_Atomic uintptr_t *inbox, bool close)
{
    uintptr_t head;

    if (!close && atomic_load_explicit(inbox, memory_order_relaxed) <= CLOSED)
        return NULL;
    head = atomic_exchange_explicit(inbox, close ? CLOSED : 0,
                                    memory_order_acquire);
    return head == CLOSED ? NULL : (struct wr_span *)head;
}

void
wr_inbox_open(_Atomic uintptr_t *inbox)
{
    uintptr_t closed = CLOSED;

    (void)atomic_compare_exchange_strong(inbox, &closed, 0);
}

void
wr_remote_unqueue(struct wr_span *s)
{
    uint32_t old = atomic_load_explicit(&s->shared, memory_order_acquire);
    uint32_t now;

    do {
        now = old & ~WR_SHARED_QUEUED;
        if ((old & WR_SHARED_COUNT) != 0)
            now &= ~WR_SHARED_FULL;
    } while (!atomic_compare_exchange_weak_explicit(
        &s->shared, &old, now, memory_order_acq_rel, memory_order_acquire));
}

/* ---- the classes ---- */

static bool
has_free_block(struct wr_span *s)
{
    for (unsigned i = 0; i < s->blocks; i += 16)
        if (wr_cpu_top_clear(&s->block[i]) != 0)
            return true;
    return false;
}

static uint32_t
shared_flags(struct wr_span *s)
{
    return atomic_load_explicit(&s->shared, memory_order_acquire);
}

/* Is it empty and nobody's business but ours? */
static bool
releasable(struct wr_span *s)
{
    return wr_span_used(s) == 0 && (shared_flags(s) & WR_SHARED_QUEUED) == 0;
}

static void
unlist(struct mcentral *c, struct wr_span *s)
{
    wr_span_list_remove(&c->partial, s);
    atomic_store_explicit(&c->waiting, c->partial.length, memory_order_relaxed);
}

/* Sort s (of nobody, remote frees taken in, in no list) into the class.
 * Lock held. */
static void
settle_central(struct mcentral *c, struct wr_span *s)
{
    if (wr_span_listed(s))
        unlist(c, s);
    while (!releasable(s)) {
        if (has_free_block(s)) {
            wr_span_list_append(&c->partial, s);
            atomic_store_explicit(&c->waiting, c->partial.length,
                                  memory_order_relaxed);
            return;
        }
        if (wr_remote_set_full(s))
            return;
        (void)wr_remote_take(s);
    }
    wr_mheap_free(s, false);
}

static void
drain_locked(struct mcentral *c)
{
    struct wr_span *next, *s = wr_inbox_drain(&c->inbox, false);

    for (; s != NULL; s = next) {
        next = s->inbox_next;
        if (wr_span_owner(s) != NULL) {
            wr_remote_send(s);
            continue;
        }
        wr_remote_unqueue(s);
        (void)wr_remote_take(s);
        settle_central(c, s);
    }
}

void
wr_mcentral_drain(unsigned slot)
{
    struct mcentral *c = &central[slot];

    wr_lock_take(&c->lock);
    drain_locked(c);
    wr_lock_give(&c->lock);
}

struct wr_span *
wr_mcentral_take(struct wr_mcache *mc, unsigned slot)
{
    struct mcentral *c = &central[slot];
    struct wr_span *s;

    if (atomic_load_explicit(&c->waiting, memory_order_relaxed) == 0 &&
        atomic_load_explicit(&c->inbox, memory_order_relaxed) == 0)
        return NULL; /* a glance without the lock: nearly always empty */
    wr_lock_take(&c->lock);
    drain_locked(c);
    s = c->partial.first;
    if (s != NULL) {
        unlist(c, s);
        wr_span_set_owner(s, mc);
        atomic_fetch_and_explicit(&s->shared, ~WR_SHARED_CENTRAL,
                                  memory_order_acq_rel);
        (void)wr_remote_take(s);
    }
    wr_lock_give(&c->lock);
    return s;
}

void
wr_mcentral_give(struct wr_span *s)
{
    struct mcentral *c = &central[wr_span_slot(s)];

    WR_ASSERT(!wr_span_listed(s));
    wr_lock_take(&c->lock);
    wr_span_set_owner(s, NULL);
    atomic_fetch_and_explicit(&s->shared, ~WR_SHARED_FULL,
                              memory_order_acq_rel);
    (void)wr_remote_take(s);
    /* From here a free that leaves nothing allocated queues the span; one
     * that came before this step is found by the second look. */
    atomic_fetch_or_explicit(&s->shared, WR_SHARED_CENTRAL,
                             memory_order_acq_rel);
    (void)wr_remote_take(s);
    settle_central(c, s);
    wr_lock_give(&c->lock);
}

void
wr_mcentral_use_all(void)
{
    wr_lock_take(&central[0].lock);
    used = WR_SLOTS;
    wr_lock_give(&central[0].lock);
}

void
wr_mcentral_lock_all(void)
{
    wr_lock_take(&central[0].lock);
    for (unsigned i = 1; i < used; i++)
        wr_lock_take(&central[i].lock);
}

void
wr_mcentral_unlock_all(void)
{
    for (unsigned i = used; i-- > 0;)
        wr_lock_give(&central[i].lock);
}

void
wr_mcentral_reset(void)
{
    for (unsigned i = 0; i < used; i++) {
        central[i].partial = (struct wr_span_list){NULL, NULL, 0};
        atomic_store(&central[i].waiting, 0);
        atomic_store(&central[i].inbox, 0);
    }
}

void
wr_mcentral_check(void)
{
    for (unsigned i = 1; i < used; i++) {
        uint32_t n = 0;

        for (struct wr_span *s = central[i].partial.first; s != NULL;
             s = s->next, n++) {
            WR_ASSERT(wr_span_slot(s) == i);
            WR_ASSERT(wr_span_owner(s) == NULL);
            WR_ASSERT((shared_flags(s) & WR_SHARED_CENTRAL) != 0);
            WR_ASSERT(has_free_block(s));
        }
        WR_ASSERT(n == central[i].partial.length);
    }
}
