/* wr_heap_check: the balance sheet. Every span is looked at, every sum is
 * compared with the counter kept for it. Release builds assert nothing.
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

static void
check_span(struct wr_span *s, void *arg)
{
    uint32_t shared = atomic_load(&s->shared);
    int32_t live = 0;

    (void)arg;
    (void)shared;
    if (wr_span_state(s) != WR_SPAN_SMALL)
        return;
    for (unsigned i = 0; i < s->blocks; i++) {
        uint8_t state = wr_block_state(s, i);

        WR_ASSERT(wr_block_is_live(state) || state == WR_BLOCK_FREE ||
                  state == WR_BLOCK_FRESH || state == WR_BLOCK_REMOTE);
        live += wr_block_is_live(state);
    }
    (void)live;
    WR_ASSERT(wr_block_state(s, s->blocks) == WR_BLOCK_NONE);
    live += held(s);
    WR_ASSERT(wr_span_used(s) - (int32_t)(shared & WR_SHARED_COUNT) == live);
    WR_ASSERT(s->left > 0 || wr_span_rest(s) == 0 || wr_span_owner(s) == NULL);
    WR_ASSERT(wr_span_rest(s) >= 0 || s->granted == WR_GRANT_CURRENT);
    WR_ASSERT(wr_span_owner(s) != NULL || (shared & WR_SHARED_CENTRAL) != 0);
}

static void
check_slot(const struct wr_mcache *mc, struct wr_slot *slot)
{
    struct wr_span *s = slot->span;
    uint64_t bits = wr_word_load(&slot->bits);

    (void)mc;
    if (s == NULL) {
        WR_ASSERT(bits == 0 && slot->again == 0);
        return;
    }
    WR_ASSERT(wr_span_owner(s) == mc);
    WR_ASSERT(!wr_span_listed(s));
    WR_ASSERT((atomic_load(&s->shared) & WR_SHARED_CURRENT) != 0);
    for (; bits != 0; bits &= bits - 1)
        WR_ASSERT(slot->state[__builtin_ctzll(bits)] <= WR_BLOCK_FRESH);
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
