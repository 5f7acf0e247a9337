#include "region/budget.h"

#include <string.h>

#include "base/base.h"

static bool
copy(const struct wr_budget_slot *s, struct wr_budget_line *out)
{
    uint64_t seq = atomic_load_explicit(&s->seq, memory_order_acquire), word;

    if (seq % 2 != 0)
        return false;
    for (size_t i = 0; i < WR_BUDGET_WORDS; i++) {
        word = atomic_load_explicit(&s->word[i], memory_order_relaxed);
        memcpy((char *)out + i * sizeof word, &word, sizeof word);
    }
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&s->seq, memory_order_relaxed) == seq &&
           out->kind != 0;
}

/* Slot i, as soon as it is whole. */
static bool
read_slot(const struct wr_region_view *v, uint64_t i,
          struct wr_budget_line *out)
{
    const struct wr_table *t = &v->table[WR_TABLE_BUDGETS];
    const struct wr_budget_slot *s =
        (const void *)(v->base + t->offset + i * t->stride);

    for (int tries = 0; tries < 100; tries++)
        if (copy(s, out)) {
            out->slot = (uint32_t)i;
            out->name[sizeof out->name - 1] = '\0';
            return true;
        }
    return false;
}

/* Move to out, behind what is there, those of all whose parent that is, and
 * theirs. */
static size_t
put_children(struct wr_budget_line *all, size_t n, uint32_t parent,
             uint32_t depth, struct wr_budget_line *out, size_t count)
{
    for (size_t i = 0; i < n; i++)
        if (all[i].kind != 0 && all[i].parent == parent) {
            uint32_t me = all[i].slot + 1;

            out[count] = all[i];
            out[count++].depth = depth;
            all[i].kind = 0;
            count = put_children(all, n, me, depth + 1, out, count);
        }
    return count;
}

/* Who lost its parent meanwhile has none. */
static void
forget_lost_parents(struct wr_budget_line *all, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool found = false;

        for (size_t k = 0; k < n; k++)
            found |= k != i && all[k].slot + 1 == all[i].parent;
        if (!found)
            all[i].parent = 0;
    }
}

size_t
wr_budgets_read(const struct wr_region_view *v,
                struct wr_budget_line out[WR_BUDGETS])
{
    struct wr_budget_line all[WR_BUDGETS];
    uint64_t used = wr_view_used(v, WR_TABLE_BUDGETS);
    size_t n = 0;

    for (uint64_t i = 0; i < used && i < WR_BUDGETS; i++)
        n += read_slot(v, i, &all[n]);
    forget_lost_parents(all, n);
    return put_children(all, n, 0, 0, out, 0);
}
