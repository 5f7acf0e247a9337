/* regs.h on x86-64. The call pushes the return address, so it always lies
 * right under the canonical frame address (CFA); the frame pointer, when it
 * was pushed, lies a few words below. */
#ifndef WR_OS_REGS_X86_64_H
#define WR_OS_REGS_X86_64_H

enum {
    WR_REG_FP = 6,
    WR_REG_SP = 7,
    WR_REG_RA = 16,
    WR_REGS_COUNT = 17,
};

struct wr_regs {
    uintptr_t r[WR_REGS_COUNT];
    uintptr_t pc;
};

enum {
    WR_FRAME_PC_BITS = 47,
    WR_FRAME_PC_SHIFT = 0,
    WR_FRAME_CFA_BITS = 13,
    WR_FRAME_CFA_UNIT = 8, /* bytes */
    WR_FRAME_SLOT_BITS = 5,
};

enum { WR_REGS_SIGRETURN_BYTES = 9, WR_REGS_SIGINFO_BYTES = 0 };

/* How many words below the CFA the lowest one lies that a walk must read:
 * the saved frame pointer, or the return address if it was kept. 0: not a
 * frame of this machine's usual form. Offsets are bytes from the CFA. */
static inline unsigned
wr_frame_slot(int64_t ra_offset, bool fp_saved, int64_t fp_offset)
{
    if (ra_offset != -8)
        return 0;
    if (!fp_saved)
        return 1;
    if (fp_offset >= -8 || fp_offset % 8 != 0)
        return 0;
    return (unsigned)(-fp_offset / 8);
}

static inline uintptr_t
wr_frame_ra_at(uintptr_t cfa, unsigned slot)
{
    (void)slot;
    return cfa - 8;
}

static inline uintptr_t
wr_regs_strip(uintptr_t pc)
{
    return pc;
}

/* mov $15, %rax; syscall: what every handler installed with SA_RESTORER on
 * this machine returns to. The address may be anything a damaged stack holds,
 * so a sanitizer must not take a look past some object for a mistake. */
static inline __attribute__((no_sanitize("address", "thread"))) bool
wr_regs_is_sigreturn(const void *code)
{
    const uint8_t *byte = code;
    static const uint8_t expected[WR_REGS_SIGRETURN_BYTES] = {
        0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05,
    };

    for (size_t i = 0; i < sizeof(expected); i++)
        if (byte[i] != expected[i])
            return false;
    return true;
}

/* As they are for the caller when a call returns: what a callee may change
 * holds nothing then. Of the wide ones it may change all. */
enum { WR_REGS_WIDE_KEPT = 0 };

static inline void
wr_regs_behind_call(struct wr_regs *regs)
{
    const uint32_t kept =
        1u << 3 | 1u << WR_REG_FP | 1u << WR_REG_SP | 0xfu << 12;

    for (unsigned i = 0; i < WR_REGS_COUNT; i++)
        if ((kept >> i & 1) == 0)
            regs->r[i] = 0;
}

/* Everything in one statement, so that the description of this address fits
 * all of it. Registers a callee may change hold nothing of use to a caller
 * and stay 0. */
static inline __attribute__((always_inline)) void
wr_regs_capture(struct wr_regs *regs)
{
    *regs = (struct wr_regs){0};
    __asm__ volatile("movq %%rbx, 24(%[r])\n\t"
                     "movq %%rbp, 48(%[r])\n\t"
                     "movq %%rsp, 56(%[r])\n\t"
                     "movq %%r12, 96(%[r])\n\t"
                     "movq %%r13, 104(%[r])\n\t"
                     "movq %%r14, 112(%[r])\n\t"
                     "movq %%r15, 120(%[r])\n\t"
                     "leaq 0f(%%rip), %%rax\n"
                     "0:\n\t"
                     "movq %%rax, 136(%[r])"
                     :
                     : [r] "r"(regs)
                     : "rax", "memory");
}

/* The same of the three that most walks need. */
static inline __attribute__((always_inline)) void
wr_regs_place(uintptr_t *pc, uintptr_t *sp, uintptr_t *fp)
{
    __asm__ volatile("movq %%rsp, %[sp]\n\t"
                     "movq %%rbp, %[fp]\n\t"
                     "leaq 0f(%%rip), %[pc]\n"
                     "0:"
                     : [pc] "=r"(*pc), [sp] "=&r"(*sp), [fp] "=&r"(*fp));
}

static inline void
wr_regs_from_context(struct wr_regs *regs, const ucontext_t *uc)
{
    static const uint8_t kernel_order[] = {
        REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
        REG_RBP, REG_RSP, REG_R8,  REG_R9,  REG_R10, REG_R11,
        REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP,
    };

    for (unsigned i = 0; i < WR_REGS_COUNT; i++)
        regs->r[i] = (uintptr_t)uc->uc_mcontext.gregs[kernel_order[i]];
    regs->pc = (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
}

/* Where the kernel saved all registers of interrupted code: the general ones
 * stand in the context, the others above it, at a place and of a length that
 * it says (bytes 468 to 471 of the fxsave area). */
static inline void
wr_regs_saved(const ucontext_t *uc, uintptr_t *from, uintptr_t *end)
{
    const char *wide = (const char *)uc->uc_mcontext.fpregs;
    uint32_t bytes = 0;

    *from = (uintptr_t)uc;
    *end = (uintptr_t)(uc + 1);
    if ((uintptr_t)wide < *from || (uintptr_t)wide - *from > 4096)
        return;
    memcpy(&bytes, wide + 468, sizeof bytes);
    *end = (uintptr_t)wide + (bytes >= 512 && bytes < 32768 ? bytes : 512);
}

/* The lowest byte of the stack that interrupted code may use: below the stack
 * pointer the ABI leaves it 128. */
static inline uintptr_t
wr_regs_stack(const ucontext_t *uc)
{
    return (uintptr_t)uc->uc_mcontext.gregs[REG_RSP] - 128;
}

/* Are these three words, at pthread_self(), what a thread has there? Its
 * block of control, which says where it is itself. */
static inline bool
wr_regs_is_thread(const uintptr_t *words, uintptr_t self)
{
    return words[0] == self && words[2] == self;
}

/* Of that block, what libc itself still uses when the thread has ended and been
 * joined, until its memory is another's: the vector of its modules' storage. */
static inline uintptr_t
wr_regs_thread_kept_end(uintptr_t self, uintptr_t end)
{
    return end - self > 24 ? self + 24 : end;
}

/* The same of a thread that is held: of the words of NT_PRSTATUS, and the set
 * that has the wide registers. */
#define WR_REGS_WIDE_SET NT_X86_XSTATE

static inline uintptr_t
wr_regs_held_stack(const uintptr_t *words)
{
    return words[19] - 128;
}

/* Its general registers (in the order of the kernel's user_regs_struct), and
 * where its thread-local storage ends: there its control block begins. */
enum { WR_REGS_HELD_WORDS = 27 };

static inline void
wr_regs_from_held(struct wr_regs *regs, const uintptr_t *words)
{
    static const uint8_t kernel_order[] = {
        10, 12, 11, 5, 13, 14, 4, 19, 9, 8, 7, 6, 3, 2, 1, 0, 16,
    };

    for (unsigned i = 0; i < WR_REGS_COUNT; i++)
        regs->r[i] = words[kernel_order[i]];
    regs->pc = words[16];
}

/* Does it wait in a system call? */
static inline bool
wr_regs_held_in_call(const uintptr_t *words)
{
    return (intptr_t)words[15] >= 0;
}

/* May there be an instruction among these bytes that has to do with wide
 * registers? It is looked for at each byte, as nobody knows where one begins:
 * after 0x0f, and after the three prefixes of the newer ones. */
static inline __attribute__((no_sanitize("address", "thread"))) bool
wr_regs_may_be_wide_code(const uint8_t *from, const uint8_t *end)
{
    for (const uint8_t *at = from; end - at >= 3; at++) {
        uint8_t code = at[*at == 0xc5 ? 2 : 1];
        bool wide = (code & 0xf8) == 0x10 || (code & 0xf8) == 0x28 ||
                    (code & 0xf8) == 0x38 || (code & 0xf0) == 0x50 ||
                    (code & 0xe0) == 0x60 || code == 0xae || code == 0xc2 ||
                    (code >= 0xc4 && code <= 0xc7) || code >= 0xd0;

        if (((*at == 0x0f || *at == 0xc5) && wide) ||
            (*at == 0xc4 && (code & 0x1f) - 1u < 3) || *at == 0x62)
            return true;
    }
    return false;
}

static inline uintptr_t
wr_regs_held_storage(const uintptr_t *words)
{
    return words[21];
}

#endif
