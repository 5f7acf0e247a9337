/* Benchmarks of which it is known what they allocate. bench.sh runs it on
 * libc's malloc and on Weir's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir/bench.h>

static void
nothing(weir_bench *b, void *arg)
{
    (void)arg;
    while (weir_bench_loop(b))
        weir_bench_keep(b);
}

static void
two_blocks(weir_bench *b, void *arg)
{
    (void)arg;
    for (uint64_t i = 0; i < weir_bench_n(b); i++) {
        void *p = malloc(40), *q = malloc(100);
        weir_bench_keep(p);
        weir_bench_keep(q);
        free(q);
        free(p);
    }
}

static void
sized(weir_bench *b, void *arg)
{
    size_t bytes = *(size_t *)arg;

    weir_bench_bytes(b, bytes);
    while (weir_bench_loop(b)) {
        void *p = malloc(bytes);
        memset(p, 1, bytes);
        weir_bench_keep(p);
        free(p);
    }
}

static void
sizes(weir_bench *b, void *arg)
{
    static size_t small = 64, large = 1 << 20;

    (void)arg;
    weir_bench_run(b, "small one", sized, &small);
    weir_bench_run(b, "large", sized, &large);
}

static void *list;

/* Keeps a block of each iteration. */
static void
leaks(weir_bench *b, void *arg)
{
    (void)arg;
    while (weir_bench_loop(b)) {
        void **p = malloc(48);
        *p = list;
        list = p;
    }
}

static void
allocate(weir_bench_share *share, void *arg)
{
    (void)arg;
    while (weir_bench_next(share)) {
        void *p = malloc(32);
        weir_bench_keep(p);
        free(p);
    }
}

static void
parallel(weir_bench *b, void *arg)
{
    weir_bench_parallel(b, allocate, arg);
}

static void
metric(weir_bench *b, void *arg)
{
    (void)arg;
    while (weir_bench_loop(b))
        weir_bench_keep(b);
    weir_bench_report(b, 2.5, "hits/op");
}

static void
skipped(weir_bench *b, void *arg)
{
    weir_bench_skip(b, arg);
}

static void
failing(weir_bench *b, void *arg)
{
    weir_bench_fail(b, arg);
}

/* What one piece of work costs, to the block. */
static int
use_once(void)
{
    struct weir_bench_use use;
    void *kept, *p;

    weir_bench_use_begin(&use);
    kept = malloc(100);
    p = malloc(2000);
    weir_bench_keep(p);
    free(p);
    weir_bench_use_end(&use);
    weir_bench_keep(kept);
    printf("counted %d: %llu blocks, %lld live, %lld bytes live\n", use.counted,
           (unsigned long long)use.allocs, (long long)use.live_blocks,
           (long long)use.live_bytes);
    free(kept);
    return 0;
}

int
main(int argc, char **argv)
{
    static const struct weir_bench_entry all[] = {
        {"nothing", nothing, NULL},
        {"TwoBlocks", two_blocks, NULL},
        {"Sizes", sizes, NULL},
        {"Leaks", leaks, NULL},
        {"Parallel", parallel, NULL},
        {"Metric", metric, NULL},
        {"Skipped", skipped, "not today"},
        {"Failing", failing, "broken"},
        {NULL, NULL, NULL},
    };

    if (argc == 2 && strcmp(argv[1], "use") == 0)
        return use_once();
    return weir_bench_main(argc, argv, all);
}
