/* What is known of a call site, in one word.
 *
 *     wr_unwind_word word = wr_unwind_cache_get(pc);
 *     if (!word)
 *         ... run the description, then wr_unwind_cache_put(pc, word)
 *     switch (wr_unwind_word_kind(word)) ...
 *
 * A word holds everything about a frame that a walk needs, from the top:
 *
 *   tag     the address's bits that its place in the table does not tell
 *   module  the number of the module it was learnt from (unwind_module.h)
 *   kind    enum wr_unwind_kind
 *   cfa     from the base register to the CFA, in WR_FRAME_CFA_UNIT bytes
 *   slot    words from the CFA down to the lowest one to read (os/regs.h)
 *
 * One word is written and read whole, so an entry is never torn and the
 * table needs no lock; the newest of two sites in one place wins.
 * Threads and signals: safe everywhere.
 */
#ifndef WR_PROFILE_UNWIND_CACHE_H
#define WR_PROFILE_UNWIND_CACHE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "os/regs.h"
#include "profile/cfi.h"
#include "profile/unwind_module.h"

typedef uint64_t wr_unwind_word; /* 0: nothing known */

/* The last four: bit 0 says what the CFA counts from, bit 1 whether the
 * frame pointer was saved. Up to FULL there is no step to take. */
enum wr_unwind_kind {
    WR_UNWIND_OUTERMOST = 1, /* nobody called this function */
    WR_UNWIND_FULL = 2,      /* does not condense: needs all registers */
    WR_UNWIND_REALIGNED = 3, /* CFA stored cfa units below frame pointer */
    WR_UNWIND_SP_KEPT = 4,
    WR_UNWIND_FP_KEPT = 5,
    WR_UNWIND_SP_SAVED = 6,
    WR_UNWIND_FP_SAVED = 7,
};

enum {
    WR_UNWIND_SET_BITS = 13, /* sets of two words: 128 KiB */
    WR_UNWIND_CFA_SHIFT = WR_FRAME_SLOT_BITS,
    WR_UNWIND_KIND_SHIFT = WR_UNWIND_CFA_SHIFT + WR_FRAME_CFA_BITS,
    WR_UNWIND_MODULE_SHIFT = WR_UNWIND_KIND_SHIFT + 3,
    WR_UNWIND_TAG_SHIFT = WR_UNWIND_MODULE_SHIFT + WR_UNWIND_MODULE_BITS,
};

_Static_assert(WR_FRAME_PC_BITS - WR_FRAME_PC_SHIFT - WR_UNWIND_SET_BITS +
                       WR_UNWIND_TAG_SHIFT <=
                   64,
               "a word must hold the rest of an address and a rule");

/* Counts from 1 how often all was forgotten: what was derived from words of
 * another count is not to be trusted. */
extern _Atomic uint64_t wr_unwind_cache_epoch;

extern _Atomic wr_unwind_word wr_unwind_table[(size_t)2 << WR_UNWIND_SET_BITS];

/* Set and tag together give the address back: the set is its low part, made
 * different for code at equal distances by the bits above it. */
static inline uint64_t
wr_unwind_tag(uintptr_t pc)
{
    return pc >> (WR_FRAME_PC_SHIFT + WR_UNWIND_SET_BITS);
}

static inline _Atomic wr_unwind_word *
wr_unwind_set(uintptr_t pc)
{
    uintptr_t low = pc >> WR_FRAME_PC_SHIFT ^ wr_unwind_tag(pc);

    return &wr_unwind_table[2 * (low & ((1u << WR_UNWIND_SET_BITS) - 1))];
}

/* pc is the address that was executing: a return address minus 1, or where
 * a signal interrupted. */
static inline wr_unwind_word
wr_unwind_cache_get(uintptr_t pc)
{
    _Atomic wr_unwind_word *set = wr_unwind_set(pc);
    uint64_t tag = wr_unwind_tag(pc);
    wr_unwind_word word = atomic_load_explicit(set, memory_order_relaxed);

    if (wr_likely(word >> WR_UNWIND_TAG_SHIFT == tag))
        return word;
    word = atomic_load_explicit(set + 1, memory_order_relaxed);
    return word >> WR_UNWIND_TAG_SHIFT == tag ? word : 0;
}

static inline enum wr_unwind_kind
wr_unwind_word_kind(wr_unwind_word word)
{
    return (enum wr_unwind_kind)(word >> WR_UNWIND_KIND_SHIFT & 7);
}

/* Does finding the CFA take the frame pointer? */
static inline bool
wr_unwind_word_uses_fp(wr_unwind_word word)
{
    return wr_unwind_word_kind(word) & 1;
}

static inline bool
wr_unwind_word_saves_fp(wr_unwind_word word)
{
    return wr_unwind_word_kind(word) >= WR_UNWIND_SP_SAVED;
}

static inline unsigned
wr_unwind_word_module(wr_unwind_word word)
{
    return word >> WR_UNWIND_MODULE_SHIFT & ((1u << WR_UNWIND_MODULE_BITS) - 1);
}

/* Bytes. */
static inline uintptr_t
wr_unwind_word_cfa(wr_unwind_word word)
{
    return (word >> WR_UNWIND_CFA_SHIFT & ((1u << WR_FRAME_CFA_BITS) - 1)) *
           WR_FRAME_CFA_UNIT;
}

static inline unsigned
wr_unwind_word_slot(wr_unwind_word word)
{
    return word & ((1u << WR_FRAME_SLOT_BITS) - 1);
}

/* The word for a row of this module's code, without tag. */
wr_unwind_word wr_unwind_condense(const struct wr_cfi_code *code,
                                  const struct wr_cfi_row *row,
                                  unsigned module);

/* Keeps a word for an address; one with an address too high for the table
 * is not kept. Returns what get would. */
wr_unwind_word wr_unwind_cache_put(uintptr_t pc, wr_unwind_word word);

/* Nothing is known any more. */
void wr_unwind_cache_clear(void);

#endif
