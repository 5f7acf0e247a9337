/* Invariants
 * 1. A slot's span is owned by the cache, in no list, not FULL; slot->word
 *    points at one of its free words. Without a span, word points at no_word.
 * 2. Every other span of the cache is either in partial[class] (it has a free
 *    block) or has WR_OWNER_FULL set and is in no list; all are in `own`.
 * 3. wr_mcache_none never owns a span and its slots have none.
 */
#include "heap/mcache.h"

#include "heap/mcentral.h"
#include "heap/mheap.h"
#include "os/os.h"
#include "region/counters.h"
#include "region/event.h"

/* A refill stands for so many frees in the count to the next publishing. */
enum { REFILL_COUNTS = 64 };

static _Atomic uint64_t no_word;

#define NO_SLOT                                                                \
    {                                                                          \
        .word = &no_word                                                       \
    }
#define NO_8                                                                   \
    NO_SLOT, NO_SLOT, NO_SLOT, NO_SLOT, NO_SLOT, NO_SLOT, NO_SLOT, NO_SLOT
struct wr_mcache wr_mcache_none = {
    .publish_left = INT32_MAX,
    .slot = {NO_8, NO_8, NO_8, NO_8, NO_8, NO_8, NO_8, NO_8, NO_8, NO_SLOT},
};
_Static_assert(WR_CLASSES == 73, "wr_mcache_none lists one slot a class");

_Thread_local struct wr_mcache *wr_self = &wr_mcache_none;

/* The thread gave its cache back. What libc keeps for a thread it frees after
 * the last key destructor: for that the thread must not take a cache again,
 * since nobody would give it back. */
static _Thread_local bool left __attribute__((tls_model("initial-exec")));

static _Atomic(struct wr_mcache *) all; /* every cache; only ever grows */
static struct wr_mcache *spare;         /* without a thread; mheap's lock */

/* ---- caches come and go ---- */

static struct wr_mcache *
take_spare(void)
{
    struct wr_mcache *mc;

    wr_lock_take(&wr_mheap_lock);
    mc = spare;
    if (mc != NULL)
        spare = mc->spare_next;
    wr_lock_give(&wr_mheap_lock);
    return mc;
}

static struct wr_mcache *
make_cache(void)
{
    struct wr_mcache *mc = wr_mheap_meta(sizeof *mc, &wr_counters->cache_sys);

    if (mc == NULL)
        return NULL;
    for (unsigned i = 0; i < WR_CLASSES; i++) {
        mc->slot[i].word = &no_word;
        mc->slot[i].bytes = wr_class[i].bytes;
    }
    mc->inbox = 1; /* closed */
    mc->next = atomic_load(&all);
    while (!atomic_compare_exchange_weak(&all, &mc->next, mc))
        ;
    return mc;
}

static struct wr_mcache *
take_cache(void)
{
    struct wr_mcache *mc = take_spare();

    if (mc == NULL)
        mc = make_cache();
    if (mc != NULL)
        wr_count_add(cache_inuse, sizeof *mc);
    return mc;
}

WR_COLD struct wr_mcache *
wr_mcache_get(void)
{
    struct wr_mcache *mc = wr_self;

    if (wr_likely(mc != &wr_mcache_none))
        return mc;
    mc = take_cache();
    if (mc == NULL)
        return NULL;
    left = false;
    wr_inbox_open(&mc->inbox);
    mc->attached = true;
    mc->forking = false;
    mc->publish_left = WR_PUBLISH_EVERY;
    mc->sample_left = INT64_MAX;
    wr_self = mc;
    if (wr_events.thread_attached != NULL)
        wr_events.thread_attached(mc);
    if (wr_events.next_sample != NULL)
        mc->sample_left = wr_events.next_sample(mc);
    return mc;
}

struct wr_mcache *
wr_mcache_get_to_free(void)
{
    return left && wr_self == &wr_mcache_none ? NULL : wr_mcache_get();
}

struct wr_mcache *
wr_mcache_first(void)
{
    return atomic_load_explicit(&all, memory_order_acquire);
}

/* ---- a cache's spans ---- */

static uintptr_t
owner_word(struct wr_span *s)
{
    return atomic_load_explicit(&s->owner, memory_order_relaxed);
}

static void
set_owner_word(struct wr_span *s, uintptr_t word)
{
    atomic_store_explicit(&s->owner, word, memory_order_release);
}

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
    s->own_next = s->own_prev = NULL;
}

static int32_t
used_of(struct wr_span *s)
{
    return atomic_load_explicit(&s->used, memory_order_relaxed);
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
    WR_ASSERT((owner_word(s) & WR_OWNER_FULL) != 0);
    set_owner_word(s, owner_word(s) & ~WR_OWNER_FULL);
    atomic_fetch_and_explicit(&s->shared, ~WR_SHARED_FULL,
                              memory_order_acq_rel);
    wr_span_list_append(&mc->partial[s->class_id], s);
}

/* Give an empty span of ours back; it is in no slot. */
static void
release(struct wr_mcache *mc, struct wr_span *s)
{
    WR_ASSERT(used_of(s) == 0 && !is_queued(s));
    if (wr_span_listed(s))
        wr_span_list_remove(&mc->partial[s->class_id], s);
    own_remove(mc, s);
    wr_mheap_free(s, false);
}

void
wr_mcache_emptied(struct wr_mcache *mc, struct wr_span *s)
{
    if (mc->slot[s->class_id].span == s || is_queued(s))
        return;
    if (mc->partial[s->class_id].length <= 1)
        return; /* keep one: the next refill takes it */
    release(mc, s);
}

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
        if ((owner_word(s) & WR_OWNER_FULL) != 0) {
            if (!gained(s))
                continue;
            wr_mcache_unfull(mc, s);
        }
        if (used_of(s) == 0)
            wr_mcache_emptied(mc, s);
    }
}

/* ---- refilling a slot ---- */

/* Point the slot at the span's first free word from `word` on, wrapping. */
static bool
find_word(struct wr_slot *slot, unsigned word)
{
    struct wr_span *s = slot->span;

    for (unsigned i = 0; i < s->words; i++, word++) {
        if (word == s->words)
            word = 0;
        if (wr_word_load(wr_span_free_word(s, word)) != 0) {
            slot->word = wr_span_free_word(s, word);
            slot->base = s->base + (uintptr_t)word * 64 * s->block_bytes;
            return true;
        }
    }
    return false;
}

static void
install(struct wr_slot *slot, struct wr_span *s)
{
    slot->span = s;
    slot->settled = wr_word_load(&slot->allocs);
}

static void
uninstall(struct wr_slot *slot)
{
    wr_slot_settle(slot);
    slot->span = NULL;
    slot->word = &no_word;
}

/* The current span's next free word, after taking in remote frees when it
 * has none of its own. Else the span is declared FULL. */
static bool
go_on(struct wr_slot *slot)
{
    struct wr_span *s = slot->span;
    unsigned at;

    if (s == NULL)
        return false;
    at = (unsigned)(slot->word - wr_span_free_word(s, 0)) / 3;
    for (;;) {
        if (find_word(slot, at))
            return true;
        uninstall(slot);
        set_owner_word(s, owner_word(s) | WR_OWNER_FULL);
        if (wr_remote_set_full(s))
            return false;
        set_owner_word(s, owner_word(s) & ~WR_OWNER_FULL);
        install(slot, s);
        (void)wr_remote_take(s);
        at = 0;
    }
}

static struct wr_span *
fresh_span(struct wr_mcache *mc, unsigned class_id)
{
    const struct wr_class *c = &wr_class[class_id];
    struct wr_span *s = wr_mheap_alloc(c->pages, 1, c->words, WR_SPAN_LARGE);

    if (s == NULL)
        return NULL;
    s->magic = c->magic;
    s->blocks = c->blocks;
    s->class_id = (uint8_t)class_id;
    s->block_bytes = c->bytes;
    for (unsigned i = 0; i < c->words; i++) {
        unsigned rest = c->blocks - i * 64u;

        wr_word_store(wr_span_free_word(s, i),
                      rest >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << rest) - 1);
    }
    set_owner_word(s, (uintptr_t)mc);
    atomic_store_explicit(&s->state, WR_SPAN_SMALL, memory_order_release);
    return s;
}

/* The next span to allocate from: our own, mcentral's, a fresh one. */
static struct wr_span *
next_span(struct wr_mcache *mc, unsigned class_id)
{
    struct wr_span_list *partial = &mc->partial[class_id];
    struct wr_span *s;

    if (partial->first == NULL)
        drain_inbox(mc);
    s = partial->first;
    if (s != NULL) {
        wr_span_list_remove(partial, s);
        (void)wr_remote_take(s);
        return s;
    }
    s = wr_mcentral_take(mc, class_id);
    if (s == NULL)
        s = fresh_span(mc, class_id);
    if (s != NULL)
        own_add(mc, s);
    return s;
}

bool
wr_mcache_refill(struct wr_mcache *mc, unsigned class_id)
{
    struct wr_slot *slot = &mc->slot[class_id];
    struct wr_span *s;

    WR_ASSERT(class_id != 0 && class_id < WR_CLASSES);
    if (go_on(slot))
        return true;
    mc->publish_left -= REFILL_COUNTS;
    if (mc->publish_left <= 0 && wr_events.publish != NULL) {
        mc->publish_left = WR_PUBLISH_EVERY;
        wr_events.publish(mc);
    }
    s = next_span(mc, class_id);
    if (s == NULL)
        return false;
    install(slot, s);
    return find_word(slot, 0);
}

/* ---- giving back ---- */

void
wr_mcache_flush(struct wr_mcache *mc)
{
    struct wr_span *s, *next;

    drain_inbox(mc);
    for (unsigned i = 1; i < WR_CLASSES; i++) {
        struct wr_slot *slot = &mc->slot[i];

        if (slot->span != NULL) {
            wr_slot_settle(slot);
            (void)wr_remote_take(slot->span);
            if (used_of(slot->span) == 0 && !is_queued(slot->span)) {
                s = slot->span;
                uninstall(slot);
                release(mc, s);
            }
        }
        for (s = mc->partial[i].first; s != NULL; s = next) {
            next = s->next;
            (void)wr_remote_take(s);
            if (used_of(s) == 0 && !is_queued(s))
                release(mc, s);
        }
    }
}

static void
give_all(struct wr_mcache *mc)
{
    struct wr_span *s;

    for (unsigned i = 1; i < WR_CLASSES; i++)
        if (mc->slot[i].span != NULL)
            uninstall(&mc->slot[i]);
    while ((s = mc->own) != NULL) {
        if (wr_span_listed(s))
            wr_span_list_remove(&mc->partial[s->class_id], s);
        own_remove(mc, s);
        wr_mcentral_give(s);
    }
}

static void
retire(struct wr_mcache *mc)
{
    mc->attached = false;
    wr_count_sub(cache_inuse, sizeof *mc);
    mc->spare_next = spare;
    spare = mc;
}

void
wr_mcache_detach(void)
{
    struct wr_mcache *mc = wr_self;
    struct wr_span *next, *s;

    if (mc == &wr_mcache_none)
        return;
    if (wr_events.thread_detached != NULL)
        wr_events.thread_detached(mc);
    wr_self = &wr_mcache_none;
    left = true;
    for (s = wr_inbox_drain(&mc->inbox, true); s != NULL; s = next) {
        next = s->inbox_next;
        if (wr_span_owner(s) == mc)
            wr_remote_unqueue(s);
        else
            wr_remote_send(s);
    }
    give_all(mc);
    wr_lock_take(&wr_mheap_lock);
    retire(mc);
    wr_lock_give(&wr_mheap_lock);
}

void
wr_mcache_count_free(unsigned class_id)
{
    struct wr_mcache *mc = take_cache();

    if (mc == NULL)
        return;
    wr_word_store(&mc->slot[class_id].frees,
                  wr_word_load(&mc->slot[class_id].frees) + 1);
    if (wr_events.publish != NULL)
        wr_events.publish(mc);
    wr_lock_take(&wr_mheap_lock);
    retire(mc);
    wr_lock_give(&wr_mheap_lock);
}

/* ---- after fork ---- */

static uint32_t
free_blocks(struct wr_span *s)
{
    uint32_t n = 0;

    for (unsigned i = 0; i < s->words; i++) {
        uint64_t bits = wr_word_load(wr_span_free_word(s, i)) |
                        wr_word_load(wr_span_remote_word(s, i));

        n += (uint32_t)__builtin_popcountll(bits);
    }
    return n;
}

/* Has no other thread begun to free a block in s? */
static bool
is_untouched(struct wr_span *s)
{
    for (unsigned i = 0; i < s->words; i++)
        if (wr_word_load(wr_span_remote_word(s, i)) != 0)
            return false;
    return (atomic_load(&s->shared) & (WR_SHARED_QUEUED | WR_SHARED_COUNT)) ==
           0;
}

/* Bring a span whose threads were lost in the middle of something back to
 * a state that follows from its bits alone. */
static void
repair(struct wr_span *s, void *orphans)
{
    struct wr_mcache *mc = wr_span_owner(s);
    uintptr_t flags = owner_word(s);

    if (wr_span_state(s) != WR_SPAN_SMALL)
        return;
    if (mc == wr_self && is_untouched(s))
        return;
    atomic_store(&s->shared, 0);
    (void)wr_remote_take(s);
    atomic_store(&s->used, (int32_t)(s->blocks - free_blocks(s)));
    if (mc == wr_self) {
        if ((flags & WR_OWNER_FULL) != 0 && free_blocks(s) != 0)
            wr_mcache_unfull(mc, s);
        else if ((flags & WR_OWNER_FULL) != 0)
            (void)wr_remote_set_full(s);
        return;
    }
    set_owner_word(s, 0);
    s->prev = s;
    s->own_next = *(struct wr_span **)orphans;
    *(struct wr_span **)orphans = s;
}

static bool
was_alone(struct wr_mcache *me)
{
    for (struct wr_mcache *mc = wr_mcache_first(); mc != NULL; mc = mc->next)
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
    for (unsigned i = 1; i < WR_CLASSES; i++)
        if (me->slot[i].span != NULL)
            wr_slot_settle(&me->slot[i]);
    wr_mcentral_reset();
    (void)wr_inbox_drain(&me->inbox, false);
    wr_lock_take(&wr_mheap_lock);
    wr_mheap_each_span(repair, &orphans);
    for (struct wr_mcache *mc = wr_mcache_first(); mc != NULL; mc = mc->next) {
        if (mc == me || (!mc->attached && mc->own == NULL))
            continue;
        for (unsigned i = 1; i < WR_CLASSES; i++) {
            mc->slot[i].span = NULL;
            mc->slot[i].word = &no_word;
            mc->partial[i] = (struct wr_span_list){NULL, NULL, 0};
        }
        mc->own = NULL;
        mc->inbox = 1;
        if (mc->attached)
            retire(mc);
    }
    wr_lock_give(&wr_mheap_lock);
    while ((s = orphans) != NULL) {
        orphans = s->own_next;
        s->own_next = s->own_prev = NULL;
        wr_mcentral_give(s);
    }
}
