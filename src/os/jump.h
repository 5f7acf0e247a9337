/* A function that notes that it was called, and is another one.
 *
 *     unsigned char noted;
 *     void *real;
 *     WR_OS_NOTE_AND_JUMP(vfork, noted, real)
 *
 * defines vfork: it stores 1 in `noted` and goes on at what `real` points at,
 * with stack and argument registers as they were. So it can stand before a
 * function that returns twice. Both are symbols of the same library.
 */
#ifndef WR_OS_JUMP_H
#define WR_OS_JUMP_H

#if defined(__x86_64__)
#define WR_OS_JUMP_CODE(noted, real)                                           \
    "endbr64\n\tmovb $1, " noted "(%rip)\n\tjmp *" real "(%rip)\n\t"
#elif defined(__aarch64__)
#define WR_OS_JUMP_CODE(noted, real)                                           \
    "bti c\n\tadrp x16, " noted "\n\tmov w17, #1\n\t"                          \
    "strb w17, [x16, #:lo12:" noted "]\n\tadrp x16, " real "\n\t"              \
    "ldr x16, [x16, #:lo12:" real "]\n\tbr x16\n\t"
#else
#error "Weir knows x86-64 and aarch64: add this machine's jump here"
#endif

#define WR_OS_NOTE_AND_JUMP(name, noted, real)                                 \
    __asm__(".text\n\t.globl " #name "\n\t.type " #name ", %function\n\t"      \
            ".balign 16\n" #name ":\n\t.cfi_startproc\n\t" WR_OS_JUMP_CODE(    \
                #noted, #real) ".cfi_endproc\n\t.size " #name ", . - " #name   \
                               "\n");

#endif
