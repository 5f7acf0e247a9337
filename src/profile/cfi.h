/* Call frame information: what .eh_frame says about one instruction.
 *
 *     struct wr_cfi_code code;
 *     struct wr_cfi_row row;
 *     if (wr_cfi_find(&module, pc, &code) && wr_cfi_run(&code, pc, &row))
 *         ... row.rule[WR_REG_FP] says where the caller's frame pointer is
 *
 * A module's table (.eh_frame_hdr) leads to the description (FDE) of the
 * function around an address; the FDE and the CIE it shares with others hold
 * a program whose execution up to that address yields one row: the rule for
 * the canonical frame address (CFA, the stack pointer before the call) and
 * one rule for each register of the caller.
 *
 * Malformed input is refused (false), never followed outside its bounds.
 * Units: bytes; addresses are those of this process.
 * Threads: pure functions over memory that must stay mapped meanwhile.
 */
#ifndef WR_PROFILE_CFI_H
#define WR_PROFILE_CFI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/regs.h"

/* A loaded module: the addresses it occupies and its .eh_frame_hdr. */
struct wr_cfi_module {
    uintptr_t start, end;
    const uint8_t *header; /* NULL: it has none */
};

/* One function's description, ready to run. */
struct wr_cfi_code {
    uintptr_t start, end;               /* the instructions described */
    const uint8_t *common, *common_end; /* program of the CIE */
    const uint8_t *own, *own_end;       /* program of the FDE */
    uint64_t code_unit;                 /* bytes for each step of an advance */
    int64_t data_unit;                  /* bytes for each step of an offset */
    uint8_t pointers;                   /* encoding of addresses (DW_EH_PE_*) */
    bool signal;                        /* a signal trampoline ('S') */
};

enum wr_cfi_how {
    WR_CFI_KEPT,      /* the caller's value is still in the register */
    WR_CFI_UNDEFINED, /* lost; for the return address: the outermost frame */
    WR_CFI_AT,        /* in memory at CFA + argument */
    WR_CFI_SUM,       /* is CFA + argument */
    WR_CFI_REG,       /* in register number argument */
    WR_CFI_AT_EXPR,   /* in memory at the address an expression yields */
    WR_CFI_EXPR,      /* is what an expression yields */
};

/* argument of an expression: from the start of the FDE's program to the
 * expression's length. */
struct wr_cfi_row {
    uint8_t cfa_how; /* WR_CFI_REG (register + offset) or WR_CFI_EXPR */
    uint8_t cfa_reg;
    uint8_t how[WR_REGS_COUNT];
    int32_t cfa_argument;
    int32_t argument[WR_REGS_COUNT];
};

/* The description of the function around pc. false: there is none. */
bool wr_cfi_find(const struct wr_cfi_module *module, uintptr_t pc,
                 struct wr_cfi_code *code);

/* The row that holds while the instruction at pc executes. */
bool wr_cfi_run(const struct wr_cfi_code *code, uintptr_t pc,
                struct wr_cfi_row *row);

/* Reads a word of the stack; false where that is not allowed. */
typedef bool wr_cfi_load(void *arg, uintptr_t at, uintptr_t *value);

/* What the expression an argument points to yields for these registers;
 * first is on the evaluation stack at the beginning if push_first. */
bool wr_cfi_evaluate(const struct wr_cfi_code *code, int32_t argument,
                     const struct wr_regs *regs, const uintptr_t *first,
                     wr_cfi_load *load, void *arg, uintptr_t *result);

#endif
