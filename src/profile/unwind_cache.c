/* Condensing rows and keeping them.
 *
 * Invariants
 * 1. A word in the table never has kind 0, so an empty one matches nothing
 *    but addresses below 1 << 15, where no code is.
 * 2. A word whose base is the stack pointer reads nothing below it.
 */
#include "profile/unwind_cache.h"

_Atomic wr_unwind_word wr_unwind_table[(size_t)2 << WR_UNWIND_SET_BITS];
_Atomic uint64_t wr_unwind_cache_epoch = 1;

static wr_unwind_word
word_of(enum wr_unwind_kind kind, uint64_t cfa, uint64_t slot)
{
    return (wr_unwind_word)kind << WR_UNWIND_KIND_SHIFT |
           cfa << WR_UNWIND_CFA_SHIFT | slot;
}

/* A CFA offset in units; false: it does not fit. */
static bool
in_units(int64_t bytes, uint64_t *units)
{
    *units = (uint64_t)bytes / WR_FRAME_CFA_UNIT;
    return bytes >= 0 && bytes % WR_FRAME_CFA_UNIT == 0 &&
           *units < UINT64_C(1) << WR_FRAME_CFA_BITS;
}

/* The offset in an expression that is frame pointer + offset, and then the
 * word found there if dereferenced. *matches: it is one. */
static int64_t
from_fp(const uint8_t *expression, bool dereferenced, bool *matches)
{
    enum { BREG = 0x70 + WR_REG_FP, DEREF = 0x06 };
    unsigned length = dereferenced ? 3 : 2;

    *matches = expression[0] == length && expression[1] == BREG &&
               expression[2] < 0x80 &&
               (!dereferenced || expression[3] == DEREF);
    return expression[2] < 0x40 ? expression[2] : expression[2] - 0x80;
}

/* The form a function uses that realigns its stack: the frame pointer points
 * at the caller's saved one, and the CFA is stored some words below it. */
static wr_unwind_word
condense_realigned(const struct wr_cfi_code *code, const struct wr_cfi_row *row,
                   unsigned slot)
{
    bool stored, based;
    int64_t below, at;
    uint64_t units;

    if (row->how[WR_REG_FP] != WR_CFI_AT_EXPR)
        return 0;
    below = from_fp(code->own + row->cfa_argument, true, &stored);
    at = from_fp(code->own + row->argument[WR_REG_FP], false, &based);
    if (!stored || !based || at != 0 || below >= 0 || !in_units(-below, &units))
        return 0;
    return word_of(WR_UNWIND_REALIGNED, units, slot);
}

static wr_unwind_word
condense_usual(const struct wr_cfi_row *row, unsigned slot, bool saved)
{
    bool fp = row->cfa_reg == WR_REG_FP;
    unsigned kind = WR_UNWIND_SP_KEPT + fp + 2 * saved;
    uint64_t units;

    if (row->cfa_reg != WR_REG_SP && !fp)
        return 0;
    if (!in_units(row->cfa_argument, &units))
        return 0;
    if (!fp && row->cfa_argument < 8 * (int64_t)slot)
        return 0;
    return word_of((enum wr_unwind_kind)kind, units, slot);
}

/* The word without its module; 0: the row does not condense. */
static wr_unwind_word
condense(const struct wr_cfi_code *code, const struct wr_cfi_row *row)
{
    uint8_t ra = row->how[WR_REG_RA], fp = row->how[WR_REG_FP];
    bool saved = fp == WR_CFI_AT;
    unsigned slot;

    if (ra == WR_CFI_UNDEFINED)
        return word_of(WR_UNWIND_OUTERMOST, 0, 0);
    if (ra != WR_CFI_AT || code->signal || row->how[WR_REG_SP] != WR_CFI_KEPT)
        return 0;
    slot = wr_frame_slot(row->argument[WR_REG_RA], saved,
                         row->argument[WR_REG_FP]);
    if (slot == 0 || slot >= 1u << WR_FRAME_SLOT_BITS)
        return 0;
    if (row->cfa_how == WR_CFI_EXPR)
        return condense_realigned(code, row, slot);
    if (saved || fp == WR_CFI_KEPT || fp == WR_CFI_UNDEFINED)
        return condense_usual(row, slot, saved);
    return 0;
}

wr_unwind_word
wr_unwind_condense(const struct wr_cfi_code *code, const struct wr_cfi_row *row,
                   unsigned module)
{
    wr_unwind_word word = condense(code, row);

    if (word == 0)
        word = word_of(WR_UNWIND_FULL, 0, 0);
    return word | (wr_unwind_word)module << WR_UNWIND_MODULE_SHIFT;
}

wr_unwind_word
wr_unwind_cache_put(uintptr_t pc, wr_unwind_word word)
{
    _Atomic wr_unwind_word *set = wr_unwind_set(pc);
    wr_unwind_word old;

    if (pc >> WR_FRAME_PC_BITS != 0)
        return word;
    word |= wr_unwind_tag(pc) << WR_UNWIND_TAG_SHIFT;
    old = atomic_load_explicit(set, memory_order_relaxed);
    if (old >> WR_UNWIND_TAG_SHIFT != wr_unwind_tag(pc))
        atomic_store_explicit(set + 1, old, memory_order_relaxed);
    atomic_store_explicit(set, word, memory_order_relaxed);
    return word;
}

void
wr_unwind_cache_clear(void)
{
    for (size_t i = 0; i < wr_countof(wr_unwind_table); i++)
        atomic_store_explicit(&wr_unwind_table[i], 0, memory_order_relaxed);
    atomic_fetch_add(&wr_unwind_cache_epoch, 1);
}
