/* How long a thread is held when its stack is asked for.
 *
 *     bench_held SECONDS THREADS DEPTH
 *
 * Run under `weir run`. One thread at the bottom of DEPTH calls looks at the
 * clocks all the time; the others sleep as deep. When the number of captures
 * in its slot of the region has changed from one look to the next, the time
 * between the looks is what the capture took from it: signal, stack, counters
 * and return. At the end a line tells how many there were, then the median,
 * the 99th of a hundred and the maximum in microseconds: by the wall's clock,
 * where somebody else may have had the processor meanwhile, and by the
 * thread's own.
 */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "region/read.h"

enum { CAPTURES_MAX = 10000, WALL = 0, OWN = 1, CLOCKS = 2 };

struct look {
    double us[CLOCKS];
    uint64_t seq; /* of the slot */
};

static const struct wr_thread_slot *slot;
static double held[CLOCKS][CAPTURES_MAX];
static int captures, depth_wanted;
static double until_us;

static double
us_of(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void
take_look(struct look *l)
{
    l->us[WALL] = us_of(CLOCK_MONOTONIC);
    l->us[OWN] = us_of(CLOCK_THREAD_CPUTIME_ID);
    l->seq = atomic_load(&slot->capture_seq);
}

/* The capture came before or after the clocks of b were read, so it is in the
 * time before or after them: in the longer one. */
static void
note(const struct look *a, const struct look *b, const struct look *c)
{
    for (int k = 0; k < CLOCKS && captures < CAPTURES_MAX; k++) {
        double before = b->us[k] - a->us[k], after = c->us[k] - b->us[k];

        held[k][captures] = before > after ? before : after;
    }
    if (captures < CAPTURES_MAX)
        captures++;
}

static void
watch(void)
{
    struct look a, b, c;

    take_look(&a);
    take_look(&b);
    while (b.us[WALL] < until_us) {
        take_look(&c);
        if (b.seq != a.seq && b.seq % 2 == 0)
            note(&a, &b, &c);
        a = b;
        b = c;
    }
}

static void
rest(void)
{
    poll(NULL, 0, (int)((until_us - us_of(CLOCK_MONOTONIC)) / 1000));
}

/* The sum keeps each call from becoming a jump. */
__attribute__((noinline)) static int
descend(int depth, void (*then)(void))
{
    if (depth > 0)
        return descend(depth - 1, then) + (int)depth;
    then();
    return 0;
}

static void *
sleeper(void *unused)
{
    (void)unused;
    descend(depth_wanted, rest);
    return NULL;
}

/* Where the options say that this program's region is. */
static const struct wr_thread_slot *
own_slot(void)
{
    static struct wr_region_view view;
    char path[WR_PATH_MAX], why[256];
    const char *options = getenv("WEIR");
    const char *dir = options != NULL ? strstr(options, "dir=") : NULL;

    if (dir == NULL)
        return NULL;
    dir += 4;
    snprintf(path, sizeof path, "%.*s/%d%s", (int)strcspn(dir, ","), dir,
             getpid(), WR_REGION_SUFFIX);
    if (wr_region_open(&view, path, why, sizeof why) != 0)
        return NULL;
    for (uint64_t i = 0; i < wr_view_used(&view, WR_TABLE_THREADS); i++)
        if (wr_view_thread(&view, i)->tid == (uint32_t)getpid())
            return wr_view_thread(&view, i);
    return NULL;
}

static int
by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

int
main(int argc, char **argv)
{
    pthread_t thread;

    if (argc != 4 || (slot = own_slot()) == NULL) {
        fputs("usage: weir run -- bench_held SECONDS THREADS DEPTH\n", stderr);
        return 2;
    }
    puts("ready");
    fflush(stdout);
    depth_wanted = atoi(argv[3]);
    until_us = us_of(CLOCK_MONOTONIC) + atof(argv[1]) * 1e6;
    for (int i = 1; i < atoi(argv[2]); i++)
        pthread_create(&thread, NULL, sleeper, NULL);
    descend(depth_wanted, watch);
    for (int k = 0; k < CLOCKS; k++)
        qsort(held[k], (size_t)captures, sizeof held[k][0], by_value);
    if (captures == 0)
        return 1;
    printf("%d", captures);
    for (int k = 0; k < CLOCKS; k++)
        printf(" %.1f %.1f %.1f", held[k][captures / 2],
               held[k][captures - 1 - captures / 100], held[k][captures - 1]);
    putchar('\n');
    return 0;
}
