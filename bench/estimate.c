/* How far off are the sampler's estimates?
 *
 *     bench_estimate LIBWEIR DIRECTORY RATE RUNS
 *
 * Starts itself RUNS times under Weir at that sample rate. Each run allocates
 * a known mixture of sizes, some of which it frees, and ends; its region
 * (made in DIRECTORY) is read and the estimates are compared with what was
 * allocated. Over the runs the mean error of each size should be within its
 * standard error (column z: mean by standard error of the mean, a number
 * that is seldom beyond 3), and the bias of objects and bytes over all sizes
 * near nothing.
 */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "region/read.h"

/* Classes of Weir's heap, so that a block occupies what was asked. */
static const struct {
    size_t bytes;
    unsigned count;
} mix[] = {
    {16, 2000000}, {64, 1000000}, {256, 300000},  {1024, 100000},
    {8192, 20000}, {32768, 4000}, {262144, 1000}, {4194304, 60},
};
enum { SIZES = sizeof mix / sizeof *mix, RUNS_MAX = 400 };

/* Of all sizes by turns, as a program would, until each has its count. */
static int
allocate(void)
{
    unsigned left[SIZES], open = SIZES, seed = 1;

    for (int i = 0; i < SIZES; i++)
        left[i] = mix[i].count;
    while (open > 0) {
        int i = (int)((seed = seed * 1664525 + 1013904223) >> 16) % SIZES;
        void *p;

        if (left[i] == 0)
            continue;
        p = malloc(mix[i].bytes);
        if (p == NULL)
            return 1;
        if (left[i] % 3 == 0 || mix[i].bytes > 256)
            free(p); /* what is kept must not fill the machine */
        open -= --left[i] == 0;
    }
    return 0;
}

struct error {
    double sum, squares;
};

/* Estimated objects of a size in a region. */
static double
estimate(const struct wr_region_view *v, size_t bytes)
{
    double objects = 0;

    for (uint64_t i = 0; i < wr_view_used(v, WR_TABLE_BUCKETS); i++) {
        const struct wr_bucket *b = wr_view_bucket(v, i);

        if (b->size == bytes)
            objects +=
                (double)b->allocs /
                (b->rate <= 1 ? 1
                              : 1 - exp(-(double)b->size / (double)b->rate));
    }
    return objects;
}

static void
run_child(const char *self, const char *library, const char *options)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        setenv("LD_PRELOAD", library, 1);
        setenv("WEIR", options, 1);
        execl(self, self, "allocate", (char *)NULL);
        _exit(127);
    }
    if (waitpid(pid, &status, 0) != pid || status != 0) {
        fputs("bench_estimate: a run failed\n", stderr);
        exit(1);
    }
}

/* The one region in the directory: opened, and its file removed. */
static void
open_region(struct wr_region_view *v, const char *directory)
{
    char path[600] = "", why[200] = "there is none";
    DIR *d = opendir(directory);
    struct dirent *e;

    while (d != NULL && (e = readdir(d)) != NULL)
        if (strstr(e->d_name, WR_REGION_SUFFIX) != NULL)
            snprintf(path, sizeof path, "%s/%s", directory, e->d_name);
    if (d != NULL)
        closedir(d);
    if (wr_region_open(v, path, why, sizeof why) != 0) {
        fprintf(stderr, "bench_estimate: no region: %s\n", why);
        exit(1);
    }
    unlink(path);
}

static void
report(const struct error *error, int runs)
{
    double objects = 0, bytes = 0, off_objects = 0, off_bytes = 0;

    printf("%10s %10s %12s %14s %8s\n", "bytes", "objects", "mean error",
           "of one run", "z");
    for (int i = 0; i < SIZES; i++) {
        double mean = error[i].sum / runs;
        double var = error[i].squares / runs - mean * mean;
        double deviation = sqrt(var > 0 ? var : 0);

        printf("%10zu %10u %+11.3f%% %13.3f%% %+8.2f\n", mix[i].bytes,
               mix[i].count, 100 * mean, 100 * deviation,
               deviation > 0 ? mean / (deviation / sqrt(runs)) : 0);
        objects += mix[i].count;
        bytes += (double)mix[i].count * (double)mix[i].bytes;
        off_objects += mean * mix[i].count;
        off_bytes += mean * mix[i].count * (double)mix[i].bytes;
    }
    printf("goal bias-objects measured %.3f %% wanted 1 %%\n",
           100 * fabs(off_objects / objects));
    printf("goal bias-bytes measured %.3f %% wanted 1 %%\n",
           100 * fabs(off_bytes / bytes));
}

int
main(int argc, char **argv)
{
    static struct error error[SIZES];
    char options[700];
    int runs;

    if (argc == 2 && strcmp(argv[1], "allocate") == 0)
        return allocate();
    if (argc != 5 || (runs = atoi(argv[4])) < 1 || runs > RUNS_MAX) {
        fputs("usage: bench_estimate LIBWEIR DIRECTORY RATE RUNS\n", stderr);
        return 2;
    }
    snprintf(options, sizeof options, "sample=%s,dir=%s", argv[3], argv[2]);
    for (int run = 0; run < runs; run++) {
        struct wr_region_view v;

        run_child("/proc/self/exe", argv[1], options);
        open_region(&v, argv[2]);
        for (int i = 0; i < SIZES; i++) {
            double e = estimate(&v, mix[i].bytes) / mix[i].count - 1;

            error[i].sum += e;
            error[i].squares += e * e;
        }
        wr_region_close(&v);
    }
    report(error, runs);
    return 0;
}
