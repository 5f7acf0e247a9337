/* The clock of a benchmark: time and the heap's counts, as differences.
 *
 * Weir's functions are weak here: a benchmark that is linked without libweir
 * runs too, and gets its counts when it is started under Weir.
 *
 * Invariants
 * 1. What the clock itself does (it allocates nothing) is in no difference.
 */
#include "bench/bench.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <weir/memstats.h>
#include "base/base.h"

enum { PLAN_MARGIN = 5, PLAN_GROWTH = 100 };

#pragma weak weir_memstats

static uint64_t
now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

struct wr_bench_count
wr_bench_count(bool counted)
{
    struct wr_bench_count c = {0};
    struct weir_memstats m;

    if (counted && weir_memstats(&m) == WEIR_OK) {
        c.bytes = m.total_alloc;
        c.allocs = m.mallocs;
        c.live_blocks = m.heap_objects;
        c.live_bytes = m.heap_alloc;
    }
    c.ns = now();
    return c;
}

bool
wr_bench_counts(void)
{
    struct weir_memstats before, after;
    void *p;

    if (weir_memstats == NULL || weir_memstats(&before) != WEIR_OK)
        return false;
    p = malloc(16);
    weir_bench_keep(p);
    free(p);
    return weir_memstats(&after) == WEIR_OK && after.mallocs > before.mallocs;
}

void
wr_bench_clock_start(struct wr_bench_clock *c, bool counted)
{
    if (c->runs)
        return;
    c->runs = true;
    c->since = wr_bench_count(counted);
}

void
wr_bench_clock_stop(struct wr_bench_clock *c, bool counted)
{
    uint64_t end = now(); /* before what counting takes */
    struct wr_bench_count at;

    if (!c->runs)
        return;
    at = wr_bench_count(counted);
    c->runs = false;
    c->sum.ns += end - c->since.ns;
    c->sum.bytes += at.bytes - c->since.bytes;
    c->sum.allocs += at.allocs - c->since.allocs;
    c->sum.live_blocks += at.live_blocks - c->since.live_blocks;
    c->sum.live_bytes += at.live_bytes - c->since.live_bytes;
}

uint64_t
wr_bench_plan(uint64_t goal_ns, uint64_t last, uint64_t ns)
{
    double want = (double)goal_ns * (double)last / (double)(ns > 0 ? ns : 1);
    double most = (double)last * PLAN_GROWTH;

    want += want / PLAN_MARGIN; /* rather a little too long than once more */
    want = want < most ? want : most;
    if (want > WR_BENCH_MOST)
        return WR_BENCH_MOST;
    return want > (double)last + 1 ? (uint64_t)want : last + 1;
}

WR_EXPORT void
weir_bench_use_begin(struct weir_bench_use *use)
{
    struct wr_bench_count c;

    memset(use, 0, sizeof *use);
    use->counted = wr_bench_counts();
    c = wr_bench_count(use->counted);
    use->allocs = c.allocs;
    use->bytes = c.bytes;
    use->live_blocks = (int64_t)c.live_blocks;
    use->live_bytes = (int64_t)c.live_bytes;
}

WR_EXPORT void
weir_bench_use_end(struct weir_bench_use *use)
{
    struct wr_bench_count c = wr_bench_count(use->counted);

    use->allocs = c.allocs - use->allocs;
    use->bytes = c.bytes - use->bytes;
    use->live_blocks = (int64_t)c.live_blocks - use->live_blocks;
    use->live_bytes = (int64_t)c.live_bytes - use->live_bytes;
}
