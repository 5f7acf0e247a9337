/* Helpers.
 *
 * Invariants
 * 1. Between begin and end they help `led`, which nobody frees meanwhile.
 */
#include "mark/helpers.h"

#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "mark/mark.h"
#include "os/os.h"
#include "os/process.h"
#include "region/counters.h"

/* So much of a heap for each. */
#define WORTH_BYTES ((uint64_t)4 << 20)

static struct wr_os_thread thread[WR_MARKERS_MOST];
static struct wr_marker *led;
static unsigned begun; /* of thread[], from 1 */

static void
help(void *its_thread)
{
    const struct wr_os_thread *t = its_thread;

    wr_marker_help(led, (unsigned)(t - thread));
}

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
    return wr_os_thread_start(t, help, t);
}

unsigned
wr_helpers_begin(struct wr_marker *m, unsigned most)
{
    unsigned n = worth(most);

    begun = 1;
    if (n < 2 || !wr_marker_share(m, n))
        return 1;
    led = m;
    while (begun < n && start(&thread[begun]))
        begun++;
    return begun;
}

void
wr_helpers_end(struct wr_marker *m)
{
    wr_marker_dismiss(m);
    for (unsigned i = 1; i < begun; i++)
        wr_os_thread_join(&thread[i]);
    wr_marker_go_alone(m);
    begun = 0;
    led = NULL;
}
