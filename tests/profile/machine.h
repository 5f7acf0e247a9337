/* Functions no compiler makes, for each machine: each calls fn.
 *
 * without_description  has no call frame information at all
 * through_other        its frame hangs on a register that is neither stack
 *                      nor frame pointer
 * with_frame_pointer   its frame hangs on the frame pointer, which it sets
 *                      to what it was given
 * bare_restorer        the return from a signal handler, not described
 */
#ifndef WEIR_TESTS_MACHINE_H
#define WEIR_TESTS_MACHINE_H

#include <stdint.h>

void without_description(void (*fn)(void));
void through_other(void (*fn)(void));
void with_frame_pointer(void (*fn)(void), uintptr_t value);

#define FUNCTION(name) ".globl " name "\n.type " name ", %function\n" name ":\n"

#if defined(__x86_64__)

#define HAS_RESTORER 1
void bare_restorer(void);

__asm__(".text\n" FUNCTION("without_description") "push %rbp\n"
                                                  "call *%rdi\n"
                                                  "pop %rbp\n"
                                                  "ret\n");

__asm__(".text\n" FUNCTION("through_other") ".cfi_startproc\n"
                                            "push %rbx\n"
                                            ".cfi_def_cfa_offset 16\n"
                                            ".cfi_offset rbx, -16\n"
                                            "mov %rsp, %rbx\n"
                                            ".cfi_def_cfa rbx, 16\n"
                                            "sub $64, %rsp\n"
                                            "call *%rdi\n"
                                            "mov %rbx, %rsp\n"
                                            ".cfi_def_cfa rsp, 16\n"
                                            "pop %rbx\n"
                                            ".cfi_def_cfa_offset 8\n"
                                            ".cfi_restore rbx\n"
                                            "ret\n"
                                            ".cfi_endproc\n");

__asm__(".text\n" FUNCTION("with_frame_pointer") ".cfi_startproc\n"
                                                 "push %rbp\n"
                                                 ".cfi_def_cfa_offset 16\n"
                                                 ".cfi_offset rbp, -16\n"
                                                 "mov %rsi, %rbp\n"
                                                 ".cfi_def_cfa rbp, 16\n"
                                                 "call *%rdi\n"
                                                 "pop %rbp\n"
                                                 ".cfi_def_cfa rsp, 8\n"
                                                 "ret\n"
                                                 ".cfi_endproc\n");

__asm__(".text\n.p2align 4\n" FUNCTION("bare_restorer") "mov $15, %rax\n"
                                                        "syscall\n");

#elif defined(__aarch64__)

#define HAS_RESTORER 0

__asm__(".text\n" FUNCTION("without_description") "stp x29, x30, [sp, -16]!\n"
                                                  "blr x0\n"
                                                  "ldp x29, x30, [sp], 16\n"
                                                  "ret\n");

__asm__(".text\n" FUNCTION("through_other") ".cfi_startproc\n"
                                            "stp x29, x30, [sp, -32]!\n"
                                            "str x19, [sp, 16]\n"
                                            "mov x19, sp\n"
                                            ".cfi_def_cfa x19, 32\n"
                                            ".cfi_offset x29, -32\n"
                                            ".cfi_offset x30, -24\n"
                                            ".cfi_offset x19, -16\n"
                                            "sub sp, sp, 64\n"
                                            "blr x0\n"
                                            "mov sp, x19\n"
                                            "ldr x19, [sp, 16]\n"
                                            "ldp x29, x30, [sp], 32\n"
                                            ".cfi_def_cfa sp, 0\n"
                                            "ret\n"
                                            ".cfi_endproc\n");

__asm__(".text\n" FUNCTION("with_frame_pointer") ".cfi_startproc\n"
                                                 "stp x29, x30, [sp, -16]!\n"
                                                 "mov x29, x1\n"
                                                 ".cfi_def_cfa x29, 16\n"
                                                 ".cfi_offset x29, -16\n"
                                                 ".cfi_offset x30, -8\n"
                                                 "blr x0\n"
                                                 "ldp x29, x30, [sp], 16\n"
                                                 ".cfi_def_cfa sp, 0\n"
                                                 "ret\n"
                                                 ".cfi_endproc\n");

#endif
#endif
