/* The collector in a region: its cycles, its pauses, its goal.
 *
 * A reader:
 *     const struct wr_collector *c = wr_view_collector(&view);   NULL: none
 *     wr_collector_memstats(c, &memstats);
 *
 * The collector, in the program:
 *     wr_collector_set(percent, 100);        levels, at any time
 *     wr_collector_add(assist_ns, spent);    counts
 *     wr_collector_ended(&cycle);            once a cycle, from one thread
 *
 * wr_collector_ended counts the cycle, puts its pause into the ring, and makes
 * its line (region/gctrace.h) where wr_collector_trace was told to. What is set
 * is the process's own; the region, where there is one, shows the same. A
 * forked child goes on from its parent's.
 *
 * Units: bytes, nanoseconds. Threads: any, but for wr_collector_ended. Nothing
 * is allocated. Misuse: adding to a level, or what a struct wr_collection
 * counts.
 */
#ifndef WR_REGION_COLLECTOR_H
#define WR_REGION_COLLECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "region/read.h"

struct weir_memstats;
struct wr_point;

/* A cycle that ended: three phases, each as long as its wall clock says. The
 * program need not stand still in all of the first and the last; `stopped` is
 * how long it did, in `stops` pieces. */
struct wr_collection {
    uint64_t number; /* from 1; filled by wr_collector_ended */
    uint64_t
        since_ns; /* from the program's start to the cycle's; filled if 0 */
    uint64_t prepare_ns, mark_ns, end_ns;
    uint64_t stopped_ns, longest_ns, stops;
    uint64_t since_stop_ns; /* from the end of the last stop to the cycle's */
    /* Processors' time while marking. */
    uint64_t assist_ns, background_ns, idle_ns;
    /* Bytes: allocated when it began and when marking ended, found alive, the
     * goal it had; scanned on stacks and in other roots. */
    uint64_t heap_start, heap_end, live, goal, stacks, globals;
    uint64_t share_millionths; /* of all time so far; filled */
    unsigned processors;
    uint32_t way; /* enum wr_collector_way: how it was marked */
    bool young;   /* only what is new was marked */
    bool forced;  /* the program asked for it */
    bool by_time; /* there had been none for long */
    bool limited; /* the goal was the memory limit's */
};

void wr_collector_ended(const struct wr_collection *c);
/* A line for each cycle from now on, and one before it that says how it was
 * marked when the one before was not so; */
void wr_collector_trace(bool on);
/* which this writes: from a thread of the program, often. */
void wr_collector_tell(void);

#define wr_collector_set(field, n)                                             \
    wr_collector_put(offsetof(struct wr_collector, field), (uint64_t)(n))
#define wr_collector_add(field, n)                                             \
    wr_collector_raise(offsetof(struct wr_collector, field), (uint64_t)(n))
void wr_collector_put(size_t offset, uint64_t n);
void wr_collector_raise(size_t offset, uint64_t n);

/* The process's own; NULL while nothing was set. */
const struct wr_collector *wr_collector_self(void);
/* The process has a new region. */
void wr_collector_take_over(void);

/* The reader's. NULL: the program uses no collected blocks. */
const struct wr_collector *wr_view_collector(const struct wr_region_view *v);
/* Processors' time that it took, with that of all that stood still. */
uint64_t wr_collector_cpu(const struct wr_collector *c);
/* Bytes at which the next cycle ends; 0: none begins by itself. */
uint64_t wr_collector_goal(const struct wr_collector *c);
/* What of p is the collector's; c may be NULL. */
void wr_collector_point(const struct wr_collector *c, struct wr_point *p);
/* How a cycle learnt what the program wrote meanwhile, as words behind "marked
 * ". */
const char *wr_collector_way_name(uint64_t way);
/* What of m is the collector's, in Go's terms, gc_sys too; c may be NULL. */
void wr_collector_memstats(const struct wr_collector *c,
                           struct weir_memstats *m);

#endif
