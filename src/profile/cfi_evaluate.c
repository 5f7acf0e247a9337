/* DWARF expressions, as far as call frame information uses them.
 *
 * Invariants
 * 1. The evaluation stack never passes its ends; an expression that would
 *    make it is refused.
 * 2. Memory is read only through the caller's load.
 * 3. An expression ends: branches are counted.
 */
#include "base/base.h"
#include "profile/cfi.h"
#include "profile/cfi_bytes.h"

enum {
    OP_ADDR = 0x03,
    OP_DEREF = 0x06,
    OP_CONST1U = 0x08,
    OP_CONST1S = 0x09,
    OP_CONST2U = 0x0a,
    OP_CONST2S = 0x0b,
    OP_CONST4U = 0x0c,
    OP_CONST4S = 0x0d,
    OP_CONST8U = 0x0e,
    OP_CONST8S = 0x0f,
    OP_CONSTU = 0x10,
    OP_CONSTS = 0x11,
    OP_DUP = 0x12,
    OP_DROP = 0x13,
    OP_OVER = 0x14,
    OP_PICK = 0x15,
    OP_SWAP = 0x16,
    OP_ROT = 0x17,
    OP_ABS = 0x19,
    OP_AND = 0x1a,
    OP_DIV = 0x1b,
    OP_MINUS = 0x1c,
    OP_MOD = 0x1d,
    OP_MUL = 0x1e,
    OP_NEG = 0x1f,
    OP_NOT = 0x20,
    OP_OR = 0x21,
    OP_PLUS = 0x22,
    OP_PLUS_UCONST = 0x23,
    OP_SHL = 0x24,
    OP_SHR = 0x25,
    OP_SHRA = 0x26,
    OP_XOR = 0x27,
    OP_BRA = 0x28,
    OP_EQ = 0x29,
    OP_GE = 0x2a,
    OP_GT = 0x2b,
    OP_LE = 0x2c,
    OP_LT = 0x2d,
    OP_NE = 0x2e,
    OP_SKIP = 0x2f,
    OP_LIT0 = 0x30,
    OP_REG0 = 0x50,
    OP_BREG0 = 0x70,
    OP_REGX = 0x90,
    OP_BREGX = 0x92,
    OP_DEREF_SIZE = 0x94,
    OP_NOP = 0x96,
};

enum { DEPTH_MAX = 32, BRANCHES_MAX = 64 };

struct machine {
    struct wr_cfi_bytes in; /* in.ok false: refused, for any reason */
    const uint8_t *start;
    const struct wr_regs *regs;
    wr_cfi_load *load;
    void *arg;
    unsigned depth, branches;
    uintptr_t stack[DEPTH_MAX];
};

static void
push(struct machine *m, uint64_t value)
{
    if (m->depth == DEPTH_MAX)
        m->in.ok = false;
    else
        m->stack[m->depth++] = value;
}

/* The value n below the top. */
static uint64_t
peek(struct machine *m, uint64_t n)
{
    if (n >= m->depth) {
        m->in.ok = false;
        return 0;
    }
    return m->stack[m->depth - 1 - n];
}

static uint64_t
pop(struct machine *m)
{
    uint64_t value = peek(m, 0);

    if (m->in.ok)
        m->depth--;
    return value;
}

static void
push_register(struct machine *m, uint64_t reg, int64_t offset)
{
    if (reg >= WR_REGS_COUNT)
        m->in.ok = false;
    else
        push(m, m->regs->r[reg] + (uint64_t)offset);
}

static void
dereference(struct machine *m, uint64_t bytes)
{
    uintptr_t value = 0;

    if (bytes == 0 || bytes > 8 || !m->load(m->arg, pop(m), &value)) {
        m->in.ok = false;
        return;
    }
    push(m, bytes == 8 ? value : value & ((UINT64_C(1) << 8 * bytes) - 1));
}

static void
branch(struct machine *m)
{
    int64_t distance = wr_cfi_signed(&m->in, 2);
    int64_t to = m->in.at - m->start + distance;

    if (to < 0 || to > m->in.end - m->start || ++m->branches > BRANCHES_MAX)
        m->in.ok = false;
    else
        m->in.at = m->start + to;
}

static void
rotate(struct machine *m)
{
    uint64_t a = pop(m), b = pop(m), c = pop(m);

    push(m, a);
    push(m, c);
    push(m, b);
}

static bool
step_constant(struct machine *m, uint8_t op)
{
    unsigned bytes = 1u << ((op - OP_CONST1U) / 2 & 3);

    switch (op) {
    case OP_ADDR:
        push(m, wr_cfi_unsigned(&m->in, 8));
        return true;
    case OP_CONST1U:
    case OP_CONST2U:
    case OP_CONST4U:
    case OP_CONST8U:
        push(m, wr_cfi_unsigned(&m->in, bytes));
        return true;
    case OP_CONST1S:
    case OP_CONST2S:
    case OP_CONST4S:
    case OP_CONST8S:
        push(m, (uint64_t)wr_cfi_signed(&m->in, bytes));
        return true;
    case OP_CONSTU:
        push(m, wr_cfi_uleb(&m->in));
        return true;
    case OP_CONSTS:
        push(m, (uint64_t)wr_cfi_sleb(&m->in));
        return true;
    default:
        return false;
    }
}

/* Literals and registers, numbered in the operation itself. */
static bool
step_numbered(struct machine *m, uint8_t op)
{
    uint64_t reg;

    if (op >= OP_LIT0 && op < OP_REG0) {
        push(m, op - OP_LIT0);
    } else if (op >= OP_REG0 && op < OP_BREG0) {
        push_register(m, op - OP_REG0, 0);
    } else if (op >= OP_BREG0 && op < OP_REGX) {
        push_register(m, op - OP_BREG0, wr_cfi_sleb(&m->in));
    } else if (op == OP_REGX) {
        push_register(m, wr_cfi_uleb(&m->in), 0);
    } else if (op == OP_BREGX) {
        reg = wr_cfi_uleb(&m->in);
        push_register(m, reg, wr_cfi_sleb(&m->in));
    } else {
        return false;
    }
    return true;
}

static bool
step_stack(struct machine *m, uint8_t op)
{
    uint64_t a, b;

    switch (op) {
    case OP_DUP:
        push(m, peek(m, 0));
        return true;
    case OP_DROP:
        pop(m);
        return true;
    case OP_OVER:
        push(m, peek(m, 1));
        return true;
    case OP_PICK:
        push(m, peek(m, wr_cfi_unsigned(&m->in, 1)));
        return true;
    case OP_SWAP:
        a = pop(m);
        b = pop(m);
        push(m, a);
        push(m, b);
        return true;
    case OP_ROT:
        rotate(m);
        return true;
    default:
        return false;
    }
}

static bool
step_control(struct machine *m, uint8_t op)
{
    switch (op) {
    case OP_DEREF:
        dereference(m, 8);
        return true;
    case OP_DEREF_SIZE:
        dereference(m, wr_cfi_unsigned(&m->in, 1));
        return true;
    case OP_BRA:
        if (pop(m) != 0)
            branch(m);
        else
            wr_cfi_take(&m->in, 2);
        return true;
    case OP_SKIP:
        branch(m);
        return true;
    case OP_NOP:
        return true;
    default:
        return false;
    }
}

static bool
step_unary(struct machine *m, uint8_t op)
{
    uint64_t a;

    switch (op) {
    case OP_ABS:
        a = pop(m);
        push(m, (int64_t)a < 0 ? -a : a);
        return true;
    case OP_NEG:
        push(m, -pop(m));
        return true;
    case OP_NOT:
        push(m, ~pop(m));
        return true;
    case OP_PLUS_UCONST:
        a = pop(m);
        push(m, a + wr_cfi_uleb(&m->in));
        return true;
    default:
        return false;
    }
}

/* Division by zero is refused; so is the one quotient that does not fit. */
static uint64_t
divide(struct machine *m, int64_t a, int64_t b)
{
    if (b == 0 || (a == INT64_MIN && b == -1)) {
        m->in.ok = false;
        return 0;
    }
    return (uint64_t)(a / b);
}

static uint64_t
modulo(struct machine *m, uint64_t a, uint64_t b)
{
    if (b == 0) {
        m->in.ok = false;
        return 0;
    }
    return a % b;
}

/* a is the second entry, b the top. */
static uint64_t
binary(struct machine *m, uint8_t op, uint64_t a, uint64_t b)
{
    int64_t sa = (int64_t)a, sb = (int64_t)b;

    switch (op) {
    case OP_AND:
        return a & b;
    case OP_DIV:
        return divide(m, sa, sb);
    case OP_MINUS:
        return a - b;
    case OP_MOD:
        return modulo(m, a, b);
    case OP_MUL:
        return a * b;
    case OP_OR:
        return a | b;
    case OP_PLUS:
        return a + b;
    case OP_SHL:
        return b < 64 ? a << b : 0;
    case OP_SHR:
        return b < 64 ? a >> b : 0;
    case OP_SHRA:
        return (uint64_t)(sa >> (b < 64 ? b : 63));
    case OP_XOR:
        return a ^ b;
    case OP_EQ:
        return sa == sb;
    case OP_GE:
        return sa >= sb;
    case OP_GT:
        return sa > sb;
    case OP_LE:
        return sa <= sb;
    case OP_LT:
        return sa < sb;
    case OP_NE:
        return sa != sb;
    default:
        m->in.ok = false;
        return 0;
    }
}

static void
step(struct machine *m)
{
    uint8_t op = (uint8_t)wr_cfi_unsigned(&m->in, 1);
    uint64_t a, b;

    if (step_numbered(m, op) || step_constant(m, op) || step_stack(m, op) ||
        step_control(m, op) || step_unary(m, op))
        return;
    b = pop(m);
    a = pop(m);
    push(m, binary(m, op, a, b));
}

bool
wr_cfi_evaluate(const struct wr_cfi_code *code, int32_t argument,
                const struct wr_regs *regs, const uintptr_t *first,
                wr_cfi_load *load, void *arg, uintptr_t *result)
{
    const uint8_t *at = code->own + argument;
    bool own = at >= code->own && at < code->own_end;
    struct wr_cfi_bytes whole = {at, own ? code->own_end : code->common_end,
                                 true};
    uint64_t length = wr_cfi_uleb(&whole);
    struct machine m;

    m.start = wr_cfi_take(&whole, length);
    if (!m.start)
        return false;
    m.in = (struct wr_cfi_bytes){m.start, m.start + length, true};
    m.regs = regs;
    m.load = load;
    m.arg = arg;
    m.depth = m.branches = 0;
    if (first)
        push(&m, *first);
    while (m.in.ok && m.in.at < m.in.end)
        step(&m);
    *result = pop(&m);
    return m.in.ok;
}
