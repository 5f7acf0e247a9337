/* Invariants
 * 1. state is ABSENT, WORKING or STOPPING. Only tell() leaves ABSENT, only
 *    stop() leaves WORKING for STOPPING, only the thread (or who could not
 *    start it) returns to ABSENT.
 * 2. While `stops` is not 0 tell() starts no thread: it looks after it has
 *    left ABSENT, stop() counts before it looks at state.
 * 3. The thread touches no thread-local storage and calls only mheap and os.
 */
#include "heap/scavenge.h"

#include <stdatomic.h>
#include <stdint.h>

#include "base/base.h"
#include "heap/mheap.h"
#include "heap/purge.h"
#include "os/os.h"

enum { ABSENT, WORKING, STOPPING };
enum { QUIET_TICKS = 3, STOP_WAITS = 1000 };

#define TICK_NS   UINT64_C(1000000000)
#define KEEP      (256 * WR_KIB) /* idle bytes not worth a call */
#define LAST_PART (4 * WR_MIB)   /* from here on all of it at once */

static _Atomic bool enabled;
static _Atomic uint32_t state, stops;
static _Atomic bool told; /* of frees, since the last tick */
static struct wr_os_thread thread;

void
wr_scavenge_enable(bool on)
{
    wr_os_home_set();
    atomic_store(&enabled, on);
}

/* One second's work; is there more to come? */
static bool
tick(void)
{
    size_t low = wr_mheap_idle_low();
    bool more = atomic_exchange(&told, false);

    if (wr_purge() > 0)
        more = true;
    if (low <= KEEP)
        return more;
    (void)wr_mheap_scavenge(low > LAST_PART ? low / 2 : low);
    return true;
}

static void
scavenger(void *arg)
{
    unsigned quiet = 0;

    (void)arg;
    while (quiet < QUIET_TICKS) {
        wr_os_wait(&state, WORKING, TICK_NS);
        if (atomic_load(&state) != WORKING)
            break;
        quiet = tick() ? 0 : quiet + 1;
    }
    atomic_store(&state, ABSENT);
}

/* state has just left ABSENT for us. */
static void
start(void)
{
    /* A vfork child has our memory; a thread of its would die with it. */
    bool may = atomic_load(&stops) == 0 && atomic_load(&thread.alive) == 0 &&
               wr_os_at_home();

    if (may && wr_os_thread_start(&thread, scavenger, NULL))
        return;
    if (may)
        atomic_store(&enabled, false); /* not to be had: do not try again */
    atomic_store(&state, ABSENT);
}

void
wr_scavenge_tell(size_t idle)
{
    uint32_t absent = ABSENT;

    if (idle < WR_SCAVENGE_WORTH ||
        atomic_load_explicit(&state, memory_order_relaxed) != ABSENT ||
        !atomic_load_explicit(&enabled, memory_order_relaxed))
        return;
    if (atomic_compare_exchange_strong(&state, &absent, WORKING))
        start();
}

void
wr_scavenge_tell_freed(size_t bytes)
{
    atomic_store(&told, true);
    wr_scavenge_tell(bytes);
}

void
wr_scavenge_stop(void)
{
    uint32_t working = WORKING;

    atomic_fetch_add(&stops, 1);
    if (atomic_compare_exchange_strong(&state, &working, STOPPING))
        wr_os_wake(&state, 1);
    for (unsigned i = 0; atomic_load(&state) != ABSENT; i++) {
        if (i == STOP_WAITS)
            return;
        wr_os_wait(&state, STOPPING, TICK_NS / STOP_WAITS);
    }
    wr_os_thread_join(&thread);
}

void
wr_scavenge_go(void)
{
    WR_ASSERT(atomic_load(&stops) > 0);
    atomic_fetch_sub(&stops, 1);
}

bool
wr_scavenge_working(void)
{
    return atomic_load(&state) != ABSENT || atomic_load(&thread.alive) != 0;
}

void
wr_scavenge_fork_child(void)
{
    wr_os_home_set();
    atomic_store(&state, ABSENT);
    atomic_store(&stops, 0);
    atomic_store(&thread.alive, 0);
}
