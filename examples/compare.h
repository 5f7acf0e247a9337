/* What the examples from 7 on share: two ways of doing the same, side by side.
 *
 * compare() repeats a piece of work and prints what it costs; held() does it
 * once and prints what stays. The costs in blocks and bytes are counts, the
 * same on every machine; so an example can end with a failure when its lesson
 * does not hold. */
#ifndef COMPARE_H
#define COMPARE_H

#include <stdio.h>
#include <stdlib.h>
#include <weir/weir.h>

static inline struct weir_bench_result
compare(const char *name, weir_bench_fn work, void *arg)
{
    struct weir_bench_result r = {0};

    if (weir_bench_measure(work, arg, 20000000, &r) != WEIR_OK || !r.counted) {
        fprintf(stderr, "%s: not measured\n", name);
        exit(1);
    }
    printf("%-28s %12.0f ns %12llu B %8llu allocs\n", name, r.ns_per_op,
           (unsigned long long)r.bytes_per_op,
           (unsigned long long)r.allocs_per_op);
    return r;
}

static inline struct weir_bench_use
held(const char *name, void (*work)(void))
{
    struct weir_bench_use use;
    struct weir_memstats m; /* a call of libweir's, so that it is linked */

    weir_bench_use_begin(&use);
    work();
    weir_bench_use_end(&use);
    if (weir_memstats(&m) != WEIR_OK || !use.counted) {
        fprintf(stderr, "%s: not measured\n", name);
        exit(1);
    }
    printf("%-28s %12lld B %8lld blocks still held\n", name,
           (long long)use.live_bytes, (long long)use.live_blocks);
    return use;
}

/* The lesson, for main to return. */
static inline int
lesson(int holds)
{
    puts(holds ? "so it is" : "IT IS NOT SO");
    return !holds;
}

#endif
