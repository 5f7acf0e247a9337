/* What does capturing a stack cost?
 *
 * Twenty nested functions of different frames, 27 entries in all, captured from
 * one place again and again (hot), after other data went through the
 * processor's caches (cold), and with every site forgotten (first sight). Then,
 * for a minute or the seconds given as argument, signals at 5 kHz capture
 * stacks while two threads load and unload libraries: the program must come to
 * its end.
 *
 *     bench_unwind [seconds]
 *
 * Prints a table and one line for each goal. Compiled with -O2 and linked
 * with the runtime's objects; libgcc and libunwind are found at run time, the
 * latter only if it is installed.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unwind.h>

#include "profile/unwind.h"
#include "profile/unwind_cache.h"
#include "profile/unwind_memo.h"

enum { TICK_NS = 200000 }; /* 5 kHz */
enum { DEPTH = 128, HOT = 2000, COLD = 31, COLD_BYTES = 48 << 20 };

typedef size_t capture_fn(uintptr_t *pc, size_t max);
typedef _Unwind_Reason_Code backtrace_fn(_Unwind_Trace_Fn, void *);
typedef int libunwind_fn(void **pc, int max);

static backtrace_fn *backtrace_of_libgcc;
static libunwind_fn *backtrace_of_libunwind; /* either: NULL if not installed */
static uint64_t hot_ns, first_ns;

static uint64_t
now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

struct frames {
    uintptr_t *pc;
    size_t n, max;
};

static _Unwind_Reason_Code
add_frame(struct _Unwind_Context *context, void *arg)
{
    struct frames *frames = arg;

    if (frames->n < frames->max)
        frames->pc[frames->n++] = _Unwind_GetIP(context);
    return _URC_NO_REASON;
}

static size_t
by_libgcc(uintptr_t *pc, size_t max)
{
    struct frames frames = {pc, 0, max};

    backtrace_of_libgcc(add_frame, &frames);
    return frames.n;
}

static size_t
by_libunwind(uintptr_t *pc, size_t max)
{
    return (size_t)backtrace_of_libunwind((void **)pc, (int)max);
}

/* As the sampler does, with the memory of the walk before. */
static size_t
by_memory(uintptr_t *pc, size_t max)
{
    static struct wr_unwind_memo memo;
    struct wr_unwind_seen seen;

    if (!wr_unwind_again(&memo, &seen))
        return 0;
    max = seen.n < max ? seen.n : max;
    memcpy(pc, seen.pc, max * sizeof(*pc));
    wr_unwind_seen_done(&memo);
    return max;
}

static int
by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static uint64_t
median(uint64_t *ns, size_t n)
{
    qsort(ns, n, sizeof(*ns), by_value);
    return ns[n / 2];
}

/* The best of nine rounds: what it costs when nothing else runs. */
static uint64_t
hot(capture_fn *capture, size_t *frames)
{
    uint64_t best = UINT64_MAX;
    uintptr_t pc[DEPTH];

    for (int round = 0; round < 9; round++) {
        uint64_t start = now(), ns;

        for (int i = 0; i < HOT; i++)
            *frames = capture(pc, DEPTH);
        ns = (now() - start) / HOT;
        best = ns < best ? ns : best;
    }
    return best;
}

static uint64_t
cold(capture_fn *capture)
{
    static volatile char junk[COLD_BYTES];
    uint64_t ns[COLD];
    uintptr_t pc[DEPTH];

    for (int i = 0; i < COLD; i++) {
        uint64_t start;

        for (size_t at = 0; at < COLD_BYTES; at += 64)
            junk[at]++;
        start = now();
        capture(pc, DEPTH);
        ns[i] = now() - start;
    }
    return median(ns, COLD);
}

static uint64_t
first_sight(void)
{
    uint64_t ns[COLD];
    uintptr_t pc[DEPTH];

    for (int i = 0; i < COLD; i++) {
        uint64_t start;

        wr_unwind_cache_clear();
        start = now();
        wr_unwind_here(pc, DEPTH);
        ns[i] = now() - start;
    }
    return median(ns, COLD);
}

static void
know_stack(bool known)
{
    pthread_attr_t attr;
    void *lo;
    size_t bytes;

    pthread_getattr_np(pthread_self(), &attr);
    pthread_attr_getstack(&attr, &lo, &bytes);
    pthread_attr_destroy(&attr);
    wr_unwind_set_stack((uintptr_t)lo, known ? (uintptr_t)lo + bytes : 0);
}

static void
row(const char *name, capture_fn *capture)
{
    size_t frames;
    uint64_t ns = hot(capture, &frames);

    if (capture == wr_unwind_here && hot_ns == 0)
        hot_ns = ns;
    printf("%-30s %8zu %8lu %8lu\n", name, frames, ns, cold(capture));
}

static void
measure(void)
{
    printf("%-30s %8s %8s %8s\n", "", "frames", "hot ns", "cold ns");
    know_stack(true);
    row("cached rules", wr_unwind_here);
    row("same, walk before remembered", by_memory);
    know_stack(false);
    row("same, stack bounds unknown", wr_unwind_here);
    know_stack(true);
    if (backtrace_of_libgcc)
        row("libgcc _Unwind_Backtrace", by_libgcc);
    if (backtrace_of_libunwind)
        row("libunwind unw_backtrace", by_libunwind);
    first_ns = first_sight();
    printf("%-30s %8s %8lu\n", "cached rules, first sight", "", first_ns);
}

static volatile int sink;

/* Frames as programs have them: most count from the stack pointer, every
 * fifth has an array of variable length and so a frame pointer. */
#define PLAIN(n, next)                                                         \
    static __attribute__((noinline)) void level##n(int x)                      \
    {                                                                          \
        volatile char array[n * 16 + 8];                                       \
        array[0] = (char)x;                                                    \
        next(x - 1);                                                           \
        sink += array[0];                                                      \
    }
#define VARIABLE(n, next)                                                      \
    static __attribute__((noinline)) void level##n(int x)                      \
    {                                                                          \
        volatile char array[x * 8 + 8];                                        \
        array[0] = (char)x;                                                    \
        next(x - 1);                                                           \
        sink += array[0];                                                      \
    }

static __attribute__((noinline)) void
level0(int x)
{
    measure();
    sink += x;
}

PLAIN(1, level0)
PLAIN(2, level1)
PLAIN(3, level2)
PLAIN(4, level3)
VARIABLE(5, level4)
PLAIN(6, level5)
PLAIN(7, level6)
PLAIN(8, level7)
PLAIN(9, level8)
VARIABLE(10, level9)
PLAIN(11, level10)
PLAIN(12, level11)
PLAIN(13, level12)
PLAIN(14, level13)
VARIABLE(15, level14)
PLAIN(16, level15)
PLAIN(17, level16)
PLAIN(18, level17)
PLAIN(19, level18)
VARIABLE(20, level19)

/* The storm: who loads, who is signalled, what was seen. */
static _Atomic bool over;
static _Atomic uint64_t captures, loads;

static void
on_signal(int signal, siginfo_t *info, void *context)
{
    uintptr_t pc[DEPTH];

    (void)signal;
    (void)info;
    if (wr_unwind_context(context, pc, DEPTH) > 0 &&
        wr_unwind_here(pc, DEPTH) > 0)
        atomic_fetch_add(&captures, 1);
}

static void *
load_and_unload(void *name)
{
    while (!over) {
        void *library = dlopen(name, RTLD_NOW);

        if (!library)
            break;
        dlclose(library);
        wr_unwind_flush();
        atomic_fetch_add(&loads, 1);
    }
    return NULL;
}

static uint64_t
sleep_until(uint64_t ns)
{
    struct timespec t = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};

    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
    return now();
}

static void
storm(unsigned seconds)
{
    static char name[2][16] = {"libz.so.1", "libm.so.6"};
    struct sigaction action = {.sa_sigaction = on_signal,
                               .sa_flags = SA_SIGINFO | SA_RESTART};
    uint64_t start = now(), tick = start, sent = 0;
    pthread_t threads[2];

    sigaction(SIGPROF, &action, NULL);
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, load_and_unload, name[i]);
    while (sleep_until(tick += TICK_NS) - start <
           seconds * UINT64_C(1000000000))
        sent += pthread_kill(threads[tick / TICK_NS & 1], SIGPROF) == 0;
    over = true;
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    printf("storm of %u s: %lu signals, %lu captures, %lu loads, ended\n",
           seconds, sent, captures, loads);
}

int
main(int argc, char **argv)
{
    void *libgcc = dlopen("libgcc_s.so.1", RTLD_NOW);
    void *libunwind = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);

    if (libgcc)
        backtrace_of_libgcc =
            (backtrace_fn *)dlsym(libgcc, "_Unwind_Backtrace");
    if (libunwind)
        backtrace_of_libunwind =
            (libunwind_fn *)dlsym(libunwind, "unw_backtrace");
    wr_unwind_init();
    level20(20);
    storm(argc > 1 ? (unsigned)atoi(argv[1]) : 60);
    printf("goal unwind-hot measured %lu ns wanted 250 ns\n", hot_ns);
    printf("goal unwind-storm measured %s wanted ends\n",
           captures ? "ends" : "no capture");
    return 0;
}
