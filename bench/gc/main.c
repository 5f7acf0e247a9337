/* bench_gc_*: one workload on one heap.
 *
 *     bench_gc_boehm WORK THREADS SIZE OPERATIONS
 *     bench_gc_boehm queues 2 16000000 6000000
 *
 * Prints one line: the workload, wall and processor's seconds, peak resident
 * MB, the longest stalls of a thread's loop in microseconds that 99.9% and
 * 99.99% do not pass, the longest of all, cycles, and a sum that is the same on
 * every heap. A workload without steps has no stalls: 0.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "heap.h"
#include "work.h"

enum { THREADS = 64 };

static const struct {
    const char *name;
    void (*run)(struct part *p);
} works[] = {{"trees", work_trees},     {"gcbench", work_gcbench},
             {"lru", work_lru},         {"map", work_map},
             {"queues", work_queues},   {"json", work_json},
             {"strings", work_strings}, {"cycles", work_cycles}};

static void (*run)(struct part *p);
static struct part part[THREADS];

static void *
thread(void *p)
{
    run(p);
    return NULL;
}

static double
cpu_seconds(const struct rusage *u)
{
    return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) +
           (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1e6;
}

static uint64_t
length_of(unsigned class)
{
    unsigned bits = class / 16;

    if (class < 16)
        return class;
    return ((uint64_t)(16 + class % 16) << bits) >> 4;
}

/* The stall that so many millionths of all steps do not pass, microseconds. */
static double
stall_at(uint64_t millionths, unsigned threads)
{
    uint64_t steps = 0, seen = 0;

    for (unsigned t = 0; t < threads; t++)
        steps += part[t].steps;
    for (unsigned i = 0; i < STALLS; i++) {
        for (unsigned t = 0; t < threads; t++)
            seen += part[t].stall[i];
        if (steps > 0 && seen >= steps / 1000000.0 * millionths)
            return (double)length_of(i) / 1e3;
    }
    return 0;
}

static void
report(const char *name, double wall, unsigned threads)
{
    struct rusage u;
    uint64_t sum = 0, longest = 0;

    getrusage(RUSAGE_SELF, &u);
    for (unsigned t = 0; t < threads; t++) {
        sum += part[t].sum;
        if (part[t].longest_ns > longest)
            longest = part[t].longest_ns;
    }
    printf("%s-%u %.3f %.3f %ld %.1f %.1f %.1f %" PRIu64 " %" PRIu64 "\n", name,
           threads, wall, cpu_seconds(&u), u.ru_maxrss / 1024,
           stall_at(999000, threads), stall_at(999900, threads),
           (double)longest / 1e3, heap_cycles(), sum);
}

/* Of the others no store is told. */
static bool
is_told(const char *work)
{
#if defined BENCH_BARRIER
    return strcmp(work, "queues") == 0;
#else
    (void)work;
    return true;
#endif
}

static void
run_all(unsigned threads)
{
    pthread_t id[THREADS];

    for (unsigned t = 1; t < threads; t++)
        if (pthread_create(&id[t], NULL, thread, &part[t]) != 0)
            exit(1);
    run(&part[0]);
    for (unsigned t = 1; t < threads; t++)
        pthread_join(id[t], NULL);
}

int
main(int argc, char **argv)
{
    unsigned threads = argc > 4 ? (unsigned)atoi(argv[2]) : 0;
    uint64_t begin;

    for (size_t i = 0; argc > 4 && i < sizeof works / sizeof *works; i++)
        if (strcmp(argv[1], works[i].name) == 0 && is_told(argv[1]))
            run = works[i].run;
    if (run == NULL || threads == 0 || threads > THREADS) {
        fprintf(stderr,
                "usage: %s trees|gcbench|lru|map|queues|json|strings|cycles "
                "THREADS SIZE OPERATIONS\n",
                argv[0]);
        return 2;
    }
    HEAP_START();
    for (unsigned t = 0; t < threads; t++) {
        part[t].number = t;
        part[t].parts = threads;
        part[t].size = strtoull(argv[3], NULL, 10);
        part[t].ops = strtoull(argv[4], NULL, 10) / threads;
        part[t].chance = 88172645463325252u + t;
    }
    begin = now_ns();
    run_all(threads);
    report(argv[1], (double)(now_ns() - begin) / 1e9, threads);
    return 0;
}
