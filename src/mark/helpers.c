/* Invariants
 * 1. While seats are free, or somebody is inside, nobody frees `led`.
 * 2. The numbers of free seats are 1 to `seats`: who takes one is the marker's
 *    helper of that number.
 */
#include "mark/helpers.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "mark/mark.h"
#include "os/os.h"
#include "os/process.h"
#include "region/counters.h"

/* So much of a heap for each. */
#define WORTH_BYTES ((uint64_t)4 << 20)

#define LOOK_NS UINT64_C(10000000)

enum { STACK_BYTES = 4096 }; /* that a marker uses, and more */

static struct wr_os_thread thread[WR_MARKERS_MOST];
static unsigned begun; /* of thread[] */
static struct wr_marker *led;
static _Atomic uint32_t seats, inside;
static _Atomic uint32_t waiting, bell;

/* ---- who helps ---- */

/* What marking leaves on the stack of a thread of the program would keep blocks
 * alive. */
static __attribute__((noinline)) void
wipe(void)
{
    volatile char stack[STACK_BYTES];

    for (size_t i = 0; i < sizeof stack; i++)
        stack[i] = 0;
}

bool
wr_helpers_take_part(void)
{
    uint32_t seat;

    atomic_fetch_add(&inside, 1);
    seat = atomic_load(&seats);
    while (seat > 0 && !atomic_compare_exchange_weak(&seats, &seat, seat - 1))
        ;
    if (seat > 0) {
        wr_marker_help(led, seat);
        wipe();
    }
    if (atomic_fetch_sub(&inside, 1) == 1)
        wr_os_wake(&inside, 1);
    return seat > 0;
}

static void
help(void *unused)
{
    (void)unused;
    (void)wr_helpers_take_part();
}

void
wr_helpers_come(void)
{
    atomic_fetch_add(&waiting, 1);
}

void
wr_helpers_go(void)
{
    atomic_fetch_sub(&waiting, 1);
}

uint32_t
wr_helpers_rung(void)
{
    return atomic_load(&bell);
}

void
wr_helpers_listen(uint32_t rung, uint64_t ns)
{
    wr_os_wait(&bell, rung, ns);
}

void
wr_helpers_ring(void)
{
    atomic_fetch_add(&bell, 1);
    wr_os_wake(&bell, INT32_MAX);
}

unsigned
wr_helpers_waiting(void)
{
    return atomic_load(&waiting);
}

void
wr_helpers_fork_child(void)
{
    if (atomic_load(&seats) != 0)
        atomic_store(&seats, 0);
    if (atomic_load(&inside) != 0)
        atomic_store(&inside, 0);
    if (atomic_load(&waiting) != 0)
        atomic_store(&waiting, 0);
}

/* ---- who leads ---- */

static unsigned
worth(unsigned most)
{
    uint64_t parts = wr_count_get(heap_inuse) / WORTH_BYTES;
    uint64_t n = wr_min((uint64_t)wr_min(most, wr_os_cpus()), parts);

    return (unsigned)wr_min(n, (uint64_t)WR_MARKERS_MOST);
}

/* What a forked child finds here of its parent's says nothing. */
static bool
start(struct wr_os_thread *t)
{
    atomic_store(&t->alive, 0);
    return wr_os_thread_start(t, help, NULL);
}

unsigned
wr_helpers_begin(struct wr_marker *m, unsigned most, unsigned there)
{
    unsigned n = worth(most), wanted;

    begun = 0;
    if (n < 2 || !wr_marker_share(m, n))
        return 1;
    led = m;
    atomic_store(&seats, n - 1);
    there = wr_min(there, n - 1);
    if (there > 0)
        wr_helpers_ring();
    wanted = n - 1 - there;
    while (begun < wanted && start(&thread[begun]))
        begun++;
    return 1 + begun + there;
}

/* Who did not come by now comes too late. */
void
wr_helpers_end(struct wr_marker *m)
{
    atomic_store(&seats, 0);
    wr_marker_dismiss(m);
    for (unsigned i = 0; i < begun; i++)
        wr_os_thread_join(&thread[i]);
    for (uint32_t n; (n = atomic_load(&inside)) != 0;)
        wr_os_wait(&inside, n, LOOK_NS);
    wr_marker_go_alone(m);
    begun = 0;
    led = NULL;
}
