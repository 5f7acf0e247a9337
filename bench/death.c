/* Loads for bench/death.sh.
 *
 *     death hold SITES MIB     so much live, from so many call stacks; says
 *                              "ready" and waits
 *     death enter MILLIONS     pairs of weir_budget_enter and _leave, around a
 *                              pair of malloc and free
 *     death alone MILLIONS     the pair of malloc and free alone
 *     death reserve MILLIONS   pairs of weir_budget_reserve and _release
 *     death idle SECONDS MS    a block every 100 ms, and a monitor of that
 *                              interval (0: none): CPU time in us a second
 * enter, alone and reserve print ns of a turn.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <weir/budget.h>
#include <weir/monitor.h>

static double
seconds(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* What the preloaded library has under that name. */
static void *
named(const char *name)
{
    void *found = dlsym(RTLD_DEFAULT, name);

    if (found == NULL) {
        fprintf(stderr, "death: there is no %s: preload libweir.so\n", name);
        exit(1);
    }
    return found;
}

/* ---- hold ---- */

static void *walk(unsigned path, size_t bytes);

#define WAY(name)                                                              \
    __attribute__((noinline)) static void *name(unsigned path, size_t bytes)   \
    {                                                                          \
        void *p = walk(path, bytes);                                           \
        __asm__ volatile("" : "+r"(p)); /* no tail call */                     \
        return p;                                                              \
    }
WAY(north)
WAY(east)
WAY(south)
WAY(west)

/* Two bits of the path are a step, so each path is a stack of its own. */
static void *
walk(unsigned path, size_t bytes)
{
    static void *(*const ways[])(unsigned, size_t) = {north, east, south, west};

    return path < 4 ? malloc(bytes) : ways[path & 3](path >> 2, bytes);
}

static _Noreturn void
hold(unsigned sites, size_t mib)
{
    enum { BYTES = 4000 };

    for (size_t i = 0; i < (mib << 20) / BYTES; i++)
        memset(walk((unsigned)(i % sites) * 4 + 4, BYTES), 1, BYTES);
    puts("ready");
    fflush(stdout);
    for (;;)
        pause();
}

/* ---- turns ---- */

static void
block(void)
{
    void *volatile p = malloc(100);

    free(p);
}

static double
enter(double turns)
{
    weir_err (*make)(weir_budget **, const char *, weir_budget *, uint64_t,
                     unsigned);
    weir_budget *(*in)(weir_budget *);
    void (*out)(weir_budget *);
    weir_budget *mine, *before;
    double begin;

    *(void **)&make = named("weir_budget_new");
    *(void **)&in = named("weir_budget_enter");
    *(void **)&out = named("weir_budget_leave");
    make(&mine, "requests", NULL, (uint64_t)1 << 30, 0);
    begin = seconds(CLOCK_MONOTONIC);
    for (double i = 0; i < turns; i++) {
        before = in(mine);
        block();
        out(before);
    }
    return (seconds(CLOCK_MONOTONIC) - begin) * 1e9 / turns;
}

static double
alone(double turns)
{
    double begin = seconds(CLOCK_MONOTONIC);

    for (double i = 0; i < turns; i++)
        block();
    return (seconds(CLOCK_MONOTONIC) - begin) * 1e9 / turns;
}

static double
reserve(double turns)
{
    weir_err (*make)(weir_budget **, const char *, weir_budget *, uint64_t,
                     unsigned);
    weir_err (*take)(weir_budget *, uint64_t);
    void (*give)(weir_budget *, uint64_t);
    weir_budget *mine;
    double begin;

    *(void **)&make = named("weir_budget_new");
    *(void **)&take = named("weir_budget_reserve");
    *(void **)&give = named("weir_budget_release");
    make(&mine, "requests", NULL, (uint64_t)1 << 30, 0);
    begin = seconds(CLOCK_MONOTONIC);
    for (double i = 0; i < turns; i++)
        if (take(mine, 1000) == WEIR_OK)
            give(mine, 1000);
    return (seconds(CLOCK_MONOTONIC) - begin) * 1e9 / turns;
}

/* ---- idle ---- */

static double
idle(double time, unsigned interval)
{
    struct weir_monitor m = {.interval_ms = interval};
    weir_err (*start)(const struct weir_monitor *);
    double end = seconds(CLOCK_MONOTONIC) + time, begin;

    if (interval > 0) {
        *(void **)&start = named("weir_monitor_start");
        start(&m);
    }
    begin = seconds(CLOCK_PROCESS_CPUTIME_ID);
    while (seconds(CLOCK_MONOTONIC) < end) {
        block();
        usleep(100000);
    }
    return (seconds(CLOCK_PROCESS_CPUTIME_ID) - begin) * 1e6 / time;
}

int
main(int argc, char **argv)
{
    const char *what = argc > 2 ? argv[1] : "";
    double first = argc > 2 ? atof(argv[2]) : 0;
    unsigned second = argc > 3 ? (unsigned)atoi(argv[3]) : 0;

    if (strcmp(what, "hold") == 0)
        hold((unsigned)first, second);
    else if (strcmp(what, "enter") == 0)
        printf("%.1f\n", enter(first * 1e6));
    else if (strcmp(what, "alone") == 0)
        printf("%.1f\n", alone(first * 1e6));
    else if (strcmp(what, "reserve") == 0)
        printf("%.1f\n", reserve(first * 1e6));
    else if (strcmp(what, "idle") == 0)
        printf("%.0f\n", idle(first, second));
    else
        return fprintf(stderr, "death: see the top of death.c\n"), 2;
    return 0;
}
