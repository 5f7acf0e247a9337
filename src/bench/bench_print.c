/* The lines of benchmarks, in the format that Go's tools read.
 *
 * A file begins with lines "key: value" about the machine. A result is a
 * name, the iterations, and pairs of value and unit, with tabs in between.
 */
#include "bench/bench.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

/* Go's names for what uname says. */
static const struct {
    const char *machine, *goarch;
} archs[] = {{"x86_64", "amd64"},
             {"aarch64", "arm64"},
             {"i686", "386"},
             {"armv7l", "arm"},
             {NULL, NULL}};

static const char *
goarch(const char *machine)
{
    for (unsigned i = 0; archs[i].machine; i++)
        if (strcmp(archs[i].machine, machine) == 0)
            return archs[i].goarch;
    return machine;
}

static void
print_processor(FILE *out)
{
    FILE *f = fopen("/proc/cpuinfo", "re");
    char line[256];
    const char *value;

    while (f != NULL && fgets(line, sizeof line, f))
        if (strncmp(line, "model name", 10) == 0 &&
            (value = strchr(line, ':')) != NULL) {
            fprintf(out, "cpu:%s", value + 1);
            break;
        }
    if (f != NULL)
        fclose(f);
}

void
wr_bench_print_header(struct wr_bench_suite *suite)
{
    struct utsname u;

    if (suite->headed)
        return;
    suite->headed = true;
    if (uname(&u) == 0) {
        for (char *c = u.sysname; *c != '\0'; c++)
            *c = (char)tolower((unsigned char)*c);
        fprintf(suite->out, "goos: %s\ngoarch: %s\n", u.sysname,
                goarch(u.machine));
    }
    fprintf(suite->out, "pkg: %s\n", program_invocation_short_name);
    print_processor(suite->out);
}

/* The fewer digits before the point, the more behind it; and the points stand
 * below each other. */
void
wr_bench_number(char *to, size_t room, double x, const char *unit)
{
    static const double above[] = {999.95,  99.995,   9.9995,    .99995,
                                   .099995, .0099995, .00099995, 0};
    static const int width[] = {10, 12, 13, 14, 15, 16, 17, 18};
    double size = fabs(x);
    int i = 0;

    while (size != 0 && size < above[i])
        i++;
    snprintf(to, room, "%*.*f %s", width[i], i, x, unit);
}

static const double *
reported(const struct weir_bench_state *s, const char *unit)
{
    for (unsigned i = 0; i < s->units; i++)
        if (strcmp(s->unit[i].name, unit) == 0)
            return &s->unit[i].value;
    return NULL;
}

static void
print_value(FILE *out, double x, const char *unit)
{
    char text[96];

    wr_bench_number(text, sizeof text, x, unit);
    fprintf(out, "\t%s", text);
}

/* A count per iteration, unless the benchmark reports one of its own. */
static void
print_count(FILE *out, const struct weir_bench_state *s, uint64_t count,
            const char *unit)
{
    const double *own = reported(s, unit);

    if (own != NULL)
        print_value(out, *own, unit);
    else
        fprintf(out, "\t%8llu %s", (unsigned long long)(count / s->n), unit);
}

static bool
is_measured(const char *unit)
{
    return strcmp(unit, "ns/op") == 0 || strcmp(unit, "MB/s") == 0 ||
           strcmp(unit, "B/op") == 0 || strcmp(unit, "allocs/op") == 0;
}

static void
print_time(FILE *out, const struct weir_bench_state *s)
{
    const double *own = reported(s, "ns/op");
    double ns = (double)s->clock.sum.ns;

    print_value(out, own ? *own : ns / (double)s->n, "ns/op");
    own = reported(s, "MB/s");
    if (own != NULL)
        fprintf(out, "\t%7.2f MB/s", *own);
    else if (s->op_bytes > 0 && ns > 0)
        fprintf(out, "\t%7.2f MB/s",
                (double)s->op_bytes * (double)s->n / ns * 1e3);
}

static void
print_memory(FILE *out, const struct weir_bench_state *s)
{
    const struct wr_bench_options *o = &s->suite->options;
    const struct wr_bench_count *sum = &s->clock.sum;

    if (!s->suite->counted)
        return;
    if (o->memory) {
        print_count(out, s, sum->bytes, "B/op");
        print_count(out, s, sum->allocs, "allocs/op");
    }
    if (o->live)
        fprintf(out, "\t%8lld live-bytes\t%8lld live-blocks",
                (long long)sum->live_bytes, (long long)sum->live_blocks);
}

static void
print_name(struct wr_bench_suite *suite, const struct weir_bench_state *s)
{
    char name[WR_BENCH_NAME + 32];

    if (s->procs > 1)
        snprintf(name, sizeof name, "Benchmark%s-%u", s->name, s->procs);
    else
        snprintf(name, sizeof name, "Benchmark%s", s->name);
    fprintf(suite->out, "%-*s", suite->width, name);
}

void
wr_bench_print(struct wr_bench_suite *suite, const struct weir_bench_state *s)
{
    FILE *out = suite->out;

    wr_bench_print_header(suite);
    suite->lines++;
    if (s->end != WR_BENCH_WELL) {
        bool failed = s->end == WR_BENCH_FAILED;
        suite->failed += failed;
        fprintf(out, "--- %s: Benchmark%s\n    %s\n", failed ? "FAIL" : "SKIP",
                s->name, s->why);
        fflush(out);
        return;
    }
    print_name(suite, s);
    fprintf(out, "\t%8llu", (unsigned long long)s->n);
    print_time(out, s);
    for (unsigned i = 0; i < s->units; i++)
        if (!is_measured(s->unit[i].name))
            print_value(out, s->unit[i].value, s->unit[i].name);
    print_memory(out, s);
    fputc('\n', out);
    fflush(out);
}
