/* Invariants
 * 1. A slot counts when its address was the same before and after the rest
 *    was read: the writer clears it first and sets it last. An address that
 *    came back meanwhile gives a block that was really there, with a birth
 *    of it or of the one before.
 */
#include "region/ledger.h"

static uint64_t
load(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_acquire);
}

bool
wr_ledger_read(const struct wr_region_view *v, uint64_t i,
               struct wr_live_sample *out)
{
    const struct wr_table *t = &v->table[WR_TABLE_LEDGER];
    const struct wr_ledger_slot *s;
    uint64_t born, who;

    if (i >= wr_view_used(v, WR_TABLE_LEDGER))
        return false;
    s = (const void *)(v->base + t->offset + i * t->stride);
    out->address = load(&s->address);
    born = load(&s->born_ns);
    who = load(&s->who);
    if (out->address == 0 || load(&s->address) != out->address)
        return false;
    out->born_ns =
        born > v->header->start_mono_ns ? born - v->header->start_mono_ns : 1;
    out->bucket = (uint32_t)who;
    out->tid = (uint32_t)(who >> 32);
    return true;
}
