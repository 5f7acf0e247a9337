/* Workloads for any allocator: whichever is preloaded, or linked.
 *
 *     bench_alloc NAME [SCALE]          run one; SCALE 1 is half a second
 *     bench_alloc loop-BYTES [SCALE]    malloc and free, nothing else
 *     bench_alloc count-BYTES [SCALE]   only that, for who counts instructions
 *     bench_alloc replay FILE [SCALE]   a trace of `weir record-allocs`
 *     bench_alloc gate                  how long a fixed loop takes, in us
 *     bench_alloc --list [GROUP]        all names, with what they are
 *
 * The last line is
 *     NAME OPS CPU-NS WALL-NS PEAK-KIB SUM GATE-US
 * with times per operation, the peak less the workload's own tables, a sum
 * that depends on the work alone, and how long the fixed loop took before or
 * after, whichever was longer. Exit status 77: cannot be measured here.
 */
#include <stdio.h>
#include <string.h>

#include "load.h"

enum { LOOP_PAIRS = 10000000, REPLAYED = 2000000 };

static const struct workload *const tables[] = {
    single_workloads, thread_workloads, memory_workloads, NULL};

static const struct workload *
find(const char *name)
{
    for (int t = 0; tables[t] != NULL; t++)
        for (const struct workload *w = tables[t]; w->name != NULL; w++)
            if (strcmp(w->name, name) == 0)
                return w;
    return NULL;
}

static int
list(const char *group)
{
    for (int t = 0; tables[t] != NULL; t++)
        for (const struct workload *w = tables[t]; w->name != NULL; w++)
            if (group == NULL || strcmp(w->group, group) == 0)
                printf("%-13s %-8s %s\n", w->name, w->group, w->says);
    return 0;
}

static int
usage(void)
{
    fputs("usage: bench_alloc NAME [SCALE] | loop-BYTES [SCALE] | "
          "count-BYTES [SCALE] | replay FILE [SCALE] | gate | --list [GROUP]\n",
          stderr);
    return 2;
}

static uint64_t
scaled(uint64_t n, double scale)
{
    double part = (double)n * scale;

    return part < 1 ? 1 : (uint64_t)part;
}

/* Nothing else must be counted. */
static int
count(struct load *l)
{
    run_loop(l);
    return 0;
}

static int
measure(const char *name, void (*run)(struct load *l), struct load *l)
{
    double before = gate_us(), after;
    struct figures f;
    double ops;

    load_begin();
    run(l);
    load_end(&f);
    after = gate_us();
    ops = (double)(l->ops != 0 ? l->ops : 1);
    printf("%s %llu %.2f %.2f %ld %016llx %.0f\n", name,
           (unsigned long long)l->ops, f.cpu_ns / ops, f.wall_ns / ops,
           f.peak_kib, (unsigned long long)l->sum,
           before > after ? before : after);
    return 0;
}

int
main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";

    bool replay = strcmp(name, "replay") == 0 && argc > 2;
    int at = replay ? 3 : 2; /* where SCALE is */
    double scale = argc > at ? atof(argv[at]) : 1;
    struct load l = {.threads = 1};
    const struct workload *w = find(name);

    if (strcmp(name, "--list") == 0)
        return list(argc > 2 ? argv[2] : NULL);
    if (strcmp(name, "gate") == 0)
        return printf("%.0f\n", gate_us()) < 0;
    if (argc > at + 1 || scale <= 0)
        return usage();
    l.wanted = scaled(w != NULL ? w->wanted : LOOP_PAIRS, scale);
    l.file = argc > 2 ? argv[2] : NULL;
    if (replay) {
        l.wanted = scaled(REPLAYED, scale);
        return measure(name, run_replay, &l);
    }
    if (sscanf(name, "loop-%zu", &l.bytes) == 1)
        return measure(name, run_loop, &l);
    if (sscanf(name, "count-%zu", &l.bytes) == 1)
        return count(&l);
    if (w == NULL)
        return usage();
    l.bytes = w->bytes;
    l.threads = w->threads;
    return measure(w->name, w->run, &l);
}
