/* System calls without libc: they touch no errno, no thread-local storage
 * and nothing a program may have interposed, so they are right inside malloc
 * before main, in signal handlers and on Weir's own background thread.
 * A result from -4095 to -1 is the negated error number.
 */
#ifndef WR_OS_SYSCALL_H
#define WR_OS_SYSCALL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
static inline long
wr_syscall6(long n, long a, long b, long c, long d, long e, long f)
{
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8),
                       "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__)
static inline long
wr_syscall6(long n, long a, long b, long c, long d, long e, long f)
{
    register long x8 __asm__("x8") = n;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;

    __asm__ volatile("svc 0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory");
    return x0;
}
#else
#error "Weir knows x86-64 and aarch64: add this machine's system call here"
#endif

#define wr_syscall0(n)       wr_syscall6(n, 0, 0, 0, 0, 0, 0)
#define wr_syscall1(n, a)    wr_syscall6(n, (long)(a), 0, 0, 0, 0, 0)
#define wr_syscall2(n, a, b) wr_syscall6(n, (long)(a), (long)(b), 0, 0, 0, 0)
#define wr_syscall3(n, a, b, c)                                                \
    wr_syscall6(n, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define wr_syscall4(n, a, b, c, d)                                             \
    wr_syscall6(n, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)

/* Be kind to the core's other thread while spinning. */
static inline void
wr_os_pause(void)
{
#if defined(__x86_64__)
    __asm__ volatile("pause");
#else
    __asm__ volatile("yield");
#endif
}

/* A word that tells threads apart, without touching thread-local storage. */
static inline uintptr_t
wr_os_thread_pointer(void)
{
    uintptr_t p;

#if defined(__x86_64__)
    __asm__("mov %%fs:0, %0" : "=r"(p));
#else
    __asm__("mrs %0, tpidr_el0" : "=r"(p));
#endif
    return p;
}

static inline bool
wr_syscall_failed(long result)
{
    return (unsigned long)result > -4096UL;
}

#endif
