/* One stack seen by us and by libgcc.
 *
 *     static struct both both;
 *     both_start();                    // once, outside signal handlers
 *     both_capture(&both);
 *     both_expect_same(&both);
 *
 * We see it twice: walked anew, and by the thread's memory of its walk before
 * (again_n is 0 where that is of no use).
 */
#ifndef WEIR_TESTS_BOTH_H
#define WEIR_TESTS_BOTH_H

#include <check.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unwind.h>

#include "profile/bucket.h"
#include "profile/unwind.h"
#include "profile/unwind_memo.h"

enum { BOTH_MAX = 1024 };

struct both {
    uintptr_t ours[BOTH_MAX], theirs[BOTH_MAX];
    uintptr_t again[WR_STACK_FRAMES];
    size_t n, their_n, again_n;
    uint64_t again_hash;
    uintptr_t caller; /* the return address of both_capture */
};

typedef _Unwind_Reason_Code both_backtrace(_Unwind_Trace_Fn, void *);

static both_backtrace *both_of_libgcc;
static _Thread_local struct wr_unwind_memo both_memo;

static void
both_start(void)
{
    void *libgcc = dlopen("libgcc_s.so.1", RTLD_NOW);

    ck_assert_ptr_nonnull(libgcc);
    both_of_libgcc = (both_backtrace *)dlsym(libgcc, "_Unwind_Backtrace");
    ck_assert_ptr_nonnull(both_of_libgcc);
}

/* Tell the unwinder the bounds of the calling thread's stack. */
static inline void
both_know_stack(void)
{
    pthread_attr_t attr;
    void *lo;
    size_t bytes;

    ck_assert_int_eq(pthread_getattr_np(pthread_self(), &attr), 0);
    pthread_attr_getstack(&attr, &lo, &bytes);
    pthread_attr_destroy(&attr);
    wr_unwind_set_stack((uintptr_t)lo, (uintptr_t)lo + bytes);
}

static _Unwind_Reason_Code
both_add(struct _Unwind_Context *context, void *arg)
{
    struct both *both = arg;
    int before = 0;
    uintptr_t pc = _Unwind_GetIPInfo(context, &before);

    if (pc && both->their_n < BOTH_MAX)
        both->theirs[both->their_n++] = pc + (before ? 1 : 0);
    return _URC_NO_REASON;
}

static __attribute__((noinline)) void
both_capture(struct both *both)
{
    struct wr_unwind_seen seen;

    both->n = wr_unwind_here(both->ours, BOTH_MAX);
    both->their_n = 0;
    both_of_libgcc(both_add, both);
    both->again_n = 0;
    if (wr_unwind_again(&both_memo, &seen)) {
        both->again_n = seen.n;
        both->again_hash = seen.hash;
        memcpy(both->again, seen.pc, seen.n * sizeof(seen.pc[0]));
        wr_unwind_seen_done(&both_memo);
    }
    both->caller = (uintptr_t)__builtin_return_address(0);
}

static inline bool
both_same_again(const struct both *both)
{
    size_t n = both->n < WR_STACK_FRAMES ? both->n : WR_STACK_FRAMES;

    return both->again_n == 0 ||
           (both->again_n == n &&
            both->again_hash == wr_stack_hash(both->again, n) &&
            memcmp(both->again + 1, both->ours + 1,
                   (n - 1) * sizeof(both->ours[0])) == 0);
}

/* The first entry is where both_capture called, so differs. */
static inline bool
both_same(const struct both *both)
{
    return both->n == both->their_n && both->n >= 2 &&
           both->ours[1] == both->caller &&
           memcmp(both->ours + 1, both->theirs + 1,
                  (both->n - 1) * sizeof(both->ours[0])) == 0 &&
           both_same_again(both);
}

static inline void
both_expect_same(const struct both *both)
{
    if (both_same(both))
        return; /* an assertion writes to a pipe each time */
    ck_assert_uint_ge(both->n, 2);
    ck_assert_uint_eq(both->ours[1], both->caller);
    for (size_t i = 1; i < both->n && i < both->their_n; i++)
        ck_assert_msg(both->ours[i] == both->theirs[i],
                      "entry %zu is %#lx, libgcc says %#lx", i,
                      (unsigned long)both->ours[i],
                      (unsigned long)both->theirs[i]);
    ck_assert_uint_eq(both->n, both->their_n);
    ck_assert_msg(both_same_again(both), "what was remembered is not so");
}

#endif
