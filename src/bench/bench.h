/* Bench, inside: one measurement, and what the command line asked for.
 *
 * A clock (struct wr_bench_clock) sums time and allocations while it runs. A
 * state is one benchmark at one level; its parts have states of their own. A
 * suite is what the command line says, and what came out so far.
 *
 * Threads: one, but for the share of a parallel benchmark.
 */
#ifndef WR_BENCH_BENCH_H
#define WR_BENCH_BENCH_H

#include <regex.h>
#include <stdbool.h>
#include <stdio.h>
#include <weir/bench.h>

enum {
    WR_BENCH_LEVELS = 8,       /* of -bench a/b/c */
    WR_BENCH_CPUS = 16,        /* of -cpu 1,2,4 */
    WR_BENCH_UNITS = 8,        /* reported by one benchmark */
    WR_BENCH_NAME = 256,       /* with its parts */
    WR_BENCH_UNIT = 32,        /* of a unit's name */
    WR_BENCH_TEXT = 160,       /* of a reason */
    WR_BENCH_MOST = 1000000000 /* iterations */
};

/* Counts of the whole program, and its clock. */
struct wr_bench_count {
    uint64_t ns, bytes, allocs;
    uint64_t live_blocks, live_bytes;
};

struct wr_bench_clock {
    bool runs;
    struct wr_bench_count since; /* it runs */
    struct wr_bench_count sum;   /* live: differences, as two's complement */
};

struct wr_bench_unit {
    char name[WR_BENCH_UNIT];
    double value;
};

struct wr_bench_options {
    regex_t level[WR_BENCH_LEVELS];
    unsigned levels;
    uint64_t goal_ns;
    uint64_t times; /* iterations; 0: as many as goal_ns takes */
    unsigned count; /* lines of each */
    unsigned cpu[WR_BENCH_CPUS];
    unsigned cpus;
    bool memory, live, list;
};

struct wr_bench_suite {
    struct wr_bench_options options;
    FILE *out;
    bool counted; /* malloc is Weir's */
    bool headed;  /* the lines about the machine are written */
    int width;    /* of names */
    unsigned lines, failed;
};

enum wr_bench_end { WR_BENCH_WELL, WR_BENCH_FAILED, WR_BENCH_SKIPPED };

struct weir_bench_state {
    struct wr_bench_suite *suite;
    char name[WR_BENCH_NAME];
    unsigned level; /* 0: named in main */
    unsigned procs; /* threads of weir_bench_parallel */
    uint64_t n;     /* iterations measured; those to do, while it runs */
    struct wr_bench_clock clock;
    bool looped;  /* it uses weir_bench_loop */
    bool in_loop; /* and has not come to its end */
    bool has_parts;
    uint64_t op_bytes; /* for MB/s */
    struct wr_bench_unit unit[WR_BENCH_UNITS];
    unsigned units;
    enum wr_bench_end end;
    char why[WR_BENCH_TEXT];
};

/* bench_clock.c */
struct wr_bench_count wr_bench_count(bool counted);
bool wr_bench_counts(void); /* is malloc Weir's? */
void wr_bench_clock_start(struct wr_bench_clock *c, bool counted);
void wr_bench_clock_stop(struct wr_bench_clock *c, bool counted);
/* Iterations to try when last of them took ns, to come to goal: at least one
 * more, at most a hundred times as many. */
uint64_t wr_bench_plan(uint64_t goal_ns, uint64_t last, uint64_t ns);

/* bench.c: repeat it as the suite's options say; one level, no printing. */
void wr_bench_call(struct weir_bench_state *s, uint64_t n, weir_bench_fn run,
                   void *arg);
void wr_bench_repeat(struct weir_bench_state *s, weir_bench_fn run, void *arg);

/* bench_suite.c: every line of a benchmark and of its parts. */
void wr_bench_all_of(struct wr_bench_suite *suite, const char *name,
                     unsigned level, weir_bench_fn run, void *arg);

/* bench_options.c: 0; or an exit status + 1, after a sentence. */
int wr_bench_options_parse(struct wr_bench_options *o, int argc, char **argv);
void wr_bench_options_fini(struct wr_bench_options *o);
/* Does the part's name match what was asked for at its level? */
bool wr_bench_matches(const struct wr_bench_options *o, unsigned level,
                      const char *part);

/* bench_print.c */
void wr_bench_print_header(struct wr_bench_suite *suite);
void wr_bench_print(struct wr_bench_suite *suite,
                    const struct weir_bench_state *s);
/* A number as Go prints it: four digits that count, right-aligned. */
void wr_bench_number(char *to, size_t room, double x, const char *unit);

#endif
