/* The contract of os.h on Linux.
 *
 * Invariants
 * 1. Only raw system calls and vDSO-free time: nothing here depends on
 *    libc's state, so it works before libc is ready and on a thread libc
 *    does not know.
 * 2. Reserved address space is PROT_NONE: it costs nothing and cannot become
 *    a huge page before it is committed. Committing it counts as memory
 *    (no MAP_NORESERVE), so that wishes beyond the machine are refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>

#include "base/base.h"
#include "base/text.h"
#include "os/os.h"
#include "os/process.h"
#include "os/syscall.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE 2
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

static _Atomic unsigned fail_after;
static _Atomic bool fail_for_ever;

void
wr_os_fail_after(unsigned n, bool for_ever)
{
    atomic_store(&fail_for_ever, for_ever);
    atomic_store(&fail_after, n);
}

/* Is this wish for memory the one a test wants refused? */
static bool
refused_by_test(void)
{
    unsigned n = atomic_load_explicit(&fail_after, memory_order_relaxed);

    if (wr_likely(n == 0))
        return false;
    if (n == 1 && atomic_load(&fail_for_ever))
        return true;
    return atomic_fetch_sub(&fail_after, 1) == 1;
}

/* ---- what is ours ---- */

/* What was mapped, for who asks whose memory an address is. An entry with end 0
 * is nobody's. Should there be more, the rest counts as the program's. */
struct wr_os_own wr_os_own[WR_OS_OWN];
static _Atomic unsigned ours_used;

static void
note_ours(uintptr_t from, size_t bytes)
{
    for (unsigned i = 0; i < WR_OS_OWN; i++) {
        uintptr_t nobody = 0;

        if (atomic_load_explicit(&wr_os_own[i].from, memory_order_relaxed) !=
                0 ||
            !atomic_compare_exchange_strong(&wr_os_own[i].from, &nobody, from))
            continue;
        atomic_store(&wr_os_own[i].end, from + bytes);
        if (atomic_load(&ours_used) <= i)
            atomic_store(&ours_used, i + 1);
        return;
    }
}

/* Of an entry that loses a piece in the middle the first part stays. */
static void
forget_ours(uintptr_t from, size_t bytes)
{
    for (unsigned i = 0; i < atomic_load(&ours_used); i++) {
        uintptr_t a = atomic_load(&wr_os_own[i].from);
        uintptr_t b = atomic_load(&wr_os_own[i].end), end = from + bytes;

        if (b == 0 || end <= a || from >= b)
            continue;
        if (from > a) {
            atomic_store(&wr_os_own[i].end, from);
        } else if (end < b) {
            atomic_store(&wr_os_own[i].from, end);
        } else {
            atomic_store(&wr_os_own[i].end, 0);
            atomic_store(&wr_os_own[i].from, 0);
        }
    }
}

#if defined(__SANITIZE_ADDRESS__)
void __asan_get_shadow_mapping(size_t *scale, size_t *offset);

/* Where its blocks lie on x86-64. */
#define ASAN_HEAP       UINT64_C(0x600000000000)
#define ASAN_HEAP_BYTES UINT64_C(0x40000000000)

/* AddressSanitizer keeps a byte for each eight of all address space: no pointer
 * is in it, and to ask for its pages would take hours. Nor is one of ours in
 * its own heap, of four terabytes, from which only the tests' tools allocate.
 */
__attribute__((constructor)) static void
note_shadow(void)
{
    size_t scale, offset;

    __asan_get_shadow_mapping(&scale, &offset);
    note_ours(offset, ((size_t)1 << 48) >> scale);
    note_ours(ASAN_HEAP, ASAN_HEAP_BYTES);
}
#endif

/* The linker's name for where the file's first byte is mapped. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

void
wr_os_note_library(void)
{
    uintptr_t base = (uintptr_t)&__ehdr_start;
    const ElfW(Phdr) *p = (const void *)(base + __ehdr_start.e_phoff);

    for (unsigned i = 0; i < __ehdr_start.e_phnum; i++)
        if (p[i].p_type == PT_INTERP)
            return;
    for (unsigned i = 0; i < __ehdr_start.e_phnum; i++)
        if (p[i].p_type == PT_LOAD && (p[i].p_flags & PF_W) != 0)
            note_ours(base + p[i].p_vaddr, p[i].p_memsz);
}

/* From the first on; an entry whose end is not written yet is empty. */
static struct {
    _Atomic uintptr_t from, end;
} lent[8];

void
wr_os_note_lent(const void *from, size_t bytes)
{
    for (unsigned i = 0; i < wr_countof(lent); i++) {
        uintptr_t nobody = 0;

        if (atomic_compare_exchange_strong(&lent[i].from, &nobody,
                                           (uintptr_t)from))
            atomic_store(&lent[i].end, (uintptr_t)from + bytes);
        if (nobody == 0 || nobody == (uintptr_t)from)
            return;
    }
}

bool
wr_os_lent(unsigned i, uintptr_t *from, uintptr_t *end)
{
    if (i >= wr_countof(lent))
        return false;
    *from = atomic_load(&lent[i].from);
    *end = wr_max(*from, atomic_load(&lent[i].end));
    return *from != 0;
}

bool
wr_os_not_ours(uintptr_t *from, uintptr_t *part_end, uintptr_t end)
{
    bool again = true;

    while (again) {
        again = false;
        *part_end = end;
        for (unsigned i = 0; i < atomic_load(&ours_used); i++) {
            uintptr_t a = atomic_load(&wr_os_own[i].from);
            uintptr_t b = atomic_load(&wr_os_own[i].end);

            if (a <= *from && *from < b) {
                *from = b;
                again = true;
            } else if (a > *from && b > a && a < *part_end) {
                *part_end = a;
            }
        }
    }
    return *from < end;
}

static void *
map(void *at, size_t bytes, int protection, int flags, int fd)
{
    long p;

    if (refused_by_test())
        return NULL;
    p = wr_syscall6(SYS_mmap, (long)at, (long)bytes, protection, flags, fd, 0);
    if (wr_syscall_failed(p))
        return NULL;
    if (at == NULL)
        note_ours((uintptr_t)p, bytes);
    return (void *)p;
}

void *
wr_os_reserve(size_t bytes)
{
    return map(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

bool
wr_os_commit(void *p, size_t bytes)
{
    if (refused_by_test())
        return false;
    return wr_syscall3(SYS_mprotect, p, bytes, PROT_READ | PROT_WRITE) == 0;
}

bool
wr_os_release(void *p, size_t bytes)
{
    return wr_syscall3(SYS_madvise, p, bytes, MADV_DONTNEED) == 0;
}

bool
wr_os_huge(void *p, size_t bytes, bool on)
{
    return wr_syscall3(SYS_madvise, p, bytes,
                       on ? MADV_HUGEPAGE : MADV_NOHUGEPAGE) == 0;
}

bool
wr_os_move(void *from, void *to, size_t bytes)
{
    long p;

    if (refused_by_test())
        return false;
    p = wr_syscall6(SYS_mremap, (long)from, (long)bytes, (long)bytes,
                    MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, (long)to,
                    0);
    return p == (long)to;
}

void *
wr_os_map(size_t bytes)
{
    return map(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
               -1);
}

void *
wr_os_map_shared(size_t bytes)
{
    return map(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
               -1);
}

void
wr_os_unmap(void *p, size_t bytes)
{
    forget_ours((uintptr_t)p, bytes); /* before another may get it */
    (void)wr_syscall2(SYS_munmap, p, bytes);
}

size_t
wr_os_page_bytes(void)
{
    return 4096;
}

static uint64_t
clock_now(int clock)
{
    struct timespec t = {0, 0};

    (void)wr_syscall2(SYS_clock_gettime, clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t
wr_os_realtime(void)
{
    return clock_now(CLOCK_REALTIME);
}

uint64_t
wr_os_monotonic(void)
{
    return clock_now(CLOCK_MONOTONIC);
}

/* libc's call is the vdso's: a few loads. */
uint64_t
wr_os_monotonic_about(void)
{
    struct timespec t = {0, 0};

    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint32_t
wr_os_pid(void)
{
    return (uint32_t)wr_syscall0(SYS_getpid);
}

uint32_t
wr_os_tid(void)
{
    return (uint32_t)wr_syscall0(SYS_gettid);
}

static uint32_t home WR_AT_FORK;

void
wr_os_home_set(void)
{
    home = wr_os_pid();
}

uint32_t
wr_os_home(void)
{
    return home;
}

bool
wr_os_at_home(void)
{
    return home == wr_os_pid();
}

uint64_t
wr_os_random(void)
{
    uint64_t n = 0;

    /* 1: GRND_NONBLOCK. Early at boot there may be none: the time will do. */
    if (wr_syscall3(SYS_getrandom, &n, sizeof n, 1) != sizeof n || n == 0)
        n = wr_os_monotonic() * UINT64_C(0x9e3779b97f4a7c15) | 1;
    return n;
}

void
wr_os_write(int fd, const void *p, size_t bytes)
{
    const char *from = p;

    while (bytes > 0) {
        long n = wr_syscall3(SYS_write, fd, from, bytes);

        if (n == -EINTR)
            continue;
        if (n <= 0)
            return;
        from += n;
        bytes -= (size_t)n;
    }
}

static long
open_file(const char *path, int flags)
{
    return wr_syscall4(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0600);
}

long
wr_os_read_file(const char *path, char *buf, size_t bytes)
{
    long fd = open_file(path, O_RDONLY);
    size_t len = 0;
    long n;

    if (wr_syscall_failed(fd))
        return -1;
    do {
        n = wr_syscall3(SYS_read, fd, buf + len, bytes - len);
        if (n > 0)
            len += (size_t)n;
    } while (n > 0 || n == -EINTR);
    wr_os_close((int)fd);
    return n < 0 ? -1 : (long)len;
}

int
wr_os_new_file(const char *path, size_t bytes)
{
    long fd = open_file(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW);

    if (wr_syscall_failed(fd))
        return -1;
    if (wr_syscall2(SYS_ftruncate, fd, bytes) == 0)
        return (int)fd;
    wr_os_close((int)fd);
    wr_os_remove(path);
    return -1;
}

bool
wr_os_write_at(int fd, const void *p, size_t bytes, size_t offset)
{
    const char *from = p;

    while (bytes > 0) {
        long n = wr_syscall4(SYS_pwrite64, fd, from, bytes, offset);

        if (n == -EINTR)
            continue;
        if (n <= 0)
            return false;
        from += n;
        offset += (size_t)n;
        bytes -= (size_t)n;
    }
    return true;
}

void *
wr_os_map_file(int fd, size_t bytes, void *at)
{
    void *p = map(at, bytes, PROT_READ | PROT_WRITE,
                  MAP_SHARED | (at != NULL ? MAP_FIXED : 0), fd);

    /* On a disk the first write into a hole would read ahead: megabytes of
     * zeros, and milliseconds. */
    if (p != NULL)
        (void)wr_syscall3(SYS_madvise, p, bytes, MADV_RANDOM);
    return p;
}

void
wr_os_close(int fd)
{
    (void)wr_syscall1(SYS_close, fd);
}

void
wr_os_remove(const char *path)
{
    (void)wr_syscall3(SYS_unlinkat, AT_FDCWD, path, 0);
}

bool
wr_os_rename(const char *from, const char *to)
{
    return wr_syscall6(SYS_renameat2, AT_FDCWD, (long)from, AT_FDCWD, (long)to,
                       0, 0) == 0;
}

bool
wr_os_replace(void *from, void *to, size_t bytes)
{
    if (wr_syscall6(SYS_mremap, (long)from, (long)bytes, (long)bytes,
                    MREMAP_MAYMOVE | MREMAP_FIXED, (long)to, 0) != (long)to)
        return false;
    forget_ours((uintptr_t)from, bytes);
    return true;
}

bool
wr_os_populate(void *p, size_t bytes)
{
    long r = wr_syscall3(SYS_madvise, p, bytes, MADV_POPULATE_WRITE);

    return r == 0 || r == -EINVAL; /* a kernel before 5.14: hope */
}

void
wr_os_wait(const void *word, uint32_t value, uint64_t ns)
{
    struct timespec t = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};

    (void)wr_syscall4(SYS_futex, word, FUTEX_WAIT_PRIVATE, value,
                      ns == 0 ? NULL : &t);
}

void
wr_os_wait_shared(const void *word, uint32_t value, uint64_t ns)
{
    struct timespec t = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};

    (void)wr_syscall4(SYS_futex, word, FUTEX_WAIT, value, ns == 0 ? NULL : &t);
}

void
wr_os_wake_shared(const void *word, int threads)
{
    (void)wr_syscall3(SYS_futex, word, FUTEX_WAKE, threads);
}

void
wr_os_wake(const void *word, int threads)
{
    (void)wr_syscall3(SYS_futex, word, FUTEX_WAKE_PRIVATE, threads);
}

/* Weir's own thread. Its stack mapping starts with a block that stands in
 * for libc's thread control block: code compiled with a stack protector
 * reads its canary from there. */
enum { THREAD_STACK = 64 * 1024, THREAD_TLS = 4096 };

struct thread_start {
    void *self; /* x86-64 expects its own address at the block's start */
    uint64_t zero[31];
    void (*fn)(void *);
    void *arg;
    bool *apart;
    bool helps; /* a process, not a thread */
};

__attribute__((noreturn, used)) static void
thread_main(struct thread_start *start)
{
    (void)wr_syscall2(SYS_prctl, PR_SET_NAME, "weir");
    if (start->helps)
        (void)wr_syscall2(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
    *start->apart =
        wr_syscall3(SYS_close_range, 0, UINT32_MAX, CLOSE_RANGE_UNSHARE) == 0;
    start->fn(start->arg);
    for (;;)
        (void)wr_syscall1(SYS_exit, 0);
}

enum {
    HELPER_FLAGS = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SETTLS |
                   CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID,
    THREAD_FLAGS = HELPER_FLAGS | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM
};

/* clone() returns twice; the child must not return into a frame of its
 * parent, so it goes from here straight into thread_main. The kernel sets
 * *alive before it runs, and clears it when it is gone. */
static long
clone_thread(long flags, void *stack_top, struct thread_start *start,
             _Atomic uint32_t *alive)
{
    long result;

#if defined(__x86_64__)
    register void *r10 __asm__("r10") = alive;
    register void *r8 __asm__("r8") = start;
    register void (*r9)(struct thread_start *) __asm__("r9") = thread_main;

    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "xor %%ebp, %%ebp\n\t"
                     "mov %%r8, %%rdi\n\t"
                     "call *%%r9\n\t"
                     "ud2\n"
                     "1:"
                     : "=a"(result)
                     : "a"((long)SYS_clone), "D"(flags), "S"(stack_top),
                       "d"(alive), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = SYS_clone;
    register long x0 __asm__("x0") = flags;
    register void *x1 __asm__("x1") = stack_top;
    register void *x2 __asm__("x2") = alive;
    register void *x3 __asm__("x3") = start;
    register void *x4 __asm__("x4") = alive;
    register void (*x9)(struct thread_start *) __asm__("x9") = thread_main;

    __asm__ volatile("svc 0\n\t"
                     "cbnz x0, 1f\n\t"
                     "mov x29, xzr\n\t"
                     "mov x0, x3\n\t"
                     "blr x9\n\t"
                     "brk 1\n"
                     "1:"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x9)
                     : "x30", "memory");
    result = x0;
#endif
    return result;
}

uint64_t
wr_os_signals_hold(void)
{
    uint64_t all = ~UINT64_C(0), old = 0;

    (void)wr_syscall4(SYS_rt_sigprocmask, SIG_BLOCK, &all, &old, sizeof old);
    return old;
}

void
wr_os_signals_let_go(uint64_t held)
{
    (void)wr_syscall4(SYS_rt_sigprocmask, SIG_SETMASK, &held, NULL,
                      sizeof held);
}

static bool
start_thread(struct wr_os_thread *t, long flags, void (*fn)(void *), void *arg)
{
    struct thread_start *start;
    uint64_t signals;
    long tid;

    if (t->memory == NULL)
        t->memory = wr_os_map(THREAD_TLS + THREAD_STACK);
    if (t->memory == NULL)
        return false;
    start = t->memory;
    start->self = start;
    start->fn = fn;
    start->arg = arg;
    start->apart = &t->apart;
    start->helps = flags == HELPER_FLAGS;
    signals = wr_os_signals_hold();
    tid = clone_thread(flags, (char *)t->memory + THREAD_TLS + THREAD_STACK,
                       start, &t->alive);
    wr_os_signals_let_go(signals);
    return !wr_syscall_failed(tid);
}

bool
wr_os_thread_start(struct wr_os_thread *t, void (*fn)(void *), void *arg)
{
    return start_thread(t, THREAD_FLAGS, fn, arg);
}

bool
wr_os_helper_start(struct wr_os_thread *t, void (*fn)(void *), void *arg)
{
    return start_thread(t, HELPER_FLAGS, fn, arg);
}

void
wr_os_thread_join(struct wr_os_thread *t)
{
    uint32_t tid;

    /* The kernel wakes by the shared form of futex. */
    while ((tid = atomic_load_explicit(&t->alive, memory_order_acquire)) != 0)
        (void)wr_syscall4(SYS_futex, &t->alive, FUTEX_WAIT, tid, NULL);
}
