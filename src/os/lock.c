/* Invariants
 * 1. word is 0 exactly when nobody holds the lock; 2 whenever somebody may
 *    sleep on it.
 * 2. forking is the thread that holds every lock, or NULL. Only that thread
 *    can find a lock held by itself, so passing through is safe.
 */
#include "os/lock.h"

#include <stddef.h>

#include "base/base.h"
#include "os/os.h"
#include "os/syscall.h"

enum { SPINS = 100 };

static _Atomic(const void *) forking;
const void *(*wr_lock_self)(void);

static bool
passes_through(void)
{
    const void *who = atomic_load_explicit(&forking, memory_order_relaxed);

    return who != NULL && wr_lock_self != NULL && who == wr_lock_self();
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

void
wr_lock_give_slow(struct wr_lock *l)
{
    wr_os_wake(&l->word, 1);
}

void
wr_lock_fork_begin(const void *who)
{
    atomic_store(&forking, who);
}

void
wr_lock_fork_end(void)
{
    atomic_store(&forking, NULL);
}
