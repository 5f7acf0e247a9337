/* Does the unwinder see what libgcc sees, on a real program, and how fast?
 *
 *     LD_PRELOAD=.../libpreload_unwind_check.so PYTHONMALLOC=malloc python3
 * x.py
 *
 * Wraps the malloc family; at every 64 KiB allocated (UNWIND_CHECK_BYTES)
 * both unwinders capture the same stack, taking turns at going first, and
 * ours once more with the memory of the walk before. At exit one line per
 * process is appended to the file UNWIND_CHECK_OUT (stderr without it):
 *
 *     program samples frames/stack identical ours-ns ours-median libgcc-ns
 *     remembered-ns
 *
 * and, with UNWIND_CHECK_SHOW set, both stacks of the first pair that differs.
 * Built as a shared library from this file and the runtime's objects.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <unwind.h>

#include "profile/unwind.h"
#include "profile/unwind_memo.h"

enum { DEPTH = 128, COSTS_MAX = 200000 };

extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t n, size_t bytes);
extern void *__libc_realloc(void *p, size_t bytes);

#define EXPORT __attribute__((visibility("default")))

typedef _Unwind_Reason_Code backtrace_fn(_Unwind_Trace_Fn, void *);

struct stack {
    uintptr_t pc[DEPTH];
    size_t n;
    uint64_t ns;
};

static backtrace_fn *backtrace_of_libgcc; /* NULL until the constructor ran */
static int64_t sample_bytes = 64 << 10;
static uint64_t clock_ns; /* what reading the clock itself costs */

static _Thread_local int64_t left = 64 << 10;
static _Thread_local bool inside;
static _Thread_local bool stack_known;
static _Thread_local struct wr_unwind_memo memo
    __attribute__((tls_model("initial-exec")));

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* all below */
static uint64_t samples, frames, identical, our_ns, libgcc_ns, again_ns;
static uint32_t our_cost[COSTS_MAX];
static struct stack first_ours, first_libgcc;

static uint64_t
now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static _Unwind_Reason_Code
add_frame(struct _Unwind_Context *context, void *arg)
{
    struct stack *s = arg;
    int before = 0;
    uintptr_t pc = _Unwind_GetIPInfo(context, &before);

    if (pc && s->n < DEPTH)
        s->pc[s->n++] = pc + (before ? 1 : 0);
    return _URC_NO_REASON;
}

static uint64_t
since(uint64_t start)
{
    uint64_t ns = now() - start;

    return ns > clock_ns ? ns - clock_ns : 0;
}

static __attribute__((noinline)) void
by_libgcc(struct stack *s)
{
    uint64_t start = now();

    s->n = 0;
    backtrace_of_libgcc(add_frame, s);
    s->ns = since(start);
}

static __attribute__((noinline)) void
by_us(struct stack *s)
{
    uint64_t start = now();

    s->n = wr_unwind_here(s->pc, DEPTH);
    s->ns = since(start);
}

/* A stack that the memory is of no use for is walked as ever. */
static __attribute__((noinline)) void
by_memory(struct stack *s)
{
    uint64_t start = now();
    struct wr_unwind_seen seen;

    if (wr_unwind_again(&memo, &seen)) {
        s->n = seen.n;
        memcpy(s->pc, seen.pc, seen.n * sizeof(s->pc[0]));
        wr_unwind_seen_done(&memo);
    } else {
        s->n = wr_unwind_here(s->pc, DEPTH);
    }
    s->ns = since(start);
}

/* All begin in a function of their own, which was called from one place
 * each; from the third entry on they must agree. */
static bool
same(const struct stack *a, const struct stack *b)
{
    return a->n == b->n && a->n > 2 &&
           memcmp(a->pc + 2, b->pc + 2, (a->n - 2) * sizeof(a->pc[0])) == 0;
}

static void
count(const struct stack *ours, const struct stack *again,
      const struct stack *libgcc)
{
    bool equal = same(ours, libgcc);

    pthread_mutex_lock(&lock);
    if (equal && same(again, libgcc)) {
        identical++;
    } else if (first_ours.n == 0) {
        first_ours = equal ? *again : *ours;
        first_libgcc = *libgcc;
    }
    if (samples < COSTS_MAX)
        our_cost[samples] = (uint32_t)ours->ns;
    samples++;
    frames += ours->n;
    our_ns += ours->ns;
    again_ns += again->ns;
    libgcc_ns += libgcc->ns;
    pthread_mutex_unlock(&lock);
}

static void
learn_stack(void)
{
    pthread_attr_t attr;
    void *lo;
    size_t bytes;

    stack_known = true;
    if (sample_bytes <= 1024) /* as the sampler does */
        memo.mask = WR_UNWIND_WALKS - 1;
    if (pthread_getattr_np(pthread_self(), &attr) != 0)
        return;
    if (pthread_attr_getstack(&attr, &lo, &bytes) == 0)
        wr_unwind_set_stack((uintptr_t)lo, (uintptr_t)lo + bytes);
    pthread_attr_destroy(&attr);
}

static __attribute__((noinline)) void
sample(void)
{
    static _Atomic unsigned turn;
    struct stack ours, again, libgcc;
    int saved = errno;

    inside = true;
    if (!stack_known)
        learn_stack();
    if (turn++ & 1) {
        by_us(&ours);
        by_libgcc(&libgcc);
    } else {
        by_libgcc(&libgcc);
        by_us(&ours);
    }
    by_memory(&again);
    count(&ours, &again, &libgcc);
    inside = false;
    errno = saved;
}

static inline void
allocated(size_t bytes)
{
    left -= (int64_t)bytes;
    if (left >= 0 || inside || !backtrace_of_libgcc)
        return;
    left = sample_bytes;
    sample();
}

EXPORT void *
malloc(size_t bytes)
{
    allocated(bytes);
    return __libc_malloc(bytes);
}

EXPORT void *
calloc(size_t n, size_t bytes)
{
    allocated(n * bytes);
    return __libc_calloc(n, bytes);
}

EXPORT void *
realloc(void *p, size_t bytes)
{
    allocated(bytes);
    return __libc_realloc(p, bytes);
}

EXPORT int
dlclose(void *handle)
{
    static int (*next)(void *);
    int result;

    if (!next)
        next = (int (*)(void *))dlsym(RTLD_NEXT, "dlclose");
    result = next(handle);
    wr_unwind_flush();
    return result;
}

__attribute__((constructor)) static void
start(void)
{
    const char *bytes = getenv("UNWIND_CHECK_BYTES");
    void *libgcc = dlopen("libgcc_s.so.1", RTLD_NOW);
    uint64_t first;

    if (bytes)
        sample_bytes = atoll(bytes);
    wr_unwind_init();
    first = now();
    for (int i = 0; i < 1000; i++)
        now();
    clock_ns = (now() - first) / 1001;
    if (libgcc)
        backtrace_of_libgcc =
            (backtrace_fn *)dlsym(libgcc, "_Unwind_Backtrace");
}

static int
by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static void
print_difference(int fd)
{
    size_t n = first_ours.n > first_libgcc.n ? first_ours.n : first_libgcc.n;

    for (size_t i = 0; i < n; i++) {
        uintptr_t a = i < first_ours.n ? first_ours.pc[i] : 0;
        uintptr_t b = i < first_libgcc.n ? first_libgcc.pc[i] : 0;
        Dl_info info = {0};

        dladdr((void *)(a ? a : b), &info);
        dprintf(fd, "  %3zu %#18lx %#18lx %s %s\n", i, a, b,
                info.dli_fname ? info.dli_fname : "?",
                info.dli_sname ? info.dli_sname : "?");
    }
}

__attribute__((destructor)) static void
report(void)
{
    const char *out = getenv("UNWIND_CHECK_OUT");
    int fd = out ? open(out, O_WRONLY | O_APPEND | O_CREAT, 0600) : 2;
    size_t n = samples < COSTS_MAX ? samples : COSTS_MAX;

    inside = true;
    if (samples == 0 || fd < 0)
        return;
    qsort(our_cost, n, sizeof(our_cost[0]), by_value);
    dprintf(fd, "%s %lu %.1f %.2f%% %lu %u %lu %lu\n",
            program_invocation_short_name, samples,
            (double)frames / (double)samples,
            100.0 * (double)identical / (double)samples, our_ns / samples,
            our_cost[n / 2], libgcc_ns / samples, again_ns / samples);
    if (identical != samples && getenv("UNWIND_CHECK_SHOW"))
        print_difference(fd);
}
