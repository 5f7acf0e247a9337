/* Bench: benchmarks as in Go, with what they allocate.
 *
 *     static void
 *     bench_parse(weir_bench *b, void *text)
 *     {
 *         while (weir_bench_loop(b))
 *             weir_bench_keep(parse(text));
 *     }
 *
 *     int
 *     main(int argc, char **argv)
 *     {
 *         static const struct weir_bench_entry all[] = {
 *             {"Parse", bench_parse, "a=1;b=2"},
 *             {NULL, NULL, NULL},
 *         };
 *         return weir_bench_main(argc, argv, all);
 *     }
 *
 *     $ cc parse_bench.c $(pkg-config --cflags --libs weir-bench)
 *     $ ./a.out -bench Parse -count 10 >new.txt
 *     BenchmarkParse-2   5230114   228.9 ns/op   112 B/op   2 allocs/op
 *     $ weir benchstat old.txt new.txt
 *
 * How often the work is repeated is found out: until it takes a second, or
 * what -benchtime says. Lines are in Go's benchmark format, which benchstat
 * and its like read. ./a.out -help lists the options.
 *
 * B/op and allocs/op are counts, not samples: of all threads, from the start
 * of the clock to its stop, divided by the iterations and rounded down, as in
 * Go, so what is done once for many iterations does not show. Bytes are those
 * of size classes. They are there when the program's malloc is Weir's; else
 * one sentence on stderr says that it is not, and the lines lack them.
 *
 * Units: nanoseconds, bytes. Threads: a benchmark runs in one; only
 * weir_bench_next is for those of weir_bench_parallel. Ownership: a weir_bench
 * is there until its function returns. Names and units are copied. Misuse: a
 * loop with weir_bench_loop must run to its end; a function that counts to
 * weir_bench_n is called several times, with growing n.
 */
#ifndef WEIR_BENCH_H
#define WEIR_BENCH_H

#include <stddef.h>
#include <stdint.h>
#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct weir_bench_state;

typedef struct weir_bench {
    uint64_t left; /* Weir's own: iterations before it looks at the clock */
    struct weir_bench_state *state;
} weir_bench;

typedef void (*weir_bench_fn)(weir_bench *b, void *arg);

struct weir_bench_entry {
    const char *name; /* "Parse": its lines begin with BenchmarkParse */
    weir_bench_fn run;
    void *arg;
};

/* Run those of all, which ends with a NULL name, that the command line asks
 * for, and print their lines to stdout. The program's exit status: 0; 1 when
 * one failed or none was asked for; 2 for wrong options. */
int weir_bench_main(int argc, char **argv, const struct weir_bench_entry *all);

/* Another iteration? The clock runs from the first call to the last: what
 * comes before and after the loop is not measured. */
int weir_bench_loop_slow(weir_bench *b);
static inline int
weir_bench_loop(weir_bench *b)
{
    if (b->left == 0)
        return weir_bench_loop_slow(b);
    b->left--;
    return 1;
}

/* The other way: do the work so many times. The clock runs all the time that
 * the function does, unless it says otherwise. */
uint64_t weir_bench_n(const weir_bench *b);

/* Let the compiler believe that somebody looks at *p, so that it does not
 * leave out what made it. */
static inline void
weir_bench_keep(const void *p)
{
    __asm__ volatile("" : : "g"(p) : "memory");
}

/* The clock, and with it the counting of allocations. It runs when the
 * function is called. Reset: forget what was measured, and what was reported.
 * Each but reset does nothing when it is so already. */
void weir_bench_start(weir_bench *b);
void weir_bench_stop(weir_bench *b);
void weir_bench_reset(weir_bench *b);

/* An iteration works on so many bytes: adds MB/s. */
void weir_bench_bytes(weir_bench *b, uint64_t bytes);

/* A number of one's own, in a unit without blanks: "hits/op". The latest of a
 * unit counts, 8 units at most. In the unit of a measured one ("ns/op") it
 * stands in its place. */
void weir_bench_report(weir_bench *b, double value, const char *unit);

/* Run a part as a benchmark of its own, name/part. A function that does so is
 * called once, and has no line itself. -bench a/b selects by level. */
void weir_bench_run(weir_bench *b, const char *part, weir_bench_fn run,
                    void *arg);

/* A sentence instead of a result. The function should return then; its loops
 * end. Fail makes the exit status 1. */
void weir_bench_fail(weir_bench *b, const char *why);
void weir_bench_skip(weir_bench *b, const char *why);

/* Share the iterations among as many threads as -cpu says, the machine's
 * processors by default. Each calls body, which takes iterations until there
 * are none. Their creation is not measured. */
typedef struct weir_bench_share weir_bench_share;
typedef void (*weir_bench_body)(weir_bench_share *share, void *arg);
void weir_bench_parallel(weir_bench *b, weir_bench_body body, void *arg);
int weir_bench_next(weir_bench_share *share);

/* One benchmark without a command line, for tests. */
struct weir_bench_result {
    uint64_t n;
    uint64_t ns;     /* of all n */
    uint64_t bytes;  /* allocated, in all n; 0 if not counted */
    uint64_t allocs; /* blocks */
    int counted;     /* 1: malloc is Weir's */
    double ns_per_op;
    uint64_t bytes_per_op, allocs_per_op; /* rounded down */
};

/* Repeat it until it takes so many ns; 0: once. It may have no parts.
 * WEIR_EINVAL: a NULL, or it has parts; WEIR_EBUSY: it failed or skipped. */
weir_err weir_bench_measure(weir_bench_fn run, void *arg, uint64_t ns,
                            struct weir_bench_result *out);

/* What a piece of work costs, once, to the block: for assertions of tests.
 *
 *     struct weir_bench_use use;
 *     weir_bench_use_begin(&use);
 *     handle(request);
 *     weir_bench_use_end(&use);
 *     assert(use.allocs <= 3 && use.live_blocks == 0);
 *
 * Of all threads: none should do anything else meanwhile. */
struct weir_bench_use {
    uint64_t allocs, bytes; /* allocated between the two */
    int64_t live_blocks;    /* live after less live before */
    int64_t live_bytes;
    int counted; /* 1: malloc is Weir's; else all is 0 */
};

void weir_bench_use_begin(struct weir_bench_use *use);
void weir_bench_use_end(struct weir_bench_use *use);

#ifdef __cplusplus
}
#endif
#endif
