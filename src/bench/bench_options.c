/* The command line of a benchmark: Go's options, as far as they are about
 * benchmarks, with one dash or two.
 */
#include "bench/bench.h"

#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#define SECOND UINT64_C(1000000000)

static const char help[] =
    "usage: %s [options]\n"
    "\n"
    "Runs benchmarks and prints a line for each: iterations, time, and what\n"
    "it allocates, in Go's format. weir benchstat compares such files.\n"
    "\n"
    "  -bench REGEXP     only those whose names match; a/b selects parts b of\n"
    "                    those that match a (extended regular expressions)\n"
    "  -benchtime TIME   repeat each for so long: 300ms, 2s, 1m; or, with x,\n"
    "                    so often: 100x. Default 1s\n"
    "  -count N          each N times, default 1\n"
    "  -cpu LIST         threads of parallel ones: 1,2,4; each by each\n"
    "  -benchmem=false   without B/op and allocs/op\n"
    "  -benchlive        what is held more after than before: live-bytes and\n"
    "                    live-blocks, of all iterations\n"
    "  -list             only the names\n"
    "  -help             this text\n";

static int
complain(const char *what, const char *text)
{
    fprintf(stderr, "%s: %s: \"%s\"; -help tells the options\n",
            program_invocation_short_name, what, text);
    return 3;
}

/* A number and a unit of time; or a number and x. */
static int
parse_time(struct wr_bench_options *o, const char *text)
{
    static const struct {
        const char *name;
        double ns;
    } units[] = {{"ns", 1},  {"us", 1e3}, {"µs", 1e3},  {"ms", 1e6},
                 {"s", 1e9}, {"m", 6e10}, {"h", 3.6e12}};
    char *end;
    double x = strtod(text, &end);

    if (end == text || !(x > 0) || x > 1e12)
        return complain("-benchtime wants a time, or times like 100x", text);
    if (strcmp(end, "x") == 0 && x == (double)(uint64_t)x &&
        x <= WR_BENCH_MOST) {
        o->times = (uint64_t)x;
        return 0;
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(end, units[i].name) == 0 && x * units[i].ns < 1e18) {
            o->goal_ns = (uint64_t)(x * units[i].ns);
            o->times = 0;
            return 0;
        }
    return complain("-benchtime wants a time, or times like 100x", text);
}

static int
parse_number(unsigned *to, const char *text, const char *what)
{
    char *end;
    unsigned long x = strtoul(text, &end, 10);

    if (*text < '0' || *text > '9' || *end != '\0' || x < 1 || x > 1000000)
        return complain(what, text);
    *to = (unsigned)x;
    return 0;
}

static int
parse_cpus(struct wr_bench_options *o, const char *text)
{
    char *list = strdup(text), *rest = NULL;
    int status = 0;

    o->cpus = 0;
    for (char *one = list ? strtok_r(list, ",", &rest) : NULL;
         one != NULL && status == 0; one = strtok_r(NULL, ",", &rest))
        if (o->cpus == WR_BENCH_CPUS)
            status = complain("-cpu takes 16 numbers at most", text);
        else
            status = parse_number(&o->cpu[o->cpus++], one,
                                  "-cpu wants numbers of threads, like 1,2,4");
    if (status == 0 && o->cpus == 0)
        status = complain("-cpu wants numbers of threads, like 1,2,4", text);
    free(list);
    return status;
}

void
wr_bench_options_fini(struct wr_bench_options *o)
{
    while (o->levels > 0)
        regfree(&o->level[--o->levels]);
}

/* One expression, of a level. */
static int
add_level(struct wr_bench_options *o, const char *text)
{
    char why[128];
    int error;

    if (o->levels == WR_BENCH_LEVELS)
        return complain("-bench has more than 8 levels", text);
    error = regcomp(&o->level[o->levels], text, REG_EXTENDED | REG_NOSUB);
    if (error != 0) {
        regerror(error, &o->level[o->levels], why, sizeof why);
        return complain(why, text);
    }
    o->levels++;
    return 0;
}

/* Levels end with a slash that is in no brackets. */
static int
parse_levels(struct wr_bench_options *o, const char *text)
{
    char *list = strdup(text), *from = list;
    int status = list ? 0 : complain("no memory for it", text), inside = 0;

    wr_bench_options_fini(o);
    for (char *c = list; status == 0 && c != NULL; c++) {
        bool end = *c == '\0';
        inside += *c == '[' || *c == '(';
        inside -= *c == ']' || *c == ')';
        if (!end && (*c != '/' || inside > 0))
            continue;
        *c = '\0';
        status = add_level(o, from);
        from = c + 1;
        if (end)
            break;
    }
    free(list);
    return status;
}

/* The processors that the program may run on. */
static unsigned
processors(void)
{
    cpu_set_t set;
    int n;

    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    n = CPU_COUNT(&set);
    return n > 0 ? (unsigned)n : 1;
}

enum letter { BENCH, TIME, COUNT, CPU, MEM, LIVE, LIST, HELP };

static int
take(struct wr_bench_options *o, int letter, const char *program)
{
    switch (letter) {
    case BENCH:
        return parse_levels(o, optarg);
    case TIME:
        return parse_time(o, optarg);
    case COUNT:
        return parse_number(&o->count, optarg, "-count wants a number");
    case CPU:
        return parse_cpus(o, optarg);
    case MEM:
        o->memory = optarg == NULL || strcmp(optarg, "false") != 0;
        return 0;
    case LIVE:
        o->live = true;
        return 0;
    case LIST:
        o->list = true;
        return 0;
    case HELP:
        printf(help, program);
        return 1;
    default:
        fprintf(stderr, "%s -help tells the options\n", program);
        return 3;
    }
}

int
wr_bench_options_parse(struct wr_bench_options *o, int argc, char **argv)
{
    static const struct option known[] = {
        {"bench", required_argument, NULL, BENCH},
        {"benchtime", required_argument, NULL, TIME},
        {"count", required_argument, NULL, COUNT},
        {"cpu", required_argument, NULL, CPU},
        {"benchmem", optional_argument, NULL, MEM},
        {"benchlive", no_argument, NULL, LIVE},
        {"list", no_argument, NULL, LIST},
        {"help", no_argument, NULL, HELP},
        {NULL, 0, NULL, 0}};
    int letter, status = 0;

    memset(o, 0, sizeof *o);
    o->goal_ns = SECOND;
    o->count = o->cpus = 1;
    o->cpu[0] = processors();
    o->memory = true;
    optind = 1;
    while (status == 0 &&
           (letter = getopt_long_only(argc, argv, "", known, NULL)) != -1)
        status = take(o, letter, program_invocation_short_name);
    if (status == 0 && optind < argc)
        status =
            complain("it takes options only, -bench for names", argv[optind]);
    return status;
}

bool
wr_bench_matches(const struct wr_bench_options *o, unsigned level,
                 const char *part)
{
    return level >= o->levels ||
           regexec(&o->level[level], part, 0, NULL, 0) == 0;
}
