/* Running the program of a CIE and an FDE up to one instruction.
 *
 * Invariants
 * 1. A step reads only its own program's bytes.
 * 2. Rules for columns that are no general register (vectors, flags) are
 *    read and dropped: a stack walk does not need them.
 * 3. A program that does what it may not (unknown step, restoring what was
 *    never remembered, an offset past 31 bits) is refused as a whole.
 */
#include "base/base.h"
#include "profile/cfi.h"
#include "profile/cfi_bytes.h"

enum {
    CFA_ADVANCE = 0x40, /* these three carry an operand in the low 6 bits */
    CFA_OFFSET = 0x80,
    CFA_RESTORE = 0xc0,

    CFA_NOP = 0x00,
    CFA_SET_LOC = 0x01,
    CFA_ADVANCE1 = 0x02,
    CFA_ADVANCE2 = 0x03,
    CFA_ADVANCE4 = 0x04,
    CFA_OFFSET_EXTENDED = 0x05,
    CFA_RESTORE_EXTENDED = 0x06,
    CFA_UNDEFINED = 0x07,
    CFA_SAME_VALUE = 0x08,
    CFA_REGISTER = 0x09,
    CFA_REMEMBER = 0x0a,
    CFA_RESTORE_STATE = 0x0b,
    CFA_DEF_CFA = 0x0c,
    CFA_DEF_CFA_REGISTER = 0x0d,
    CFA_DEF_CFA_OFFSET = 0x0e,
    CFA_DEF_CFA_EXPRESSION = 0x0f,
    CFA_EXPRESSION = 0x10,
    CFA_OFFSET_EXTENDED_SF = 0x11,
    CFA_DEF_CFA_SF = 0x12,
    CFA_DEF_CFA_OFFSET_SF = 0x13,
    CFA_VAL_OFFSET = 0x14,
    CFA_VAL_OFFSET_SF = 0x15,
    CFA_VAL_EXPRESSION = 0x16,
    CFA_NEGATE_RA_STATE = 0x2d, /* addresses are stripped wherever read */
    CFA_ARGS_SIZE = 0x2e,
    CFA_NEGATIVE_OFFSET = 0x2f,
};

/* More than compilers ever nest; each is one row on our stack. */
enum { REMEMBERED_MAX = 8 };

struct run {
    const struct wr_cfi_code *code;
    struct wr_cfi_bytes in;
    uintptr_t at, pc; /* the row holds from at; wanted is the one of pc */
    struct wr_cfi_row *row;
    const struct wr_cfi_row *initial; /* after the CIE; NULL while in it */
    unsigned remembered;
    struct wr_cfi_row memory[REMEMBERED_MAX];
};

static void
set(struct run *run, uint64_t reg, enum wr_cfi_how how, int64_t argument)
{
    if (argument != (int32_t)argument)
        run->in.ok = false;
    if (reg >= WR_REGS_COUNT)
        return;
    run->row->how[reg] = (uint8_t)how;
    run->row->argument[reg] = (int32_t)argument;
}

static void
restore(struct run *run, uint64_t reg)
{
    if (!run->initial)
        run->in.ok = false;
    else if (reg < WR_REGS_COUNT)
        set(run, reg, run->initial->how[reg], run->initial->argument[reg]);
}

static void
set_cfa(struct run *run, uint64_t reg, int64_t offset)
{
    if (reg >= WR_REGS_COUNT || offset != (int32_t)offset) {
        run->in.ok = false;
        return;
    }
    run->row->cfa_how = WR_CFI_REG;
    run->row->cfa_reg = (uint8_t)reg;
    run->row->cfa_argument = (int32_t)offset;
}

/* A product of operands read from the program; wraps on nonsense. */
static int64_t
scaled(int64_t factor, const struct run *run)
{
    return (int64_t)((uint64_t)factor * (uint64_t)run->code->data_unit);
}

/* Steps over an expression; returns where it is, from the FDE's program. */
static int64_t
expression(struct run *run)
{
    int64_t where = run->in.at - run->code->own;

    wr_cfi_take(&run->in, wr_cfi_uleb(&run->in));
    return where;
}

/* false: the row wanted is complete. */
static bool
advance(struct run *run, uint64_t steps)
{
    uintptr_t to = run->at + steps * run->code->code_unit;

    if (to > run->pc)
        return false;
    run->at = to;
    return true;
}

static bool
set_location(struct run *run)
{
    uintptr_t to = wr_cfi_pointer(&run->in, run->code->pointers, NULL);

    if (to > run->pc)
        return false;
    run->at = to;
    return true;
}

static void
remember(struct run *run)
{
    if (run->remembered == REMEMBERED_MAX)
        run->in.ok = false;
    else
        run->memory[run->remembered++] = *run->row;
}

static void
restore_state(struct run *run)
{
    if (run->remembered == 0)
        run->in.ok = false;
    else
        *run->row = run->memory[--run->remembered];
}

/* Steps that move the location or the whole row. *handled tells whether it
 * was one; false: the row wanted is complete. */
static bool
step_location(struct run *run, uint8_t step, bool *handled)
{
    *handled = true;
    switch (step) {
    case CFA_SET_LOC:
        return set_location(run);
    case CFA_ADVANCE1:
        return advance(run, wr_cfi_unsigned(&run->in, 1));
    case CFA_ADVANCE2:
        return advance(run, wr_cfi_unsigned(&run->in, 2));
    case CFA_ADVANCE4:
        return advance(run, wr_cfi_unsigned(&run->in, 4));
    case CFA_REMEMBER:
        remember(run);
        return true;
    case CFA_RESTORE_STATE:
        restore_state(run);
        return true;
    case CFA_NOP:
    case CFA_NEGATE_RA_STATE:
        return true;
    case CFA_ARGS_SIZE:
        wr_cfi_uleb(&run->in);
        return true;
    default:
        *handled = false;
        return true;
    }
}

/* Steps that say how the CFA is found. */
static bool
step_cfa(struct run *run, uint8_t step)
{
    struct wr_cfi_bytes *in = &run->in;
    uint64_t reg;

    switch (step) {
    case CFA_DEF_CFA:
        reg = wr_cfi_uleb(in);
        set_cfa(run, reg, (int64_t)wr_cfi_uleb(in));
        return true;
    case CFA_DEF_CFA_SF:
        reg = wr_cfi_uleb(in);
        set_cfa(run, reg, scaled(wr_cfi_sleb(in), run));
        return true;
    case CFA_DEF_CFA_REGISTER:
        set_cfa(run, wr_cfi_uleb(in), run->row->cfa_argument);
        return true;
    case CFA_DEF_CFA_OFFSET:
        set_cfa(run, run->row->cfa_reg, (int64_t)wr_cfi_uleb(in));
        return true;
    case CFA_DEF_CFA_OFFSET_SF:
        set_cfa(run, run->row->cfa_reg, scaled(wr_cfi_sleb(in), run));
        return true;
    case CFA_DEF_CFA_EXPRESSION:
        run->row->cfa_how = WR_CFI_EXPR;
        run->row->cfa_argument = (int32_t)expression(run);
        return true;
    default:
        return false;
    }
}

/* Steps that say how one register is found. */
static bool
step_register(struct run *run, uint8_t step)
{
    struct wr_cfi_bytes *in = &run->in;
    uint64_t reg = wr_cfi_uleb(in);

    switch (step) {
    case CFA_OFFSET_EXTENDED:
        set(run, reg, WR_CFI_AT, scaled((int64_t)wr_cfi_uleb(in), run));
        return true;
    case CFA_OFFSET_EXTENDED_SF:
        set(run, reg, WR_CFI_AT, scaled(wr_cfi_sleb(in), run));
        return true;
    case CFA_NEGATIVE_OFFSET:
        set(run, reg, WR_CFI_AT, scaled((int64_t)-wr_cfi_uleb(in), run));
        return true;
    case CFA_VAL_OFFSET:
        set(run, reg, WR_CFI_SUM, scaled((int64_t)wr_cfi_uleb(in), run));
        return true;
    case CFA_VAL_OFFSET_SF:
        set(run, reg, WR_CFI_SUM, scaled(wr_cfi_sleb(in), run));
        return true;
    case CFA_RESTORE_EXTENDED:
        restore(run, reg);
        return true;
    case CFA_UNDEFINED:
        set(run, reg, WR_CFI_UNDEFINED, 0);
        return true;
    case CFA_SAME_VALUE:
        set(run, reg, WR_CFI_KEPT, 0);
        return true;
    case CFA_REGISTER:
        set(run, reg, WR_CFI_REG, (int64_t)wr_cfi_uleb(in));
        return true;
    case CFA_EXPRESSION:
        set(run, reg, WR_CFI_AT_EXPR, expression(run));
        return true;
    case CFA_VAL_EXPRESSION:
        set(run, reg, WR_CFI_EXPR, expression(run));
        return true;
    default:
        return false;
    }
}

/* One step. false: the row wanted is complete, or (not ok) nonsense. */
static bool
step(struct run *run)
{
    uint8_t code = (uint8_t)wr_cfi_unsigned(&run->in, 1);
    uint8_t operand = code & 0x3f;
    bool handled, more;

    switch (code & 0xc0) {
    case CFA_ADVANCE:
        return advance(run, operand);
    case CFA_OFFSET:
        set(run, operand, WR_CFI_AT,
            scaled((int64_t)wr_cfi_uleb(&run->in), run));
        return true;
    case CFA_RESTORE:
        restore(run, operand);
        return true;
    }
    more = step_location(run, code, &handled);
    if (!handled && !step_cfa(run, code) && !step_register(run, code))
        run->in.ok = false;
    return more && run->in.ok;
}

static bool
run_bytes(struct run *run, const uint8_t *from, const uint8_t *to)
{
    run->in = (struct wr_cfi_bytes){from, to, true};
    while (run->in.at < run->in.end && step(run))
        continue;
    return run->in.ok;
}

bool
wr_cfi_run(const struct wr_cfi_code *code, uintptr_t pc, struct wr_cfi_row *row)
{
    struct wr_cfi_row initial;
    struct run run;

    *row = (struct wr_cfi_row){0};
    run.code = code;
    run.row = row;
    run.at = code->start;
    run.pc = pc;
    run.initial = NULL;
    run.remembered = 0;
    if (!run_bytes(&run, code->common, code->common_end))
        return false;
    initial = *row;
    run.initial = &initial;
    return run_bytes(&run, code->own, code->own_end) &&
           row->cfa_how != WR_CFI_KEPT;
}
