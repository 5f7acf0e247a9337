/* What the workloads of bench/gc share: chance, the loop's stalls, threads.
 *
 *     void
 *     work_mine(struct part *p)          one thread's share
 *     {
 *         part_begin(p);                 from here on each step counts
 *         for (uint64_t i = 0; i < p->ops; i++) {
 *             ... p->sum += ...
 *             part_step(p);
 *         }
 *     }
 *
 * A stall is the time between the ends of two steps of a thread: the step
 * itself, and whatever stood in its way. The same numbers come from the same
 * seed in main.go, so that `sum` is the same for every heap and in Go.
 * Units: nanoseconds.
 */
#ifndef BENCH_GC_WORK_H
#define BENCH_GC_WORK_H

#include <stdint.h>
#include <time.h>

/* Stalls by length: 16 steps for each power of two. */
#define STALLS (64 * 16)

struct part {
    unsigned number, parts; /* of the threads */
    uint64_t ops, size;     /* steps of this thread; live things of all */
    uint64_t chance;
    uint64_t sum;
    uint64_t last_ns, longest_ns, steps;
    uint64_t stall[STALLS];
};

void work_trees(struct part *p);
void work_gcbench(struct part *p);
void work_lru(struct part *p);
void work_map(struct part *p);
void work_queues(struct part *p);
void work_json(struct part *p);
void work_strings(struct part *p);
/* So many cycles that are asked for, of a heap of so many nodes of queues; the
 * sum is the time of the shortest. */
void work_cycles(struct part *p);

static inline uint64_t
now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static inline uint64_t
chance(struct part *p)
{
    p->chance ^= p->chance << 13;
    p->chance ^= p->chance >> 7;
    p->chance ^= p->chance << 17;
    return p->chance;
}

static inline uint64_t
below(struct part *p, uint64_t n)
{
    return (chance(p) >> 11) % n;
}

static inline unsigned
stall_class(uint64_t ns)
{
    unsigned bits;

    if (ns < 16)
        return (unsigned)ns;
    bits = 63 - (unsigned)__builtin_clzll(ns);
    return bits * 16 + (unsigned)(ns >> (bits - 4) & 15);
}

static inline void
part_begin(struct part *p)
{
    p->last_ns = now_ns();
}

static inline void
part_step(struct part *p)
{
    uint64_t now = now_ns(), stall = now - p->last_ns;

    p->last_ns = now;
    p->steps++;
    p->stall[stall_class(stall)]++;
    if (stall > p->longest_ns)
        p->longest_ns = stall;
}

#endif
