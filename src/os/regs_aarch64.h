/* regs.h on aarch64. The call leaves the return address in x30; a function
 * that calls on stores x29 and x30 side by side, anywhere in its frame. */
#ifndef WR_OS_REGS_AARCH64_H
#define WR_OS_REGS_AARCH64_H

enum {
    WR_REG_FP = 29,
    WR_REG_RA = 30,
    WR_REG_SP = 31,
    WR_REGS_COUNT = 32,
};

struct wr_regs {
    uintptr_t r[WR_REGS_COUNT];
    uintptr_t pc;
};

enum {
    WR_FRAME_PC_BITS = 48,
    WR_FRAME_PC_SHIFT = 2,
    WR_FRAME_CFA_BITS = 10,
    WR_FRAME_CFA_UNIT = 16, /* bytes */
    WR_FRAME_SLOT_BITS = 10,
};

enum { WR_REGS_SIGRETURN_BYTES = 8, WR_REGS_SIGINFO_BYTES = 128 };

/* How many words below the CFA the saved frame pointer lies, with the return
 * address right above it; when only the latter was saved, where the former
 * would be. 0: not a frame of this form. Offsets are bytes from the CFA. */
static inline unsigned
wr_frame_slot(int64_t ra_offset, bool fp_saved, int64_t fp_offset)
{
    if (ra_offset >= 0 || ra_offset % 8 != 0)
        return 0;
    if (fp_saved && ra_offset != fp_offset + 8)
        return 0;
    return (unsigned)(-ra_offset / 8 + 1);
}

static inline uintptr_t
wr_frame_ra_at(uintptr_t cfa, unsigned slot)
{
    return cfa - 8 * (uintptr_t)slot + 8;
}

/* xpaclri, written as the hint it is, so that older processors and
 * assemblers take it as nothing. */
static inline uintptr_t
wr_regs_strip(uintptr_t pc)
{
    register uintptr_t x30 __asm__("x30") = pc;

    __asm__("hint 7" : "+r"(x30));
    return x30;
}

/* As they are for the caller when a call returns: what a callee may change
 * holds nothing then. Of some wide ones it keeps the lower half. */
enum { WR_REGS_WIDE_KEPT = 1 };

static inline void
wr_regs_behind_call(struct wr_regs *regs)
{
    for (unsigned i = 0; i < 19; i++)
        regs->r[i] = 0;
}

/* mov x8, #139; svc #0. */
static inline bool
wr_regs_is_sigreturn(const void *code)
{
    static const uint32_t expected[] = {0xd2801168, 0xd4000001};

    return memcmp(code, expected, sizeof(expected)) == 0;
}

/* Everything in one statement, so that the description of this address fits
 * all of it. Registers a callee may change hold nothing of use to a caller
 * and stay 0. */
static inline __attribute__((always_inline)) void
wr_regs_capture(struct wr_regs *regs)
{
    *regs = (struct wr_regs){0};
    __asm__ volatile("stp x19, x20, [%[r], #152]\n\t"
                     "stp x21, x22, [%[r], #168]\n\t"
                     "stp x23, x24, [%[r], #184]\n\t"
                     "stp x25, x26, [%[r], #200]\n\t"
                     "stp x27, x28, [%[r], #216]\n\t"
                     "stp x29, x30, [%[r], #232]\n\t"
                     "mov x9, sp\n\t"
                     "adr x10, 0f\n"
                     "0:\n\t"
                     "stp x9, x10, [%[r], #248]"
                     :
                     : [r] "r"(regs)
                     : "x9", "x10", "memory");
}

/* The same of the three that most walks need. */
static inline __attribute__((always_inline)) void
wr_regs_place(uintptr_t *pc, uintptr_t *sp, uintptr_t *fp)
{
    __asm__ volatile("mov %[sp], sp\n\t"
                     "mov %[fp], x29\n\t"
                     "adr %[pc], 0f\n"
                     "0:"
                     : [pc] "=r"(*pc), [sp] "=&r"(*sp), [fp] "=&r"(*fp));
}

static inline void
wr_regs_from_context(struct wr_regs *regs, const ucontext_t *uc)
{
    for (unsigned i = 0; i < WR_REG_SP; i++)
        regs->r[i] = (uintptr_t)uc->uc_mcontext.regs[i];
    regs->r[WR_REG_SP] = (uintptr_t)uc->uc_mcontext.sp;
    regs->pc = (uintptr_t)uc->uc_mcontext.pc;
}

/* Where the kernel saved all registers of interrupted code: the context holds
 * them, the vectors too. */
static inline void
wr_regs_saved(const ucontext_t *uc, uintptr_t *from, uintptr_t *end)
{
    *from = (uintptr_t)uc;
    *end = (uintptr_t)(uc + 1);
}

/* The lowest byte of the stack that interrupted code may use. */
static inline uintptr_t
wr_regs_stack(const ucontext_t *uc)
{
    return (uintptr_t)uc->uc_mcontext.sp;
}

/* Are these three words, at pthread_self(), what a thread has there? On this
 * machine nothing there says so. */
static inline bool
wr_regs_is_thread(const uintptr_t *words, uintptr_t self)
{
    (void)words;
    (void)self;
    return false;
}

/* Of that block, what libc still uses when the thread has been joined: not
 * known here. */
static inline uintptr_t
wr_regs_thread_kept_end(uintptr_t self, uintptr_t end)
{
    (void)self;
    return end;
}

/* The same of a thread that is held: of the words of NT_PRSTATUS, and the set
 * that has the wide registers. */
#define WR_REGS_WIDE_SET NT_PRFPREG

static inline uintptr_t
wr_regs_held_stack(const uintptr_t *words)
{
    return words[31];
}

/* Its general registers, and where its thread-local storage is: not among
 * them. */
enum { WR_REGS_HELD_WORDS = 34 };

static inline void
wr_regs_from_held(struct wr_regs *regs, const uintptr_t *words)
{
    for (unsigned i = 0; i <= WR_REG_SP; i++)
        regs->r[i] = words[i];
    regs->pc = words[32];
}

/* Of wide registers a callee keeps some: nothing is gained by asking. */
static inline bool
wr_regs_held_in_call(const uintptr_t *words)
{
    (void)words;
    return false;
}

static inline bool
wr_regs_may_be_wide_code(const uint8_t *from, const uint8_t *end)
{
    (void)from;
    (void)end;
    return true;
}

static inline uintptr_t
wr_regs_held_storage(const uintptr_t *words)
{
    (void)words;
    return 0;
}

#endif
