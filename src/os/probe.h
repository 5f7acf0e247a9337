/* Probe points: places of the program that a tracer may attach to.
 *
 *     WR_PROBE3(otel_memory, alloc, p, bytes, weight);
 *
 * A probe point is one instruction that does nothing and, in a section of the
 * file that is never loaded, a note that says where it stands and in which
 * registers its arguments are: the format of SystemTap's sys/sdt.h, which
 * perf, bpftrace, gdb and the kernel's uprobes read ("USDT"). A tracer puts a
 * breakpoint there; without one nothing is called and nothing is tested.
 *
 * Arguments are words or pointers; they are computed whether anybody looks or
 * not, so a probe point belongs where that does not count.
 * Threads: any, in signal handlers too. The same on x86-64 and aarch64.
 */
#ifndef WR_OS_PROBE_H
#define WR_OS_PROBE_H

#include <stdint.h>

/* Of the note: lengths of owner and contents, its kind (3), owner, contents.
 * Contents: the probe's address, that of the base below, that of a switch
 * (none), provider, name, and each argument as BYTES@WHERE.
 * The base is a loaded byte by whose address a reader sees how far a later
 * tool (prelink) has moved the program. */
#define WR_PROBE_NOTE(provider, name, arguments)                               \
    "990: nop\n"                                                               \
    ".pushsection .note.stapsdt,\"\",\"note\"\n"                               \
    ".balign 4\n"                                                              \
    ".4byte 992f-991f, 994f-993f, 3\n"                                         \
    "991: .asciz \"stapsdt\"\n"                                                \
    "992: .balign 4\n"                                                         \
    "993: .8byte 990b, _.stapsdt.base, 0\n"                                    \
    ".asciz \"" #provider "\"\n"                                               \
    ".asciz \"" #name "\"\n"                                                   \
    ".asciz \"" arguments "\"\n"                                               \
    "994: .balign 4\n"                                                         \
    ".popsection\n"                                                            \
    ".ifndef _.stapsdt.base\n"                                                 \
    ".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n"    \
    ".weak _.stapsdt.base\n"                                                   \
    ".hidden _.stapsdt.base\n"                                                 \
    "_.stapsdt.base: .space 1\n"                                               \
    ".size _.stapsdt.base, 1\n"                                                \
    ".popsection\n"                                                            \
    ".endif\n"

#define WR_PROBE1(provider, name, a)                                           \
    __asm__ volatile(WR_PROBE_NOTE(provider, name, "8@%0")::"r"((uint64_t)(a)))

#define WR_PROBE3(provider, name, a, b, c)                                     \
    __asm__ volatile(                                                          \
        WR_PROBE_NOTE(provider, name, "8@%0 8@%1 8@%2")::"r"((uint64_t)(a)),   \
        "r"((uint64_t)(b)), "r"((uint64_t)(c)))

#endif
