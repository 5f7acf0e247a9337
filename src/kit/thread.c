/* Numbers of threads.
 *
 * 1. A set bit of `taken` is the number of a living thread, or of one that did
 *    not survive a fork.
 * 2. A thread gives its number back when libc runs its destructors; if one of
 *    those uses the kit again, it gets another, and libc runs ours again.
 */
#include "kit/thread.h"

#include <pthread.h>

__thread unsigned wr_kit_number;

static uint64_t taken[WR_KIT_THREADS / 64]; /* atomic */
static unsigned threads;                    /* atomic */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool has_key;

static void
give_back(void *number)
{
    unsigned n = (unsigned)(uintptr_t)number - 1;

    wr_kit_number = 0;
    __atomic_fetch_and(&taken[n / 64], ~((uint64_t)1 << n % 64),
                       __ATOMIC_RELEASE);
}

static void
make_key(void)
{
    has_key = pthread_key_create(&key, give_back) == 0;
}

/* The lowest free number; WR_KIT_NOBODY: none. */
static unsigned
take_number(void)
{
    for (unsigned i = 0; i < wr_countof(taken); i++) {
        uint64_t word = __atomic_load_n(&taken[i], __ATOMIC_RELAXED);

        while (~word != 0) {
            uint64_t bit = ~word & (word + 1);

            /* Acquire: what its last owner wrote. */
            if (__atomic_compare_exchange_n(&taken[i], &word, word | bit, true,
                                            __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
                return i * 64 + (unsigned)__builtin_ctzll(bit);
        }
    }
    return WR_KIT_NOBODY;
}

static void
note_highest(unsigned n)
{
    unsigned was = __atomic_load_n(&threads, __ATOMIC_RELAXED);

    while (was <= n &&
           !__atomic_compare_exchange_n(&threads, &was, n + 1, true,
                                        __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
        ;
}

WR_COLD unsigned
wr_kit_thread_new(void)
{
    unsigned n;

    pthread_once(&once, make_key);
    n = has_key ? take_number() : WR_KIT_NOBODY;
    if (n != WR_KIT_NOBODY &&
        pthread_setspecific(key, (void *)(uintptr_t)(n + 1)) != 0) {
        give_back((void *)(uintptr_t)(n + 1));
        n = WR_KIT_NOBODY;
    }
    if (n != WR_KIT_NOBODY)
        note_highest(n);
    wr_kit_number = n + 1;
    return n;
}

unsigned
wr_kit_threads(void)
{
    return __atomic_load_n(&threads, __ATOMIC_SEQ_CST);
}
