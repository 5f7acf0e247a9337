/* The pacer: when a collection begins, how fast it must go, and what it may
 * cost. Arithmetic alone: no state, no clock; a struct in, a struct out.
 *
 *     struct wr_pacer_plan plan = wr_pacer_plan(&heap);
 *     if (allocated >= plan.trigger) ...begin a cycle...
 *
 *     double ratio = wr_pacer_ratio(&progress);      while one runs
 *     credit -= ratio * bytes;                       at each allocation
 *     if (credit < 0)
 *         bill = wr_pacer_bill(credit, *background);
 *
 *     rates = wr_pacer_learn(rates, &cycle);         when it ended
 *     toll = wr_pacer_pour(toll, spent, left);       all the time
 *
 * A cycle runs beside the program, so it must begin early enough to end before
 * the heap has grown to its goal. How early follows from two rates of the
 * cycles before: bytes the program allocates in a nanosecond of its processors'
 * time, over bytes that are marked in one of the collector's (cons/mark). With
 * it the runway is what the program allocates while the expected work is done
 * by a quarter of the processors. Where that comes out too short, who allocates
 * helps (assists): each byte costs as much work as brings the work to its end
 * just when the heap is at its goal.
 *
 * The goal is GOGC's: what was alive, and percent of it and of the roots more;
 * or the memory limit's, where that is lower. A limit that leaves no room would
 * have the collector run all the time: a leaky bucket of time stops it from
 * taking more than half, and the limit is passed rather than the program
 * stopped. docs/design/0026-pacing.md says where each formula comes from.
 *
 * Units: bytes; work is bytes scanned; nanoseconds. Threads: any.
 */
#ifndef WR_LIMIT_PACER_H
#define WR_LIMIT_PACER_H

#include <stdbool.h>
#include <stdint.h>

#define WR_PACER_OFF         (-1) /* percent: no cycle for growth alone */
#define WR_PACER_PERCENT     100
#define WR_PACER_HEAP_MIN    ((uint64_t)4 << 20) /* at 100 percent */
#define WR_PACER_NEVER       UINT64_MAX
#define WR_PACER_SHARE       0.25 /* of the processors that mark */
#define WR_PACER_SWEEP_AHEAD ((uint64_t)1 << 20)
#define WR_PACER_CYCLES      4 /* of which the rates are remembered */

/* ---- when ---- */

/* What the memory limit knows: all of it counts against the limit. */
struct wr_pacer_room {
    uint64_t limit;  /* WR_LIMIT_NONE: there is none */
    uint64_t held;   /* by the process */
    uint64_t blocks; /* of it: collected blocks that are allocated */
    uint64_t idle;   /* of it: what blocks can be made of, at no cost */
};

struct wr_pacer_heap {
    int percent; /* GOGC; below 0: off */
    /* What the last cycle found; all 0 before the first. */
    uint64_t marked;  /* bytes of live blocks */
    uint64_t scanned; /* bytes of them that were scanned: not noscan ones */
    uint64_t stacks;  /* bytes of stacks that were scanned */
    uint64_t globals; /* bytes of other roots */
    double cons_mark; /* wr_pacer_rates.now */
    /* Now. */
    uint64_t swept_at;  /* bytes allocated + WR_PACER_SWEEP_AHEAD while blocks
                           are still to be swept; 0: none are */
    uint64_t triggered; /* bytes allocated when the running cycle began; 0:
                           none runs */
    struct wr_pacer_room room;
};

struct wr_pacer_plan {
    uint64_t goal;    /* of bytes allocated, at the end of a cycle */
    uint64_t trigger; /* of bytes allocated, at its beginning, <= goal;
                         WR_PACER_NEVER, both: no cycle */
    uint64_t runway;  /* what is allocated during one, as expected */
    bool limited;     /* the goal is the memory limit's */
};

struct wr_pacer_plan wr_pacer_plan(const struct wr_pacer_heap *h);

/* The parts of it. */
uint64_t wr_pacer_minimum(int percent);
uint64_t wr_pacer_percent_goal(const struct wr_pacer_heap *h);
uint64_t wr_pacer_limit_goal(const struct wr_pacer_room *r, uint64_t marked);
uint64_t wr_pacer_runway(const struct wr_pacer_heap *h);

/* ---- how fast ---- */

struct wr_pacer_rates {
    double now; /* the highest of the last cycles, and so the one to use */
    double last[WR_PACER_CYCLES]; /* oldest first */
};

/* A cycle that ended. Times are of processors, summed. */
struct wr_pacer_cycle {
    uint64_t triggered; /* bytes allocated when it began */
    uint64_t reached;   /* bytes allocated when marking ended */
    uint64_t work;      /* bytes scanned: blocks, stacks, globals */
    uint64_t mark_ns;   /* marking took so long, by the wall's clock */
    uint64_t assist_ns;
    uint64_t idle_ns; /* markers' on processors that had nothing to do */
    unsigned processors;
};

/* Where the cycle says nothing (no byte was allocated during it) the rates
 * stay. */
struct wr_pacer_rates wr_pacer_learn(struct wr_pacer_rates was,
                                     const struct wr_pacer_cycle *c);

/* A cycle that runs. */
struct wr_pacer_progress {
    int percent;        /* as in wr_pacer_heap */
    uint64_t goal;      /* wr_pacer_plan.goal */
    uint64_t triggered; /* bytes allocated when it began */
    uint64_t allocated; /* now, counting those of this cycle */
    uint64_t expected;  /* work of the last cycle, with all its roots */
    uint64_t most;      /* work if everything were alive, all roots too */
    uint64_t done;
};

/* Bytes of work that one allocated byte is to pay; always above 0. */
double wr_pacer_ratio(const struct wr_pacer_progress *p);

/* Who owes work takes first of what markers in the background did beyond
 * their share, and does the rest; at least WR_PACER_LEAST_WORK together, which
 * pays for the next allocations. */
#define WR_PACER_LEAST_WORK ((uint64_t)64 << 10)

struct wr_pacer_bill {
    uint64_t taken;   /* of the background's credit */
    uint64_t to_do;   /* bytes of work to do now */
    uint64_t settled; /* both: what the credit grows by */
};

/* credit, background: bytes of work; a credit of 0 or more owes nothing. */
struct wr_pacer_bill wr_pacer_bill(int64_t credit, uint64_t background);

/* Who marks in the background: so many threads all the time, and one more for
 * a share of the time where a quarter of the processors is not a whole number
 * of them. */
struct wr_pacer_markers {
    unsigned whole;
    double part; /* of one thread's time, 0 or more, below 1 */
};

struct wr_pacer_markers wr_pacer_markers(unsigned processors);

/* ---- whether all is marked ---- */

/* After a full cycle, young ones (gc/young.h) go on to the goal of that one, so
 * that the heap never grows larger by them. Each leaves less room below it;
 * where less than half of it is left, the next cycle is a full one. Where young
 * ones have as much to do as full ones there are none for a while. */
enum { WR_PACER_PATIENCE = 8 }; /* full cycles in a row then */

struct wr_pacer_age {
    uint64_t goal; /* of the last full cycle */
    uint64_t full; /* bytes that it found alive */
    uint64_t live; /* the same of the last cycle */
    uint64_t work; /* bytes that the last full one scanned */
    unsigned wait; /* full ones there are to be yet */
};

bool wr_pacer_is_young(const struct wr_pacer_age *a);
/* A cycle has ended, which scanned so much: the new `work` and `wait`. */
struct wr_pacer_age wr_pacer_grow_older(struct wr_pacer_age a, bool young,
                                        uint64_t scanned);

/* ---- what it may cost ---- */

/* A bucket that the collector's time fills and the program's empties: when it
 * is full, nobody helps any more, until the program had its time again. A
 * second of each processor fits in; what comes after that is remembered too, as
 * much again, so that half is half whatever the steps. */
#define WR_PACER_FULL_NS UINT64_C(1000000000)

struct wr_pacer_toll {
    uint64_t filled_ns, full_ns; /* filled <= 2 full */
    uint64_t over_ns;            /* count: what found no room */
};

struct wr_pacer_toll wr_pacer_toll(unsigned processors);
/* In a stretch of time the collector took gc_ns of the processors, the program
 * had program_ns (without what nobody wanted). */
struct wr_pacer_toll wr_pacer_pour(struct wr_pacer_toll t, uint64_t gc_ns,
                                   uint64_t program_ns);
bool wr_pacer_is_limiting(struct wr_pacer_toll t);

#endif
