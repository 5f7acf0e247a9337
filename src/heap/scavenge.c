/* Invariants
 * 1. state is ABSENT, AWAKE or ASLEEP; only tell() goes from ABSENT or ASLEEP
 *    to AWAKE, only the thread goes from AWAKE to ASLEEP.
 * 2. The thread touches no thread-local storage and calls only mheap and os.
 */
#include "heap/scavenge.h"

#include <stdatomic.h>
#include <stdint.h>

#include "heap/mheap.h"
#include "os/os.h"

enum { ABSENT, AWAKE, ASLEEP };

#define TICK_NS   UINT64_C(1000000000)
#define WORTH     WR_MIB         /* idle bytes that wake the thread */
#define KEEP      (256 * WR_KIB) /* idle bytes not worth a call */
#define LAST_PART (4 * WR_MIB)   /* from here on all of it at once */

static _Atomic bool enabled;
static _Atomic uint32_t state;

void
wr_scavenge_enable(bool on)
{
    atomic_store(&enabled, on);
}

/* One second's work; is there more to come? */
static bool
tick(void)
{
    size_t low = wr_mheap_idle_low();

    if (low <= KEEP)
        return false;
    (void)wr_mheap_scavenge(low > LAST_PART ? low / 2 : low);
    return true;
}

static void
scavenger(void *arg)
{
    (void)arg;
    for (;;) {
        unsigned quiet = 0;

        while (quiet < 3) {
            wr_os_wait(&state, AWAKE, TICK_NS);
            quiet = tick() ? 0 : quiet + 1;
        }
        atomic_store(&state, ASLEEP);
        wr_os_wait(&state, ASLEEP, 0);
    }
}

static void
wake(uint32_t from)
{
    if (!atomic_compare_exchange_strong(&state, &from, AWAKE))
        return;
    if (from == ASLEEP)
        wr_os_wake(&state, 1);
    else if (!wr_os_thread_start(scavenger, NULL))
        atomic_store(&enabled, false); /* not to be had: do not try again */
}

void
wr_scavenge_tell(size_t idle)
{
    uint32_t now = atomic_load_explicit(&state, memory_order_relaxed);

    if (now == AWAKE || idle < WORTH ||
        !atomic_load_explicit(&enabled, memory_order_relaxed))
        return;
    wake(now);
}

void
wr_scavenge_fork_child(void)
{
    atomic_store(&state, ABSENT);
}
