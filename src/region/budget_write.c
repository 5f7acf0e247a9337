#include <string.h>

#include "region/budget.h"
#include "region/region.h"

void
wr_budget_show(const struct wr_budget_line *line)
{
    struct wr_budget_slot *s;
    uint64_t seq, word;

    if (wr_region == NULL)
        return;
    s = wr_region_entry(WR_TABLE_BUDGETS, line->slot);
    if (!wr_region_touch(s, sizeof *s))
        return;
    seq = atomic_load_explicit(&s->seq, memory_order_relaxed) | 1;
    atomic_store_explicit(&s->seq, seq, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    for (size_t i = 0; i < WR_BUDGET_WORDS; i++) {
        memcpy(&word, (const char *)line + i * sizeof word, sizeof word);
        atomic_store_explicit(&s->word[i], word, memory_order_relaxed);
    }
    atomic_store_explicit(&s->seq, seq + 1, memory_order_release);
    if (wr_region_used(WR_TABLE_BUDGETS) <= line->slot)
        wr_region_publish(WR_TABLE_BUDGETS, line->slot + 1);
}
