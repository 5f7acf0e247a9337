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
#include "profile/unwind_walk.h"

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
trust(struct wr_unwind_ground *ground, const struct wr_cfi_module *module,
      unsigned number)
{
    ground->trusted_start = module->start;
    ground->trusted_end = module->end;
    ground->trusted_number = number;
}

bool
wr_unwind_still_true(struct wr_unwind_ground *ground, uintptr_t at,
                     unsigned number)
{
    struct wr_unwind_module module;

    if (number == ground->trusted_number && at >= ground->trusted_start &&
        at < ground->trusted_end)
        return true;
    if (!wr_unwind_module_find(at, &module) ||
        !wr_unwind_module_is(&module, number))
        return false;
    trust(ground, &module.cfi, number);
    return true;
}

WR_COLD wr_unwind_word
wr_unwind_learn(struct wr_unwind_ground *ground, uintptr_t at)
{
    struct wr_unwind_module module;
    struct wr_cfi_code code;
    struct wr_cfi_row row;
    unsigned number;

    if (!wr_unwind_module_find(at, &module) ||
        !wr_cfi_find(&module.cfi, at, &code)) {
        bool signal = wr_unwind_is_trampoline(at + 1);

        return signal ? (wr_unwind_word)WR_UNWIND_FULL << WR_UNWIND_KIND_SHIFT
                      : 0;
    }
    if (!wr_cfi_run(&code, at, &row))
        return 0;
    number = wr_unwind_module_number(&module);
    trust(ground, &module.cfi, number);
    return wr_unwind_cache_put(at, wr_unwind_condense(&code, &row, number));
}

WR_COLD bool
wr_unwind_realigned(struct wr_unwind_ground *ground, wr_unwind_word word,
                    uintptr_t sp, uintptr_t *cfa, uintptr_t *fp)
{
    uintptr_t stored = *fp - wr_unwind_word_cfa(word);
    uintptr_t end = *fp + sizeof(uintptr_t);

    if (stored < sp || end < stored ||
        !wr_unwind_stack_reach(&ground->stack, stored, end))
        return false;
    *cfa = wr_unwind_word_at(stored);
    *fp = wr_unwind_word_at(*fp);
    return *cfa >= end;
}

size_t
wr_unwind_from(const struct wr_regs *start, uintptr_t *pc, size_t max)
{
    struct wr_unwind_ground ground = {0};
    struct wr_unwind_walk walk = {start->pc, start->r[WR_REG_SP],
                                  start->r[WR_REG_FP]};
    size_t n = 0;

    wr_unwind_stack_enter(&ground.stack, walk.sp);
    while (n < max) {
        wr_unwind_word word = wr_unwind_known(&ground, walk.at);
        enum wr_unwind_kind kind = wr_unwind_word_kind(word);

        if (wr_unlikely(kind == WR_UNWIND_FULL))
            return wr_unwind_full(start, pc, max);
        if (wr_unlikely(kind < WR_UNWIND_FULL) ||
            wr_unlikely(!wr_unwind_step(&walk, &ground, word)))
            break;
        pc[n++] = walk.at + 1;
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
