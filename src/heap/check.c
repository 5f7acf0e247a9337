/* wr_heap_check: the balance sheet. Every span is looked at, every sum is
 * compared with the counter kept for it. Release builds assert nothing, but
 * the collector's verifier asks the same of single spans and slots in any.
 */
#include "heap/heap.h"

#include "heap/caches.h"
#include "heap/mcache.h"
#include "heap/mcentral.h"
#include "heap/mheap.h"

/* Blocks of s that a slot holds to hand out: counted as used, and free. */
static int32_t
held(struct wr_span *s)
{
    struct wr_mcache *mc = wr_span_owner(s);

    struct wr_slot *slot = mc != NULL ? &mc->slot[wr_span_slot(s)] : NULL;

    if (slot == NULL || slot->span != s)
        return 0;
    return (int32_t)wr_cpu_count(wr_word_load(&slot->bits));
}

/* What is wrong with its states; *live: how many blocks are. */
static const char *
states_wrong(struct wr_span *s, int64_t *live)
{
    *live = 0;
    for (unsigned i = 0; i < s->blocks; i++) {
        uint8_t state = wr_block_state(s, i);

        if (state > WR_BLOCK_REMOTE && !wr_block_is_live(state))
            return "is the first of a span with a state that there is not";
        if (state < WR_BLOCK_REMOTE && state > WR_BLOCK_FRESH)
            return "is the first of a span with a state that there is not";
        *live += wr_block_is_live(state);
    }
    return wr_block_state(s, s->blocks) == WR_BLOCK_NONE
               ? NULL
               : "is the first of a span that does not end where it should";
}

/* Of what others free meanwhile the states change first, then the count. It is
 * read before them: so used blocks are never fewer than those we see. */
const char *
wr_heap_span_wrong(struct wr_span *s, uint32_t under_way)
{
    int64_t shared = wr_span_gained(s), live = 0, freed;
    const char *wrong;

    if (wr_span_state(s) != WR_SPAN_SMALL)
        return NULL;
    atomic_thread_fence(memory_order_acquire);
    wrong = states_wrong(s, &live);
    freed = wr_span_used(s) - shared - live - held(s);
    if (wrong == NULL && freed < 0)
        wrong = "is the first of a span that counts fewer blocks than live";
    if (wrong == NULL && freed > under_way)
        wrong = "is the first of a span that counts more blocks than live";
    return wrong;
}

const char *
wr_heap_slot_wrong(struct wr_slot *slot)
{
    uint64_t bits = wr_word_load(&slot->bits);

    if (slot->span == NULL)
        return bits == 0 ? NULL : "is of no span, but can be handed out";
    for (; bits != 0; bits &= bits - 1)
        if (slot->state[__builtin_ctzll(bits)] > WR_BLOCK_FRESH)
            return "begins a group with a live block that can be handed out";
    return NULL;
}

static void
check_span(struct wr_span *s, void *arg)
{
    const char *wrong = wr_heap_span_wrong(s, 0);

    (void)arg;
    (void)wrong;
    WR_ASSERT(wrong == NULL);
    if (wr_span_state(s) != WR_SPAN_SMALL)
        return;
    WR_ASSERT(s->left > 0 || wr_span_rest(s) == 0 || wr_span_owner(s) == NULL);
    WR_ASSERT(wr_span_rest(s) >= 0 || s->granted == WR_GRANT_CURRENT);
    WR_ASSERT(wr_span_owner(s) != NULL ||
              (atomic_load(&s->shared) & WR_SHARED_CENTRAL) != 0);
}

static void
check_slot(const struct wr_mcache *mc, struct wr_slot *slot)
{
    struct wr_span *s = slot->span;

    (void)mc;
    WR_ASSERT(wr_heap_slot_wrong(slot) == NULL);
    if (s == NULL) {
        WR_ASSERT(slot->again == 0);
        return;
    }
    WR_ASSERT(wr_span_owner(s) == mc);
    WR_ASSERT(!wr_span_listed(s));
    WR_ASSERT((atomic_load(&s->shared) & WR_SHARED_CURRENT) != 0);
}

static void
check_cache(struct wr_mcache *mc)
{
    for (unsigned i = 1; i < mc->slots; i++)
        check_slot(mc, &mc->slot[i]);
    for (struct wr_span *s = mc->own; s != NULL; s = s->own_next)
        WR_ASSERT(wr_span_owner(s) == mc);
}

void
wr_heap_check(void)
{
    for (struct wr_mcache *mc = wr_caches_first(); mc != NULL; mc = mc->next)
        check_cache(mc);
    wr_heap_fork_before();
    wr_mheap_check();
    wr_mheap_each_span(check_span, NULL);
    wr_mcentral_check();
    wr_heap_fork_after(false);
}
