/* Loads for bench/limit.sh; prints one number.
 *
 *     limit pairs MILLIONS        ns of a pair of malloc and free, 10000 live
 *     limit spans MILLIONS        ns of one where every 8th takes a span
 *     limit cache SECONDS BYTES   a cache that grows as fast as it can and
 *                                 shrinks when it is told: the most MiB that
 *                                 the process ever held
 *     limit shift SECONDS MIB     so much live, in blocks of ever other sizes:
 *                                 the same
 */
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <weir/limit.h>

static double
seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* In KiB. */
static unsigned long
held(void)
{
    char line[200];
    unsigned long kib = 0, part;
    FILE *in = fopen("/proc/self/status", "r");

    while (in != NULL && fgets(line, sizeof line, in) != NULL)
        if (sscanf(line, "RssAnon: %lu", &part) == 1 ||
            sscanf(line, "RssShmem: %lu", &part) == 1)
            kib += part;
    if (in != NULL)
        fclose(in);
    return kib;
}

static uint32_t
chance(void)
{
    static uint64_t state = 1;

    state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(state >> 33);
}

static double
pairs(double millions, size_t blocks, size_t bytes)
{
    void **live = calloc(blocks, sizeof *live);
    double begin = seconds(), n = millions * 1e6;

    for (double i = 0; i < n; i++) {
        size_t k = chance() % blocks;

        free(live[k]);
        live[k] = malloc(bytes + (k & 7) * 16);
    }
    return (seconds() - begin) * 1e9 / n;
}

/* ---- the cache ---- */

enum { ENTRIES = 1 << 16 };
static void *entry[ENTRIES];
static size_t entry_bytes;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Somebody waits for the lock: libc's goes to who asks again at once. */
static _Atomic int waits;

static void
shrink(const struct weir_pressure *p, void *arg)
{
    size_t freed = 0;

    (void)arg;
    waits = 1;
    pthread_mutex_lock(&lock);
    waits = 0;
    for (size_t i = 0; i < ENTRIES && freed < p->wanted; i++) {
        if (entry[i] != NULL)
            freed += entry_bytes;
        free(entry[i]);
        entry[i] = NULL;
    }
    pthread_mutex_unlock(&lock);
}

static unsigned long
cache(double time)
{
    weir_err (*subscribe)(weir_pressure_fn, void *);
    double end = seconds() + time;
    unsigned long peak = 0, now;
    size_t filled = 0;

    *(void **)&subscribe = dlsym(RTLD_DEFAULT, "weir_pressure_subscribe");
    if (subscribe != NULL)
        subscribe(shrink, NULL);
    while (seconds() < end) {
        size_t i = chance() % ENTRIES;

        while (waits)
            sched_yield();
        pthread_mutex_lock(&lock);
        free(entry[i]);
        entry[i] = memset(malloc(entry_bytes), 1, entry_bytes);
        pthread_mutex_unlock(&lock);
        filled += entry_bytes;
        if (filled < 1 << 20)
            continue;
        filled = 0;
        now = held();
        peak = now > peak ? now : peak;
    }
    return peak;
}

/* ---- sizes that shift ---- */

static unsigned long
shift(double time, size_t live)
{
    double end = seconds() + time;
    unsigned long peak = 0, now;

    while (seconds() < end)
        for (size_t bytes = 36 << 10; bytes < 600 << 10; bytes += bytes / 3)
            for (size_t k = 0; k < 4096; k++) {
                size_t i = k * 7 % 4096;

                free(entry[i]);
                entry[i] = NULL;
                if (k < live / bytes)
                    entry[i] = memset(malloc(bytes), 1, bytes);
                if (k % 64 != 0)
                    continue;
                now = held();
                peak = now > peak ? now : peak;
            }
    return peak;
}

int
main(int argc, char **argv)
{
    double first = argc > 2 ? atof(argv[2]) : 1;
    size_t second = argc > 3 ? (size_t)atol(argv[3]) : 0;

    if (argc > 2 && strcmp(argv[1], "pairs") == 0)
        printf("%.2f\n", pairs(first, 10000, 64));
    else if (argc > 2 && strcmp(argv[1], "spans") == 0)
        printf("%.2f\n", pairs(first, 2000, 20000));
    else if (argc > 3 && strcmp(argv[1], "cache") == 0)
        printf("%.1f\n", (entry_bytes = second, (double)cache(first) / 1024));
    else if (argc > 3 && strcmp(argv[1], "shift") == 0)
        printf("%.1f\n", (double)shift(first, second << 20) / 1024);
    else
        return 2;
    return 0;
}
