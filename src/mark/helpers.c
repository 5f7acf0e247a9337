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
#define WORTH_BYTES ((uint64_t)16 << 20)

static struct wr_os_thread thread[WR_MARKERS_MOST];
static struct wr_marker *led;

static void
help(void *thread_of_it)
{
    wr_marker_help(led,
                   (unsigned)((struct wr_os_thread *)thread_of_it - thread));
}

static unsigned
worth(unsigned most)
{
    uint64_t parts = wr_count_get(heap_inuse) / WORTH_BYTES;
    uint64_t n = wr_min((uint64_t)wr_min(most, wr_os_cpus()), parts);

    return (unsigned)wr_min(n, (uint64_t)WR_MARKERS_MOST);
}

unsigned
wr_helpers_begin(struct wr_marker *m, unsigned most)
{
    unsigned n = worth(most), started = 1;

    if (n < 2 || !wr_marker_share(m, n))
        return 1;
    led = m;
    for (unsigned i = 1; i < n; i++)
        started += wr_os_thread_start(&thread[i], help, &thread[i]);
    return started;
}

void
wr_helpers_end(struct wr_marker *m)
{
    wr_marker_dismiss(m);
    for (unsigned i = 1; i < WR_MARKERS_MOST; i++)
        wr_os_thread_join(&thread[i]);
    wr_marker_go_alone(m);
    led = NULL;
}
