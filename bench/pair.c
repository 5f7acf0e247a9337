/* Time and memory of two commands that take turns.
 *
 *     bench_pair run FILE COMMAND ARGS...   run it; add a line to FILE
 *     bench_pair compare LABEL A B          a row about two such files
 *     bench_pair ratio A B                  the median ratio of CPU time alone
 *     bench_pair wall A B                   median wall time of B less A's, us
 *
 * A line is "cpu-us wall-us peak-kib": user and system time of the command
 * and all descendants it waited for, and the largest resident set among
 * them. Line i of A and line i of B were run one after the other, so that
 * what else the machine did is about the same for both: the ratio of each
 * pair is taken first, then the median over the pairs. The spread is half of
 * the distance between the quartiles, in per cent.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LINES_MAX = 1000, CPU = 0, WALL = 1, PEAK = 2, COLUMNS = 3 };

struct series {
    double value[COLUMNS][LINES_MAX];
    int lines;
};

static double
now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double
us_of(struct timeval t)
{
    return (double)t.tv_sec * 1e6 + (double)t.tv_usec;
}

/* vfork, not fork: the child starts without copying anything of ours. */
static int
run(const char *file, char **command)
{
    struct rusage used;
    int status = 0;
    double start = now_us(), wall;
    pid_t pid = vfork();
    FILE *f;

    if (pid == 0) {
        execvp(command[0], command);
        _exit(127);
    }
    while (wait4(pid, &status, 0, &used) < 0 && errno == EINTR)
        ;
    wall = now_us() - start;
    f = fopen(file, "a");
    if (f == NULL) {
        perror(file);
        return 2;
    }
    fprintf(f, "%.0f %.0f %ld\n", us_of(used.ru_utime) + us_of(used.ru_stime),
            wall, used.ru_maxrss);
    fclose(f);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void
read_series(struct series *s, const char *file)
{
    FILE *f = fopen(file, "r");
    int n = 0;

    if (f == NULL) {
        perror(file);
        exit(2);
    }
    while (n < LINES_MAX &&
           fscanf(f, "%lf %lf %lf", &s->value[CPU][n], &s->value[WALL][n],
                  &s->value[PEAK][n]) == COLUMNS)
        n++;
    s->lines = n;
    fclose(f);
    if (n == 0) {
        fprintf(stderr, "%s: no measurement\n", file);
        exit(2);
    }
}

static int
ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The value below which that part of them lies. */
static double
quantile(const double *value, int n, double part)
{
    static double sorted[LINES_MAX];
    double at = part * (n - 1);
    int i = (int)at;

    memcpy(sorted, value, (size_t)n * sizeof *value);
    qsort(sorted, (size_t)n, sizeof *sorted, ascending);
    return i + 1 < n ? sorted[i] + (at - i) * (sorted[i + 1] - sorted[i])
                     : sorted[n - 1];
}

static double
median(const double *value, int n)
{
    return quantile(value, n, 0.5);
}

static void
ratios(double *out, const struct series *a, const struct series *b, int column)
{
    for (int i = 0; i < a->lines; i++)
        out[i] = b->value[column][i] / (a->value[column][i] + 1e-9);
}

static void
compare(const char *label, const struct series *a, const struct series *b)
{
    static double ratio[COLUMNS][LINES_MAX];
    int n = a->lines;

    for (int c = 0; c < COLUMNS; c++)
        ratios(ratio[c], a, b, c);
    printf("%-10s %8.1f %8.1f  %5.3f +-%4.1f%%   %8.1f %8.1f  %5.3f   "
           "%7.1f %7.1f  %5.3f\n",
           label, median(a->value[CPU], n) / 1e3,
           median(b->value[CPU], n) / 1e3, median(ratio[CPU], n),
           50 * (quantile(ratio[CPU], n, 0.75) - quantile(ratio[CPU], n, 0.25)),
           median(a->value[WALL], n) / 1e3, median(b->value[WALL], n) / 1e3,
           median(ratio[WALL], n), median(a->value[PEAK], n) / 1024,
           median(b->value[PEAK], n) / 1024, median(ratio[PEAK], n));
}

int
main(int argc, char **argv)
{
    static struct series a, b;
    static double r[LINES_MAX];

    if (argc >= 4 && strcmp(argv[1], "run") == 0)
        return run(argv[2], argv + 3);
    if (argc < 4) {
        fputs("usage: bench_pair run FILE COMMAND... | compare LABEL A B | "
              "ratio A B | wall A B\n",
              stderr);
        return 2;
    }
    read_series(&a, argv[argc - 2]);
    read_series(&b, argv[argc - 1]);
    a.lines = b.lines = a.lines < b.lines ? a.lines : b.lines;
    if (strcmp(argv[1], "compare") == 0) {
        compare(argv[2], &a, &b);
    } else if (strcmp(argv[1], "ratio") == 0) {
        ratios(r, &a, &b, CPU);
        printf("%.3f\n", median(r, a.lines));
    } else {
        for (int i = 0; i < a.lines; i++)
            r[i] = b.value[WALL][i] - a.value[WALL][i];
        printf("%.0f\n", median(r, a.lines));
    }
    return 0;
}
