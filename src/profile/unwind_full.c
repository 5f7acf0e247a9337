/* The full walk.
 *
 * Invariants
 * 1. Every word of memory is read through the walk's stack object.
 * 2. The stack pointer grows with each frame, so a walk ends; it may stay
 *    once where code was interrupted that has no frame yet, and go anywhere
 *    from a signal trampoline, which max bounds.
 */
#include "base/base.h"
#include "profile/cfi.h"
#include "profile/unwind_full.h"
#include "profile/unwind_module.h"
#include "profile/unwind_stack.h"

struct walk {
    struct wr_regs regs;
    struct wr_unwind_stack stack;
    bool exact; /* pc is where a signal interrupted, not a return address */
};

static bool
load(void *stack, uintptr_t at, uintptr_t *value)
{
    return wr_unwind_stack_load(stack, at, value);
}

bool
wr_unwind_is_trampoline(uintptr_t pc)
{
    uintptr_t last = pc + WR_REGS_SIGRETURN_BYTES - 1;

    return wr_regs_readable(pc) && wr_regs_readable(last) &&
           wr_regs_is_sigreturn((const void *)pc);
}

/* A trampoline without description: the kernel left the registers at a
 * known place. */
static bool
step_trampoline(struct walk *walk)
{
    uintptr_t at = walk->regs.r[WR_REG_SP] + WR_REGS_SIGINFO_BYTES;
    uintptr_t last = at + sizeof(ucontext_t) - sizeof(uintptr_t);
    uintptr_t value;

    if (!wr_unwind_is_trampoline(walk->regs.pc) ||
        !load(&walk->stack, at, &value) || !load(&walk->stack, last, &value))
        return false;
    wr_regs_from_context(&walk->regs, (const ucontext_t *)at);
    walk->exact = true;
    return walk->regs.pc != 0;
}

static bool
find_cfa(struct walk *walk, const struct wr_cfi_code *code,
         const struct wr_cfi_row *row, uintptr_t *cfa)
{
    if (row->cfa_how == WR_CFI_EXPR)
        return wr_cfi_evaluate(code, row->cfa_argument, &walk->regs, NULL, load,
                               &walk->stack, cfa);
    *cfa = walk->regs.r[row->cfa_reg] + (uintptr_t)(intptr_t)row->cfa_argument;
    return true;
}

/* The caller's value of register i. */
static bool
find_register(struct walk *walk, const struct wr_cfi_code *code,
              const struct wr_cfi_row *row, uintptr_t cfa, unsigned i,
              uintptr_t *value)
{
    int32_t argument = row->argument[i];
    uintptr_t at = cfa + (uintptr_t)(intptr_t)argument;

    switch (row->how[i]) {
    case WR_CFI_AT:
        return load(&walk->stack, at, value);
    case WR_CFI_SUM:
        *value = at;
        return true;
    case WR_CFI_REG:
        if (argument < 0 || argument >= WR_REGS_COUNT)
            return false;
        *value = walk->regs.r[argument];
        return true;
    case WR_CFI_AT_EXPR:
        return wr_cfi_evaluate(code, argument, &walk->regs, &cfa, load,
                               &walk->stack, &at) &&
               load(&walk->stack, at, value);
    case WR_CFI_EXPR:
        return wr_cfi_evaluate(code, argument, &walk->regs, &cfa, load,
                               &walk->stack, value);
    default:
        *value = i == WR_REG_SP ? cfa : walk->regs.r[i];
        return true;
    }
}

/* From the registers of a frame to its caller's. false: it has none. */
static bool
step(struct walk *walk)
{
    uintptr_t pc = walk->regs.pc - !walk->exact;
    uintptr_t sp = walk->regs.r[WR_REG_SP], cfa;
    struct wr_unwind_module module;
    struct wr_cfi_code code;
    struct wr_cfi_row row;
    struct wr_regs caller;

    if (!wr_unwind_module_find(pc, &module) ||
        !wr_cfi_find(&module.cfi, pc, &code))
        return step_trampoline(walk);
    if (!wr_cfi_run(&code, pc, &row) ||
        row.how[WR_REG_RA] == WR_CFI_UNDEFINED ||
        !find_cfa(walk, &code, &row, &cfa))
        return false;
    for (unsigned i = 0; i < WR_REGS_COUNT; i++) {
        if (!find_register(walk, &code, &row, cfa, i, &caller.r[i]))
            return false;
    }
    if (!code.signal && caller.r[WR_REG_SP] < sp + !walk->exact)
        return false;
    caller.pc = wr_regs_strip(caller.r[WR_REG_RA]);
    walk->regs = caller;
    walk->exact = code.signal;
    return caller.pc != 0;
}

size_t
wr_unwind_full(const struct wr_regs *start, uintptr_t *pc, size_t max)
{
    struct walk walk = {.regs = *start, .exact = true};
    size_t n = 0;

    wr_unwind_stack_enter(&walk.stack, start->r[WR_REG_SP]);
    while (n < max && step(&walk))
        pc[n++] = walk.regs.pc + walk.exact;
    return n;
}

static struct wr_unwind_frame
frame_of(const struct walk *walk, bool first)
{
    return (struct wr_unwind_frame){.pc = walk->regs.pc + walk->exact,
                                    .sp = walk->regs.r[WR_REG_SP],
                                    .interrupted = walk->exact && !first};
}

size_t
wr_unwind_frames(const struct wr_regs *start, struct wr_unwind_frame *frame,
                 size_t max)
{
    struct walk walk = {.regs = *start, .exact = true};
    size_t n = 0;

    wr_unwind_stack_strange(&walk.stack, start->r[WR_REG_SP]);
    while (n < max) {
        frame[n] = frame_of(&walk, n == 0);
        n++;
        if (!step(&walk))
            break;
    }
    return n;
}

void
wr_unwind_up(struct wr_regs *regs,
             bool (*pass)(const struct wr_unwind_frame *frame, void *arg),
             void *arg)
{
    struct walk walk = {.regs = *regs, .exact = true};
    struct wr_unwind_frame frame = frame_of(&walk, true);

    wr_unwind_stack_strange(&walk.stack, regs->r[WR_REG_SP]);
    while (pass(&frame, arg) && step(&walk))
        frame = frame_of(&walk, false);
    *regs = walk.regs;
}
