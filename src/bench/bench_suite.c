/* The suite: which benchmarks are run, how often, and by how many threads.
 *
 * Invariants
 * 1. A benchmark is called once with n = 1 before anything else: then it is
 *    known whether it has parts, which that call has run.
 */
#include "bench/bench.h"

#include <ctype.h>
#include <string.h>
#include "base/base.h"

static const char *
last_part(const char *name, unsigned level)
{
    const char *slash = level > 0 ? strrchr(name, '/') : NULL;

    return slash ? slash + 1 : name;
}

/* One line, or those of its parts. False: there is no more to do. */
static bool
one_line(struct wr_bench_suite *suite, struct weir_bench_state *s,
         weir_bench_fn run, void *arg)
{
    wr_bench_call(s, 1, run, arg);
    if (s->has_parts && s->end == WR_BENCH_WELL)
        return false;
    if (s->end == WR_BENCH_WELL && s->level + 1 < suite->options.levels)
        return false; /* only parts were asked for, and it has none */
    wr_bench_repeat(s, run, arg);
    wr_bench_print(suite, s);
    return s->end == WR_BENCH_WELL;
}

void
wr_bench_all_of(struct wr_bench_suite *suite, const char *name, unsigned level,
                weir_bench_fn run, void *arg)
{
    const struct wr_bench_options *o = &suite->options;

    if (!wr_bench_matches(o, level, last_part(name, level)))
        return;
    for (unsigned cpu = 0; cpu < o->cpus; cpu++)
        for (unsigned i = 0; i < o->count; i++) {
            struct weir_bench_state s = {
                .suite = suite, .level = level, .procs = o->cpu[cpu]};
            snprintf(s.name, sizeof s.name, "%s", name);
            if (!one_line(suite, &s, run, arg))
                return;
        }
}

/* Names begin with a capital, as Go's tools expect them. */
static void
capitalise(char *to, size_t room, const char *name)
{
    snprintf(to, room, "%s", name);
    to[0] = (char)toupper((unsigned char)to[0]);
}

static int
widest(const struct wr_bench_suite *suite, const struct weir_bench_entry *all)
{
    int width = 0;

    for (; all->name != NULL; all++) {
        int n = snprintf(NULL, 0, "Benchmark%s-%u", all->name,
                         suite->options.cpu[suite->options.cpus - 1]);
        width = n > width ? n : width;
    }
    return width;
}

static void
run_all(struct wr_bench_suite *suite, const struct weir_bench_entry *all)
{
    char name[WR_BENCH_NAME];

    suite->width = widest(suite, all);
    for (; all->name != NULL; all++) {
        capitalise(name, sizeof name, all->name);
        if (!suite->options.list)
            wr_bench_all_of(suite, name, 0, all->run, all->arg);
        else if (wr_bench_matches(&suite->options, 0, name) &&
                 ++suite->lines > 0)
            printf("Benchmark%s\n", name);
    }
}

static int
status_of(const struct wr_bench_suite *suite)
{
    if (suite->lines == 0)
        fputs("weir: no benchmark has the name that -bench asks for; -list "
              "shows them\n",
              stderr);
    return suite->failed > 0 || suite->lines == 0;
}

WR_EXPORT int
weir_bench_main(int argc, char **argv, const struct weir_bench_entry *all)
{
    struct wr_bench_suite suite = {.out = stdout};
    int status = wr_bench_options_parse(&suite.options, argc, argv);

    if (status == 0) {
        suite.counted = wr_bench_counts();
        if (!suite.counted && !suite.options.list &&
            (suite.options.memory || suite.options.live))
            fputs("weir: malloc is not Weir's here, so what is allocated is "
                  "not counted. Link with -lweir, or start with weir run\n",
                  stderr);
        run_all(&suite, all);
        status = status_of(&suite) + 1;
    }
    wr_bench_options_fini(&suite.options);
    return status - 1;
}
