/* The quick walk: one known word for each frame.
 *
 * Invariants
 * 1. A walk follows the stack pointer and the frame pointer only. A frame
 *    that needs another register makes the stack start again in full.
 * 2. Each frame lies above the one before: low >= sp and cfa > sp. So no
 *    walk is longer than its stack, and none turns in a circle.
 * 3. A word is believed if its module is permanent, or if the loader said in
 *    this walk that the module at the address is the one the word is about.
 * 4. A module is not unloaded while one of its functions is on a stack, so
 *    what a walk learns about a frame of its own is true when it is kept.
 */
#include "base/base.h"
#include "profile/unwind.h"
#include "profile/unwind_cache.h"
#include "profile/unwind_full.h"
#include "profile/unwind_stack.h"

struct walk {
    uintptr_t at; /* what the frame is executing, inside the call */
    uintptr_t sp, fp;
    struct wr_unwind_stack stack;
    uintptr_t trusted_start, trusted_end; /* a module just asked for */
    unsigned trusted_number;
};

void
wr_unwind_init(void)
{
    wr_unwind_module_init();
}

void
wr_unwind_flush(void)
{
    if (wr_unwind_module_flush())
        wr_unwind_cache_clear();
}

static void
trust(struct walk *walk, const struct wr_cfi_module *module, unsigned number)
{
    walk->trusted_start = module->start;
    walk->trusted_end = module->end;
    walk->trusted_number = number;
}

/* Is this word about the module that is now at walk->at? */
static WR_COLD bool
still_true(struct walk *walk, unsigned number)
{
    struct wr_unwind_module module;

    if (number == walk->trusted_number && walk->at >= walk->trusted_start &&
        walk->at < walk->trusted_end)
        return true;
    if (!wr_unwind_module_find(walk->at, &module) ||
        !wr_unwind_module_is(&module, number))
        return false;
    trust(walk, &module.cfi, number);
    return true;
}

/* Runs the description and keeps the result. 0: there is none, the stack
 * ends here as far as anybody can tell. */
static WR_COLD wr_unwind_word
learn(struct walk *walk)
{
    struct wr_unwind_module module;
    struct wr_cfi_code code;
    struct wr_cfi_row row;
    unsigned number;

    if (!wr_unwind_module_find(walk->at, &module) ||
        !wr_cfi_find(&module.cfi, walk->at, &code)) {
        bool signal = wr_unwind_is_trampoline(walk->at + 1);

        return signal ? (wr_unwind_word)WR_UNWIND_FULL << WR_UNWIND_KIND_SHIFT
                      : 0;
    }
    if (!wr_cfi_run(&code, walk->at, &row))
        return 0;
    number = wr_unwind_module_number(&module);
    trust(walk, &module.cfi, number);
    return wr_unwind_cache_put(walk->at,
                               wr_unwind_condense(&code, &row, number));
}

static inline wr_unwind_word
known(struct walk *walk)
{
    wr_unwind_word word = wr_unwind_cache_get(walk->at);
    unsigned number = wr_unwind_word_module(word);

    if (wr_likely(word && (number == 0 || still_true(walk, number))))
        return word;
    return learn(walk);
}

/* The CFA of a function that realigned its stack, and the frame pointer it
 * saved. false: they are not there. */
static WR_COLD bool
realigned(struct walk *walk, wr_unwind_word word, uintptr_t *cfa, uintptr_t *fp)
{
    uintptr_t stored = walk->fp - wr_unwind_word_cfa(word);
    uintptr_t end = walk->fp + sizeof(uintptr_t);

    if (stored < walk->sp || end < stored ||
        !wr_unwind_stack_reach(&walk->stack, stored, end))
        return false;
    *cfa = wr_unwind_word_at(stored);
    *fp = wr_unwind_word_at(walk->fp);
    return *cfa >= end;
}

/* Steps to the caller. 0: there is none; else its return address. */
static inline uintptr_t
step(struct walk *walk, wr_unwind_word word, enum wr_unwind_kind kind)
{
    unsigned slot = wr_unwind_word_slot(word);
    uintptr_t below = 8 * (uintptr_t)slot, fp = walk->fp, cfa, saved;

    cfa = (kind & 1 ? fp : walk->sp) + wr_unwind_word_cfa(word);
    if (wr_unlikely(kind == WR_UNWIND_REALIGNED) &&
        !realigned(walk, word, &cfa, &fp))
        return 0;
    if (wr_unlikely(cfa <= walk->sp || cfa - walk->sp < below))
        return 0;
    if (wr_unlikely(cfa > walk->stack.end) &&
        !wr_unwind_stack_reach(&walk->stack, cfa - below, cfa))
        return 0;
    saved = wr_unwind_word_at(cfa - below);
    walk->fp = kind >= WR_UNWIND_SP_SAVED ? saved : fp;
    walk->sp = cfa;
    return wr_regs_strip(wr_unwind_word_at(wr_frame_ra_at(cfa, slot)));
}

size_t
wr_unwind_from(const struct wr_regs *start, uintptr_t *pc, size_t max)
{
    struct walk walk = {
        .at = start->pc, .sp = start->r[WR_REG_SP], .fp = start->r[WR_REG_FP]};
    size_t n = 0;

    wr_unwind_stack_enter(&walk.stack, walk.sp);
    while (n < max) {
        wr_unwind_word word = known(&walk);
        enum wr_unwind_kind kind = wr_unwind_word_kind(word);
        uintptr_t ra;

        if (wr_unlikely(kind == WR_UNWIND_FULL))
            return wr_unwind_full(start, pc, max);
        if (wr_unlikely(word == 0 || kind == WR_UNWIND_OUTERMOST))
            break;
        ra = step(&walk, word, kind);
        if (wr_unlikely(ra == 0))
            break;
        pc[n++] = ra;
        walk.at = ra - 1;
    }
    return n;
}

__attribute__((noinline)) size_t
wr_unwind_here(uintptr_t *pc, size_t max)
{
    struct wr_regs regs;

    wr_regs_capture(&regs);
    return wr_unwind_from(&regs, pc, max);
}

size_t
wr_unwind_context(const ucontext_t *uc, uintptr_t *pc, size_t max)
{
    struct wr_regs regs;

    if (max == 0)
        return 0;
    wr_regs_from_context(&regs, uc);
    pc[0] = regs.pc + 1;
    return 1 + wr_unwind_from(&regs, pc + 1, max - 1);
}
