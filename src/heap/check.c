/* wr_heap_check: the balance sheet. Every span is looked at, every sum is
 * compared with the counter kept for it. Release builds assert nothing.
 */
#include "heap/heap.h"

#include "heap/mcache.h"
#include "heap/mcentral.h"
#include "heap/mheap.h"

static void
check_span(struct wr_span *s, void *arg)
{
    uint32_t shared = atomic_load(&s->shared);
    uint32_t nfree = 0, samples = 0;
    int32_t used = atomic_load(&s->used);

    (void)arg;
    (void)used;
    if (wr_span_state(s) != WR_SPAN_SMALL)
        return;
    for (unsigned i = 0; i < s->words; i++) {
        uint64_t own = wr_word_load(wr_span_free_word(s, i));
        uint64_t remote = wr_word_load(wr_span_remote_word(s, i));
        uint64_t sampled = wr_word_load(wr_span_sampled_word(s, i));

        WR_ASSERT((own & remote) == 0);
        WR_ASSERT(((own | remote) & sampled) == 0);
        nfree += (uint32_t)__builtin_popcountll(own | remote);
        samples += (uint32_t)__builtin_popcountll(sampled);
    }
    WR_ASSERT(nfree <= s->blocks);
    WR_ASSERT(samples == atomic_load(&s->samples));
    WR_ASSERT(used - (int32_t)(shared & WR_SHARED_COUNT) ==
              (int32_t)(s->blocks - nfree));
    WR_ASSERT(wr_span_owner(s) != NULL || (shared & WR_SHARED_CENTRAL) != 0);
}

static void
settle_cache(struct wr_mcache *mc)
{
    for (unsigned i = 1; i < WR_CLASSES; i++) {
        struct wr_slot *slot = &mc->slot[i];

        if (slot->span == NULL)
            continue;
        WR_ASSERT(wr_span_owner(slot->span) == mc);
        WR_ASSERT(!wr_span_listed(slot->span));
        wr_slot_settle(slot);
    }
    for (struct wr_span *s = mc->own; s != NULL; s = s->own_next)
        WR_ASSERT(wr_span_owner(s) == mc);
}

void
wr_heap_check(void)
{
    for (struct wr_mcache *mc = wr_mcache_first(); mc != NULL; mc = mc->next)
        settle_cache(mc);
    wr_heap_fork_before();
    wr_mheap_check();
    wr_mheap_each_span(check_span, NULL);
    wr_mcentral_check();
    wr_heap_fork_after(false);
}
