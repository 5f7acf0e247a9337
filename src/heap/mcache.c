/* Invariants
 * 1. A slot's span is owned by the cache, in no list, not FULL; the blocks in
 *    slot->bits are free ones of it. Without a span bits is 0.
 * 2. Every other span of the cache is either in partial[class] (it has a free
 *    block) or is FULL and in no list; all are in `own`.
 * 3. wr_mcache_none never owns a span and its slots have none.
 */
#include "heap/mcache.h"

#include <string.h>

#include "heap/caches.h"
#include "heap/large.h"
#include "heap/layout.h"
#include "heap/mcentral.h"
#include "heap/mheap.h"
#include "heap/purge.h"
#include "heap/scavenge.h"
#include "heap/tiny.h"
#include "os/os.h"
#include "region/counters.h"
#include "region/event.h"
#include "region/layout.h"
#include "region/region.h"

/* Of spans with free blocks a thread keeps so many bytes in each class before
 * it gives empty ones back. */
#define KEEP (64 * WR_KIB)

struct wr_mcache wr_mcache_none = {
    .by_16 = {[0 ... 1024 / 16] = &wr_mcache_none.slot[0]},
    .tiny = WR_TINY_NONE,
};

_Thread_local struct wr_mcache *wr_self = &wr_mcache_none;

/* The thread gave its cache back. What libc keeps for a thread it frees after
 * the last key destructor: for that the thread must not take a cache again,
 * since nobody would give it back. */
static _Thread_local bool left __attribute__((tls_model("initial-exec")));

/* ---- caches come and go ---- */

WR_COLD struct wr_mcache *
wr_mcache_get(void)
{
    struct wr_mcache *mc = wr_self;

    if (wr_likely(mc != &wr_mcache_none))
        return mc;
    mc = wr_caches_take();
    if (mc == NULL)
        return NULL;
    left = false;
    wr_inbox_open(&mc->inbox);
    mc->attached = true;
    mc->forking = false;
    wr_self = mc;
    if (wr_events.thread_attached != NULL)
        wr_events.thread_attached(mc);
    wr_mcache_draw_samples(mc);
    return mc;
}

struct wr_mcache *
wr_mcache_get_to_free(void)
{
    return left && wr_self == &wr_mcache_none ? NULL : wr_mcache_get();
}

/* ---- a cache's spans ---- */

static void
own_add(struct wr_mcache *mc, struct wr_span *s)
{
    s->own_prev = NULL;
    s->own_next = mc->own;
    if (mc->own != NULL)
        mc->own->own_prev = s;
    mc->own = s;
}

static void
own_remove(struct wr_mcache *mc, struct wr_span *s)
{
    if (s->own_prev != NULL)
        s->own_prev->own_next = s->own_next;
    else
        mc->own = s->own_next;
    if (s->own_next != NULL)
        s->own_next->own_prev = s->own_prev;
    if (mc->unswept == s)
        mc->unswept = s->own_next;
    s->own_next = s->own_prev = NULL;
}

static bool
is_queued(struct wr_span *s)
{
    return (atomic_load_explicit(&s->shared, memory_order_acquire) &
            WR_SHARED_QUEUED) != 0;
}

void
wr_mcache_unfull(struct wr_mcache *mc, struct wr_span *s)
{
    WR_ASSERT(wr_span_owner(s) == mc);
    WR_ASSERT(s->full);
    s->full = false;
    atomic_fetch_and_explicit(&s->shared, ~WR_SHARED_FULL,
                              memory_order_acq_rel);
    wr_span_list_append(&mc->partial[wr_span_slot(s)], s);
}

/* ---- counts ---- */

static uint64_t
held_in_word(struct wr_slot *slot)
{
    uint64_t bits = atomic_load_explicit(&slot->bits, memory_order_acquire);

    return wr_cpu_count(bits);
}

enum { SPINS = 1000, NAPS = 100, NAP_NS = 1000000 };

/* For the owner, which is in the middle of a change and may have lost its
 * processor, to go on. */
static void
wait_for_owner(int tries)
{
    const uint32_t never = 0;

    if (tries > SPINS)
        wr_os_wait(&never, 0, NAP_NS);
}

/* Of a parent's thread that was in the middle of it at fork it is what can be
 * had. */
static uint64_t
slot_allocs(struct wr_slot *slot)
{
    uint64_t allocs;
    uint16_t seen;

    for (int tries = 0; tries < SPINS + NAPS; tries++) {
        wait_for_owner(tries);
        seen = atomic_load_explicit(&slot->changes, memory_order_acquire);
        allocs = atomic_load_explicit(&slot->taken, memory_order_acquire) -
                 held_in_word(slot);
        if ((seen & 1) == 0 &&
            atomic_load_explicit(&slot->changes, memory_order_relaxed) == seen)
            break;
    }
    return allocs;
}

uint64_t
wr_mcache_allocs(struct wr_mcache *mc, unsigned class_id)
{
    uint64_t n = 0;

    for (unsigned i = class_id; i < mc->slots; i += WR_CLASSES)
        n += slot_allocs(&mc->slot[i]);
    return n;
}

uint64_t
wr_mcache_frees(struct wr_mcache *mc, unsigned class_id)
{
    uint64_t n = 0;

    for (unsigned i = class_id; i < mc->slots; i += WR_CLASSES)
        n += wr_word_load(&mc->slot[i].frees);
    return n;
}

/* Not in a forked child whose slots are its parent's still. */
static inline bool
is_published(const struct wr_mcache *mc)
{
    return mc->region_slot != NULL && wr_region != NULL;
}

static inline void
publish_frees(struct wr_mcache *mc, unsigned slot)
{
    unsigned class_id = wr_slot_class(slot);

    if (is_published(mc))
        wr_word_store(&mc->region_slot->count[class_id].frees,
                      wr_mcache_frees(mc, class_id));
}

static uint64_t
taken(const struct wr_mcache *mc, unsigned class_id)
{
    uint64_t n = 0;

    for (unsigned i = class_id; i < mc->slots; i += WR_CLASSES)
        n += atomic_load_explicit(&mc->slot[i].taken, memory_order_relaxed);
    return n;
}

/* The slot's word is used up. */
static inline void
publish_allocs(struct wr_mcache *mc, unsigned slot)
{
    unsigned class_id = wr_slot_class(slot);

    if (is_published(mc))
        wr_word_store(&mc->region_slot->count[class_id].allocs,
                      taken(mc, class_id));
}

void
wr_mcache_publish_tinies(struct wr_mcache *mc)
{
    if (is_published(mc))
        wr_word_store(&mc->region_slot->count[0].allocs, mc->tinies);
}

_Atomic uint64_t wr_managed_bytes, wr_returned_bytes;
_Atomic bool wr_taking_told, wr_going_told;
_Atomic uint8_t wr_free_round;

/* What the slot has taken since it was last asked. */
static void
count_managed(struct wr_mcache *mc, struct wr_slot *slot)
{
    uint64_t now = atomic_load_explicit(&slot->taken, memory_order_relaxed);
    uint64_t *counted = &mc->counted[slot - mc->slot];

    atomic_fetch_add_explicit(&wr_managed_bytes, (now - *counted) * slot->bytes,
                              memory_order_relaxed);
    *counted = now;
}

/* Count the frees in s since the last look up, and let n more go by before
 * the next: how many they were. */
static inline uint32_t
grant(struct wr_mcache *mc, struct wr_span *s, int32_t n)
{
    struct wr_slot *slot = &mc->slot[wr_span_slot(s)];
    uint32_t freed = wr_span_grant(s, n);

    if (freed > 0)
        wr_span_note_freed(s);
    wr_count_returned(s->kind, (uint64_t)freed * slot->bytes);
    wr_word_store(&slot->frees, wr_word_load(&slot->frees) + freed);
    return freed;
}

/* s is not current. */
static uint32_t
grant_few(struct wr_mcache *mc, struct wr_span *s)
{
    return grant(mc, s, (int32_t)wr_few((uint32_t)wr_span_used(s)));
}

/* Blocks were freed that their spans go on holding. Told of an eighth of the
 * heap, the scavenger looks which pages that makes free. */
static inline void
tell_freed(struct wr_mcache *mc)
{
    if (wr_likely(mc->freed < WR_SCAVENGE_WORTH) ||
        mc->freed < wr_count_get(heap_inuse) / 8)
        return;
    wr_scavenge_tell_freed(mc->freed);
    mc->freed = 0;
}

static void
count_frees(struct wr_mcache *mc, unsigned slot_number, uint32_t n)
{
    struct wr_slot *slot = &mc->slot[slot_number];

    if (wr_unlikely(slot_number >= mc->slots))
        wr_mcache_use_all_slots(mc);
    wr_word_store(&slot->frees, wr_word_load(&slot->frees) + n);
    publish_frees(mc, slot_number);
    wr_count_returned(slot_number / WR_CLASSES, (uint64_t)n * slot->bytes);
    mc->freed += (uint64_t)n * slot->bytes;
}

void
wr_mcache_count_remote(struct wr_mcache *mc, unsigned slot, uint32_t n)
{
    count_frees(mc, slot, n);
    tell_freed(mc);
}

/* Give an empty span of ours back; it is in no slot. */
static void
release(struct wr_mcache *mc, struct wr_span *s)
{
    WR_ASSERT(wr_span_used(s) == 0 && !is_queued(s));
    grant(mc, s, 0);
    publish_frees(mc, wr_span_slot(s));
    if (wr_span_listed(s))
        wr_span_list_remove(&mc->partial[wr_span_slot(s)], s);
    own_remove(mc, s);
    wr_mheap_free(s, false);
}

void
wr_mcache_look_up(struct wr_mcache *mc, struct wr_span *s)
{
    mc->freed += (uint64_t)grant_few(mc, s) * s->block_bytes;
    publish_frees(mc, wr_span_slot(s));
    if (s->full)
        wr_mcache_unfull(mc, s);
    if (wr_span_used(s) == 0)
        wr_mcache_emptied(mc, s);
    tell_freed(mc);
}

void
wr_mcache_reclaimed(struct wr_mcache *mc, struct wr_span *s, uint32_t n)
{
    unsigned slot = wr_span_slot(s);

    WR_ASSERT(wr_span_owner(s) == mc);
    count_frees(mc, slot, n);
    if (mc->slot[slot].span == s) {
        wr_span_use_current(s, -(int32_t)n);
        return;
    }
    wr_span_use(s, -(int32_t)n);
    if (s->full)
        wr_mcache_unfull(mc, s);
    if (wr_span_used(s) == 0)
        wr_mcache_emptied(mc, s);
    tell_freed(mc);
}

void
wr_mcache_emptied(struct wr_mcache *mc, struct wr_span *s)
{
    unsigned slot = wr_span_slot(s);

    if (mc->slot[slot].span == s || is_queued(s))
        return;
    if (mc->partial[slot].length * wr_span_bytes(s) <= KEEP)
        return; /* the next refills take it */
    release(mc, s);
}

void
wr_mcache_settle(struct wr_mcache *mc)
{
    for (struct wr_span *s = mc->own; s != NULL; s = s->own_next)
        if (mc->slot[wr_span_slot(s)].span == s)
            grant(mc, s, WR_GRANT_CURRENT);
        else
            grant_few(mc, s);
}

static void
settle_current(struct wr_mcache *mc)
{
    for (unsigned i = 1; i < mc->slots; i++)
        if (mc->slot[i].span != NULL)
            grant(mc, mc->slot[i].span, WR_GRANT_CURRENT);
}

struct wr_turnover
wr_mcache_turnover(struct wr_mcache *mc, bool settle)
{
    struct wr_turnover t = mc->large_turnover;

    if (settle)
        wr_mcache_settle(mc);
    else
        settle_current(mc);
    for (unsigned i = 1; i < mc->slots; i++) {
        struct wr_slot *slot = &mc->slot[i];

        t.allocated += slot_allocs(slot) * slot->bytes;
        t.freed += wr_word_load(&slot->frees) * slot->bytes;
    }
    return t;
}

static void
add_unsettled(struct wr_span *s, void *frees)
{
    uint32_t n = wr_span_unsettled(s);

    /* More than there can be, all words counted: its owner is granting just
     * now. */
    if (wr_span_state(s) == WR_SPAN_SMALL && wr_span_owner(s) != NULL &&
        n <= s->blocks + WR_AGAIN * 64u)
        ((uint64_t *)frees)[s->class_id] += n;
}

void
wr_mcache_add_unsettled(uint64_t frees[WR_CLASSES])
{
    wr_lock_take(&wr_mheap_lock);
    wr_mheap_each_span(add_unsettled, frees);
    wr_lock_give(&wr_mheap_lock);
}

/* ---- a cache's full spans ---- */

/* Has a FULL span of ours got blocks from other threads? If not it is FULL
 * (again) for them too. */
static bool
gained(struct wr_span *s)
{
    while (wr_remote_take(s) == 0)
        if (wr_remote_set_full(s))
            return false;
    return true;
}

/* Take in what other threads have freed in our FULL spans. */
static void
drain_inbox(struct wr_mcache *mc)
{
    struct wr_span *next, *s = wr_inbox_drain(&mc->inbox, false);

    for (; s != NULL; s = next) {
        next = s->inbox_next;
        if (wr_span_owner(s) != mc) {
            wr_remote_send(s);
            continue;
        }
        wr_remote_unqueue(s);
        if (s->full) {
            if (!gained(s))
                continue;
            wr_mcache_unfull(mc, s);
        }
        if (wr_span_used(s) == 0)
            wr_mcache_emptied(mc, s);
    }
}

/* ---- refilling a slot ---- */

/* How many blocks of the class go by before the next sample: one countdown
 * of bytes, rounded down to blocks, is a geometric one of blocks; and as each
 * block is picked by a chance of its own, classes may count apart. */
void
wr_mcache_draw_sample(struct wr_mcache *mc, struct wr_slot *slot)
{
    int64_t bytes = INT64_MAX;

    if (wr_events.next_sample != NULL)
        bytes = wr_events.next_sample(mc);
    slot->until_sample = bytes == INT64_MAX ? bytes : bytes / slot->bytes;
}

/* The sample lies among the next n blocks, or is not drawn yet. */
static __attribute__((noinline)) int64_t
allow_fewer(struct wr_mcache *mc, struct wr_slot *slot, int64_t n)
{
    if (slot->until_sample == WR_SAMPLE_UNDRAWN)
        wr_mcache_draw_sample(mc, slot);
    n = (int64_t)wr_min((size_t)n, (size_t)slot->until_sample);
    if (n == 0) {
        slot->until_sample = WR_SAMPLE_DUE;
        return 1;
    }
    slot->until_sample -= n;
    return n;
}

/* Of the next n blocks, how many may be allocated before somebody has to look:
 * those before the next sample, or just the sample. */
static inline int64_t
allow(struct wr_mcache *mc, struct wr_slot *slot, int64_t n)
{
    if (wr_likely(slot->until_sample >= n)) {
        slot->until_sample -= n;
        return n;
    }
    return allow_fewer(mc, slot, n);
}

/* Hand the free blocks of a group of the current span, so many, to the slot. */
static void
take_word(struct wr_mcache *mc, struct wr_slot *slot, uint64_t bits,
          uint32_t have)
{
    int64_t n = allow(mc, slot, have);

    if (n < have)
        bits = wr_word_lowest(bits, n);
    wr_slot_change(slot, n, bits);
    wr_span_use_current(slot->span, (int32_t)n);
}

/* So many blocks freed by other threads are worth taking in, before those that
 * were perhaps never touched: any large one, of small ones some. */
static inline bool
has_gained(const struct wr_span *s)
{
    return wr_span_gained(s) >= (wr_span_is_coarse(s) ? 1 : 16);
}

/* The slot goes to the next group of its span, wrapping, that has a free
 * block, or to the first when others have freed some: which those are. */
static __attribute__((noinline)) uint64_t
go_to_next_group(struct wr_slot *slot, uint32_t *n)
{
    struct wr_span *s = slot->span;
    unsigned from = (unsigned)(slot->state - s->block) + s->group;
    uint64_t bits = 0;

    if (has_gained(s) && wr_remote_take(s) > 0)
        from = 0;
    for (unsigned seen = 0; bits == 0 && seen < s->blocks; seen += s->group) {
        if (from >= s->blocks)
            from = 0;
        slot->state = &s->block[from];
        slot->base = s->base + (uintptr_t)from * s->block_bytes;
        bits = wr_span_free_blocks(s, slot->state, n);
        from += s->group;
    }
    return bits;
}

WR_COLD void
wr_going(struct wr_span *s, uintptr_t from, size_t bytes)
{
    uint8_t round = atomic_load(&wr_free_round);

    if (s->kind != WR_KIND_NOSCAN &&
        (s->class_id == 0 || round == 0 || s->freed_in == round))
        wr_events.going(from, from + bytes);
}

/* What those blocks of the slot's group held before they were freed. */
static WR_COLD void
tell_going(struct wr_slot *slot, uint64_t bits)
{
    for (; bits != 0; bits &= bits - 1)
        wr_going(slot->span, slot->base + wr_cpu_lowest_bit(bits) * slot->bytes,
                 slot->bytes);
}

/* Take what is free in the slot's group, or else in the next. */
static inline bool
take_group(struct wr_mcache *mc, struct wr_slot *slot)
{
    struct wr_span *s = slot->span;
    bool more = wr_span_is_coarse(s) && has_gained(s);
    uint32_t n;
    uint64_t bits = more ? 0 : wr_span_free_blocks(s, slot->state, &n);

    if (bits == 0) {
        bits = go_to_next_group(slot, &n);
        if (bits == 0)
            return false;
    }
    grant(mc, s, WR_GRANT_CURRENT);
    publish_allocs(mc, wr_span_slot(s));
    publish_frees(mc, wr_span_slot(s));
    slot->again = WR_AGAIN;
    take_word(mc, slot, bits, n);
    wr_tell_taking(s, (unsigned)(slot->state - s->block), bits);
    if (wr_unlikely(atomic_load_explicit(&wr_going_told, memory_order_relaxed)))
        tell_going(slot, bits);
    if (wr_span_is_collected(s))
        count_managed(mc, slot);
    return true;
}

static void
install(struct wr_slot *slot, struct wr_span *s)
{
    uint32_t old = atomic_fetch_or_explicit(&s->shared, WR_SHARED_CURRENT,
                                            memory_order_acq_rel);

    if (wr_unlikely((old & WR_SHARED_PURGING) != 0))
        wr_purge_wait();
    __atomic_store_n(&s->installs, s->installs + 1, __ATOMIC_RELAXED);
    wr_span_set_old(s, false);
    slot->span = s;
    slot->state = s->block;
    slot->base = s->base;
}

/* What the slot may still hand out without a look it gives up. */
static void
put_back(struct wr_slot *slot)
{
    int64_t held = (int64_t)held_in_word(slot);

    wr_slot_change(slot, -held, 0);
    wr_span_use(slot->span, (int32_t)-held);
    if (slot->until_sample >= 0 && slot->until_sample != INT64_MAX)
        slot->until_sample += held;
}

static void
uninstall(struct wr_mcache *mc, struct wr_slot *slot)
{
    put_back(slot);
    grant_few(mc, slot->span);
    atomic_fetch_and_explicit(&slot->span->shared, ~WR_SHARED_CURRENT,
                              memory_order_acq_rel);
    slot->span = NULL;
    slot->again = 0;
}

void
wr_mcache_draw_samples(struct wr_mcache *mc)
{
    for (unsigned i = 1; i < mc->slots; i++) {
        if (mc->slot[i].span != NULL)
            put_back(&mc->slot[i]);
        mc->slot[i].until_sample = WR_SAMPLE_UNDRAWN;
    }
    mc->sample_left = INT64_MAX;
    if (wr_events.next_sample != NULL)
        mc->sample_left = wr_events.next_sample(mc);
}

/* The current span has no free block of its own: take in what other threads
 * have freed in it. Else it is declared FULL, and current no more. */
static bool
keep_on(struct wr_mcache *mc, struct wr_slot *slot)
{
    struct wr_span *s = slot->span;

    WR_ASSERT(wr_word_load(&slot->bits) == 0);
    while (!wr_remote_set_full(s)) {
        (void)wr_remote_take(s);
        if (take_group(mc, slot))
            return true;
    }
    s->full = true;
    grant_few(mc, s);
    slot->span = NULL;
    slot->again = 0;
    return false;
}

static struct wr_span *
fresh_span(struct wr_mcache *mc, unsigned slot)
{
    unsigned class_id = wr_slot_class(slot);
    const struct wr_class *c = &wr_class[class_id];
    struct wr_span *s = NULL;

    if (wr_mcache_may_grow(mc, (size_t)c->pages << WR_PAGE_SHIFT))
        s = wr_mheap_alloc(c->pages, 1, c->blocks);
    if (s == NULL)
        return NULL;
    if (slot / WR_CLASSES == WR_KIND_TYPED) {
        if (!wr_layout_cover(s->base, wr_span_bytes(s))) {
            wr_mheap_free(s, false);
            return NULL;
        }
        *wr_layout_shape(s->base) = WR_SHAPE_NEW;
    }
    s->inverse = c->inverse;
    s->shift = c->shift;
    s->class_id = (uint8_t)class_id;
    wr_span_set_kind(s, (enum wr_kind)(slot / WR_CLASSES));
    s->group = c->group;
    s->block_bytes = c->bytes;
    wr_span_set_owner(s, mc);
    atomic_store_explicit(&s->state, WR_SPAN_SMALL, memory_order_release);
    return s;
}

/* The next span to allocate from: our own, mcentral's, a fresh one. */
static struct wr_span *
next_span(struct wr_mcache *mc, unsigned slot)
{
    struct wr_span_list *partial = &mc->partial[slot];
    struct wr_span *s;

    if (partial->first == NULL)
        drain_inbox(mc);
    if (partial->first == NULL && (slot >= WR_CLASSES || wr_collects_malloc) &&
        wr_events.sweep != NULL)
        wr_events.sweep(mc, slot);
    s = partial->first;
    if (s != NULL) {
        wr_span_list_remove(partial, s);
        (void)wr_remote_take(s);
        return s;
    }
    s = wr_mcentral_take(mc, slot);
    if (s == NULL)
        s = fresh_span(mc, slot);
    if (s != NULL)
        own_add(mc, s);
    return s;
}

/* A span with free blocks for the slot. */
static __attribute__((noinline)) bool
refill_from_another(struct wr_mcache *mc, unsigned slot_number)
{
    struct wr_slot *slot = &mc->slot[slot_number];
    struct wr_span *s;

    if (slot->span != NULL && keep_on(mc, slot))
        return true;
    s = next_span(mc, slot_number);
    if (s == NULL)
        return false;
    install(slot, s);
    if (s->kind == WR_KIND_TYPED && s->class_id < WR_SHAPES)
        mc->shape[s->class_id] = *wr_layout_shape(s->base);
    return take_group(mc, slot);
}

bool
wr_mcache_refill(struct wr_mcache *mc, unsigned slot_number)
{
    struct wr_slot *slot = &mc->slot[slot_number];

    WR_ASSERT(wr_slot_class(slot_number) != 0 && slot_number < mc->slots);
    if (wr_likely(slot->span != NULL && take_group(mc, slot)))
        return true;
    return refill_from_another(mc, slot_number);
}

void
wr_mcache_use_all_slots(struct wr_mcache *mc)
{
    if (mc->slots == WR_SLOTS)
        return;
    wr_mcentral_use_all();
    for (unsigned i = WR_CLASSES; i < WR_SLOTS; i++) {
        mc->slot[i].bytes = wr_class[wr_slot_class(i)].bytes;
        mc->slot[i].until_sample = WR_SAMPLE_UNDRAWN;
    }
    mc->slots = WR_SLOTS;
}

/* ---- giving back ---- */

/* The slot's span goes to where it belongs: to those with free blocks, or to
 * the FULL ones. */
static void
lay_aside(struct wr_mcache *mc, struct wr_slot *slot)
{
    struct wr_span *s = slot->span;

    uninstall(mc, slot);
    (void)wr_remote_take(s);
    while (wr_span_used(s) >= (int32_t)s->blocks) {
        if (wr_remote_set_full(s)) {
            s->full = true;
            return;
        }
        (void)wr_remote_take(s);
    }
    wr_span_list_push(&mc->partial[wr_span_slot(s)], s);
}

void
wr_mcache_flush(struct wr_mcache *mc)
{
    struct wr_span *s, *next;

    wr_large_flush(mc);
    drain_inbox(mc);
    for (unsigned i = 1; i < mc->slots; i++) {
        struct wr_slot *slot = &mc->slot[i];

        if (slot->span != NULL)
            lay_aside(mc, slot);
        for (s = mc->partial[i].first; s != NULL; s = next) {
            next = s->next;
            (void)wr_remote_take(s);
            if (wr_span_used(s) == 0 && !is_queued(s))
                release(mc, s);
        }
    }
}

static void
give_all(struct wr_mcache *mc)
{
    struct wr_span *s;

    mc->tiny = WR_TINY_NONE;
    wr_mcache_publish_tinies(mc);
    for (unsigned i = 1; i < mc->slots; i++)
        if (mc->slot[i].span != NULL)
            uninstall(mc, &mc->slot[i]);
    while ((s = mc->own) != NULL) {
        grant(mc, s, 0);
        if (wr_span_listed(s))
            wr_span_list_remove(&mc->partial[wr_span_slot(s)], s);
        own_remove(mc, s);
        s->full = false;
        wr_mcentral_give(s);
    }
}

void
wr_mcache_detach(void)
{
    struct wr_mcache *mc = wr_self;
    struct wr_span *next, *s;

    if (mc == &wr_mcache_none)
        return;
    wr_self = &wr_mcache_none;
    left = true;
    for (s = wr_inbox_drain(&mc->inbox, true); s != NULL; s = next) {
        next = s->inbox_next;
        if (wr_span_owner(s) == mc)
            wr_remote_unqueue(s);
        else
            wr_remote_send(s);
    }
    if (mc->scope != NULL && wr_events.scope_ends != NULL)
        wr_events.scope_ends(mc);
    wr_large_flush(mc);
    give_all(mc);
    if (wr_events.thread_detached != NULL)
        wr_events.thread_detached(mc);
    wr_caches_give(mc);
}

void
wr_mcache_count_free(unsigned slot)
{
    struct wr_mcache *mc = wr_caches_take();

    if (mc == NULL)
        return;
    count_frees(mc, slot, 1);
    wr_caches_give(mc);
}

/* ---- after fork ---- */

/* What other threads freed becomes free: the number of live blocks. */
static int32_t
sweep(struct wr_span *s)
{
    int32_t live = 0;

    for (unsigned i = 0; i < s->blocks; i++) {
        live += wr_block_is_live(s->block[i]);
        if (s->block[i] == WR_BLOCK_REMOTE)
            wr_block_set(s, i, WR_BLOCK_FREE);
    }
    return live;
}

/* Has no other thread begun to free a block in s? */
static bool
is_untouched(struct wr_span *s)
{
    for (unsigned i = 0; i < s->blocks; i++)
        if (s->block[i] == WR_BLOCK_REMOTE)
            return false;
    return (atomic_load(&s->shared) & (WR_SHARED_QUEUED | WR_SHARED_COUNT)) ==
           0;
}

static void
add_orphan(struct wr_span *s, void *orphans)
{
    wr_span_set_owner(s, NULL);
    s->full = false;
    s->prev = s;
    s->own_next = *(struct wr_span **)orphans;
    *(struct wr_span **)orphans = s;
}

/* Bring a span whose threads were lost in the middle of something back to
 * a state that follows from its blocks' alone. */
static void
repair(struct wr_span *s, void *orphans)
{
    struct wr_mcache *mc = wr_span_owner(s);
    int32_t live;

    if (wr_span_state(s) == WR_SPAN_LARGE && !wr_block_is_live(s->block[0]) &&
        !wr_large_is_kept(wr_self, s))
        add_orphan(s, orphans);
    if (wr_span_state(s) != WR_SPAN_SMALL || (mc == wr_self && is_untouched(s)))
        return;
    if (mc != NULL)
        grant(mc, s, 0);
    atomic_store(&s->shared, 0);
    live = sweep(s);
    s->rest = live;
    if (mc == wr_self) {
        grant_few(mc, s);
        if (s->full && (uint64_t)live < s->blocks)
            wr_mcache_unfull(mc, s);
        else if (s->full)
            (void)wr_remote_set_full(s);
        return;
    }
    add_orphan(s, orphans);
}

static bool
was_alone(struct wr_mcache *me)
{
    for (struct wr_mcache *mc = wr_caches_first(); mc != NULL; mc = mc->next)
        if (mc != me && (mc->attached || mc->own != NULL))
            return false;
    return true;
}

void
wr_mcache_adopt_orphans(void)
{
    struct wr_mcache *me = wr_self;
    struct wr_span *orphans = NULL, *s;

    if (was_alone(me))
        return;
    for (unsigned i = 1; i < me->slots; i++)
        if (me->slot[i].span != NULL)
            uninstall(me, &me->slot[i]);
    wr_mcentral_reset();
    (void)wr_inbox_drain(&me->inbox, false);
    wr_lock_take(&wr_mheap_lock);
    wr_mheap_each_span(repair, &orphans);
    for (struct wr_mcache *mc = wr_caches_first(); mc != NULL; mc = mc->next) {
        if (mc == me || (!mc->attached && mc->own == NULL))
            continue;
        for (unsigned i = 1; i < mc->slots; i++) {
            struct wr_slot *slot = &mc->slot[i];

            wr_word_store(&slot->taken,
                          wr_word_load(&slot->taken) - held_in_word(slot));
            wr_word_store(&slot->bits, 0);
            slot->span = NULL;
            slot->again = 0;
            mc->partial[i] = (struct wr_span_list){NULL, NULL, 0};
        }
        mc->own = mc->unswept = NULL;
        mc->tiny = WR_TINY_NONE;
        mc->inbox = 1;
        memset(mc->large, 0, sizeof mc->large);
        mc->large_kept = 0;
        if (mc->attached)
            wr_caches_give_locked(mc);
    }
    wr_lock_give(&wr_mheap_lock);
    while ((s = orphans) != NULL) {
        orphans = s->own_next;
        s->own_next = s->own_prev = NULL;
        if (wr_span_state(s) == WR_SPAN_LARGE)
            wr_mheap_free(s, false);
        else
            wr_mcentral_give(s);
    }
}
