/* Invariants
 * 1. word is 0 exactly when nobody holds the lock; 2 whenever somebody may
 *    sleep on it.
 * 2. forking is the thread that holds every lock, or 0. Only that thread
 *    can find a lock held by itself, so passing through is safe.
 */
#include "os/lock.h"

#include <stddef.h>

#include "base/base.h"
#include "os/os.h"
#include "os/syscall.h"

enum { SPINS = 100, LONG_SPINS = 1000 };

bool wr_lock_fork_alone WR_AT_FORK;

static _Atomic uintptr_t forking; /* its thread pointer; the child has it too */

static bool
passes_through(void)
{
    uintptr_t who = atomic_load_explicit(&forking, memory_order_relaxed);

    return who != 0 && who == wr_os_thread_pointer();
}

void
wr_lock_take_slow(struct wr_lock *l)
{
    if (passes_through()) {
        l->passes++;
        return;
    }
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(&l->word, memory_order_relaxed) == 0 &&
            wr_lock_try(l))
            return;
        wr_os_pause();
    }
    while (atomic_exchange_explicit(&l->word, 2, memory_order_acquire) != 0)
        wr_os_wait(&l->word, 2, 0);
}

bool
wr_lock_try_long(struct wr_lock *l)
{
    for (int i = 0; i < LONG_SPINS; i++) {
        if (atomic_load_explicit(&l->word, memory_order_relaxed) == 0 &&
            wr_lock_try(l))
            return true;
        wr_os_pause();
    }
    return false;
}

void
wr_lock_give_slow(struct wr_lock *l)
{
    wr_os_wake(&l->word, 1);
}

void
wr_lock_fork_begin(void)
{
    atomic_store(&forking, wr_os_thread_pointer());
}

void
wr_lock_fork_end(void)
{
    atomic_store(&forking, 0);
}
